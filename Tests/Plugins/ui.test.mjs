import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { test } from "node:test";
import { fieldsOf, valuesOf } from "../../plugins/sdk/ui/form.js";
import { manifestOf, root } from "./support/context.mjs";

const schema = {
  required: ["name"],
  properties: {
    name: { type: "string", title: "Name", minLength: 2, maxLength: 5, pattern: "^[A-Z]" },
    days: { type: "integer", minimum: 1, maximum: 9, default: 3 },
    rule: { enum: ["ask", "here"], default: "ask" },
    loud: { type: "boolean", default: true },
    routes: { type: "array", default: [] },
  },
};

test("a form has a field for each property, with its value or default", () => {
  assert.deepEqual(fieldsOf(schema, { days: 5 }).map(({ name, label, kind, value, required }) => [name, label, kind, value, required]), [
    ["name", "Name", "line", undefined, true], ["days", "days", "integer", 5, false], ["rule", "rule", "choice", "ask", false],
    ["loud", "loud", "flag", true, false], ["routes", "routes", "json", [], false],
  ]);
});

test("what was entered becomes the configuration", () => {
  const { values, problems } = valuesOf(schema, { name: "Ada", days: "7", rule: "here", loud: false, routes: '[{"a": 1}]' });
  assert.deepEqual(problems, {});
  assert.deepEqual(values, { name: "Ada", days: 7, rule: "here", loud: false, routes: [{ a: 1 }] });
});

test("each wrong entry is said beside its field", () => {
  assert.deepEqual(valuesOf(schema, { days: "1.5", rule: "there", routes: "[" }).problems, {
    name: "is needed", days: "is no whole number", rule: "is none of ask, here", routes: "is no JSON",
  });
  assert.deepEqual(valuesOf(schema, { name: "A", days: "10" }).problems, { name: "is shorter than 2 characters", days: "is above 9" });
  assert.deepEqual(valuesOf(schema, { name: "ada" }).problems, { name: "does not have the right form" });
});

test("the launch plugins' defaults come back from their forms as they are", () => {
  for (const folder of readdirSync(`${root}plugins`).filter((name) => existsSync(`${root}plugins/${name}/plugin.json`))) {
    const config = manifestOf(folder).config;
    if (!config) continue;
    const fields = fieldsOf(config).filter((field) => field.value !== undefined);
    const entered = Object.fromEntries(fields.map((field) =>
      [field.name, field.kind === "flag" ? field.value : field.kind === "json" ? JSON.stringify(field.value) : String(field.value)]));
    const { values } = valuesOf({ ...config, required: [] }, entered);
    for (const field of fields) assert.deepEqual(values[field.name], field.value, `${folder} ${field.name}`);
  }
});
