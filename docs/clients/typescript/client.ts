// What a program waits for, from its stream: `node build/client.js 127.0.0.1:8080 [--once]`. See ../README.md.
import { readFileSync } from "node:fs";
import { canEnd } from "./can_end.js";
import type { EdgeWait, Message } from "./insight.js";
import { Program } from "./program.js";

// Every string of a stream is untrusted: what would steer a terminal or turn the text around is not printed.
const print = (line: string) => console.log(line.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, "\u{fffd}"));

async function* lines(url: string): AsyncGenerator<string> {
  const response = await fetch(url);
  if (!response.ok || !response.body) throw new Error(`${url}: ${response.status} ${await response.text()}`);
  // A heartbeat is due each second: after two without, what was shown may no longer be so.
  const stale = setInterval(() => print("stale: nothing was read for 2 seconds"), 2000);
  let rest = "";
  try {
    for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
      stale.refresh();
      const lines = (rest + chunk).split("\n");
      rest = lines.pop() ?? ""; // Without its LF a line is cut off, and not malformed.
      yield* lines;
    }
  } finally {
    clearInterval(stale);
  }
}

async function follow(address: string, once: boolean): Promise<void> {
  let [program, unfinished, seq, shown] = [new Program(), false, 0, "not yet"];
  for await (const line of lines(`http://${address}/v1/stream`)) {
    let message: Message;
    try {
      message = JSON.parse(line);
      if (typeof message.type !== "string" || typeof message.seq !== "number") throw new TypeError("not a message");
      // Nothing that was sent before a snapshot is referenced after it.
      if (message.type === "snapshot.begin") program = new Program();
      program.fold(message);
    } catch {
      seq += 1;
      program.missing.push({ count: 1, reason: "malformed lines" });
      continue;
    }
    if (message.seq !== seq + 1) program.missing.push({ count: message.seq - seq - 1, reason: "lost lines" });
    seq = message.seq;
    if (message.type === "stream.header") {
      const { protocol } = message;
      if (!protocol.startsWith("1.")) throw new Error(`this client reads protocol 1, and the stream is ${protocol}`);
      print(`${message.process.name}: observed are ${message.capabilities.join(", ")}; all else is unknown`);
    }
    if (message.type.startsWith("snapshot.")) unfinished = message.type === "snapshot.begin";
    // Between two heartbeats one of two facts that belong together may be missing. None comes within a snapshot, so at
    // the first one everything has been told.
    if (message.type !== "stream.heartbeat") continue;
    const now = [...program.shown()];
    const heading = `at ${(message.at_ns / 1e9).toFixed(1)} s: ${program.edges.size} edges`;
    if (now.join("\n") !== shown) [heading, ...now].forEach(print);
    shown = now.join("\n");
    if (once) return;
  }
  throw new Error(unfinished ? "the stream ended within a snapshot: it is incomplete" : "the stream has ended");
}

/** Answers the cases of `insight-conformance vectors --all`, one a line. */
function answerVectors(): void {
  for (const line of readFileSync(0, "utf8").split("\n").filter((line) => line)) {
    const { name, messages, wait }: { name: string; messages: Message[]; wait: number } = JSON.parse(line);
    let program = new Program();
    for (const message of messages) {
      if (message.type === "snapshot.begin") program = new Program();
      program.fold(message);
    }
    console.log(JSON.stringify({ name, answer: canEnd(program, program.edges.get(wait) as EdgeWait) }));
  }
}

const [address = "127.0.0.1:8080", option] = process.argv.slice(2);
if (address === "--vectors") answerVectors();
else follow(address, option === "--once").catch((error: Error) => {
  print(`client: ${error.message}${error.cause ? ` (${error.cause})` : ""}`);
  process.exitCode = 1;
});
