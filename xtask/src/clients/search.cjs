// Checks the search of the served documentation: node search.cjs PATH/TO/search.js
"use strict";
const assert = require("node:assert");
const { search, excerpt } = require(require("node:path").resolve(process.argv[2]));

const section = (title, heading, text) => ({ href: "", title, heading, text });
const sections = [
  section("Deadlock", "Deadlock", "tasks wait for each other"),
  section("Deadlock", "Lock order", "take locks in one order"),
  section("Glossary", "Hold", "a lock, a lock and <b>a lock</b>"),
];
const check = (query, expected) =>
  assert.deepStrictEqual(search(sections, query.split(" ")).map((it) => it.heading), expected, query);
check("deadlock", ["Deadlock", "Lock order"]);
check("lock order", ["Lock order"]);
check("lock", ["Lock order", "Deadlock", "Hold"]);
check("tasks", ["Deadlock"]);
check("hold lock", ["Hold"]);
check("order nothing", []);
assert.strictEqual(excerpt("short text", ["text"]), "short text");
assert.strictEqual(excerpt("short text", ["nothing"]), "short text");
const long = "x ".repeat(200) + "needle" + " y".repeat(200);
assert.match(excerpt(long, ["needle"]), /^….* needle .*…$/);
assert.ok(excerpt(long, ["needle"]).length < 200);
