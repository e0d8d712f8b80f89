// Prints the TypeScript types of the protocol: `node generate.mjs SCHEMA > insight.ts`.
// The schema is reshaped here, without a change of what it means, to what reads well as TypeScript.
import { readFileSync } from "node:fs";
import { compile } from "json-schema-to-typescript";

function reshape(node) {
  if (Array.isArray(node)) return node.map(reshape);
  if (typeof node !== "object" || node === null) return node;
  const { $ref, description } = node;
  // With a description beside its `$ref`, each field would get a copy of the type: `TaskId1`, `TaskId2`.
  if ($ref && description) return { description, allOf: [{ $ref }] };
  // An open enum is a string with its known words as examples. `& {}` keeps an editor from folding them into `string`.
  if (node.type === "string" && node.examples) {
    return { description, tsType: [...node.examples.map((word) => JSON.stringify(word)), "(string & {})"].join(" | ") };
  }
  // Any object of TypeScript may have further fields; an index signature would only let misspelt ones through.
  const { additionalProperties, ...rest } = node;
  return Object.fromEntries(Object.entries(rest).map(([key, value]) => [key, reshape(value)]));
}

const { $defs, oneOf, description } = JSON.parse(readFileSync(process.argv[2], "utf8"));
// The `type` of an unknown message is "any string but these", which TypeScript cannot say. As a plain string it would
// fit every `type`, and `message.type === "gap"` would tell nothing; so the union has the known messages only.
const known = oneOf.filter(({ $ref }) => $ref !== "#/$defs/Unknown");
const types = Object.entries($defs).map(([name, type]) => [name, { ...reshape(type), title: name }]);
const schema = { title: "Message", description, oneOf: known, $defs: Object.fromEntries(types) };
const options = {
  additionalProperties: false,
  bannerComment: "// Made from schema/v1/accept.schema.json by generate.mjs; not to be edited.",
  style: { printWidth: 120 },
};
process.stdout.write(await compile(schema, "Message", options));
