import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { test } from "node:test";
import { OperationError, ready } from "./support/context.mjs";
import { violations } from "./support/schema.mjs";
import { description, skipReason } from "./support/shared.mjs";

const secrets = { SLACK_BOT_TOKEN: "xoxb-sample", SLACK_SIGNING_SECRET: "signing-sample" };
const order = {
  id: "ord-00042", customer: "cus-00007", title: "Leaking tap <kitchen>", status: "scheduled", priority: "normal",
  scheduledFor: "2026-02-03T08:00:00Z", total: "129.00", currency: "USD",
};
const customer = { id: "cus-00007", name: "Ada Brown", city: "Riverton" };

/** A Slack of the smallest size: keeps messages, knows one person, answers refusals with status 200. */
function slack({ first = [] } = {}) {
  const requests = [];
  const messages = [];
  const json = (body, status = 200, headers = {}) =>
    ({ status, headers: { "content-type": "application/json", ...headers }, body: JSON.stringify(body) });
  const vendor = async (request) => {
    const fields = Object.fromEntries(new URLSearchParams(request.method === "POST" ? request.body : request.url.search));
    requests.push({ ...request, fields });
    const prepared = first.shift();
    if (prepared) return prepared;
    if (request.headers.authorization !== `Bearer ${secrets.SLACK_BOT_TOKEN}`) return json({ ok: false, error: "not_authed" });
    switch (request.url.pathname) {
      case "/api/chat.postMessage": {
        if (fields.channel === "#missing") return json({ ok: false, error: "channel_not_found" });
        const ts = `1767225600.${String(messages.length + 1).padStart(6, "0")}`;
        messages.push({ ...fields, ts });
        return json({ ok: true, channel: "C024BE91L", ts, message: { type: "message", text: fields.text, ts } });
      }
      case "/api/chat.update":
        return json({ ok: true, channel: fields.channel, ts: fields.ts, text: fields.text, message: { text: fields.text } });
      case "/api/users.lookupByEmail":
        return fields.email === "technician1@example.com" ? json({ ok: true, user: { id: "U012AB3CD" } })
          : json({ ok: false, error: "users_not_found" });
      default: return json({ ok: false, error: "unknown_method" });
    }
  };
  return { vendor, requests, messages };
}

const world = (options = {}, vendorOptions) => {
  const stand = slack(vendorOptions);
  return ready("slack", {
    entities: { orders: [{ ...order }], customers: [{ ...customer }] }, secrets, vendor: stand.vendor, ...options,
  }).then((made) => ({ ...made, slack: stand }));
};

test("an order's message carries its facts and goes to the default channel", async () => {
  const { call, slack } = await world();
  const response = await call("notify-order", { orderId: "ord-00042", event: "scheduled" });
  assert.deepEqual(response, { success: true, data: { channel: "C024BE91L", ts: "1767225600.000001", repeated: false } });
  const [message] = slack.messages;
  assert.equal(message.channel, "#service-desk");
  assert.equal(message.text, "Order scheduled: Leaking tap &lt;kitchen&gt; (ord-00042)");
  const blocks = JSON.parse(message.blocks);
  assert.deepEqual(blocks.map((block) => block.type), ["header", "section", "section"]);
  assert.ok(blocks[2].fields.some((field) => field.text === "*Customer*\nAda Brown"));
  assert.ok(!message.blocks.includes("129.00"), "totals are shown only when the customer asks for it");
});

test("the first route whose conditions hold decides the channel", async () => {
  const routes = [
    { event: "urgent", channel: "#on-call" }, { city: "Riverton", channel: "#riverton" }, { channel: "#rest" },
  ];
  const { call, slack } = await world({ config: { routes, showTotals: true } });
  for (const event of ["urgent", "created"]) await call("notify-order", { orderId: "ord-00042", event });
  await call("notify-order", { orderId: "ord-00042", event: "urgent", channel: "#chosen" });
  assert.deepEqual(slack.messages.map((message) => message.channel), ["#on-call", "#riverton", "#chosen"]);
  assert.ok(slack.messages[0].blocks.includes("USD 129.00"));
});

test("an order that does not exist posts nothing", async () => {
  const { call, slack } = await world();
  const response = await call("notify-order", { orderId: "ord-99999", event: "created" });
  assert.deepEqual(response, { success: false, error: "notFound: no order ord-99999" });
  assert.equal(slack.requests.length, 0);
});

test("the same idempotency key posts once and answers alike", async () => {
  const { call, slack } = await world();
  const data = { text: "hello", idempotencyKey: "k1" };
  const first = await call("send-message", data);
  const second = await call("send-message", data);
  assert.equal(slack.messages.length, 1);
  assert.deepEqual(second.data, { ...first.data, repeated: true });
});

test("of the idempotency keys the last 200 are remembered", async () => {
  const { call, storage } = await world();
  for (let index = 0; index < 205; index += 1) await call("send-message", { text: "x", idempotencyKey: `k${index}` });
  assert.equal(storage.get("sent").length, 200);
  assert.equal(storage.get("sent")[0].key, "k5");
});

test("a rate limit that asks for a short wait is waited for", async () => {
  const { call, slack } = await world({}, { first: [{ status: 429, headers: { "retry-after": "0" }, body: "" }] });
  const response = await call("send-message", { text: "hello" });
  assert.equal(response.success, true);
  assert.equal(slack.requests.length, 2);
});

test("a rate limit that asks for a long wait is handed back", async () => {
  const { call, slack } = await world({}, { first: [{ status: 429, headers: { "retry-after": "30" }, body: "" }] });
  const response = await call("send-message", { text: "hello" });
  assert.match(response.error, /^slack\.ratelimited: .*30 seconds/);
  assert.equal(slack.requests.length, 1);
});

test("a message whose fate is unknown is not sent again", async () => {
  const { call, slack } = await world({}, { first: [{ status: 503, headers: {}, body: "upstream" }] });
  const response = await call("send-message", { text: "hello" });
  assert.match(response.error, /^slack\.unavailable: /);
  assert.equal(slack.requests.length, 1);
});

test("Slack's refusals and ill-formed answers keep their word", async () => {
  const { call } = await world();
  const refused = await call("send-message", { channel: "#missing", text: "hello" });
  assert.match(refused.error, /^slack\.channel_not_found: .*invite the bot/);
  const broken = await world({}, { first: [{ status: 200, headers: {}, body: "<html>" }] });
  assert.match((await broken.call("send-message", { text: "hello" })).error, /^slack\.unexpected-answer: /);
});

test("a direct message goes to the person with the address", async () => {
  const { call, slack } = await world();
  const response = await call("message-person", { email: "technician1@example.com", text: "Key is under the mat & safe" });
  assert.equal(response.data.user, "U012AB3CD");
  assert.equal(slack.messages[0].channel, "U012AB3CD");
  assert.equal(slack.messages[0].text, "Key is under the mat &amp; safe");
  const nobody = await call("message-person", { email: "nobody@example.com", text: "hello" });
  assert.match(nobody.error, /^slack\.users_not_found: /);
});

test("a posted message can be changed", async () => {
  const { call, slack } = await world();
  const data = { channel: "C024BE91L", ts: "1767225600.000001", text: "corrected" };
  assert.deepEqual((await call("update-message", data)).data, { channel: data.channel, ts: data.ts });
  assert.equal(slack.requests[0].fields.ts, data.ts);
});

function delivery(form, { secret = secrets.SLACK_SIGNING_SECRET, ageSeconds = 0 } = {}) {
  const body = new URLSearchParams(form).toString();
  const time = String(Math.floor(Date.now() / 1000) - ageSeconds);
  const signature = "v0=" + createHmac("sha256", secret).update(`v0:${time}:${body}`).digest("hex");
  return { headers: { "x-slack-request-timestamp": time, "x-slack-signature": signature }, body };
}

test("a signed slash command starts its workflow and says so in the channel", async () => {
  const { call, operations } = await world();
  const form = { command: "/dispatch", text: "ord-00042 please", user_name: "ada", user_id: "U1" };
  const response = await call("slash-command", delivery(form));
  assert.deepEqual(response.data, { response_type: "in_channel", text: "<@U1> used /dispatch for ord-00042." });
  const run = operations.find((operation) => operation.name === "triggerWorkflow");
  assert.deepEqual(run, { name: "triggerWorkflow", subject: "dispatch-technician", data: { order: "ord-00042", requestedBy: "ada" } });
});

test("a forged, unsigned or stale slash command touches nothing", async () => {
  const { call, operations } = await world();
  const form = { command: "/dispatch", text: "ord-00042" };
  const signed = delivery(form);
  for (const data of [
    delivery(form, { secret: "other" }), delivery(form, { ageSeconds: 301 }), { headers: {}, body: signed.body },
    { headers: signed.headers, body: signed.body + "&text=ord-00001" },
  ]) {
    assert.deepEqual(await call("slash-command", data), { success: false, error: "denied: the request is not signed by Slack" });
  }
  assert.deepEqual(operations, []);
});

test("what a person in Slack got wrong is told to that person alone", async () => {
  const { call } = await world();
  for (const [form, text] of [
    [{ command: "/fly", text: "x" }, "I do not know the command /fly."],
    [{ command: "/dispatch", text: " " }, "Write the order's number after the command: /dispatch ord-00042"],
    [{ command: "/close-order", text: "ord-1" }, "There is no order ord-1."],
  ]) assert.deepEqual((await call("slash-command", delivery(form))).data, { response_type: "ephemeral", text });
  const refused = await world({ faults: { "triggerWorkflow close-order": new OperationError("upstream", "out of order") } });
  const response = await refused.call("slash-command", delivery({ command: "/close-order", text: "ord-00042" }));
  assert.equal(response.data.text, "The application did not do /close-order: out of order");
});

const published = description("slack-web.swagger2.json");

test("every request fits Slack's published description", { skip: published ? false : skipReason }, async () => {
  const { call, slack } = await world();
  await call("notify-order", { orderId: "ord-00042", event: "created" });
  await call("send-message", { text: "a & b", threadTs: "1767225600.000001" });
  await call("message-person", { email: "technician1@example.com", text: "hello" });
  await call("update-message", { channel: "C024BE91L", ts: "1767225600.000001", text: "corrected" });
  for (const request of slack.requests) {
    const path = request.url.pathname.replace(/^\/api/, "");
    const operation = published.paths[path]?.[request.method.toLowerCase()];
    assert.ok(operation, `${request.method} ${path} is described`);
    const place = request.method === "POST" ? "formData" : "query";
    const parameters = Object.fromEntries(operation.parameters.map((parameter) => [parameter.name, parameter]));
    for (const [name, value] of Object.entries(request.fields)) {
      assert.equal(parameters[name]?.in, place, `${path} takes ${name}`);
      if (parameters[name].type === "boolean") assert.match(value, /^(true|false)$/);
    }
    for (const parameter of operation.parameters.filter((candidate) => candidate.required && candidate.name !== "token")) {
      assert.ok(request.fields[parameter.name], `${path} needs ${parameter.name}`);
    }
    assert.match(request.headers.authorization, /^Bearer /);
    if (request.method === "POST") assert.ok(operation.consumes.includes(request.headers["content-type"].split(";")[0]));
    assert.equal(violations({ type: "object" }, request.fields).length, 0);
  }
});
