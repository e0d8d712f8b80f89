// The fold: messages in, what stands out. It forgets what a snapshot forgets, and has no other bound.
import type * as insight from "./insight.js";
import { canEnd } from "./can_end.js";

type Counts = Pick<insight.ResourceUpdated,
  "length" | "senders" | "weak_senders" | "receivers" | "outside_senders" | "outside_receivers">;
export type Resource = insight.ResourceCreated & Counts;
type Panicked = insight.TaskEnded | (insight.TaskSpawned & Pick<insight.TaskCompleted, "panic">);
type Freer = insight.EdgeHold | insight.EdgeParty;

const WORST_FIRST: insight.Severity[] = ["hang", "degraded", "notice"];

export class Program {
  strings = new Map<insight.StringId, string>();
  locations = new Map<insight.LocationId, insight.DefineLocation>();
  tasks = new Map<insight.TaskId, insight.TaskSpawned>();
  running = new Set<insight.TaskId>();
  ended = new Set<insight.TaskId>();
  resources = new Map<insight.ResourceId, Resource>();
  edges = new Map<insight.EdgeId, insight.EdgeWait | Freer>();
  waiters = new Map<insight.EdgeId, insight.EdgeUpdated>();
  awaits = new Map<insight.TaskId, insight.TaskAwaits>();
  problems = new Map<insight.ProblemId, insight.Problem>();
  panicked = new Map<insight.TaskId, Panicked>();
  coverage: insight.StreamCoverage | undefined;
  missing: (Pick<insight.Gap, "count" | "reason"> & { kinds?: string[] })[] = [];

  fold(message: insight.Message): void {
    switch (message.type) {
      case "stream.coverage": this.coverage = message; break;
      case "define.string": this.strings.set(message.id, message.text); break;
      case "define.location": this.locations.set(message.id, message); break;
      case "task.spawned": this.tasks.set(message.id, message); break;
      case "task.updated": Object.assign(this.tasks.get(message.id) ?? {}, { name: message.name }); break;
      case "task.awaits": this.awaits.set(message.id, message); break;
      case "task.stats":
        if (message.state === "completed") this.ended.add(message.id);
        if (message.state === "running") this.running.add(message.id);
        else this.running.delete(message.id);
        if (this.awaits.get(message.id)?.polls !== message.polls) this.awaits.delete(message.id);
        break;
      case "task.completed": {
        this.ended.add(message.id);
        this.awaits.delete(message.id);
        const [task, { panic }] = [this.tasks.get(message.id), message];
        if (task && message.outcome === "panicked") this.panicked.set(message.id, { ...task, panic });
        break;
      }
      case "task.ended": if (message.outcome === "panicked") this.panicked.set(message.id, message); break;
      case "resource.created": this.resources.set(message.id, message); break;
      case "resource.updated": {
        const { type, ...update } = message;
        const changed = Object.entries(update).filter(([, value]) => value !== null);
        Object.assign(this.resources.get(message.id) ?? {}, Object.fromEntries(changed));
        break;
      }
      case "resource.dropped": // Its edges are closed with it.
        for (const { id, resource } of this.edges.values()) if (resource === message.id) this.close(id);
        break;
      case "edge.wait": this.awaits.delete(message.task); // The awaits are outdated. Falls through.
      case "edge.hold": case "edge.party": this.edges.set(message.id, message); break;
      case "edge.updated": this.waiters.set(message.id, message); break; // It replaces the one before it.
      case "edge.closed": this.close(message.id); break;
      case "problem.raised": case "problem.updated": this.problems.set(message.problem.id, message.problem); break;
      case "problem.cleared": this.problems.delete(message.id); break;
      case "gap": this.missing.push(message); break;
    }
  }

  private close(id: insight.EdgeId): void {
    const edge = this.edges.get(id);
    if (edge?.type === "edge.wait") this.awaits.delete(edge.task);
    this.edges.delete(id);
    this.waiters.delete(id);
  }

  /** The awaits of a task; none while it runs. */
  awaitsOf(task: insight.TaskId): insight.Await[] {
    return (this.running.has(task) ? undefined : this.awaits.get(task)?.awaits) ?? [];
  }

  /** Of what is observed, the other lines tell. What is absent is unknown. */
  *notObserved(): Generator<string> {
    const unknown = [{ name: "packages", version: "of the graph", covered: false, reason: null }];
    for (const { name, version, unobserved_tasks } of this.coverage?.executors ?? []) {
      yield `not observed: ${name} ${version}: ${unobserved_tasks ?? "?"}`;
    }
    for (const { name, version, covered, reason } of this.coverage?.packages ?? unknown) {
      if (!covered) yield `not observed: ${name} ${version}: ${reason ?? "?"}`;
    }
  }

  /** Every wait and every problem, a line each and what belongs to it indented. */
  *shown(): Generator<string> {
    yield* this.notObserved();
    yield* this.waits();
    yield* this.otherAwaits();
    const worstFirst = [...this.problems.values()].sort((a, b) =>
      WORST_FIRST.indexOf(a.severity) - WORST_FIRST.indexOf(b.severity) || a.tier.localeCompare(b.tier) || a.id - b.id);
    for (const { id, tier, severity, kind, title, explanation, advice } of worstFirst) {
      // What is missing may be what would free one of its tasks.
      yield `problem ${id}: ${severity}, ${this.missing.length > 0 ? "suspected" : tier} ${kind}: ${title}`;
      for (const line of [...(explanation ?? []), advice]) yield `  ${line}`;
    }
    for (const task of this.panicked.values()) yield `${this.named(task)} panicked: ${task.panic ?? "?"}`;
    for (const { count, reason } of this.missing) yield `partial: ${count} facts are missing: ${reason}`;
  }

  *waits(): Generator<string> {
    const waits = [...this.edges.values()].filter((edge) => edge.type === "edge.wait") as insight.EdgeWait[];
    for (const wait of waits.sort((a, b) => a.task - b.task || a.id - b.id)) {
      yield `${this.named(this.tasks.get(wait.task))} waits for ${this.named(this.resources.get(wait.resource))}`;
      const it = this.awaitsOf(wait.task).find(({ edge }) => edge === wait.id);
      if (it) yield `  awaited at ${this.own(it)}`;
      yield `  ${this.strings.get(wait.reason)}, at ${this.place(wait.location)}`;
      yield `  could be freed by ${this.freedBy(wait).join(", ") || "nothing that is known"}`;
    }
  }

  /** The awaits that are no operation of a resource in the stream. */
  *otherAwaits(): Generator<string> {
    for (const { id } of [...this.awaits.values()].sort((a, b) => a.id - b.id)) {
      for (const it of this.awaitsOf(id).filter(({ edge }) => !edge)) {
        yield `${this.named(this.tasks.get(id))} awaits ${this.strings.get(it.function ?? 0) ?? "?"}, at ${this.own(it)}`;
      }
    }
  }

  /** The innermost own line of an await, or else the outermost line of a library. */
  own({ frames }: insight.Await): string {
    const own = frames?.find(({ kind }) => kind === "own");
    return this.place((own ?? frames?.findLast(({ kind }) => kind === "dependency"))?.location);
  }

  place(id: insight.LocationId | null | undefined): string {
    const at = this.locations.get(id ?? 0);
    return at ? `${at.file}:${at.line}:${at.column}` : "an unknown place";
  }

  freedBy(wait: insight.EdgeWait): string[] {
    const { tasks, others } = canEnd(this, wait);
    const by = tasks.map(({ task, reason }) => `${this.named(this.tasks.get(task))} (${reason})`);
    const ways = others.map(({ reason, count }) => `${count ?? ""} ${reason}`.trimStart());
    return ways.length > 0 ? [...by, `other code (${ways.join(", ")})`] : by;
  }

  named(it: insight.TaskSpawned | insight.TaskEnded | insight.ResourceCreated | undefined): string {
    return it ? `${it.kind} ${it.id} ${this.strings.get(it.name ?? 0) ?? ""}`.trimEnd() : "something unknown";
  }
}
