// Made from schema/v1/accept.schema.json by generate.mjs; not to be edited.

/**
 * One line of a stream. The field `type` names the message.
 */
export type Message =
  | StreamHeader
  | StreamHeartbeat
  | StreamCoverage
  | DefineString
  | DefineLocation
  | DefineDropped
  | TaskSpawned
  | TaskUpdated
  | TaskCompleted
  | TaskEnded
  | TaskStats
  | TaskPolls
  | TaskOperation
  | TaskAwaits
  | TaskCancellers
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
 * A group of facts that a producer can observe.
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
  | "operations"
  | (string & {});
/**
 * The level of detail of a stream.
 */
export type Detail = "structure" | "polls" | "operations" | (string & {});
/**
 * The tasks whose awaits a producer captures.
 */
export type AwaitsOf = "all" | "problems" | "none" | (string & {});
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
 * The kind of a task.
 */
export type TaskKind = "task" | "local" | "blocking" | "block_on" | (string & {});
/**
 * The way in which a task ended.
 */
export type Outcome = "returned" | "panicked" | "cancelled" | "unseen" | (string & {});
/**
 * The state of a task.
 */
export type TaskState = "running" | "scheduled" | "idle" | "completed";
/**
 * An event of an operation or of a hold.
 */
export type OperationEvent =
  "begun" | "pending" | "granted" | "claimed" | "abandoned" | "held" | "moved" | "released" | (string & {});
/**
 * The id of an operation or a hold, at detail `operations`.
 * A number from 1 to 2^53 - 1, never reused in a session.
 */
export type OperationId = number;
/**
 * How a task holds a resource.
 */
export type HoldMode = "exclusive" | "shared" | "permit" | (string & {});
/**
 * An operation of a program, whether it can wait or not.
 */
export type Call =
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
  | "notify"
  | "notify_one"
  | "notify_waiters"
  | "close"
  | "add_permits"
  | "forget_permits"
  | "set"
  | (string & {});
/**
 * The result of an operation.
 */
export type OperationOutcome = "succeeded" | "unavailable" | "closed" | "failed" | (string & {});
/**
 * The id of a resource.
 * A number from 1 to 2^53 - 1, never reused in a session.
 */
export type ResourceId = number;
/**
 * The id of an edge.
 * A number from 1 to 2^53 - 1, never reused in a session.
 */
export type EdgeId = number;
/**
 * The owner of a frame's code.
 */
export type FrameKind = "own" | "dependency" | "runtime" | "unknown" | (string & {});
/**
 * The waiting task that gets the next free unit of a resource.
 */
export type HandOff = "fifo" | "writer_first" | "barging" | (string & {});
/**
 * The kind of a resource.
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
 * The operation of a waiting task.
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
 * The way in which a task can unblock tasks that wait for a resource.
 */
export type PartyRole = "sender" | "receiver" | "joined" | (string & {});
/**
 * The reason of an edge's end.
 */
export type EdgeOutcome = "claimed" | "abandoned" | "released" | "moved" | (string & {});
/**
 * The id of a problem.
 * A number from 1 to 2^53 - 1, never reused in a session.
 */
export type ProblemId = number;
/**
 * The kind of a problem.
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
  | "released_by_capture"
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
 * The effect of a problem. It does not depend on the tier.
 */
export type Severity = "hang" | "degraded" | "notice";
/**
 * The certainty of a problem.
 */
export type Tier = "proven" | "suspected";

/**
 * The first message of every stream: identifies the producer and the version, and lists the facts that it can observe.
 */
export interface StreamHeader {
  /**
   * The producer's time when this stream was opened.
   */
  at_ns: number;
  /**
   * The facts that this producer can observe. Facts of an absent capability are unknown.
   */
  capabilities: Capability[];
  /**
   * The clock of all times in the stream.
   */
  clock: Clock;
  /**
   * The level of detail.
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
   * The shortest time between two samples, in milliseconds. An edge that opens and closes in between may not be
   * sent.
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
 * The clock of all times in the stream: nanoseconds since the start of the session. It never goes back.
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
   * The producer's time: every exact fact up to it has been sent, and every sampled fact was read at that time or
   * later.
   */
  at_ns: number;
  /**
   * The message's number in the stream: 1 in the first message, and one more in each.
   */
  seq: number;
  type: "stream.heartbeat";
}
/**
 * The part of the program that is observed. The latest message is valid, up to the next
 * [`SnapshotBegin`](crate::SnapshotBegin).
 */
export interface StreamCoverage {
  /**
   * The producer's time.
   */
  at_ns: number;
  /**
   * The tasks whose awaits the producer captures; absent when unknown.
   */
  awaits_of?: AwaitsOf | null;
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
 * An executor, and its unobserved tasks.
 */
export interface ExecutorCoverage {
  /**
   * Its name, such as `tokio`.
   */
  name: string;
  /**
   * Minimum number of live tasks that the executor counts and whose spawn was not observed; absent when unknown.
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
   * The reason why it is not covered, or how its waits can be observed nevertheless.
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
   * The result of the producer's search for the line; absent when it did not search.
   */
  source?: SourceLine | null;
  type: "define.location";
}
/**
 * The result of the producer's search for the text of a source line.
 */
export interface SourceLine {
  /**
   * Whether the line was found.
   */
  status: SourceStatus;
  /**
   * The text of the line, without its line break.
   */
  text?: string | null;
}
/**
 * Strings that nothing alive uses, and that no later message names.
 */
export interface DefineDropped {
  /**
   * The message's number in the stream: 1 in the first message, and one more in each.
   */
  seq: number;
  /**
   * Their ids.
   */
  strings: StringId[];
  type: "define.dropped";
}
/**
 * A task exists.
 */
export interface TaskSpawned {
  /**
   * The time of its spawn; for a library task, the time when it was first observed.
   */
  at_ns: number;
  /**
   * The name of its executor.
   */
  executor?: StringId | null;
  /**
   * The executor's own id of the task.
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
   * Its kind.
   */
  kind: TaskKind;
  /**
   * The location of its spawn.
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
   * It is a library task: only its use of resources is observed, not its polls, its state, its wakers or its end.
   */
  partial?: boolean;
  /**
   * The message's number in the stream: 1 in the first message, and one more in each.
   */
  seq: number;
  type: "task.spawned";
}
/**
 * The name of a task was learned after its spawn: its own function was seen on its stack.
 */
export interface TaskUpdated {
  /**
   * The time at which the name was learned.
   */
  at_ns: number;
  /**
   * The task.
   */
  id: TaskId;
  /**
   * Its name.
   */
  name: StringId;
  /**
   * The message's number in the stream: 1 in the first message, and one more in each.
   */
  seq: number;
  type: "task.updated";
}
/**
 * A task has ended; its id is not used again.
 */
export interface TaskCompleted {
  /**
   * The time of the fact.
   */
  at_ns: number;
  /**
   * The id.
   */
  id: TaskId;
  /**
   * The way in which it ended.
   */
  outcome: Outcome;
  /**
   * The message of its panic, of at most 1,024 characters; absent unless the program's user has asked for it.
   */
  panic?: string | null;
  /**
   * The message's number in the stream: 1 in the first message, and one more in each.
   */
  seq: number;
  type: "task.completed";
}
/**
 * A task that has ended before the snapshot that contains this message.
 */
export interface TaskEnded {
  /**
   * The time of its end.
   */
  at_ns: number;
  /**
   * The name of its executor.
   */
  executor?: StringId | null;
  /**
   * The executor's own id of the task.
   */
  executor_task_id?: number | null;
  /**
   * The size of its future, in bytes.
   */
  future_bytes?: number | null;
  /**
   * Its id.
   */
  id: TaskId;
  /**
   * Its kind.
   */
  kind: TaskKind;
  /**
   * The location of its spawn.
   */
  location?: LocationId | null;
  /**
   * Its name, as in its `task.spawned`.
   */
  name?: StringId | null;
  /**
   * The way in which it ended.
   */
  outcome: Outcome;
  /**
   * The message of its panic, as in its `task.completed`.
   */
  panic?: string | null;
  /**
   * The task that spawned it.
   */
  parent?: TaskId | null;
  /**
   * It was a library task.
   */
  partial?: boolean;
  /**
   * The message's number in the stream: 1 in the first message, and one more in each.
   */
  seq: number;
  /**
   * The time of its spawn; for a library task, the time when it was first observed.
   */
  spawned_ns: number;
  type: "task.ended";
}
/**
 * The state of a task and its counters since it was spawned.
 */
export interface TaskStats {
  /**
   * The time at which these values were read.
   */
  at_ns: number;
  /**
   * Number of its foreign wakers: live clones of its waker that no resource of this stream has, such as the clone in
   * a socket. While it is not 0, the holder of a clone may wake the task.
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
   * Entry `n` is the number of polls that took at least 2^n and less than 2^(n+1) nanoseconds (entry 0 from 0). The
   * array ends at the last number that is not 0.
   */
  poll_ns_log2?: number[];
  /**
   * Number of polls.
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
   * Number of wakes that it did itself.
   */
  self_wakes: number;
  /**
   * The message's number in the stream: 1 in the first message, and one more in each.
   */
  seq: number;
  /**
   * The time at which this state began.
   */
  since_ns: number;
  /**
   * Its state; absent for a library task.
   */
  state?: TaskState | null;
  type: "task.stats";
  /**
   * Number of wakes.
   */
  wakes: number;
  /**
   * The task that woke it last; absent if a timer, io or a thread outside of tasks did, or if nothing has woken it.
   */
  woken_by?: TaskId | null;
}
/**
 * Polls of one thread, one by one: at detail `polls`, in addition to the counters of [`TaskStats`].
 *
 * In columns, in which numbers repeat: so a compressed recording has a few bytes a poll.
 */
export interface TaskPolls {
  /**
   * The time from the end of the previous poll in this message to the end of this poll, in nanoseconds; 0 for the
   * first.
   */
  after_ns: number[];
  /**
   * The time at which the first of these polls ended.
   */
  at_ns: number;
  /**
   * The duration of each poll, in nanoseconds, without the polls of other tasks inside it.
   */
  running_ns: number[];
  /**
   * The message's number in the stream: 1 in the first message, and one more in each.
   */
  seq: number;
  /**
   * The task of each poll, in the order in which the polls ended.
   */
  tasks: TaskId[];
  /**
   * The thread that polled: a number from 1, unique in the session.
   */
  thread: number;
  type: "task.polls";
}
/**
 * An event of one operation, or of one hold.
 */
export interface TaskOperation {
  /**
   * The time of the event.
   */
  at_ns: number;
  /**
   * The event.
   */
  event: OperationEvent;
  /**
   * The operation, or the hold.
   */
  id: OperationId;
  /**
   * Of `begun`: the joined task.
   */
  joined?: TaskId | null;
  /**
   * Of `begun` and `held`: the source location of the call.
   */
  location?: LocationId | null;
  /**
   * Of `held` and `moved`: the way in which the task holds the resource.
   */
  mode?: HoldMode | null;
  /**
   * Of `begun`: the operation.
   */
  operation?: Call | null;
  /**
   * Of `claimed`: the result; absent when not observed.
   */
  outcome?: OperationOutcome | null;
  /**
   * Of `begun` and `held`: the resource; absent for a join of one task, and for a timer.
   */
  resource?: ResourceId | null;
  /**
   * The message's number in the stream: 1 in the first message, and one more in each.
   */
  seq: number;
  /**
   * The task in whose poll it happened; for `held` and `moved`, the task that holds now. Absent outside of observed tasks.
   */
  task?: TaskId | null;
  /**
   * The thread on which it happened, as in [`TaskPolls`](crate::TaskPolls).
   */
  thread: number;
  type: "task.operation";
  /**
   * Of `begun`: the number of units that the operation needs or gives. Of `held` and `moved`: the number of units that
   * the task has.
   */
  units?: number | null;
}
/**
 * The awaits of a task at its last poll. They replace those of an earlier message.
 */
export interface TaskAwaits {
  /**
   * The time of the poll.
   */
  at_ns: number;
  /**
   * The awaits, in the order in which they were polled: several for a `select!` or `join!`.
   */
  awaits?: Await[];
  /**
   * `awaits` has every await that kept a waker of the task, each with its whole stack.
   */
  complete?: boolean;
  /**
   * The task.
   */
  id: TaskId;
  /**
   * Number of further awaits that did not fit into `awaits`.
   */
  more?: number;
  /**
   * Number of polls of the task until then. After another poll the awaits are outdated.
   */
  polls: number;
  /**
   * The message's number in the stream: 1 in the first message, and one more in each.
   */
  seq: number;
  /**
   * The spans of the program's tracing in which the task waits, the outermost first.
   */
  spans?: StringId[];
  type: "task.awaits";
}
/**
 * One await: a future that keeps a waker of the task, and the functions that poll it.
 */
export interface Await {
  /**
   * Frames are missing at the outer end of the stack.
   */
  cut?: boolean;
  /**
   * The wait of the task, if the future belongs to an instrumented operation whose wait is open in the stream.
   */
  edge?: EdgeId | null;
  /**
   * The functions on the stack, from the awaited function out to the task's own function. Functions of the runtime and of
   * the standard library are left out.
   */
  frames?: AwaitFrame[];
  /**
   * The awaited function, such as `tokio::net::TcpStream::read`: the function that the program's own line called.
   */
  function?: StringId | null;
}
/**
 * One function on the stack of an await.
 */
export interface AwaitFrame {
  /**
   * Its name, shortened for people.
   */
  function?: StringId | null;
  /**
   * The owner of its code.
   */
  kind: FrameKind;
  /**
   * Its line in the source.
   */
  location?: LocationId | null;
}
/**
 * The code that could cancel a task or end its runtime. It replaces that of an earlier message. Without a message, no code can
 * cancel the task.
 */
export interface TaskCancellers {
  /**
   * The time for which this is true.
   */
  at_ns: number;
  /**
   * The task.
   */
  id: TaskId;
  /**
   * Code outside of these tasks could cancel it, too.
   */
  others?: boolean;
  /**
   * The message's number in the stream: 1 in the first message, and one more in each.
   */
  seq: number;
  /**
   * Tasks that could each cancel it, or end its runtime, when they make progress: they have its join handle, for example.
   */
  tasks?: TaskId[];
  type: "task.cancellers";
}
/**
 * A resource exists.
 */
export interface ResourceCreated {
  /**
   * The time of its creation; if it is observed only from its first use on, the time of the first use.
   */
  at_ns: number;
  /**
   * Maximum number of its units; absent when it has no bound.
   */
  capacity?: number | null;
  /**
   * For a channel: a task that has one end can close it for all.
   */
  closed_by_any?: boolean;
  /**
   * The waiting task that gets the next free unit; absent when unknown.
   */
  hand_off?: HandOff | null;
  /**
   * The id.
   */
  id: ResourceId;
  /**
   * Its kind.
   */
  kind: ResourceKind;
  /**
   * The location of its creation; for a join, the location where the awaited task was spawned.
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
 * The properties of a resource that have changed. An absent field is unchanged.
 */
export interface ResourceUpdated {
  /**
   * The time at which these values were read.
   */
  at_ns: number;
  /**
   * Maximum number of its units, if this has changed since its creation.
   */
  capacity?: number | null;
  /**
   * The resource.
   */
  id: ResourceId;
  /**
   * Number of units in use: messages in a channel and its reserved places, acquired permits of a semaphore, tasks
   * that have arrived at a barrier, or tasks of a set that is joined.
   */
  length?: number | null;
  /**
   * Its name.
   */
  name?: StringId | null;
  /**
   * Number of its receiver handles that were last used outside of tasks, such as by a plain thread.
   */
  outside_receivers?: number | null;
  /**
   * Number of its sender handles that were last used outside of tasks, such as by a plain thread.
   */
  outside_senders?: number | null;
  /**
   * Number of its receiver handles, including handles that can become one.
   */
  receivers?: number | null;
  /**
   * Number of its sender handles.
   */
  senders?: number | null;
  /**
   * The message's number in the stream: 1 in the first message, and one more in each.
   */
  seq: number;
  type: "resource.updated";
  /**
   * Number of handles that can become a sender.
   */
  weak_senders?: number | null;
}
/**
 * A resource no longer exists; its id is not used again, and its edges are closed.
 */
export interface ResourceDropped {
  /**
   * The time of the fact.
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
 * One operation of the task cannot make progress until the resource gives it `need` units.
 */
export interface EdgeWait {
  /**
   * The id of the edge.
   */
  id: EdgeId;
  /**
   * The source location of the awaited call, or of the `.await` if the awaited value is itself a future; absent when
   * it cannot be known.
   */
  location?: LocationId | null;
  /**
   * Number of units that it needs.
   */
  need: number;
  /**
   * The operation that waits.
   */
  operation: Operation;
  /**
   * The reason in words, such as "waiting on channel capacity".
   */
  reason: StringId;
  /**
   * The resource that it waits for.
   */
  resource: ResourceId;
  /**
   * The message's number in the stream: 1 in the first message, and one more in each.
   */
  seq: number;
  /**
   * The time at which it began.
   */
  since_ns: number;
  /**
   * The waiting task.
   */
  task: TaskId;
  /**
   * Another task may come to poll the operation unobserved: it lies in a box that can move, or its task may borrow.
   */
  transferable?: boolean;
  type: "edge.wait";
}
/**
 * The task has units of the resource. The edge ends before the resource is really free.
 */
export interface EdgeHold {
  /**
   * The id of the edge.
   */
  id: EdgeId;
  /**
   * The location where it was acquired.
   */
  location?: LocationId | null;
  /**
   * The way in which it holds the resource.
   */
  mode: HoldMode;
  /**
   * The resource that it holds.
   */
  resource: ResourceId;
  /**
   * The message's number in the stream: 1 in the first message, and one more in each.
   */
  seq: number;
  /**
   * The time at which it was acquired, to within the poll that acquired it.
   */
  since_ns: number;
  /**
   * The task that holds.
   */
  task: TaskId;
  /**
   * Other code may have the guard or permit unobserved: it is owned, its lock is in static memory, it was acquired in a box
   * that can move, or its task may borrow.
   */
  transferable?: boolean;
  type: "edge.hold";
  /**
   * Number of units that it has.
   */
  units: number;
}
/**
 * The task can unblock tasks that wait for the resource. One of its operations proved this.
 */
export interface EdgeParty {
  /**
   * No other task can use the same handle: the handle is part of this task's own future, and was used after the task
   * last spawned another one, which may have taken the handle along. The number of a resource's unknown parties of a
   * role is the number of its handles less its exclusive edges of that role.
   */
  exclusive?: boolean;
  /**
   * The id of the edge.
   */
  id: EdgeId;
  /**
   * The resource whose waiting tasks it can unblock.
   */
  resource: ResourceId;
  /**
   * The way in which it can unblock them.
   */
  role: PartyRole;
  /**
   * The message's number in the stream: 1 in the first message, and one more in each.
   */
  seq: number;
  /**
   * The time at which this became known.
   */
  since_ns: number;
  /**
   * The task.
   */
  task: TaskId;
  type: "edge.party";
}
/**
 * The observed facts of the pending operation of a wait. The message replaces the previous one: an absent field is
 * unknown or false.
 */
export interface EdgeUpdated {
  /**
   * The time at which these values were read.
   */
  at_ns: number;
  /**
   * The time of its wake, if it was not polled since; absent if there was no wake, or when not observed.
   */
  granted_ns?: number | null;
  /**
   * The id of the wait.
   */
  id: EdgeId;
  /**
   * Whether the last poll of its task polled it; absent when not observed.
   */
  polled?: boolean | null;
  /**
   * Number of polls of the operation.
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
   * The time at which the producer found the edge closed.
   */
  at_ns: number;
  /**
   * The id of the edge.
   */
  id: EdgeId;
  /**
   * The reason of its end; absent when unknown.
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
   * The time of the fact.
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
   * A way to fix the problem, in a sentence or two.
   */
  advice: string;
  /**
   * The page about this kind: a path on the server, such as `/docs/deadlock`.
   */
  docs: string;
  /**
   * The edges that cause the problem.
   */
  edges: ProblemEdge[];
  /**
   * The chain of causes, one sentence in each entry.
   */
  explanation?: string[];
  /**
   * The id, the same while the problem is open.
   */
  id: ProblemId;
  /**
   * Its kind.
   */
  kind: ProblemKind;
  /**
   * The resources of the problem, and no others.
   */
  resources: ProblemResource[];
  /**
   * Its effect.
   */
  severity: Severity;
  /**
   * The time from which all its facts have been true.
   */
  since_ns: number;
  /**
   * The tasks of the problem, and no others.
   */
  tasks: ProblemTask[];
  /**
   * Its certainty.
   */
  tier: Tier;
  /**
   * One line.
   */
  title: string;
  /**
   * The unknown facts; empty for a proven problem.
   */
  unknowns?: string[];
  /**
   * The ways in which code outside of these tasks could resolve the problem, such as "other code adds permits to semaphore
   * `pool`"; empty for a proven problem. Each continues a sentence after the word "unless".
   */
  unless?: string[];
}
/**
 * An edge of a problem.
 */
export interface ProblemEdge {
  /**
   * The await of a wait, if it is known. Its `line` comes before `location`.
   */
  awaited?: ProblemAwait | null;
  /**
   * `wait`, `hold` or `party`.
   */
  kind: string;
  /**
   * The location of the wait, or where the hold was acquired. It may be in a library.
   */
  location?: SourceLocation | null;
  /**
   * The operation of a waiting task.
   */
  operation?: Operation | null;
  /**
   * For a wait, its reason in words; for a hold its mode, for a party its role.
   */
  reason: string;
  /**
   * The resource.
   */
  resource: ResourceId;
  /**
   * The time at which it began.
   */
  since_ns: number;
  /**
   * The task.
   */
  task: TaskId;
}
/**
 * The await at which a task of a problem waits.
 */
export interface ProblemAwait {
  /**
   * The task whose await this is, if it represents the task of the problem: it has the same spawn location and equal waits.
   */
  as_in?: TaskId | null;
  /**
   * Frames are missing at the outer end of the stack.
   */
  cut?: boolean;
  /**
   * The functions on the stack, from the awaited function out to the task's own function. Functions of the runtime and of
   * the standard library are left out.
   */
  frames?: ProblemFrame[];
  /**
   * The awaited function, such as `tokio::net::TcpStream::read`: the function that the program's own line called.
   */
  function?: string | null;
  /**
   * The line to show first: the program's own, or else the nearest line of a library.
   */
  line?: SourceLocation | null;
}
/**
 * One function on the stack of an await.
 */
export interface ProblemFrame {
  /**
   * Its name, shortened for people.
   */
  function?: string | null;
  /**
   * The owner of its code.
   */
  kind: FrameKind;
  /**
   * Its line in the source.
   */
  location?: SourceLocation | null;
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
   * Its kind.
   */
  kind: ResourceKind;
  /**
   * The location of its creation.
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
   * Its known awaits that belong to none of its waits: of futures that are not instrumented.
   */
  awaits?: ProblemAwait[];
  /**
   * The id.
   */
  id: TaskId;
  /**
   * The location of its spawn.
   */
  location?: SourceLocation | null;
  /**
   * Its name.
   */
  name?: string | null;
}
/**
 * A problem is still open, and its evidence has changed.
 */
export interface ProblemUpdated {
  /**
   * The time of the fact.
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
 * A problem is resolved; its id is not used again.
 */
export interface ProblemCleared {
  /**
   * The time of the fact.
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
 * A snapshot begins: later messages refer to nothing that was sent before. Everything alive follows.
 */
export interface SnapshotBegin {
  /**
   * The producer's time that the snapshot describes.
   */
  at_ns: number;
  /**
   * Number of edges that follow.
   */
  edges: number;
  /**
   * Number of problems that follow.
   */
  problems: number;
  /**
   * Number of resources that follow.
   */
  resources: number;
  /**
   * The message's number in the stream: 1 in the first message, and one more in each.
   */
  seq: number;
  /**
   * Number of tasks that follow.
   */
  tasks: number;
  type: "snapshot.begin";
}
/**
 * The snapshot is complete. The following messages are live.
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
 * Some facts were not sent. The facts that were sent stay true, but they are incomplete.
 */
export interface Gap {
  /**
   * The producer's time.
   */
  at_ns: number;
  /**
   * Number of missing facts.
   */
  count: number;
  /**
   * The types of the missing messages, such as `task.spawned`; empty when unknown.
   */
  kinds: string[];
  /**
   * The reason in words.
   */
  reason: string;
  /**
   * The message's number in the stream: 1 in the first message, and one more in each.
   */
  seq: number;
  /**
   * The facts are missing in the snapshot before, and are all that were left out since recording began.
   */
  standing?: boolean;
  /**
   * The number of living tasks that are not in the stream for this reason, where facts were left out for lack of room.
   */
  tasks?: number | null;
  type: "gap";
}
