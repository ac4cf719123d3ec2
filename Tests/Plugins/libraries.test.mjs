// Debian's node-* libraries in a plugin, in a context that has ECMAScript and the sandbox's globals and nothing of
// Node's. `veroforge plugin test out/libraries/<name>` runs the same bundles in the real sandbox.
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import vm from "node:vm";
import { root } from "./support/context.mjs";

const folder = `${root}out/libraries`;
const names = readdirSync(`${root}Tests/Plugins/libraries/cases`).filter((name) => name.endsWith(".js")).map((name) => name.slice(0, -3)).sort();
// What is known not to work, and why.
const expected = {};

async function run(name) {
  const status = readFileSync(`${folder}/${name}/status`, "utf8").trim();
  if (status !== "works") return status;
  const source = readFileSync(`${folder}/${name}/dist/index.js`, "utf8").replace(/^export \{\s*([\w$]+) as default\s*\};?$/m, "globalThis.Plugin = $1;");
  const context = vm.createContext({
    console: Object.freeze({ log() {}, warn() {}, error() {} }), setTimeout, clearTimeout, TextEncoder, TextDecoder, URL, URLSearchParams,
    crypto: Object.freeze({ getRandomValues: (array) => crypto.getRandomValues(array), randomUUID: () => crypto.randomUUID() }),
  });
  vm.runInContext("delete globalThis.WebAssembly; delete globalThis.Intl;", context);
  try {
    vm.runInContext(source, context, { filename: `${name}.js` });
    const { data } = await new context.Plugin().execute();
    return data.right ? "works" : `answers ${JSON.stringify(data.answer)}`;
  } catch (error) {
    return `throws ${error.message}`;
  }
}

test("at least ten of Debian's libraries answer rightly without anything of Node's", { skip: existsSync(folder) ? false : "run Tests/Plugins/libraries/prepare first" }, async (context) => {
  const statuses = Object.fromEntries(await Promise.all(names.map(async (name) => [name, await run(name)])));
  for (const [name, status] of Object.entries(statuses)) context.diagnostic(`${name}: ${status}`);
  const wrong = Object.entries(statuses).filter(([name, status]) => !(expected[name] ?? /^works$/).test(status));
  assert.deepEqual(wrong, []);
  assert.ok(Object.values(statuses).filter((status) => status === "works").length >= 10);
});
