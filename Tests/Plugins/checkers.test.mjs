// The tests' own judges must be able to say no.
import assert from "node:assert/strict";
import { test } from "node:test";
import { contextFor } from "./support/context.mjs";
import { answerProblems, operationOf, requestProblems } from "./support/openapi.mjs";
import { violations } from "./support/schema.mjs";

const document = {
  paths: {
    "/things/{Id}.json": { post: {
      requestBody: { content: { "application/x-www-form-urlencoded": { schema: { type: "object", required: ["To"], properties: { To: { type: "string" }, Count: { type: "integer" } } } } } },
      responses: { 201: { content: { "application/json": { schema: { $ref: "#/components/schemas/Thing" } } } } },
    } },
  },
  components: { schemas: { Thing: { type: "object", properties: { id: { type: "string" }, parts: { type: "array", items: { type: "object", properties: { n: { type: "integer" } } } } } } } },
};
const request = (body, path = "/things/7.json", type = "application/x-www-form-urlencoded") =>
  ({ method: "POST", url: new URL(`https://api.example.com${path}`), headers: { "content-type": type }, body });

test("a request that fits a description has no problems, and one that does not has", () => {
  assert.deepEqual(requestProblems(document, request("To=a&Count=2")), []);
  for (const [wrong, reason] of [
    [request("Count=2"), /lacks To/], [request("To=a&Other=1"), /Other is unknown/], [request("To=a&Count=two"), /not integer/],
    [request("To=a", "/other"), /is not described/], [request("To=a", "/things/7.json?x=1"), /query x/], [request("{}", "/things/7.json", "application/json"), /does not take/],
  ]) assert.match(requestProblems(document, wrong).join(), reason);
  assert.equal(operationOf(document, "GET", "/things/7.json"), undefined);
});

test("an answer with an undescribed status, field or type has problems, at any depth", () => {
  const answer = (status, body) => answerProblems(document, request(""), { status, body: JSON.stringify(body) });
  assert.deepEqual(answer(201, { id: "a", parts: [{ n: 1 }] }), []);
  assert.match(answer(200, {}).join(), /status 200/);
  assert.match(answer(201, { other: 1 }).join(), /other is unknown/);
  assert.match(answer(201, { parts: [{ m: 1 }] }).join(), /m is unknown/);
  assert.match(answer(201, { id: 1 }).join(), /not string/);
});

test("a schema with a keyword that is not understood is an error, not a pass", () => {
  assert.throws(() => violations({ type: "string", contains: {} }, "a"), /contains/);
  assert.throws(() => violations({ $ref: "#/nowhere" }, "a"), /does not exist/);
});

test("the context refuses what a manifest does not declare", async () => {
  const { context } = contextFor("overdue-reminders", { entities: { orders: [] } });
  await assert.rejects(context.api.readData("orders", []), { code: "denied" });
  await assert.rejects(context.api.writeData("invoices", {}), { code: "denied" });
  await assert.rejects(context.api.triggerWorkflow("close-order", {}), { code: "denied" });
  await assert.rejects(context.fetch("https://example.com/"), { code: "denied" });
  assert.throws(() => context.secret("TOKEN"), { code: "denied" });
  const slack = contextFor("slack", { secrets: { SLACK_BOT_TOKEN: "x" } }).context;
  await assert.rejects(slack.fetch("https://slack.com/api/x", { method: "DELETE" }), { code: "denied" });
  await assert.rejects(slack.fetch("https://slack.com/api/x", { headers: { Authorization: "Bearer x" } }), { code: "denied" });
});
