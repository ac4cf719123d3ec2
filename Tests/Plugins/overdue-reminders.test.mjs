import assert from "node:assert/strict";
import { test } from "node:test";
import { OperationError, ready } from "./support/context.mjs";

const invoice = (number, dueAt, more = {}) => ({
  id: `inv-${number}`, number: `S-${number}`, customer: "cus-1", status: "open", dueAt: `${dueAt}T09:00:00Z`,
  total: "80.00", balance: "80.00", currency: "USD", ...more,
});

const world = (invoices, options = {}) => ready("overdue-reminders", {
  entities: {
    invoices, notes: [],
    customers: [{ id: "cus-1", name: "Ada Brown", email: "ada@example.com" }, { id: "cus-2", name: "No Mail" }],
  },
  ...options,
});
const asOf = "2026-03-01";
const sent = (operations) => operations.filter((operation) => operation.name === "triggerWorkflow");

test("overdue invoices are reminded of, the oldest first, and noted", async () => {
  const { call, operations, entities } = await world([
    invoice(1, "2026-02-20"), invoice(2, "2026-01-05"), invoice(3, "2026-02-27"), invoice(4, "2026-04-01"),
    invoice(5, "2026-01-01", { status: "paid" }),
  ]);
  const response = await call("remind", { asOf });
  assert.deepEqual(response.data, { overdue: 2, reminded: ["inv-2", "inv-1"] });
  assert.deepEqual(sent(operations).map((run) => run.data.to), ["ada@example.com", "ada@example.com"]);
  assert.equal(sent(operations)[0].data.subject, "Reminder 1: invoice S-2");
  assert.deepEqual(entities.notes.map((note) => note.invoice), ["inv-2", "inv-1"]);
});

test("a second call within the interval reminds nobody; after it, once more, up to the maximum", async () => {
  const { call } = await world([invoice(1, "2026-01-05")], { config: { intervalDays: 10, remindersMax: 2 } });
  const days = ["2026-02-01", "2026-02-02", "2026-02-11", "2026-03-01"];
  const counts = [];
  for (const day of days) counts.push((await call("remind", { asOf: day })).data.reminded.length);
  assert.deepEqual(counts, [1, 0, 1, 0]);
});

test("a call reminds of no more invoices than its limit", async () => {
  const { call } = await world([1, 2, 3].map((number) => invoice(number, "2026-01-05")));
  assert.deepEqual((await call("remind", { asOf, limit: 2 })).data, { overdue: 3, reminded: ["inv-1", "inv-2"] });
  assert.deepEqual((await call("remind", { asOf, limit: 2 })).data, { overdue: 3, reminded: ["inv-3"] });
});

test("a customer without an address is skipped and logged", async () => {
  const { call, log } = await world([invoice(1, "2026-01-05", { customer: "cus-2" })]);
  assert.deepEqual((await call("remind", { asOf })).data.reminded, []);
  assert.ok(log.some((line) => line.message === "no e-mail address" && line.fields.invoice === "inv-1"));
});

test("a note that is not kept does not send the reminder again", async () => {
  const { call, operations } = await world([invoice(1, "2026-01-05")],
    { faults: { "writeData notes": new OperationError("upstream", "the application failed") } });
  await call("remind", { asOf });
  await call("remind", { asOf });
  assert.equal(sent(operations).length, 1);
});

test("an e-mail that the application refuses counts as not reminded", async () => {
  const { plugin, call, operations } = await world([invoice(1, "2026-01-05")],
    { faults: { "triggerWorkflow send-email": new OperationError("unavailable", "no answer") } });
  await assert.rejects(plugin.execute({ action: "remind", data: { asOf } }), { code: "unavailable" });
  assert.deepEqual((await call("remind", { asOf })).data.reminded, ["inv-1"]);
  assert.equal(sent(operations).length, 2);
});

test("the overview counts by age and sends nothing", async () => {
  const { call, operations } = await world([
    invoice(1, "2026-02-20"), invoice(2, "2026-01-15"), invoice(3, "2025-11-01"),
  ]);
  assert.deepEqual((await call("overview", { asOf })).data, { count: 3, byAge: { "1-30": 1, "31-60": 1, "over 60": 1 } });
  assert.deepEqual(sent(operations), []);
});
