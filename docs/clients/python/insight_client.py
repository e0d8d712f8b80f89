"""What a program waits for, from its stream: `insight_client.py 127.0.0.1:8080 [--once]`. See ../README.md."""
import collections, json, jsonschema, pathlib, sys, urllib.request
SCHEMA = json.loads(pathlib.Path(__file__, "../../../../schema/v1/accept.schema.json").resolve().read_text("utf-8"))
FREED_BY = {"send": "receiver", "reserve": "receiver", "recv": "sender", "join": "joined"}

def fold(known, message):
    match message["type"].split("."):
        case ["snapshot", "begin"]: known.clear()  # Nothing that was sent before it is referenced after it.
        case ["define", "string" | "location" as what]: known[what][message["id"]] = message
        case (["task" as what, "spawned" | "stats"] | ["resource" as what, "created" | "updated"]
              | ["edge" as what, "wait" | "hold" | "party"]):  # What is absent from an update is as before.
            known[what].setdefault(message["id"], {}).update({k: v for k, v in message.items() if v is not None})
        case ["edge" | "problem" as what, "closed" | "cleared"]: known[what].pop(message["id"], None)
        case ["resource", "dropped"]:  # Its edges are closed with it.
            known["edge"] = {id: edge for id, edge in known["edge"].items() if edge["resource"] != message["id"]}
        case ["problem", "raised" | "updated"]: known["problem"][message["problem"]["id"]] = message["problem"]
        case ["gap" as what] | ["stream", "coverage" as what]: known[what][message["seq"]] = message

def shown(known):
    def text(id): return known["string"].get(id, {"text": "?"})["text"]
    def named(it): return f"{it.get('kind', '?')} {it.get('id')} {text(it['name']) if 'name' in it else ''}".rstrip()
    def place(it): return f"{it['file']}:{it['line']}:{it['column']}" if it else "an unknown place"
    said = [{"executors": []}, *known["coverage"].values()][-1]  # The latest; without one, all is unknown.
    rest = [{"name": "packages", "version": "of the graph"}] if (rest := said.get("packages")) is None else rest
    yield from (f"not observed: {it['name']} {it['version']}: {it.get('unobserved_tasks', it.get('reason', '?'))}"
                for it in said["executors"] + rest if not it.get("covered"))
    waits, freers = [], collections.defaultdict(list)
    for it in known["edge"].values(): (waits if it["type"] == "edge.wait" else freers[it["resource"]]).append(it)
    for wait in sorted(waits, key=lambda wait: (wait["task"], wait["id"])):
        role, resource = FREED_BY.get(wait["operation"]), known["resource"].get(wait["resource"], {})
        edges = [it for it in freers[wait["resource"]] if it["type"] == "edge.hold" or role in (None, it["role"])]
        free = [f"{named(known['task'].get(it['task'], {}))} ({it.get('role') or it['mode']})" for it in edges]
        counts = [resource.get(it) for it in ("senders", "weak_senders", "receivers") if f"{role}s" in it]  # Or unknown.
        unknown = "?" if None in counts else max(0, sum(counts) - sum(it.get("exclusive", False) for it in edges))
        if unknown: free.append(f"{unknown} unknown ({role})")
        yield f"{named(known['task'].get(wait['task'], {}))} waits for {named(resource)}"
        yield f"  {text(wait['reason'])}, at {place(known['location'].get(wait.get('location')))}"
        yield f"  could be freed by {', '.join(free) or 'somebody unknown'}"
    for it in sorted(known["problem"].values(), key=lambda it: ("hang degraded notice".find(it["severity"]), it["tier"])):
        yield f"problem {it['id']}: {it['severity']}, {'suspected' if known['gap'] else it['tier']} {it['kind']}: {it['title']}"
        yield from ("  " + line for line in [*it.get("explanation", []), it["advice"]])
    yield from (f"partial: {gap['count']} facts are missing: {gap['reason']}" for gap in known["gap"].values())

accepts, known, seq, now = jsonschema.Draft202012Validator(SCHEMA), collections.defaultdict(dict), 0, None
for line in urllib.request.urlopen(f"http://{sys.argv[1]}/v1/stream", timeout=10):
    if not line.endswith(b"\n"): break  # Cut off, and not malformed.
    try: accepts.validate(message := json.loads(line, parse_float=str))  # A fraction is an error for a number only.
    except (ValueError, RecursionError, jsonschema.ValidationError):
        message = {"type": "gap", "seq": seq + 1, "count": 1, "reason": "malformed lines"}
    if message["seq"] != seq + 1: known["gap"][-seq] = {"count": message["seq"] - seq - 1, "reason": "lost lines"}
    seq = message["seq"]
    if message["type"] == "stream.header" and not message["protocol"].startswith("1."):
        sys.exit(f"this client reads protocol 1, and the stream is {message['protocol']}")
    fold(known, message)
    if message["type"] == "stream.heartbeat":  # Only now do all facts that belong together stand in the stream.
        before, now = now, ["".join(c if c.isprintable() else "\ufffd" for c in it) for it in shown(known)]
        if now != before: print(f"at {message['at_ns'] / 1e9:.1f} s: {len(known['edge'])} edges", *now, sep="\n")
        if "--once" in sys.argv: sys.exit()
sys.exit("the stream has ended")
