"""What a program waits for, from its stream: `insight_client.py 127.0.0.1:8080 [--once]`. See ../README.md."""
import collections, json, jsonschema, pathlib, sys, urllib.request
from can_end import can_end
SCHEMA = json.loads(pathlib.Path(__file__, "../../../../schema/v1/accept.schema.json").resolve().read_text("utf-8"))

def fold(known, message):
    match message["type"].split("."):
        case ["snapshot", "begin"]: known.clear()  # Nothing that was sent before it is referenced after it.
        case ["define", "string" | "location" as what]: known[what][message["id"]] = message
        case ["task", "awaits"]: known["awaits"][message["id"]] = message
        case ["task", "completed" | "ended"]:
            known["awaits"].pop(message["id"], None)
            known["task"].setdefault(message["id"], {})["state"] = "completed"
            if message["outcome"] == "panicked":
                known["panicked"][message["id"]] = {**known["task"].get(message["id"], {}), **message}
        case (["task" as what, "spawned" | "updated" | "stats"] | ["resource" as what, "created" | "updated"]
              | ["edge" as what, "wait" | "hold" | "party"]):  # What is absent from an update is as before.
            known[what].setdefault(message["id"], {}).update({k: v for k, v in message.items() if v is not None})
            if message["type"] == "edge.wait": known["awaits"].pop(message["task"], None)  # They are outdated.
            if message["type"] == "task.stats" and known["awaits"].get(message["id"], message)["polls"] != message["polls"]:
                del known["awaits"][message["id"]]
        case ["edge", "updated"]: known["waiter"][message["id"]] = message  # It replaces the one before it.
        case ["edge" | "problem" as what, "closed" | "cleared"]:
            ended = known[what].pop(message["id"], {})
            if ended.get("type") == "edge.wait": known["awaits"].pop(ended["task"], None)
        case ["resource", "dropped"]:  # Its edges are closed with it.
            for edge in [it for it in known["edge"].values() if it["resource"] == message["id"]]:
                fold(known, {"type": "edge.closed", "id": edge["id"]})
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
    def own(it):  # Its innermost own line, or else the outermost line of a library.
        of = {kind: [frame for frame in it.get("frames") or [] if frame.get("kind") == kind] for kind in ("own", "dependency")}
        best = of["own"][:1] or of["dependency"][-1:] or [{}]
        return place(known["location"].get(best[0].get("location")))
    idle = [it for it in sorted(known["awaits"].items()) if known["task"].get(it[0], {}).get("state") != "running"]
    awaits = [(task, it) for task, all in idle for it in all.get("awaits") or []]
    at = {it["edge"]: own(it) for _, it in awaits if it.get("edge")}
    waits = [it for it in known["edge"].values() if it["type"] == "edge.wait"]
    for wait in sorted(waits, key=lambda wait: (wait["task"], wait["id"])):
        ends = can_end(known, wait["id"])
        free = [f"{named(known['task'].get(it['task'], {}))} ({it['reason']})" for it in ends["tasks"]]
        ways = [f"{it.get('count', '')} {it['reason']}".lstrip() for it in ends["others"]]
        if ways: free.append(f"other code ({', '.join(ways)})")
        yield f"{named(known['task'].get(wait['task'], {}))} waits for {named(known['resource'].get(wait['resource'], {}))}"
        if wait["id"] in at: yield f"  awaited at {at[wait['id']]}"
        yield f"  {text(wait['reason'])}, at {place(known['location'].get(wait.get('location')))}"
        yield f"  could be freed by {', '.join(free) or 'nothing that is known'}"
    yield from (f"{named(known['task'].get(task, {}))} awaits {text(it.get('function'))}, at {own(it)}"
                for task, it in awaits if not it.get("edge"))
    for it in sorted(known["problem"].values(), key=lambda it: ("hang degraded notice".find(it["severity"]), it["tier"])):
        yield f"problem {it['id']}: {it['severity']}, {'suspected' if known['gap'] else it['tier']} {it['kind']}: {it['title']}"
        yield from ("  " + line for line in [*it.get("explanation", []), it["advice"]])
    yield from (f"{named(it)} panicked: {it.get('panic') or '?'}" for it in known["panicked"].values() if "kind" in it)
    yield from (f"partial: {gap['count']} facts are missing: {gap['reason']}" for gap in known["gap"].values())

if sys.argv[1:] == ["--vectors"]:  # The cases of `insight-conformance vectors --all`, one a line.
    for case in map(json.loads, sys.stdin):
        known = collections.defaultdict(dict)
        for message in case["messages"]: fold(known, message)
        print(json.dumps({"name": case["name"], "answer": can_end(known, case["wait"])}))
    sys.exit()
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
