import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { test } from "node:test";
import { clock, ready } from "./support/context.mjs";
import { answerProblems, requestProblems } from "./support/openapi.mjs";
import { description, skipReason } from "./support/shared.mjs";

const accountSid = "AC00000000000000000000000000000001";
const secrets = { TWILIO_CREDENTIALS: `${accountSid}:token-sample`, TWILIO_AUTH_TOKEN: "token-sample" };
const config = {
  accountSid, from: "+15550100000", verifyService: "VA00000000000000000000000000000001",
  hookAddress: "https://runtime.example.com/v1/hooks/i1/message-status",
};

/** A Twilio that keeps messages, calls and codes, and takes only what it knows. */
function twilio({ first = [] } = {}) {
  const exchanges = [];
  const codes = new Map();
  const json = (status, body, headers = {}) => ({ status, headers, body: JSON.stringify(body) });
  const refusal = (status, code, message) =>
    json(status, { code, message, more_info: `https://www.twilio.com/docs/errors/${code}`, status });
  const sid = (prefix) => prefix + String(exchanges.length + 1).padStart(32, "0");
  function answer({ method, url, headers, body }) {
    if (first.length > 0) return first.shift();
    const basic = `Basic ${Buffer.from(secrets.TWILIO_CREDENTIALS).toString("base64")}`;
    if (headers.authorization !== basic) return refusal(401, 20003, "Authenticate");
    const form = Object.fromEntries(new URLSearchParams(body));
    const known = (...names) => {
      for (const name of Object.keys(form)) assert.ok(names.includes(name), `${url.pathname} does not take ${name}`);
    };
    switch (`${method} ${url.host}${url.pathname}`) {
      case `POST api.twilio.com/2010-04-01/Accounts/${accountSid}/Messages.json`:
        known("To", "From", "MessagingServiceSid", "Body", "StatusCallback");
        if (form.To === "+15550109999") return refusal(400, 21610, "Attempt to send to unsubscribed recipient");
        return json(201, {
          sid: sid("SM"), account_sid: accountSid, to: form.To, from: form.From ?? null, body: form.Body, status: "queued",
          messaging_service_sid: form.MessagingServiceSid ?? null, direction: "outbound-api", error_code: null,
        });
      case `POST api.twilio.com/2010-04-01/Accounts/${accountSid}/Calls.json`:
        known("To", "From", "Twiml");
        return json(201, { sid: sid("CA"), account_sid: accountSid, to: form.To, from: form.From, status: "queued" });
      case `POST verify.twilio.com/v2/Services/${config.verifyService}/Verifications`:
        known("To", "Channel");
        codes.set(form.To, "123456");
        return json(201, { sid: sid("VE"), service_sid: config.verifyService, to: form.To, channel: form.Channel, status: "pending", valid: false });
      case `POST verify.twilio.com/v2/Services/${config.verifyService}/VerificationCheck`: {
        known("To", "Code");
        if (!codes.has(form.To)) return refusal(404, 20404, "The requested resource was not found");
        const right = codes.get(form.To) === form.Code;
        if (right) codes.delete(form.To);
        return json(200, { sid: sid("VE"), to: form.To, channel: "sms", status: right ? "approved" : "pending", valid: right });
      }
      default: return refusal(404, 20404, `no ${url.pathname}`);
    }
  }
  const vendor = async (request) => {
    const given = answer(request);
    exchanges.push({ request, answer: given, form: Object.fromEntries(new URLSearchParams(request.body)) });
    return given;
  };
  return { vendor, exchanges, codes };
}

const entities = () => ({
  orders: [{ id: "ord-00042", customer: "cus-00007", title: "Leaking tap", scheduledFor: "2026-02-03T08:00:00Z" },
    { id: "ord-00043", customer: "cus-00008", title: "Fuse box" }],
  customers: [{ id: "cus-00007", name: "Ada Brown", phone: "+15550100007" }, { id: "cus-00008", name: "Ivo", phone: "555 123" }],
});
const world = (options = {}, standOptions) => {
  const stand = twilio(standOptions);
  return ready("twilio", { entities: entities(), secrets, vendor: stand.vendor, ...options, config: { ...config, ...options.config } })
    .then((made) => ({ ...made, twilio: stand }));
};

test("a customer is told in the business's own words", async () => {
  const { call, twilio } = await world({ config: { texts: { "on-the-way": "{name}: {title} ({order}) soon. {unknown}" } } });
  assert.equal((await call("notify-customer", { orderId: "ord-00042", event: "scheduled" })).data.status, "queued");
  await call("notify-customer", { orderId: "ord-00042", event: "on-the-way" });
  assert.deepEqual(twilio.exchanges.map(({ form }) => [form.To, form.From, form.Body]), [
    ["+15550100007", "+15550100000", "Hello Ada Brown, your appointment for “Leaking tap” is on 2026-02-03. Order ord-00042."],
    ["+15550100007", "+15550100000", "Ada Brown: Leaking tap (ord-00042) soon. {unknown}"],
  ]);
  assert.equal(twilio.exchanges[0].form.StatusCallback, config.hookAddress);
});

test("a messaging service stands in for the number", async () => {
  const messagingService = "MG00000000000000000000000000000001";
  const { call, twilio } = await world({ config: { messagingService } });
  await call("send-sms", { to: "+15550100001", text: "hello" });
  assert.equal(twilio.exchanges[0].form.MessagingServiceSid, messagingService);
  assert.equal(twilio.exchanges[0].form.From, undefined);
});

test("a missing order and a number that is none send nothing", async () => {
  const { call, twilio } = await world();
  assert.match((await call("notify-customer", { orderId: "ord-1", event: "completed" })).error, /^notFound: /);
  assert.match((await call("notify-customer", { orderId: "ord-00043", event: "completed" })).error, /^no-number: /);
  assert.equal(twilio.exchanges.length, 0);
});

test("the same idempotency key sends and calls once", async () => {
  const { call, twilio } = await world();
  for (const [action, more] of [["send-sms", {}], ["call", { times: 2 }]]) {
    const data = { to: "+15550100001", text: "hello", idempotencyKey: "k", ...more };
    const first = await call(action, data);
    assert.deepEqual((await call(action, data)).data, { ...first.data, repeated: true });
  }
  assert.equal(twilio.exchanges.length, 2);
});

test("a call's text cannot leave its place in the script", async () => {
  const { call, twilio } = await world({ config: { language: "en-GB" } });
  await call("call", { to: "+15550100001", text: "1 < 2 & </Say><Dial>+1</Dial>\u0000", times: 2 });
  assert.equal(twilio.exchanges[0].form.Twiml,
    '<Response><Pause length="1"/><Say language="en-GB" loop="2">1 &lt; 2 &amp; &lt;/Say&gt;&lt;Dial&gt;+1&lt;/Dial&gt;</Say></Response>');
});

test("Twilio's refusals keep their number, and a message of unknown fate is not sent again", async () => {
  const { call } = await world();
  assert.match((await call("send-sms", { to: "+15550109999", text: "hello" })).error, /^twilio\.21610: Attempt to send to unsubscribed/);
  const down = await world({}, { first: [{ status: 502, body: "" }] });
  assert.match((await down.call("send-sms", { to: "+15550100001", text: "hello" })).error, /^twilio\.unavailable: /);
  assert.equal(down.twilio.exchanges.length, 1);
  const busy = await world({}, { first: [{ status: 429, headers: { "retry-after": "0" }, body: "" }] });
  assert.equal((await busy.call("send-sms", { to: "+15550100001", text: "hello" })).success, true);
  const wrong = await world({ secrets: { ...secrets, TWILIO_CREDENTIALS: "AC:wrong" } });
  assert.match((await wrong.call("send-sms", { to: "+15550100001", text: "hello" })).error, /^twilio\.unauthorized: .*TWILIO_CREDENTIALS/);
});

test("a right code is approved once", async () => {
  const { call } = await world();
  const to = "+15550100001";
  const sent = await call("send-code", { to });
  assert.equal(sent.data.codesLeft, 4);
  assert.deepEqual((await call("check-code", { to, code: "000000" })).data, { approved: false, attemptsLeft: 4 });
  assert.deepEqual((await call("check-code", { to, code: "123456" })).data, { approved: true });
  assert.match((await call("check-code", { to, code: "123456" })).error, /^expired: /);
});

test("after the attempts are used up even the right code is refused, without asking Twilio", async () => {
  const { call, twilio } = await world({ config: { attemptsPerCode: 2 } });
  const to = "+15550100001";
  await call("send-code", { to });
  for (let attempt = 0; attempt < 2; attempt += 1) await call("check-code", { to, code: "000000" });
  assert.match((await call("check-code", { to, code: "123456" })).error, /^too-many-attempts: /);
  assert.equal(twilio.exchanges.length, 3);
  await call("send-code", { to });
  assert.deepEqual((await call("check-code", { to, code: "123456" })).data, { approved: true });
});

test("codes expire, and their number an hour is limited", async (context) => {
  const set = clock(context, "2026-02-01T12:00:00Z");
  const { call } = await world({ config: { codesPerHour: 2 } });
  const to = "+15550100001";
  const sent = await call("send-code", { to });
  assert.equal(sent.data.expiresAt, "2026-02-01T12:10:00.000Z");
  set("2026-02-01T12:10:00Z");
  assert.match((await call("check-code", { to, code: "123456" })).error, /^expired: /);
  await call("send-code", { to });
  assert.match((await call("send-code", { to })).error, /^too-many-codes: .* 50 minutes$/);
  set("2026-02-01T13:00:00Z");
  assert.equal((await call("send-code", { to })).data.codesLeft, 0);
});

test("codes need a Verify service", async () => {
  const { call } = await world({ config: { verifyService: undefined } });
  assert.match((await call("send-code", { to: "+15550100001" })).error, /^not-configured: /);
});

test("a signed report of failure tells the team; a forged one does nothing", async () => {
  const fields = { MessageSid: "SM1", MessageStatus: "undelivered", To: "+15550100001", ErrorCode: "30003" };
  const body = new URLSearchParams(fields).toString();
  const signed = config.hookAddress + Object.keys(fields).sort().map((name) => name + fields[name]).join("");
  const signature = createHmac("sha1", secrets.TWILIO_AUTH_TOKEN).update(signed).digest("base64");
  const { call, operations } = await world();
  assert.match((await call("message-status", { headers: { "x-twilio-signature": signature }, body: body.replace("undelivered", "delivered") })).error, /^denied: /);
  assert.match((await call("message-status", { headers: {}, body })).error, /^denied: /);
  assert.deepEqual(operations, []);
  const response = await call("message-status", { headers: { "x-twilio-signature": signature }, body });
  assert.deepEqual(response.data, { message: "SM1", status: "undelivered" });
  assert.match(operations[0].data.text, /30003/);
});

const [api, verify] = [description("twilio-api-v2010.openapi3.json"), description("twilio-verify-v2.openapi3.json")];

test("every request and answer fits Twilio's published descriptions", { skip: api && verify ? false : skipReason }, async () => {
  const { call, twilio } = await world();
  const to = "+15550100001";
  await call("notify-customer", { orderId: "ord-00042", event: "completed" });
  await call("send-sms", { to, text: "ä & b" });
  await call("call", { to, text: "hello" });
  await call("send-code", { to, channel: "call" });
  await call("check-code", { to, code: "123456" });
  assert.equal(twilio.exchanges.length, 5);
  for (const { request, answer } of twilio.exchanges) {
    const document = request.url.host.startsWith("verify") ? verify : api;
    assert.deepEqual(requestProblems(document, request), []);
    assert.deepEqual(answerProblems(document, request, answer), []);
  }
});
