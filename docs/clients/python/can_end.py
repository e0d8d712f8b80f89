"""Who can end a wait: the steps of SPEC.md, on what `fold` of insight_client.py knows."""
ORDER = ["sender", "receiver", "weak_sender", "outside", "holder", "joined", "missing", "transferable", "permits",
         "closed_by_any", "any_code", "timer", "unexplained", "gap"]
HARMLESS = {"task.updated", "task.stats", "task.polls", "task.operation", "task.awaits", "resource.created", "edge.party"}
ENDS = ["channel", "oneshot", "watch", "broadcast"]
# By kind and operation: the roles, whether it has holders and a queue, and a reason that is always one of `others`.
ROWS = {("mutex", "lock"): ([], True, "lock", None), ("once_cell", "init"): ([], True, "init", None),
        ("rwlock", "read"): ([], True, "rw", None), ("rwlock", "write"): ([], True, "rw", None),
        ("semaphore", "acquire"): ([], True, "acquire", "permits"), ("once_cell", "wait"): ([], True, None, "any_code"),
        ("channel", "send"): (["receiver"], True, "room", None), ("channel", "reserve"): (["receiver"], True, "room", None),
        ("broadcast", "send"): (["receiver"], False, None, None), ("join", "join"): (["joined"], False, None, None),
        ("barrier", "wait"): ([], False, None, "missing"), ("notify", "notified"): ([], False, None, "any_code"),
        ("timer", "sleep"): ([], False, None, "timer"),
        **{(kind, operation): (["sender"], kind == "channel", None, None) for kind in ENDS for operation in ("recv", "changed")},
        **{(kind, "closed"): (["sender", "receiver"], False, None, None) for kind in ENDS}}

def can_end(known, id):
    wait = known["edge"][id]
    if granted(known, wait):  # Step 1
        return {"tasks": [{"task": wait["task"], "edge": id, "reason": "granted"}], "others": []}
    resource, operation = known["resource"].get(wait["resource"], {}), wait["operation"]
    kind, hand_off, capacity = resource.get("kind"), resource.get("hand_off"), resource.get("capacity")
    row = ROWS.get((kind, operation))
    roles, holders, queue, always = row or ([], True, None, "unexplained")
    edges = [it for it in known["edge"].values() if it["resource"] == wait["resource"]
             and (it.get("role") == "joined" or not ended(known, it["task"]))]  # Step 2
    parties = [it for it in edges if it["type"] == "edge.party"]
    if capacity is not None and kind in ("semaphore", "channel") and row and wait["need"] > max(capacity, kind == "channel"):
        holders, queue = False, None  # Step 3
    holds = [it for it in edges if it["type"] == "edge.hold" and holders]  # Step 4
    if operation == "closed" and row:  # Step 5
        own = {it["role"] for it in parties if it["task"] == wait["task"]} & set(roles)
        roles = roles if len(own) != 1 else [role for role in roles if role not in own]
    parties = [it for it in parties if not row or it["role"] in roles]
    others_in_queue = [it for it in edges if it["type"] == "edge.wait" and it["id"] != id and queue and hand_off
                       and ROWS.get((kind, it["operation"]), [None] * 4)[2] == queue
                       and (it["operation"] == "write" or operation != "read" or hand_off == "barging")]
    with_units = [it for it in others_in_queue if granted(known, it)]
    if hand_off not in ("fifo", "writer_first", "barging"): with_units = []  # Step 6
    waiting = [it for it in others_in_queue if not granted(known, it)]
    modes = {it["mode"] for it in holds}
    ahead = []  # Step 7
    if hand_off == "fifo":
        ahead = [it for it in waiting if it["since_ns"] <= wait["since_ns"]]
        if operation == "read" and "shared" in modes and not ahead and not with_units:
            close = [it for it in waiting if it["since_ns"] < wait["since_ns"] + 100_000_000]
            ahead = sorted(close, key=lambda it: (it["since_ns"], it["id"]))[:1]
    elif hand_off == "writer_first" and operation == "read" and "exclusive" not in modes:
        ahead = waiting
    others = {}
    for role in roles:
        if role == "joined":  # Step 10
            others["joined"] = resource.get("length", max(1, len(parties))) - len(parties)
            continue
        own = sum(it["role"] == role and it.get("exclusive", False) for it in parties)  # Step 8
        others[role] = resource[f"{role}s"] - own if f"{role}s" in resource else None
        if role == "sender" and operation != "closed": others["weak_sender"] = resource.get("weak_senders")
        others["outside"] = others.get("outside", 0) + resource.get(f"outside_{role}s", 0)
    least = 0 if holds or with_units else 1  # Step 9
    handed = [] if hand_off == "barging" else with_units
    if queue in ("lock", "init"): others["holder"] = least
    if queue == "rw" and "exclusive" not in modes:
        others["holder"] = max(least, resource["length"] - len(holds + handed)) if "length" in resource else None
    if queue == "acquire":
        taken = sum(it["units"] for it in holds) + sum(it["need"] for it in handed)
        others["holder"] = resource["length"] - taken if "length" in resource else None
    tasks = [(it, "holder") for it in holds] + [(it, it["role"]) for it in parties]
    tasks += [(it, "granted") for it in with_units] + [(it, "ahead") for it in ahead]
    others["transferable"] = sum(it.get("transferable", False) for it, _ in tasks)  # Step 12
    if always: others[always] = None  # Step 13
    if always == "missing" and capacity is not None and "length" in resource:  # Step 11
        others["missing"] = max(1, capacity - resource["length"])
    if resource.get("closed_by_any"): others["closed_by_any"] = None
    kinds = {kind for gap in known["gap"].values() for kind in gap.get("kinds") or ["edge.any"]}  # Step 14
    if any(kind.startswith(("task.", "resource.", "edge.")) for kind in kinds - HARMLESS): others["gap"] = None
    tasks = sorted(({"task": it["task"], "edge": it["id"], "reason": why} for it, why in tasks), key=lambda it: (it["task"], it["edge"]))
    return {"tasks": tasks, "others": [{"reason": why, **({} if others[why] is None else {"count": others[why]})} for why in ORDER
                                       if why in others and (others[why] is None or others[why] > 0)]}

def granted(known, wait): return known["waiter"].get(wait["id"], {}).get("granted_ns") is not None

def ended(known, task): return known["task"].get(task, {"state": "completed"}).get("state") == "completed"
