import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { test } from "node:test";
import { defaultsOf, manifestOf, root } from "./support/context.mjs";
import { violations } from "./support/schema.mjs";

const folders = readdirSync(`${root}plugins`).filter((name) => existsSync(`${root}plugins/${name}/plugin.json`)).sort();

for (const folder of folders) {
  const manifest = manifestOf(folder);
  const source = (path) => readFileSync(`${root}plugins/${folder}/${path}`, "utf8");

  test(`${folder}: every file that the manifest names exists`, () => {
    const named = ["README.md", "CHANGELOG.md", "LICENSE", manifest.main, manifest.icon,
      ...(manifest.screenshots ?? []).map((shot) => shot.path), ...(manifest.ui ?? []).map((page) => page.path)];
    for (const path of named.filter(Boolean)) assert.ok(existsSync(`${root}plugins/${folder}/${path}`), path);
  });

  test(`${folder}: the README's pictures exist, say what they show, and are small`, () => {
    const pictures = [...source("README.md").matchAll(/!\[([^\]]*)\]\(([^)]+)\)/g)];
    if (manifest.id.startsWith("veroforge.")) assert.ok(pictures.length > 0, "no picture of the flow");
    for (const [, words, path] of pictures) {
      assert.ok(words.length > 40, `${path} is not described`);
      assert.ok(statSync(`${root}plugins/${folder}/${path}`).size < 100_000, path);
    }
  });

  test(`${folder}: the changelog has the version`, () => {
    assert.match(source("CHANGELOG.md"), new RegExp(`^## ${manifest.version.replace(/\./g, "\\.")}$`, "m"));
  });

  test(`${folder}: permissions and apiSurface name the same operations`, () => {
    const needing = new Set(["readData", "writeData", "triggerWorkflow", "fetch"]);
    const permitted = new Set(manifest.permissions.map((permission) => permission.operation));
    assert.deepEqual([...permitted].sort(), manifest.apiSurface.filter((name) => needing.has(name)).sort());
    for (const permission of manifest.permissions) assert.ok(permission.purpose.length >= 10, "a purpose says why");
  });

  test(`${folder}: the config's defaults, with the examples of what has none, satisfy the config's schema`, () => {
    const required = Object.fromEntries((manifest.config?.required ?? [])
      .map((name) => [name, manifest.config.properties[name].examples?.[0]]));
    if (manifest.config) assert.deepEqual(violations(manifest.config, { ...required, ...defaultsOf(manifest.config) }), []);
  });

  test(`${folder}: examples in the schemas satisfy them`, () => {
    const walk = (schema) => {
      if (typeof schema !== "object" || schema === null) return;
      for (const example of schema.examples ?? []) assert.deepEqual(violations(schema, example), []);
      if (schema.default !== undefined) assert.deepEqual(violations(schema, schema.default), []);
      for (const value of Object.values(schema)) walk(value);
    };
    for (const action of manifest.actions) walk([action.input, action.output]);
  });

  test(`${folder}: the name and version in the code are the manifest's`, async () => {
    const { default: PluginClass } = await import(`${root}plugins/${folder}/${manifest.main}`);
    const plugin = new PluginClass();
    assert.equal(plugin.name, manifest.id.split(".")[1]);
    assert.equal(plugin.version, manifest.version);
  });
}

test("the billing models are all represented", () => {
  const models = new Set(folders.map((folder) => manifestOf(folder).pricing.model));
  for (const model of ["payPerUse", "subscription", "oneTime", "freemium"]) assert.ok(models.has(model), model);
});
