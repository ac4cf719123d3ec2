import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { root } from "./support/context.mjs";

const values = { id: "hello-samples.greeter", publisher: "hello-samples", name: "greeter", title: "Greeter", class: "GreeterPlugin", author: "Hello Samples" };

/** What `veroforge plugin new` makes, in `folder`. */
function make(language, folder) {
  cpSync(`${root}plugins/templates/${language}`, folder, { recursive: true });
  const fill = (path) => {
    for (const name of readdirSync(path)) {
      const file = join(path, name);
      if (statSync(file).isDirectory()) fill(file);
      else writeFileSync(file, readFileSync(file, "utf8").replace(/\{\{(\w+)\}\}/g, (_, key) => values[key]));
    }
  };
  fill(folder);
  if (language === "typescript") {
    for (const name of ["src", "kit", "tsconfig.plugin.json"]) cpSync(`${root}plugins/sdk/${name}`, join(folder, "sdk", name), { recursive: true });
  }
}

describe("templates of new plugins", () => {
  let folder;
  before(() => { folder = mkdtempSync(join(tmpdir(), "templates-")); });
  after(() => rmSync(folder, { recursive: true }));

  test("the TypeScript one type-checks and builds with nothing but its own folder", async () => {
    const plugin = join(folder, "typescript");
    make("typescript", plugin);
    execFileSync("tsc", ["-p", "tsconfig.json"], { cwd: plugin, stdio: "pipe" });
    execFileSync("esbuild", ["src/index.ts", "--bundle", "--format=esm", "--platform=neutral", "--main-fields=module,main", "--target=es2022",
      "--charset=utf8", "--external:@veroforge/sdk", "--outfile=dist/index.js", "--log-level=warning"], { cwd: plugin, stdio: "pipe" });
    await greets(join(plugin, "dist/index.js"));
  });

  test("the JavaScript one runs as it is", async () => {
    const plugin = join(folder, "javascript");
    make("javascript", plugin);
    writeFileSync(join(plugin, "package.json"), '{"type": "module"}');
    await greets(join(plugin, "dist/index.js"));
  });

  test("what the manifest does not declare does not compile", () => {
    const plugin = join(folder, "undeclared");
    make("typescript", plugin);
    for (const [line, reason] of [
      ['context.api.readData("payrolls", [])', /payrolls/],
      ['context.api.writeData("customers", {})', /never/],
      ['context.api.triggerWorkflow("send-email", {})', /never/],
      ['context.fetch("https://example.com/")', /never|https/],
      ['context.secret("TOKEN")', /never/],
      ["context.config.unknown", /unknown/],
      ["process.env", /process/],
      ['fetch("https://example.com/")', /fetch/],
      ['require("fs")', /require/],
    ]) {
      mkdirSync(join(plugin, "src"), { recursive: true });
      writeFileSync(join(plugin, "src/undeclared.ts"),
        `import type { PluginContext } from "@veroforge/sdk";\nexport function wrong(context: PluginContext): unknown { return ${line}; }\n`);
      let output = "";
      try {
        execFileSync("tsc", ["-p", "tsconfig.json"], { cwd: plugin, stdio: "pipe" });
      } catch (error) {
        output = String(error.stdout);
      }
      assert.match(output, /src\/undeclared\.ts\(2,/, `${line} compiles`);
      assert.match(output, reason, line);
    }
  });
});

async function greets(main) {
  const { default: PluginClass } = await import(main);
  const plugin = new PluginClass();
  await plugin.initialize({
    api: { readData: async (entity, [filter]) => (filter.value === "cus-1" ? [{ id: "cus-1", name: "Ada" }] : []) },
    config: { greeting: "Hello" }, logger: { warn() {} },
  });
  assert.deepEqual(await plugin.execute({ action: "greet", data: { customerId: "cus-1" } }), { success: true, data: { text: "Hello, Ada!" } });
  assert.match((await plugin.execute({ action: "greet", data: { customerId: "cus-2" } })).error, /^notFound: /);
  assert.match((await plugin.execute({ action: "other", data: {} })).error, /^unknown-action/);
}
