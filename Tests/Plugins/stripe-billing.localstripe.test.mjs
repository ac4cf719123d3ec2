// Against localstripe (PyPI): customers, subscriptions, change of plan, cancellation, refunds and signed events.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createServer } from "node:http";
import { after, before, describe, test } from "node:test";
import { ready, root } from "./support/context.mjs";

const python = process.env.VEROFORGE_LOCALSTRIPE ?? `${root}.venv/localstripe/bin/python`;
const skip = existsSync(python) ? false : "localstripe is not installed";
const secrets = { STRIPE_SECRET_KEY: "sk_sample_0123456789", STRIPE_WEBHOOK_SECRET: "whsec_sample" };

describe("stripe-billing against localstripe", { skip }, () => {
  let server, hooks, base;
  const deliveries = [];

  async function freePort() {
    const probe = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => probe.once("listening", resolve));
    const { port } = probe.address();
    await new Promise((resolve) => probe.close(resolve));
    return port;
  }

  async function stripe(method, path, form, headers = {}) {
    const response = await fetch(`${base}${path}`, {
      method,
      headers: { authorization: `Bearer ${secrets.STRIPE_SECRET_KEY}`, ...headers },
      ...(form === undefined ? {} : { body: form instanceof Object ? new URLSearchParams(form) : form }),
    });
    return { status: response.status, headers: Object.fromEntries(response.headers), body: await response.text() };
  }

  const vendor = async ({ method, url, headers, body }) => {
    assert.equal(url.hostname, "api.stripe.com");
    return stripe(method, url.pathname + url.search, body, headers);
  };

  const made = (options = {}) => ready("stripe-billing", {
    entities: {
      customers: [{ id: "cus-00001", name: "Ada Brown", email: "ada@example.com" }], invoices: [], payments: [],
    },
    secrets, vendor, ...options,
  });

  before(async () => {
    const port = await freePort();
    base = `http://127.0.0.1:${port}`;
    server = spawn(python, [`${root}Tests/Plugins/support/run_localstripe.py`, String(port)], { stdio: "ignore" });
    for (let attempt = 0; ; attempt += 1) {
      try {
        await fetch(`${base}/v1/balance`);
        break;
      } catch (error) {
        if (attempt === 100) throw error;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    }
    hooks = createServer((request, response) => {
      let body = "";
      request.on("data", (chunk) => { body += chunk; });
      request.on("end", () => {
        deliveries.push({ headers: request.headers, body });
        response.end();
      });
    }).listen(0, "127.0.0.1");
    await new Promise((resolve) => hooks.once("listening", resolve));
    const hook = `http://127.0.0.1:${hooks.address().port}/`;
    await stripe("POST", "/_config/webhooks/test", { url: hook, secret: secrets.STRIPE_WEBHOOK_SECRET });
    for (const [id, amount] of [["basic", 1000], ["plus", 2500]]) {
      const answer = await stripe("POST", "/v1/plans", {
        id, amount, currency: "usd", interval: "month", "product[name]": id, nickname: id,
      });
      assert.equal(answer.status, 200, answer.body);
    }
  });

  after(() => {
    server?.kill();
    hooks?.close();
  });

  async function subscribed() {
    const world = await made();
    const { data } = await world.call("create-customer", { customerId: "cus-00001" });
    const token = JSON.parse((await stripe("POST", "/v1/tokens", {
      "card[number]": "4242424242424242", "card[exp_month]": 12, "card[exp_year]": 2030, "card[cvc]": 123,
    })).body);
    await stripe("POST", `/v1/customers/${data.stripeCustomer}/sources`, { source: token.id });
    const response = await world.call("create-subscription", { customerId: "cus-00001", price: "basic", quantity: 2 });
    return { world, customer: data.stripeCustomer, response };
  }

  test("a customer is created once", async () => {
    const { call, operations } = await made();
    const first = await call("create-customer", { customerId: "cus-00001" });
    assert.equal(first.data.created, true);
    const stored = JSON.parse((await stripe("GET", `/v1/customers/${first.data.stripeCustomer}`)).body);
    assert.equal(stored.email, "ada@example.com");
    assert.equal(stored.metadata.veroforge_customer, "cus-00001");
    const second = await call("create-customer", { customerId: "cus-00001" });
    assert.deepEqual(second.data, { stripeCustomer: first.data.stripeCustomer, created: false });
    assert.equal(operations.filter((operation) => operation.name === "fetch").length, 1);
  });

  test("a subscription starts, changes its plan with proration, and ends", async () => {
    const { world, customer, response } = await subscribed();
    assert.equal(response.success, true, response.error);
    assert.equal(response.data.status, "active");
    assert.deepEqual([response.data.price, response.data.quantity], ["basic", 2]);
    const changed = await world.call("change-plan", { subscription: response.data.subscription, price: "plus" });
    assert.deepEqual([changed.data.price, changed.data.quantity], ["plus", 2]);
    const pending = JSON.parse((await stripe("GET", `/v1/invoiceitems?customer=${customer}`)).body);
    assert.deepEqual(pending.data.map((item) => [item.proration, item.amount]), [[true, -2000]]);
    const later = await world.call("cancel-subscription", { subscription: response.data.subscription });
    assert.equal(later.data.endsAtPeriodEnd, true);
    const now = await world.call("cancel-subscription", { subscription: response.data.subscription, atPeriodEnd: false });
    assert.equal(now.data.status, "canceled");
  });

  test("part of a payment is refunded, exactly", async () => {
    const { world, customer } = await subscribed();
    const charges = JSON.parse((await stripe("GET", `/v1/charges?customer=${customer}`)).body);
    const charge = charges.data[0];
    assert.equal(charge.amount, 2000);
    const response = await world.call("refund", { payment: charge.id, amount: "12.34", currency: "USD" });
    assert.deepEqual([response.data.amount, response.data.currency, response.data.status], ["12.34", "USD", "succeeded"]);
    const refunds = JSON.parse((await stripe("GET", `/v1/refunds?charge=${charge.id}`)).body);
    assert.equal(refunds.data[0].amount, 1234);
  });

  test("what does not exist is refused in Stripe's words", async () => {
    const { call } = await made();
    const response = await call("cancel-subscription", { subscription: "sub_none", atPeriodEnd: false });
    assert.match(response.error, /^stripe\./);
    assert.equal(response.success, false);
  });

  test("an event that localstripe has signed is accepted, and a changed one is not", async () => {
    const { world, response } = await subscribed();
    await world.call("cancel-subscription", { subscription: response.data.subscription, atPeriodEnd: false });
    let delivery;
    for (let attempt = 0; attempt < 60 && !delivery; attempt += 1) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      delivery = deliveries.find(({ body }) =>
        body.includes("customer.subscription.deleted") && body.includes(response.data.subscription));
    }
    assert.ok(delivery, "localstripe has delivered the event");
    const forged = { ...delivery, body: delivery.body.replace("deleted", "created") };
    assert.match((await world.call("stripe-event", forged)).error, /^denied: /);
    assert.equal((await world.call("stripe-event", delivery)).data.handled, true);
    assert.equal((await world.call("stripe-event", delivery)).data.repeated, true);
    const runs = world.operations.filter((operation) => operation.name === "triggerWorkflow");
    assert.deepEqual(runs.map((run) => run.data.text), [`The subscription ${response.data.subscription} has ended.`]);
  });
});
