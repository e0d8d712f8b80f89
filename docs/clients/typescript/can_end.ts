// Who can end a wait: the steps of SPEC.md, on what the fold of program.ts knows.
import type * as insight from "./insight.js";
import type { Program, Resource } from "./program.js";

export type ByTask = { task: insight.TaskId; edge: insight.EdgeId; reason: string };
export type ByOther = { reason: string; count?: number };
export type CanEnd = { tasks: ByTask[]; others: ByOther[] };

type Row = { roles?: string[]; holders?: boolean; queue?: string; other?: string };

const ORDER = [
  "sender", "receiver", "weak_sender", "outside", "holder", "joined", "missing", "transferable", "permits", "closed_by_any",
  "any_code", "timer", "unexplained", "gap",
];
const HARMLESS = ["task.updated", "task.stats", "task.polls", "task.operation", "task.awaits", "resource.created", "edge.party"];
const CLOSE_NS = 100_000_000;

/** The row of the wait in the table of SPEC.md; undefined for any other pair. */
function rowOf(kind: string | undefined, operation: string): Row | undefined {
  switch (`${kind} ${operation}`) {
    case "mutex lock": case "once_cell init": return { holders: true, queue: operation };
    case "rwlock read": case "rwlock write": return { holders: true, queue: "rwlock" };
    case "semaphore acquire": return { holders: true, queue: operation, other: "permits" };
    case "channel send": case "channel reserve": return { roles: ["receiver"], holders: true, queue: "room" };
    case "channel recv": case "channel changed": return { roles: ["sender"], holders: true };
    case "broadcast send": return { roles: ["receiver"] };
    case "join join": return { roles: ["joined"] };
    case "barrier wait": return { other: "missing" };
    case "notify notified": return { other: "any_code" };
    case "once_cell wait": return { holders: true, other: "any_code" };
    case "timer sleep": return { other: "timer" };
  }
  if (!["channel", "oneshot", "watch", "broadcast"].includes(kind ?? "")) return undefined;
  if (operation === "recv" || operation === "changed") return { roles: ["sender"] };
  return operation === "closed" ? { roles: ["sender", "receiver"] } : undefined;
}

export function canEnd(program: Program, wait: insight.EdgeWait): CanEnd {
  const granted = (it: insight.EdgeWait) => (program.waiters.get(it.id)?.granted_ns ?? undefined) !== undefined;
  // Step 1
  if (granted(wait)) return { tasks: [{ task: wait.task, edge: wait.id, reason: "granted" }], others: [] };
  const resource: Partial<Resource> = program.resources.get(wait.resource) ?? {};
  const { kind, capacity, hand_off, length } = resource;
  const row = rowOf(kind, wait.operation);
  let { roles = [], holders, queue, other }: Row = row ?? { holders: true, other: "unexplained" };

  // Step 2
  const waits: insight.EdgeWait[] = [], allHolds: insight.EdgeHold[] = [], allParties: insight.EdgeParty[] = [];
  for (const edge of program.edges.values()) {
    if (edge.resource !== wait.resource) continue;
    const ended = !program.tasks.has(edge.task) || program.ended.has(edge.task);
    if (edge.type === "edge.party" && (edge.role === "joined" || !ended)) allParties.push(edge);
    if (edge.type === "edge.hold" && !ended) allHolds.push(edge);
    if (edge.type === "edge.wait" && !ended) waits.push(edge);
  }
  // Step 3
  const all = kind === "channel" ? Math.max(capacity ?? Infinity, 1) : kind === "semaphore" ? capacity ?? Infinity : Infinity;
  if (row && wait.need > all) [holders, queue] = [false, undefined];
  const holds = holders ? allHolds : []; // Step 4
  // Step 5
  if (wait.operation === "closed") {
    const own = roles.filter((role) => allParties.some((it) => it.task === wait.task && it.role === role));
    if (own.length === 1) roles = roles.filter((role) => role !== own[0]);
  }
  const parties = allParties.filter(({ role }) => !row || roles.includes(role));
  // Step 6
  const known = hand_off === "fifo" || hand_off === "writer_first" || hand_off === "barging";
  const queued = waits.filter((it) =>
    known && queue && it.id !== wait.id && rowOf(kind, it.operation)?.queue === queue &&
    (it.operation === "write" || wait.operation !== "read" || hand_off === "barging"));
  const withUnits = queued.filter(granted);
  const waiting = queued.filter((it) => !granted(it));
  // Step 7
  const reads = wait.operation === "read";
  let ahead: insight.EdgeWait[] = [];
  if (hand_off === "fifo") {
    ahead = waiting.filter((it) => it.since_ns <= wait.since_ns);
    if (reads && ahead.length + withUnits.length === 0 && holds.some(({ mode }) => mode === "shared")) {
      const close = waiting.filter((it) => it.since_ns < wait.since_ns + CLOSE_NS);
      ahead = close.sort((a, b) => a.since_ns - b.since_ns || a.id - b.id).slice(0, 1);
    }
  } else if (hand_off === "writer_first" && reads && !holds.some(({ mode }) => mode === "exclusive")) {
    ahead = waiting;
  }

  const counts = new Map<string, number | undefined>(); // An unknown number is undefined.
  const less = (count: number | null | undefined, known: number) => (count == null ? undefined : count - known);
  let outside = 0;
  for (const role of roles) {
    const own = parties.filter((it) => it.role === role && it.exclusive).length;
    // Step 8
    if (role === "sender") {
      counts.set("sender", less(resource.senders, own));
      if (wait.operation !== "closed") counts.set("weak_sender", resource.weak_senders ?? undefined);
      outside += resource.outside_senders ?? 0;
    } else if (role === "receiver") {
      counts.set("receiver", less(resource.receivers, own));
      outside += resource.outside_receivers ?? 0;
    } else {
      counts.set("joined", (length ?? Math.max(1, parties.length)) - parties.length); // Step 10
    }
  }
  counts.set("outside", outside);
  // Step 9
  const least = holds.length + withUnits.length > 0 ? 0 : 1;
  const handed = hand_off === "barging" ? [] : withUnits;
  if (queue === "lock" || queue === "init") counts.set("holder", least);
  if (queue === "rwlock" && !holds.some(({ mode }) => mode === "exclusive")) {
    counts.set("holder", length == null ? undefined : Math.max(least, length - holds.length - handed.length));
  }
  if (queue === "acquire") {
    const units = [...holds.map((it) => it.units), ...handed.map((it) => it.need)].reduce((sum, it) => sum + it, 0);
    counts.set("holder", less(length, units));
  }
  const entry = (reason: string) => (edge: insight.EdgeWait | insight.EdgeHold) => ({ edge, reason });
  const held = [...holds.map(entry("holder")), ...withUnits.map(entry("granted")), ...ahead.map(entry("ahead"))];
  counts.set("transferable", held.filter(({ edge }) => edge.transferable).length); // Step 12
  if (other) counts.set(other, undefined); // Step 13
  if (other === "missing" && capacity != null && length != null) counts.set(other, Math.max(1, capacity - length)); // Step 11
  if (resource.closed_by_any) counts.set("closed_by_any", undefined);
  // Step 14
  const lost = (kind: string) => /^(task|resource|edge)[.]/.test(kind) && !HARMLESS.includes(kind);
  if (program.missing.some(({ kinds = [] }) => kinds.length === 0 || kinds.some(lost))) counts.set("gap", undefined);

  // Step 15
  const tasks = [...held, ...parties.map((edge) => ({ edge, reason: edge.role as string }))]
    .map(({ edge, reason }) => ({ task: edge.task, edge: edge.id, reason }))
    .sort((a, b) => a.task - b.task || a.edge - b.edge);
  const others = ORDER.filter((reason) => counts.has(reason)).flatMap((reason): ByOther[] => {
    const count = counts.get(reason);
    return count === undefined ? [{ reason }] : count > 0 ? [{ reason, count }] : [];
  });
  return { tasks, others };
}
