// Made from schema/v1/accept.schema.json by generate.mjs; not to be edited.

/**
 * One line of a stream; the field `type` says which message it is.
 */
export type Message =
  | StreamHeader
  | StreamHeartbeat
  | StreamCoverage
  | DefineString
  | DefineLocation
  | TaskSpawned
  | TaskCompleted
  | TaskStats
  | TaskPolls
  | ResourceCreated
  | ResourceUpdated
  | ResourceDropped
  | EdgeWait
  | EdgeHold
  | EdgeParty
  | EdgeUpdated
  | EdgeClosed
  | ProblemRaised
  | ProblemUpdated
  | ProblemCleared
  | SnapshotBegin
  | SnapshotEnd
  | Gap;
/**
 * Something a producer can observe.
 */
export type Capability =
  | "tasks"
  | "task.times"
  | "task.foreign_wakers"
  | "resource.mutex"
  | "resource.rwlock"
  | "resource.semaphore"
  | "resource.channel"
  | "resource.join"
  | "resource.timer"
  | (string & {});
/**
 * How much a producer sends.
 */
export type Detail = "structure" | "polls" | (string & {});
/**
 * The id of an interned string.
 * A number from 1 to 2^53 - 1, never reused in a session.
 */
export type StringId = number;
/**
 * The id of an interned source location.
 * A number from 1 to 2^53 - 1, never reused in a session.
 */
export type LocationId = number;
/**
 * Whether the text of a source line was found.
 */
export type SourceStatus = "found" | "changed" | "missing" | (string & {});
/**
 * The id of a task.
 * A number from 1 to 2^53 - 1, never reused in a session.
 */
export type TaskId = number;
/**
 * What a task is to its executor.
 */
export type TaskKind = "task" | "local" | "blocking" | "block_on" | (string & {});
/**
 * How a task ended.
 */
export type Outcome = "returned" | "panicked" | "cancelled" | "unseen" | (string & {});
/**
 * What a task does.
 */
export type TaskState = "running" | "scheduled" | "idle" | "completed";
/**
 * Who of those that wait for a resource gets what becomes free.
 */
export type HandOff = "fifo" | "writer_first" | "barging" | (string & {});
/**
 * The id of a resource.
 * A number from 1 to 2^53 - 1, never reused in a session.
 */
export type ResourceId = number;
/**
 * What a resource is.
 */
export type ResourceKind =
  | "channel"
  | "mutex"
  | "rwlock"
  | "semaphore"
  | "notify"
  | "oneshot"
  | "watch"
  | "broadcast"
  | "barrier"
  | "once_cell"
  | "join"
  | "timer"
  | "io"
  | "blocking_slot"
  | "foreign"
  | (string & {});
/**
 * The id of an edge.
 * A number from 1 to 2^53 - 1, never reused in a session.
 */
export type EdgeId = number;
/**
 * What a waiting task is doing.
 */
export type Operation =
  | "send"
  | "reserve"
  | "recv"
  | "closed"
  | "lock"
  | "read"
  | "write"
  | "acquire"
  | "notified"
  | "changed"
  | "init"
  | "wait"
  | "join"
  | "sleep"
  | (string & {});
/**
 * How a task holds a resource.
 */
export type HoldMode = "exclusive" | "shared" | "permit" | (string & {});
/**
 * By what a task can free a resource.
 */
export type PartyRole = "sender" | "receiver" | "joined" | (string & {});
/**
 * Why an edge ended.
 */
export type EdgeOutcome = "claimed" | "abandoned" | "released" | "moved" | (string & {});
/**
 * The id of a problem.
 * A number from 1 to 2^53 - 1, never reused in a session.
 */
export type ProblemId = number;
/**
 * What is wrong.
 */
export type ProblemKind =
  | "deadlock"
  | "self_deadlock"
  | "channel_cycle"
  | "lock_across_join"
  | "read_behind_writer"
  | "futurelock"
  | "channel_full"
  | "forgotten_party"
  | "lost_wakeup"
  | "worker_blocked"
  | "runtime_blocked"
  | "blocking_pool_exhausted"
  | "never_yields"
  | "spins"
  | "waker_storm"
  | "task_leak"
  | "lock_held_long"
  | "large_future"
  | (string & {});
/**
 * How sure a diagnosis is.
 */
export type Tier = "proven" | "suspected";

/**
 * The first message of every stream: who speaks, in which version, and what it can observe.
 */
export interface StreamHeader {
  /**
   * The producer's time when this stream was opened.
   */
  at_ns: number;
  /**
   * What this producer can observe; what is absent is unsupported.
   */
  capabilities: Capability[];
  /**
   * What times are measured by.
   */
  clock: Clock;
  /**
   * How much is sent.
   */
  detail: Detail;
  /**
   * The executors seen so far.
   */
  executors: Executor[];
  /**
   * Extensions in use, as reverse-DNS names.
   */
  extensions?: string[];
  /**
   * How often counters are sampled, in milliseconds; an edge that opens and closes in between may not be sent.
   */
  interval_ms: number;
  /**
   * The process that is observed.
   */
  process: Process;
  /**
   * The protocol version, `major.minor`.
   */
  protocol: string;
  /**
   * The message's number in the stream: 1 in the first message, and one more in each.
   */
  seq: number;
  /**
   * An id of this run of this process; ids of tasks, resources and edges are unique within it.
   */
  session: string;
  type: "stream.header";
}
/**
 * What times are measured by: nanoseconds since the session's start, on a clock that never goes back.
 */
export interface Clock {
  /**
   * The wall clock at time 0, in milliseconds since 1970-01-01T00:00:00Z.
   */
  wall_anchor_unix_ms: number;
}
/**
 * An executor that runs tasks of this process.
 */
export interface Executor {
  /**
   * Its name, such as `tokio`.
   */
  name: string;
  /**
   * The version of its adapter's runtime, such as `1.54`.
   */
  version: string;
}
/**
 * The process that is observed.
 */
export interface Process {
  /**
   * The name of the executable file.
   */
  name: string;
  /**
   * The operating system's process id.
   */
  pid: number;
  /**
   * The directory in which it runs.
   */
  working_directory?: string | null;
}
/**
 * Time passes, and the stream is alive. Sent after each sample, and at least once a second.
 */
export interface StreamHeartbeat {
  /**
   * The producer's time: every exact fact up to here has been sent, and every sampled one was looked at, then or later.
   */
  at_ns: number;
  /**
   * The message's number in the stream: 1 in the first message, and one more in each.
   */
  seq: number;
  type: "stream.heartbeat";
}
/**
 * Which part of the program is observed. The latest one is true; [`SnapshotBegin`](crate::SnapshotBegin) ends it.
 */
export interface StreamCoverage {
  /**
   * The producer's time.
   */
  at_ns: number;
  /**
   * The executors whose tasks are observed, as far as they have been used.
   */
  executors: ExecutorCoverage[];
  /**
   * The packages of the program's dependency graph in which a task can wait; absent when the graph is unknown.
   */
  packages?: PackageCoverage[] | null;
  /**
   * Number of packages that did not fit into `packages`.
   */
  packages_left_out?: number;
  /**
   * The message's number in the stream: 1 in the first message, and one more in each.
   */
  seq: number;
  type: "stream.coverage";
}
/**
 * An executor, and its tasks that are not observed.
 */
export interface ExecutorCoverage {
  /**
   * Its name, such as `tokio`.
   */
  name: string;
  /**
   * Number of live tasks that the executor counts and whose spawn was not observed, at least; absent when unknown.
   */
  unobserved_tasks?: number | null;
  /**
   * The version of its adapter's runtime, such as `1.54`.
   */
  version: string;
}
/**
 * A package in which a task can wait.
 */
export interface PackageCoverage {
  /**
   * Whether its waits are observed.
   */
  covered: boolean;
  /**
   * Its name, such as `flume`.
   */
  name: string;
  /**
   * Why it is not covered, or how its waits show nevertheless.
   */
  reason?: string | null;
  /**
   * Its version, such as `0.11.1`.
   */
  version: string;
}
/**
 * A string that later messages name by its id.
 */
export interface DefineString {
  /**
   * The id.
   */
  id: StringId;
  /**
   * The message's number in the stream: 1 in the first message, and one more in each.
   */
  seq: number;
  /**
   * The string.
   */
  text: string;
  type: "define.string";
}
/**
 * A source location that later messages name by its id.
 */
export interface DefineLocation {
  /**
   * The column, from 1.
   */
  column: number;
  /**
   * The file, as the compiler names it: relative to the workspace, or absolute.
   */
  file: string;
  /**
   * The id.
   */
  id: LocationId;
  /**
   * The line, from 1.
   */
  line: number;
  /**
   * The message's number in the stream: 1 in the first message, and one more in each.
   */
  seq: number;
  /**
   * The text of the line, where the producer looked for it.
   */
  source?: SourceLine | null;
  type: "define.location";
}
/**
 * What the producer found when it looked for the text of a source line.
 */
export interface SourceLine {
  /**
   * Whether the line was found.
   */
  status: SourceStatus;
  /**
   * The text of the line, without the line's end.
   */
  text?: string | null;
}
/**
 * A task exists.
 */
export interface TaskSpawned {
  /**
   * When it was spawned; for a partial task, when it was first seen.
   */
  at_ns: number;
  /**
   * The name of its executor.
   */
  executor?: StringId | null;
  /**
   * The executor's own id of it.
   */
  executor_task_id?: number | null;
  /**
   * The size of its future, in bytes.
   */
  future_bytes?: number | null;
  /**
   * The id.
   */
  id: TaskId;
  /**
   * What it is to its executor.
   */
  kind: TaskKind;
  /**
   * Where it was spawned.
   */
  location?: LocationId | null;
  /**
   * Its name: given by the program, or its future's type made readable.
   */
  name?: StringId | null;
  /**
   * The task that spawned it.
   */
  parent?: TaskId | null;
  /**
   * Only its use of resources is seen: not its polls, its state, its wakers or its end.
   */
  partial?: boolean;
  /**
   * The message's number in the stream: 1 in the first message, and one more in each.
   */
  seq: number;
  type: "task.spawned";
}
/**
 * A task has ended; its id is not used again.
 */
export interface TaskCompleted {
  /**
   * When.
   */
  at_ns: number;
  /**
   * The id.
   */
  id: TaskId;
  /**
   * How it ended.
   */
  outcome: Outcome;
  /**
   * The message's number in the stream: 1 in the first message, and one more in each.
   */
  seq: number;
  type: "task.completed";
}
/**
 * The state of a task and its counters since it was spawned.
 */
export interface TaskStats {
  /**
   * When this was read.
   */
  at_ns: number;
  /**
   * How many live clones of its waker are held by something that is not a resource of this stream, such as a
   * timer or a socket. While it is not 0 such a thing may wake the task.
   */
  foreign_wakers?: number;
  /**
   * The task.
   */
  id: TaskId;
  /**
   * Time in state `idle` that ended before `since_ns`.
   */
  idle_ns: number;
  /**
   * Since its last poll, the last live clone of its waker was dropped, and it was not woken: nothing can wake it.
   */
  lost_waker?: boolean;
  /**
   * How long its polls took: entry `n` counts those of at least 2^n and less than 2^(n+1) nanoseconds (entry 0 from
   * 0). Ends at the last count that is not 0.
   */
  poll_ns_log2?: number[];
  /**
   * How often it was polled.
   */
  polls: number;
  /**
   * Time in state `running` that ended before `since_ns`.
   */
  running_ns: number;
  /**
   * Time in state `scheduled` that ended before `since_ns`.
   */
  scheduled_ns: number;
  /**
   * How often it woke itself.
   */
  self_wakes: number;
  /**
   * The message's number in the stream: 1 in the first message, and one more in each.
   */
  seq: number;
  /**
   * Since when it does so.
   */
  since_ns: number;
  /**
   * What it does; absent for a partial task.
   */
  state?: TaskState | null;
  type: "task.stats";
  /**
   * How often it was woken.
   */
  wakes: number;
  /**
   * The task that woke it last; absent when a timer, io or a thread outside of tasks did, or nothing yet.
   */
  woken_by?: TaskId | null;
}
/**
 * Polls of one thread, one by one: at detail `polls`, beside the counters of [`TaskStats`].
 *
 * In columns, in which numbers repeat: so a compressed recording has a few bytes a poll.
 */
export interface TaskPolls {
  /**
   * How long after the one before it in this message each of them ended, in nanoseconds; 0 for the first.
   */
  after_ns: number[];
  /**
   * When the first of them ended.
   */
  at_ns: number;
  /**
   * How long each of them ran, in nanoseconds, without what it polled of other tasks.
   */
  running_ns: number[];
  /**
   * The message's number in the stream: 1 in the first message, and one more in each.
   */
  seq: number;
  /**
   * The task of each poll, in the order in which they ended.
   */
  tasks: TaskId[];
  /**
   * The thread that polled: a number from 1, which no other thread of the session has.
   */
  thread: number;
  type: "task.polls";
}
/**
 * A resource exists.
 */
export interface ResourceCreated {
  /**
   * When it was created; when it is only seen from its first use on, then.
   */
  at_ns: number;
  /**
   * How many units it has at most; absent when it has no bound.
   */
  capacity?: number | null;
  /**
   * Of a channel: whoever has an end of it can close it, for all.
   */
  closed_by_any?: boolean;
  /**
   * Who of those that wait for it gets what becomes free; absent when that is not known.
   */
  hand_off?: HandOff | null;
  /**
   * The id.
   */
  id: ResourceId;
  /**
   * What it is.
   */
  kind: ResourceKind;
  /**
   * Where it was created; for a join, where the awaited task was spawned.
   */
  location?: LocationId | null;
  /**
   * Its name: given by the program, or the source text of its `let`, field or `static`.
   */
  name?: StringId | null;
  /**
   * The message's number in the stream: 1 in the first message, and one more in each.
   */
  seq: number;
  /**
   * The task that created it, or was the first to use it.
   */
  task?: TaskId | null;
  type: "resource.created";
}
/**
 * What has changed of a resource; what is absent is as before.
 */
export interface ResourceUpdated {
  /**
   * When this was read.
   */
  at_ns: number;
  /**
   * How many units it has at most, where that has changed since it was created.
   */
  capacity?: number | null;
  /**
   * The resource.
   */
  id: ResourceId;
  /**
   * How many units are in use: messages in a channel and reserved places for one, permits of a semaphore that were
   * taken, tasks that have come to a barrier, tasks in a set that is joined.
   */
  length?: number | null;
  /**
   * Its name.
   */
  name?: StringId | null;
  /**
   * How many of its receiver handles were last used outside of tasks, such as by a plain thread.
   */
  outside_receivers?: number | null;
  /**
   * How many of its sender handles were last used outside of tasks, such as by a plain thread.
   */
  outside_senders?: number | null;
  /**
   * How many receiver handles there are.
   */
  receivers?: number | null;
  /**
   * How many sender handles there are.
   */
  senders?: number | null;
  /**
   * The message's number in the stream: 1 in the first message, and one more in each.
   */
  seq: number;
  type: "resource.updated";
  /**
   * How many handles there are that can become a sender.
   */
  weak_senders?: number | null;
}
/**
 * A resource is gone; its id is not used again, and its edges are closed.
 */
export interface ResourceDropped {
  /**
   * When.
   */
  at_ns: number;
  /**
   * The id.
   */
  id: ResourceId;
  /**
   * The message's number in the stream: 1 in the first message, and one more in each.
   */
  seq: number;
  type: "resource.dropped";
}
/**
 * The task cannot go on until the resource gives it `need` units.
 */
export interface EdgeWait {
  /**
   * The id of the edge.
   */
  id: EdgeId;
  /**
   * The source location of the awaited call, or of the `.await` of what is a future by itself; absent when it cannot be
   * known.
   */
  location?: LocationId | null;
  /**
   * How many units it needs.
   */
  need: number;
  /**
   * What it is doing.
   */
  operation: Operation;
  /**
   * Why, in words, such as "waiting on channel capacity".
   */
  reason: StringId;
  /**
   * What it waits on.
   */
  resource: ResourceId;
  /**
   * The message's number in the stream: 1 in the first message, and one more in each.
   */
  seq: number;
  /**
   * Since when.
   */
  since_ns: number;
  /**
   * The task that waits.
   */
  task: TaskId;
  type: "edge.wait";
}
/**
 * The task has units of the resource. Ends before the resource is really freed.
 */
export interface EdgeHold {
  /**
   * The id of the edge.
   */
  id: EdgeId;
  /**
   * Where it was acquired.
   */
  location?: LocationId | null;
  /**
   * How it holds it.
   */
  mode: HoldMode;
  /**
   * What it holds.
   */
  resource: ResourceId;
  /**
   * The message's number in the stream: 1 in the first message, and one more in each.
   */
  seq: number;
  /**
   * Since when, to within the poll in which it was acquired.
   */
  since_ns: number;
  /**
   * The task that holds.
   */
  task: TaskId;
  /**
   * What it holds it by may have moved to another task unseen, such as an owned guard.
   */
  transferable?: boolean;
  type: "edge.hold";
  /**
   * How many units it has.
   */
  units: number;
}
/**
 * The task is one that can free the resource, proved by an operation of it.
 */
export interface EdgeParty {
  /**
   * No other task can use the same handle: it is part of this task's own future, and was used since the task last
   * spawned another one, which it may have gone along with.
   * A resource has as many unknown parties of a role as it has handles less its exclusive edges of that role.
   */
  exclusive?: boolean;
  /**
   * The id of the edge.
   */
  id: EdgeId;
  /**
   * What it can free.
   */
  resource: ResourceId;
  /**
   * By what.
   */
  role: PartyRole;
  /**
   * The message's number in the stream: 1 in the first message, and one more in each.
   */
  seq: number;
  /**
   * Since when.
   */
  since_ns: number;
  /**
   * The task.
   */
  task: TaskId;
  type: "edge.party";
}
/**
 * What is seen of the pending operation of a wait. It takes the place of what was sent of it before: what is absent is
 * not known, or not so.
 */
export interface EdgeUpdated {
  /**
   * When this was read.
   */
  at_ns: number;
  /**
   * When its wake fired, where it was not polled since; absent when it did not, or when that is not seen.
   */
  granted_ns?: number | null;
  /**
   * The id of the wait.
   */
  id: EdgeId;
  /**
   * Whether it was polled when its task was last polled; absent when that is not seen.
   */
  polled?: boolean | null;
  /**
   * How often the operation was polled.
   */
  polls?: number | null;
  /**
   * The message's number in the stream: 1 in the first message, and one more in each.
   */
  seq: number;
  type: "edge.updated";
}
/**
 * An edge has ended; its id is not used again.
 */
export interface EdgeClosed {
  /**
   * When it was seen to have ended.
   */
  at_ns: number;
  /**
   * The id of the edge.
   */
  id: EdgeId;
  /**
   * Why; absent when unknown.
   */
  outcome?: EdgeOutcome | null;
  /**
   * The message's number in the stream: 1 in the first message, and one more in each.
   */
  seq: number;
  type: "edge.closed";
}
/**
 * A problem was found.
 */
export interface ProblemRaised {
  /**
   * When.
   */
  at_ns: number;
  /**
   * The problem.
   */
  problem: Problem;
  /**
   * The message's number in the stream: 1 in the first message, and one more in each.
   */
  seq: number;
  type: "problem.raised";
}
/**
 * A diagnosis with its evidence.
 */
export interface Problem {
  /**
   * What to do, in a sentence or two.
   */
  advice: string;
  /**
   * Where to read more: a path on the server, such as `/docs/deadlock`.
   */
  docs: string;
  /**
   * The edges that make it.
   */
  edges: ProblemEdge[];
  /**
   * The chain in words, one sentence an entry.
   */
  explanation?: string[];
  /**
   * The id, stable while the problem lasts.
   */
  id: ProblemId;
  /**
   * What is wrong.
   */
  kind: ProblemKind;
  /**
   * The resources of which the problem consists, and no others.
   */
  resources: ProblemResource[];
  /**
   * Since when its facts have stood.
   */
  since_ns: number;
  /**
   * The tasks of which the problem consists, and no others.
   */
  tasks: ProblemTask[];
  /**
   * How sure that is.
   */
  tier: Tier;
  /**
   * One line.
   */
  title: string;
  /**
   * What is not known; empty for a proven problem.
   */
  unknowns?: string[];
}
/**
 * An edge of a problem.
 */
export interface ProblemEdge {
  /**
   * `wait`, `hold` or `party`.
   */
  kind: string;
  /**
   * Where it waits, or acquired what it holds.
   */
  location?: SourceLocation | null;
  /**
   * What a waiting task is doing.
   */
  operation?: Operation | null;
  /**
   * Why it waits, in words; for a hold its mode, for a party its role.
   */
  reason: string;
  /**
   * The resource.
   */
  resource: ResourceId;
  /**
   * Since when.
   */
  since_ns: number;
  /**
   * The task.
   */
  task: TaskId;
}
/**
 * A place in the source.
 */
export interface SourceLocation {
  /**
   * The column, from 1.
   */
  column: number;
  /**
   * The file, as the compiler names it.
   */
  file: string;
  /**
   * The line, from 1.
   */
  line: number;
}
/**
 * A resource of a problem.
 */
export interface ProblemResource {
  /**
   * The id.
   */
  id: ResourceId;
  /**
   * What it is.
   */
  kind: ResourceKind;
  /**
   * Where it was created.
   */
  location?: SourceLocation | null;
  /**
   * Its name.
   */
  name?: string | null;
}
/**
 * A task of a problem.
 */
export interface ProblemTask {
  /**
   * The id.
   */
  id: TaskId;
  /**
   * Where it was spawned.
   */
  location?: SourceLocation | null;
  /**
   * Its name.
   */
  name?: string | null;
}
/**
 * A problem stands, and its evidence has changed.
 */
export interface ProblemUpdated {
  /**
   * When.
   */
  at_ns: number;
  /**
   * The problem as it is now.
   */
  problem: Problem;
  /**
   * The message's number in the stream: 1 in the first message, and one more in each.
   */
  seq: number;
  type: "problem.updated";
}
/**
 * A problem no longer stands; its id is not used again.
 */
export interface ProblemCleared {
  /**
   * When.
   */
  at_ns: number;
  /**
   * The problem.
   */
  id: ProblemId;
  /**
   * The message's number in the stream: 1 in the first message, and one more in each.
   */
  seq: number;
  type: "problem.cleared";
}
/**
 * A snapshot begins: nothing that was sent before is referenced after. Everything alive follows.
 */
export interface SnapshotBegin {
  /**
   * The producer's time of which this is the picture.
   */
  at_ns: number;
  /**
   * How many edges follow.
   */
  edges: number;
  /**
   * How many problems follow.
   */
  problems: number;
  /**
   * How many resources follow.
   */
  resources: number;
  /**
   * The message's number in the stream: 1 in the first message, and one more in each.
   */
  seq: number;
  /**
   * How many tasks follow.
   */
  tasks: number;
  type: "snapshot.begin";
}
/**
 * The snapshot is complete; what follows is live.
 */
export interface SnapshotEnd {
  /**
   * The same time as in its `snapshot.begin`.
   */
  at_ns: number;
  /**
   * The message's number in the stream: 1 in the first message, and one more in each.
   */
  seq: number;
  type: "snapshot.end";
}
/**
 * Something was not sent. What was sent stays true; it is incomplete.
 */
export interface Gap {
  /**
   * The producer's time.
   */
  at_ns: number;
  /**
   * How many facts are missing.
   */
  count: number;
  /**
   * Of which types, such as `task.spawned`; empty when unknown.
   */
  kinds: string[];
  /**
   * Why, in words.
   */
  reason: string;
  /**
   * The message's number in the stream: 1 in the first message, and one more in each.
   */
  seq: number;
  type: "gap";
}
