// Runs a scenario file under node, by the rules that docs/testing.md gives. `veroforge plugin test` runs the same files
// in the sandbox.
import { readFileSync } from "node:fs";
import { contextFor, manifestOf, OperationError, root } from "./context.mjs";
import { violations } from "./schema.mjs";

const schema = JSON.parse(readFileSync(`${root}plugins/sdk/scenario.schema.json`, "utf8"));

/** Whether `actual` has every member that `expected` names; lists must be equal in length. */
function contains(expected, actual, place, problems) {
  if (typeof expected !== "object" || expected === null) {
    if (expected !== actual) problems.push(`${place} is ${JSON.stringify(actual)}, not ${JSON.stringify(expected)}`);
  } else if (Array.isArray(expected)) {
    if (!Array.isArray(actual) || actual.length !== expected.length) problems.push(`${place} is ${JSON.stringify(actual)}, not ${JSON.stringify(expected)}`);
    else expected.forEach((item, index) => contains(item, actual[index], `${place}/${index}`, problems));
  } else if (typeof actual !== "object" || actual === null) {
    problems.push(`${place} is ${JSON.stringify(actual)}, no object`);
  } else {
    for (const [name, item] of Object.entries(expected)) contains(item, actual[name], `${place}/${name}`, problems);
  }
}

function fields(request) {
  return (request.headers["content-type"] ?? "").startsWith("application/json")
    ? JSON.parse(request.body) : Object.fromEntries(new URLSearchParams(request.body ?? ""));
}

/** What is wrong; empty when the scenario holds. `load` answers the plugin's class. */
export async function run(folder, scenario, load) {
  const problems = violations(schema, scenario).map((text) => `the file: ${text}`);
  if (problems.length > 0) return problems;
  const manifest = manifestOf(folder);
  const script = [...(scenario.vendor ?? [])];
  const vendor = async (request) => {
    const step = script.shift();
    if (!step) {
      problems.push(`${request.method} ${request.url} was not expected`);
      throw new OperationError("unavailable", "not in the scenario");
    }
    contains(step.request.method, request.method, "method", problems);
    contains(step.request.url, String(request.url), "url", problems);
    for (const [name, value] of Object.entries(step.request.headers ?? {})) contains(value, request.headers[name.toLowerCase()], `header ${name}`, problems);
    if (typeof step.request.body === "string") contains(step.request.body, request.body, "body", problems);
    else if (step.request.body !== undefined) contains(step.request.body, fields(request), "body", problems);
    const { status, headers = {}, body = "" } = step.answer;
    return { status, headers, body: typeof body === "string" ? body : JSON.stringify(body) };
  };
  const secrets = Object.fromEntries((manifest.secrets ?? []).map(({ name }) => [name, `sample-${name}`]));
  const entities = structuredClone(scenario.entities ?? {});
  for (const { entity } of manifest.permissions) if (entity) entities[entity] ??= [];
  const faults = Object.fromEntries((scenario.faults ?? []).map(({ operation, code, message }) => [operation, new OperationError(code, message ?? "a fault of the scenario")]));
  const world = contextFor(folder, { entities, config: scenario.config ?? {}, secrets: { ...secrets, ...scenario.secrets }, vendor, faults });
  for (const [key, value] of Object.entries(scenario.storage ?? {})) world.storage.set(key, value);
  const realNow = Date.now;
  if (scenario.clock) Date.now = () => Date.parse(scenario.clock);
  let response;
  try {
    const plugin = new (await load())();
    await plugin.initialize(world.context);
    for (const { action, data = {}, id } of [scenario.when].flat()) {
      const declaration = manifest.actions.find((candidate) => candidate.name === action);
      if (!declaration) return [`there is no action ${action}`];
      problems.push(...violations(declaration.input, data).map((text) => `the input of ${action}: ${text}`));
      response = await plugin.execute({ action, data: structuredClone(data), id });
      if (response.success) problems.push(...violations(declaration.output ?? true, response.data ?? null).map((text) => `the output of ${action}: ${text}`));
    }
  } catch (error) {
    problems.push(`the plugin threw ${error.stack}`);
  } finally {
    Date.now = realNow;
  }
  const { expect } = scenario;
  contains(expect.result, response, "result", problems);
  const asked = world.operations.filter(({ name }) => !/^(storage|crypto)\./.test(name)).map(({ name, subject }) => `${name} ${subject}`);
  if (expect.operations) contains(expect.operations, asked, "operations", problems);
  for (const [entity, records] of Object.entries(expect.written ?? {})) {
    for (const [id, record] of Object.entries(records)) contains(record, world.entities[entity]?.find((candidate) => candidate.id === id), `${entity} ${id}`, problems);
  }
  if (expect.storage) contains(expect.storage, [...world.storage.keys()].sort(), "storage", problems);
  if (expect.reported) contains(expect.reported, world.reported, "reported", problems);
  const { apiCalls } = world.used;
  if (apiCalls > (expect.limits?.apiCalls ?? Infinity)) problems.push(`${apiCalls} operations, more than ${expect.limits.apiCalls}`);
  for (const step of script) problems.push(`${step.request.method} ${step.request.url} did not happen`);
  return problems;
}
