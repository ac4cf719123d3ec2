import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { manifestOf, root } from "./support/context.mjs";
import { run } from "./support/scenario.mjs";

const read = (path) => JSON.parse(readFileSync(path, "utf8"));
const folders = readdirSync(`${root}plugins`).filter((name) => existsSync(`${root}plugins/${name}/scenarios`)).sort();

for (const folder of folders) {
  const load = async () => (await import(`${root}plugins/${folder}/${manifestOf(folder).main}`)).default;
  for (const file of readdirSync(`${root}plugins/${folder}/scenarios`).sort()) {
    const scenario = read(`${root}plugins/${folder}/scenarios/${file}`);
    // The stand-ins are the simulator's: `plugin test` runs these.
    if (scenario.vendor === "stand-in") continue;
    test(`${folder}: ${file}`, async () => {
      assert.deepEqual(await run(folder, scenario, load), []);
    });
  }
}

test("each launch plugin has scenarios", () => {
  for (const name of ["docusign", "overdue-reminders", "quickbooks-sync", "slack", "stripe-billing", "twilio"]) assert.ok(folders.includes(name), name);
});

test("a scenario that does not hold says so", async () => {
  const load = async () => (await import(`${root}plugins/overdue-reminders/dist/index.js`)).default;
  const scenario = read(`${root}plugins/overdue-reminders/scenarios/reminds.json`);
  for (const [change, reason] of [
    [(copy) => { copy.expect.result.data.overdue = 2; }, /^result\/data\/overdue is 1, not 2$/],
    [(copy) => { copy.expect.operations.pop(); }, /^operations is /],
    [(copy) => { copy.expect.storage = []; }, /^storage is /],
    [(copy) => { copy.expect.limits.apiCalls = 3; }, /^6 operations, more than 3$/],
    [(copy) => { copy.vendor = [{ request: { method: "GET", url: "https://example.com/" }, answer: { status: 200 } }]; }, /^GET https:\/\/example.com\/ did not happen$/],
    [(copy) => { copy.unknown = true; }, /unknown/],
    [(copy) => { copy.when.data.limit = 99; }, /^the input of remind/],
  ]) {
    const copy = structuredClone(scenario);
    change(copy);
    const problems = await run("overdue-reminders", copy, load);
    assert.ok(problems.some((problem) => reason.test(problem)), `${reason}: ${problems}`);
  }
});
