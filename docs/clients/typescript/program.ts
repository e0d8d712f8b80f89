// The fold: messages in, what stands out. It forgets what a snapshot forgets, and has no other bound.
import type * as insight from "./insight.js";

type Counts = Pick<insight.ResourceUpdated, "senders" | "weak_senders" | "receivers">;
type Freer = insight.EdgeHold | insight.EdgeParty;

// Who frees a wait, by its operation. Of an operation that is not listed, every party is shown.
const WORST_FIRST: insight.Severity[] = ["hang", "degraded", "notice"];
const FREED_BY = new Map<insight.Operation, insight.PartyRole>([
  ["send", "receiver"], ["reserve", "receiver"], ["recv", "sender"], ["join", "joined"],
]);

export class Program {
  strings = new Map<insight.StringId, string>();
  locations = new Map<insight.LocationId, insight.DefineLocation>();
  tasks = new Map<insight.TaskId, insight.TaskSpawned>();
  resources = new Map<insight.ResourceId, insight.ResourceCreated & Counts>();
  edges = new Map<insight.EdgeId, insight.EdgeWait | Freer>();
  problems = new Map<insight.ProblemId, insight.Problem>();
  coverage: insight.StreamCoverage | undefined;
  missing: Pick<insight.Gap, "count" | "reason">[] = [];

  fold(message: insight.Message): void {
    switch (message.type) {
      case "stream.coverage": this.coverage = message; break;
      case "define.string": this.strings.set(message.id, message.text); break;
      case "define.location": this.locations.set(message.id, message); break;
      case "task.spawned": this.tasks.set(message.id, message); break;
      case "resource.created": this.resources.set(message.id, message); break;
      case "resource.updated": {
        const { type, ...update } = message;
        const changed = Object.entries(update).filter(([, value]) => value !== null);
        Object.assign(this.resources.get(message.id) ?? {}, Object.fromEntries(changed));
        break;
      }
      case "resource.dropped": // Its edges are closed with it.
        for (const edge of this.edges.values()) if (edge.resource === message.id) this.edges.delete(edge.id);
        break;
      case "edge.wait": case "edge.hold": case "edge.party": this.edges.set(message.id, message); break;
      case "edge.closed": this.edges.delete(message.id); break;
      case "problem.raised": case "problem.updated": this.problems.set(message.problem.id, message.problem); break;
      case "problem.cleared": this.problems.delete(message.id); break;
      case "gap": this.missing.push(message); break;
    }
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
    const worstFirst = [...this.problems.values()].sort((a, b) =>
      WORST_FIRST.indexOf(a.severity) - WORST_FIRST.indexOf(b.severity) || a.tier.localeCompare(b.tier) || a.id - b.id);
    for (const { id, tier, severity, kind, title, explanation, advice } of worstFirst) {
      // What is missing may be what would free one of its tasks.
      yield `problem ${id}: ${severity}, ${this.missing.length > 0 ? "suspected" : tier} ${kind}: ${title}`;
      for (const line of [...(explanation ?? []), advice]) yield `  ${line}`;
    }
    for (const { count, reason } of this.missing) yield `partial: ${count} facts are missing: ${reason}`;
  }

  *waits(): Generator<string> {
    const waits: insight.EdgeWait[] = [];
    const freers = new Map<insight.ResourceId, Freer[]>();
    for (const edge of this.edges.values()) {
      if (edge.type === "edge.wait") waits.push(edge);
      else freers.set(edge.resource, [...(freers.get(edge.resource) ?? []), edge]);
    }
    for (const wait of waits.sort((a, b) => a.task - b.task || a.id - b.id)) {
      const at = this.locations.get(wait.location ?? 0);
      yield `${this.named(this.tasks.get(wait.task))} waits for ${this.named(this.resources.get(wait.resource))}`;
      yield `  ${this.strings.get(wait.reason)}, at ${at ? `${at.file}:${at.line}:${at.column}` : "an unknown place"}`;
      const by = this.freedBy(wait, freers.get(wait.resource) ?? []);
      yield `  could be freed by ${by.join(", ") || "somebody unknown"}`;
    }
  }

  freedBy({ operation, resource }: insight.EdgeWait, freers: Freer[]): string[] {
    const role = FREED_BY.get(operation);
    const edges = freers.filter((edge) => edge.type === "edge.hold" || !role || edge.role === role);
    const by = edges.map((edge) => {
      return `${this.named(this.tasks.get(edge.task))} (${edge.type === "edge.hold" ? edge.mode : edge.role})`;
    });
    // A handle that is not known to be one task's own may be anybody's. A count that was never sent is unknown, not 0.
    const { senders, weak_senders, receivers }: Counts = this.resources.get(resource) ?? {};
    if (role !== "sender" && role !== "receiver") return by;
    const handles = role === "sender" ? (senders ?? NaN) + (weak_senders ?? NaN) : (receivers ?? NaN);
    const unknown = handles - edges.filter((edge) => edge.type === "edge.party" && edge.exclusive).length;
    return unknown <= 0 ? by : [...by, `${unknown || "?"} unknown (${role})`];
  }

  named(it: insight.TaskSpawned | insight.ResourceCreated | undefined): string {
    return it ? `${it.kind} ${it.id} ${this.strings.get(it.name ?? 0) ?? ""}`.trimEnd() : "something unknown";
  }
}
