import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { root } from "./support/context.mjs";

const page = (name) => readFileSync(`${root}docs/${name}`, "utf8");
const source = (path) => readFileSync(`${root}Sources/${path}`, "utf8");
const pages = ["getting-started", "concepts-plugins", "permissions", "testing", "pricing-your-plugin", "what-reviewers-look-at",
  "limits", "errors", "migrating-a-node-library", "manifest"].map((name) => `${name}.md`)
  .concat(readdirSync(`${root}docs/plugins`).map((name) => `plugins/${name}`));

test("the limits page has the numbers that the code has", () => {
  const text = source("Marketplace/PlatformLimits.swift").replace(/_/g, "");
  const numbers = (name) => {
    const block = new RegExp(`static let ${name} = Limits\\(([\\s\\S]*?)\\)`).exec(text)[1];
    return Object.fromEntries([...block.matchAll(/(\w+): ([\d *]+)/g)].map(([, key, value]) =>
      [key, value.split("*").reduce((product, factor) => product * Number(factor), 1)]));
  };
  const [standard, maximum] = [numbers("standard"), numbers("maximum")];
  const rows = Object.fromEntries([...page("limits.md").matchAll(/^\| `(\w+)` \| (\d+) \| (\d+) \|/gm)].map(([, name, least, most]) => [name, [Number(least), Number(most)]]));
  assert.deepEqual(Object.keys(rows).sort(), Object.keys(maximum).sort());
  for (const [name, values] of Object.entries(rows)) assert.deepEqual(values, [standard[name], maximum[name]], name);
});

test("each name of a limit and each code of an error has its line", () => {
  const names = /enum LimitName[^{]*\{\s*case ([^\n]*)/.exec(source("Marketplace/PlatformLimits.swift"))[1].split(", ");
  const table = page("limits.md").split("| name | what happened")[1];
  for (const name of names) assert.ok(table.includes(`\`${name}\``), name);
  const codes = [.../One of: ([^/]*?)\./s.exec(source("Marketplace/Operation.swift"))[1].matchAll(/`(\w+)`/g)].map(([, code]) => code);
  assert.ok(codes.length >= 8);
  for (const code of codes) assert.ok(page("errors.md").includes(`| \`${code}\` |`), code);
});

test("the pricing page names every model, metric and scheme", () => {
  const text = source("Marketplace/Pricing.swift");
  const cases = (name) => [...text.split(`enum ${name}:`)[1].split(/\n *\}/)[0].matchAll(/^\s*case ([\w, ]+)$/gm)]
    .flatMap(([, list]) => list.split(", "));
  const all = [...cases("Model"), ...cases("Metric"), ...cases("Scheme")];
  assert.equal(all.length, 14);
  for (const name of all) assert.ok(page("pricing-your-plugin.md").includes(`\`${name}\``), name);
});

test("the manifest page names every member", () => {
  const schema = source("Marketplace/ManifestSchema.swift");
  const members = [...schema.split("static let properties")[1].split("static let permission")[0].matchAll(/^ {8}"(\w+)": |(?<=, )"(repository)":/gm)].map((match) => match[1] ?? match[2]);
  assert.ok(members.length >= 20);
  for (const name of members) assert.ok(page("manifest.md").includes(`\`${name}\``), name);
});

test("links between the pages lead somewhere", () => {
  for (const name of pages) {
    const folder = name.includes("/") ? "docs/plugins" : "docs";
    for (const [, target] of page(name).matchAll(/\]\(([^)#]+)(?:#[^)]*)?\)/g)) {
      if (!/^https?:/.test(target)) assert.ok(existsSync(`${root}${folder}/${target}`), `${name}: ${target}`);
    }
  }
});

test("the schema of scenarios and the testing page name the same members", () => {
  const schema = JSON.parse(readFileSync(`${root}plugins/sdk/scenario.schema.json`, "utf8"));
  const named = [...page("testing.md").matchAll(/^\| `([\w.]+)` \|/gm)].map(([, name]) => name).sort();
  const members = Object.keys(schema.properties).filter((name) => name !== "expect")
    .concat(Object.keys(schema.properties.expect.properties).map((name) => `expect.${name}`)).sort();
  assert.deepEqual(named, members);
});
