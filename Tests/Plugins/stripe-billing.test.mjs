import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { test } from "node:test";
import { OperationError, ready } from "./support/context.mjs";

const secrets = { STRIPE_SECRET_KEY: "sk_sample_0123456789", STRIPE_WEBHOOK_SECRET: "whsec_sample" };

/** Answers each request by the first rule that matches `METHOD /path`; an unknown path fails the test. */
function stand(rules) {
  const requests = [];
  const seen = new Map();
  const vendor = async ({ method, url, headers, body }) => {
    const form = Object.fromEntries(new URLSearchParams(body ?? ""));
    requests.push({ method, path: url.pathname, headers, form });
    assert.equal(headers.authorization, `Bearer ${secrets.STRIPE_SECRET_KEY}`);
    assert.equal(headers["stripe-version"], "2023-10-16");
    if (method === "POST") {
      assert.equal(headers["content-type"], "application/x-www-form-urlencoded");
      assert.ok(headers["idempotency-key"], "every post carries an idempotency key");
    }
    const key = headers["idempotency-key"];
    if (seen.has(key)) return seen.get(key);
    const rule = rules[`${method} ${url.pathname}`];
    assert.ok(rule, `${method} ${url.pathname} was not expected`);
    const answer = typeof rule === "function" ? rule(form, requests.length) : rule;
    const whole = { status: 200, headers: {}, ...answer, body: typeof answer.body === "string" ? answer.body : JSON.stringify(answer.body) };
    if (key !== undefined && whole.status < 500 && whole.status !== 429) seen.set(key, whole);
    return whole;
  };
  return { vendor, requests };
}

const invoice = {
  id: "inv-00001", customer: "cus-00001", number: "S-10001", status: "open", total: "129.50", balance: "129.50", currency: "USD",
};
const entities = () => ({
  customers: [{ id: "cus-00001", name: "Ada Brown", email: "ada@example.com", phone: "" }],
  invoices: [{ ...invoice }], payments: [],
});
const world = (rules, options = {}) => {
  const stripe = stand(rules);
  return ready("stripe-billing", { entities: entities(), secrets, vendor: stripe.vendor, ...options })
    .then((made) => ({ ...made, stripe }));
};
const customer = { "POST /v1/customers": { body: { id: "cus_A1" } } };
const invoicing = {
  ...customer,
  "POST /v1/invoices": { body: { id: "in_1", status: "draft" } },
  "POST /v1/invoiceitems": { body: { id: "ii_1" } },
  "POST /v1/invoices/in_1/finalize": { body: { id: "in_1", status: "open", hosted_invoice_url: "https://invoice.stripe.com/i/in_1" } },
};

test("an invoice is drafted, lined and finalized, and its number noted", async () => {
  const { call, stripe, entities } = await world(invoicing);
  const response = await call("send-invoice", { invoiceId: "inv-00001" });
  assert.deepEqual(response.data, { stripeInvoice: "in_1", status: "open", url: "https://invoice.stripe.com/i/in_1" });
  const [, draft, line] = stripe.requests;
  assert.equal(draft.form["metadata[veroforge_invoice]"], "inv-00001");
  assert.equal(draft.form.days_until_due, "14");
  assert.deepEqual([line.form.invoice, line.form.amount, line.form.currency], ["in_1", "12950", "usd"]);
  assert.equal(entities.invoices[0].externalId, "in_1");
});

test("an invoice whose sending broke off is continued, not sent twice", async () => {
  let failures = 3;
  const { call, stripe } = await world({
    ...invoicing,
    "POST /v1/invoiceitems": () => (failures-- > 0 ? { status: 503, body: "" } : { body: { id: "ii_1" } }),
  });
  const first = await call("send-invoice", { invoiceId: "inv-00001" });
  assert.match(first.error, /^stripe\.unavailable: /);
  const second = await call("send-invoice", { invoiceId: "inv-00001" });
  assert.equal(second.success, true);
  const keys = stripe.requests.filter((request) => request.path === "/v1/invoiceitems").map((request) => request.headers["idempotency-key"]);
  assert.equal(new Set(keys).size, 1);
});

test("a paid invoice, one without a balance, and a missing one are not sent", async () => {
  for (const [change, error] of [[{ status: "paid" }, /^already-paid: /], [{ balance: "0.00" }, /^invalid: /], [{ id: "inv-2" }, /^notFound: /]]) {
    const { call, stripe } = await world({}, { entities: { ...entities(), invoices: [{ ...invoice, ...change }] } });
    assert.match((await call("send-invoice", { invoiceId: "inv-00001" })).error, error);
    assert.equal(stripe.requests.length, 0);
  }
});

test("amounts that Stripe cannot carry are refused before anything is sent", async () => {
  for (const [amount, currency, carried] of [
    ["1000", "JPY", "1000"], ["10.5", "JPY", undefined], ["5", "ISK", "500"], ["5.50", "ISK", undefined],
    ["1.230", "KWD", "1230"], ["1.235", "KWD", undefined], ["7", "MGA", "7"], ["0.1", "USD", "10"],
  ]) {
    const { call, stripe } = await world({
      "POST /v1/refunds": ({ amount }) => ({ body: { id: "re_1", status: "succeeded", amount: Number(amount), currency: currency.toLowerCase() } }),
    });
    const response = await call("refund", { payment: "pi_1", amount, currency });
    assert.equal(stripe.requests[0]?.form.amount, carried, `${amount} ${currency}`);
    if (carried === undefined) assert.match(response.error, /^invalid: .* no amount that Stripe can carry$/);
  }
});

test("a refund with a reason names the charge or the payment intent", async () => {
  const answer = { "POST /v1/refunds": { body: { id: "re_1", status: "pending", amount: 500, currency: "eur" } } };
  for (const [payment, field] of [["pi_9", "payment_intent"], ["ch_9", "charge"]]) {
    const { call, stripe } = await world(answer);
    const response = await call("refund", { payment, reason: "duplicate" });
    assert.deepEqual(response.data, { refund: "re_1", status: "pending", amount: "5.00", currency: "EUR" });
    assert.equal(stripe.requests[0].form[field], payment);
  }
});

test("a price goes as a price, an old plan as a plan, a proration as it was chosen", async () => {
  const subscription = (form) => ({ body: {
    id: "sub_1", status: "active", cancel_at_period_end: false,
    items: { data: [{ id: "si_1", quantity: 3, price: { id: form["items[0][price]"] ?? form["items[0][plan]"] ?? "price_a" } }] },
  } });
  const { call, stripe } = await world({
    ...customer, "POST /v1/subscriptions": subscription, "GET /v1/subscriptions/sub_1": subscription, "POST /v1/subscriptions/sub_1": subscription,
  });
  await call("create-subscription", { customerId: "cus-00001", price: "price_a", trialDays: 7 });
  await call("create-subscription", { customerId: "cus-00001", price: "gold" });
  await call("change-plan", { subscription: "sub_1", price: "price_b", proration: "none" });
  const [, first, second, , change] = stripe.requests;
  assert.deepEqual([first.form["items[0][price]"], first.form.trial_period_days], ["price_a", "7"]);
  assert.equal(second.form["items[0][plan]"], "gold");
  assert.deepEqual([change.form["items[0][id]"], change.form["items[0][quantity]"], change.form.proration_behavior], ["si_1", "3", "none"]);
});

test("a subscription with several items is left alone", async () => {
  const { call, stripe } = await world({ "GET /v1/subscriptions/sub_1": { body: { id: "sub_1", items: { data: [{}, {}] } } } });
  assert.match((await call("change-plan", { subscription: "sub_1", price: "price_b" })).error, /^unsupported: /);
  assert.equal(stripe.requests.length, 1);
});

test("a payment link carries its order", async () => {
  const { call, stripe } = await world({ "POST /v1/payment_links": { body: { id: "plink_1", url: "https://buy.stripe.com/x" } } });
  const response = await call("payment-link", { price: "price_a", orderId: "ord-00001" });
  assert.deepEqual(response.data, { link: "plink_1", url: "https://buy.stripe.com/x" });
  assert.deepEqual(stripe.requests[0].form,
    { "line_items[0][price]": "price_a", "line_items[0][quantity]": "1", "metadata[veroforge_order]": "ord-00001" });
});

test("a declined card keeps Stripe's words; a wrong key says what to set", async () => {
  const declined = { status: 402, body: { error: { type: "card_error", code: "card_declined", decline_code: "insufficient_funds", message: "Your card was declined." } } };
  const { call } = await world({ ...customer, "POST /v1/subscriptions": declined });
  const response = await call("create-subscription", { customerId: "cus-00001", price: "price_a" });
  assert.equal(response.error, "stripe.card_declined: Your card was declined. (insufficient_funds)");
  const other = await world({ "POST /v1/customers": { status: 401, body: { error: {} } } });
  assert.match((await other.call("create-customer", { customerId: "cus-00001" })).error, /STRIPE_SECRET_KEY/);
});

function signed(event, { secret = secrets.STRIPE_WEBHOOK_SECRET, ageSeconds = 0 } = {}) {
  const body = JSON.stringify(event);
  const time = Math.floor(Date.now() / 1000) - ageSeconds;
  const signature = createHmac("sha256", secret).update(`${time}.${body}`).digest("hex");
  return { headers: { "stripe-signature": `t=${time},v1=${"0".repeat(64)},v1=${signature}` }, body };
}
const paid = {
  id: "evt_1", type: "invoice.paid",
  data: { object: { id: "in_1", currency: "usd", amount_paid: 12950, metadata: { veroforge_invoice: "inv-00001" }, status_transitions: { paid_at: 1767225600 } } },
};

test("a paid invoice is booked once, and its amount reported", async () => {
  const { call, entities, reported } = await world({});
  assert.deepEqual((await call("stripe-event", signed(paid))).data, { event: "evt_1", handled: true });
  assert.deepEqual((await call("stripe-event", signed(paid))).data, { event: "evt_1", handled: true, repeated: true });
  assert.deepEqual(entities.payments, [{
    invoice: "inv-00001", amount: "129.50", currency: "USD", method: "card", externalId: "in_1",
    receivedAt: "2026-01-01T00:00:00.000Z", id: "pay-10001",
  }]);
  assert.deepEqual([entities.invoices[0].status, entities.invoices[0].balance], ["paid", "0.00"]);
  assert.deepEqual(reported, [{ amount: "129.50", currency: "USD" }]);
});

test("a booking that broke off is completed by the next delivery", async () => {
  const { plugin, call, entities, reported } = await world({},
    { faults: { "writeData invoices": new OperationError("upstream", "the application failed") } });
  const first = await plugin.execute({ action: "stripe-event", data: signed(paid) });
  assert.deepEqual(first, { success: false, error: "upstream: the application failed" });
  assert.equal((await call("stripe-event", signed(paid))).success, true);
  assert.equal(entities.payments.length, 1);
  assert.equal(entities.invoices[0].status, "paid");
  assert.equal(reported.length, 1);
});

test("a forged or stale event touches nothing", async () => {
  const { call, operations } = await world({});
  for (const delivery of [signed(paid, { secret: "other" }), signed(paid, { ageSeconds: 301 }), { headers: {}, body: "{}" }]) {
    assert.equal((await call("stripe-event", delivery)).error, "denied: the event is not signed by Stripe");
  }
  assert.deepEqual(operations, []);
});

test("a failed payment tells the team, unless it does not want to know", async () => {
  const failed = { id: "evt_2", type: "invoice.payment_failed", data: { object: { id: "in_1" } } };
  for (const [notifyOnFailure, count] of [[true, 1], [false, 0]]) {
    const { call, operations } = await world({}, { config: { notifyOnFailure } });
    await call("stripe-event", signed(failed));
    assert.equal(operations.filter((operation) => operation.name === "triggerWorkflow").length, count);
  }
  const { call } = await world({});
  assert.equal((await call("stripe-event", signed({ id: "evt_3", type: "charge.updated", data: { object: {} } }))).data.handled, false);
});
