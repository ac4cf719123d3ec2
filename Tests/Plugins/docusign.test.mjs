import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { test } from "node:test";
import { OperationError, ready } from "./support/context.mjs";
import { answerProblems, requestProblems } from "./support/openapi.mjs";
import { description, skipReason } from "./support/shared.mjs";

const accountId = "00000000-0000-4000-8000-000000000001";
const templateId = "00000000-0000-4000-8000-000000000002";
const secrets = { DOCUSIGN: "access-sample", DOCUSIGN_CONNECT_KEY: "connect-sample" };
const base = `/restapi/v2/accounts/${accountId}/envelopes`;
const pdf = new Uint8Array([0x25, 0x50, 0x44, 0x46, 0x2d, 0xff, 0x00]);

/** A DocuSign that keeps envelopes. `lose` makes the first creation lose its answer. */
function docusign({ lose = false, document = pdf } = {}) {
  const exchanges = [];
  const envelopes = new Map();
  const json = (status, body) => ({ status, headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
  const refusal = (errorCode, message) => json(400, { errorCode, message });
  function answer({ method, url, headers, body }) {
    assert.equal(url.host, "demo.docusign.net");
    if (headers.authorization !== `Bearer ${secrets.DOCUSIGN}`) return json(401, { errorCode: "AUTHORIZATION_INVALID_TOKEN", message: "The access token is expired" });
    if (!url.pathname.startsWith(base)) return refusal("RESOURCE_NOT_FOUND", url.pathname);
    const [, id, ...rest] = url.pathname.slice(base.length).split("/");
    const data = body === undefined ? undefined : JSON.parse(body);
    if (id === undefined && method === "POST") {
      if (data.templateId !== templateId) return refusal("TEMPLATE_ID_INVALID", "Invalid template ID.");
      const envelopeId = `00000000-0000-4000-9000-${String(envelopes.size + 1).padStart(12, "0")}`;
      envelopes.set(envelopeId, { ...data, envelopeId, statusDateTime: "2026-02-01T08:00:00.0000000Z" });
      if (lose) {
        lose = false;
        return { status: 504, headers: {}, body: "" };
      }
      return json(201, { envelopeId, status: "sent", statusDateTime: "2026-02-01T08:00:00.0000000Z", uri: `/envelopes/${envelopeId}` });
    }
    if (id === undefined) {
      const found = [...envelopes.values()].filter((envelope) => envelope.transactionId === url.searchParams.get("transaction_ids"));
      return json(200, {
        resultSetSize: String(found.length),
        envelopeTransactionStatuses: found.map(({ envelopeId, transactionId, status }) => ({ envelopeId, transactionId, status })),
      });
    }
    const envelope = envelopes.get(id);
    if (!envelope) return refusal("ENVELOPE_DOES_NOT_EXIST", "The envelope specified does not exist.");
    if (rest.join("/") === "documents/combined") return { status: 200, headers: { "content-type": "application/pdf" }, body: document };
    if (rest.join("/") === "views/recipient") {
      if (data.clientUserId !== envelope.templateRoles[0].clientUserId) return refusal("UNKNOWN_ENVELOPE_RECIPIENT", "no such recipient");
      return json(201, { url: `https://demo.docusign.net/Signing/${id}` });
    }
    if (method === "PUT") {
      if (envelope.status === "completed") return refusal("ENVELOPE_CANNOT_VOID_INVALID_STATE", "Only envelopes in the 'Sent' or 'Delivered' states may be voided.");
      Object.assign(envelope, data);
      return json(200, { envelopeId: id });
    }
    return json(200, { envelopeId: id, status: envelope.status, emailSubject: envelope.emailSubject, transactionId: envelope.transactionId });
  }
  const vendor = async (request) => {
    const given = answer(request);
    exchanges.push({ request, answer: given });
    return given;
  };
  return { vendor, exchanges, envelopes };
}

const entities = () => ({
  contracts: [
    { id: "con-00001", customer: "cus-00001", title: "Maintenance plan", status: "draft" },
    { id: "con-00002", customer: "cus-00002", title: "Warranty", status: "draft" },
    { id: "con-00003", customer: "cus-00001", title: "Old", status: "signed" },
  ],
  customers: [{ id: "cus-00001", name: "Ada Brown", email: "ada@example.com" }, { id: "cus-00002", name: "Ivo" }],
  documents: [],
});
const world = (options = {}, standOptions) => {
  const stand = docusign(standOptions);
  return ready("docusign", { entities: entities(), secrets, config: { accountId, templateId }, vendor: stand.vendor, ...options })
    .then((made) => ({ ...made, docusign: stand }));
};
const contractId = "con-00001";

test("a contract is sent to its customer, once, and marked as sent", async () => {
  const { call, docusign, entities } = await world();
  const first = await call("send-contract", { contractId, message: "As discussed." });
  const second = await call("send-contract", { contractId });
  assert.deepEqual(second.data, { ...first.data, repeated: true });
  assert.equal(docusign.envelopes.size, 1);
  const [envelope] = docusign.envelopes.values();
  assert.deepEqual(envelope.templateRoles, [{ roleName: "Customer", name: "Ada Brown", email: "ada@example.com" }]);
  assert.deepEqual(envelope.customFields.textCustomFields[0].value, contractId);
  assert.deepEqual([entities.contracts[0].status, entities.contracts[0].externalId], ["sent", first.data.envelope]);
});

test("an envelope whose answer was lost is found again, not sent again", async () => {
  const { call, docusign, entities } = await world({}, { lose: true });
  assert.match((await call("send-contract", { contractId })).error, /^docusign\.unavailable: /);
  const again = await call("send-contract", { contractId });
  assert.equal(again.data.repeated, true);
  assert.equal(docusign.envelopes.size, 1);
  assert.equal(entities.contracts[0].externalId, again.data.envelope);
});

test("what cannot be sent is refused before anything leaves", async () => {
  const { call, docusign } = await world();
  for (const [id, error] of [["con-9", /^notFound: /], ["con-00002", /^no-address: /], ["con-00003", /^already-signed: /]]) {
    assert.match((await call("send-contract", { contractId: id })).error, error);
  }
  assert.match((await call("contract-status", { contractId })).error, /^not-sent: /);
  assert.equal(docusign.exchanges.length, 0);
});

test("an embedded envelope is signed by a link, an e-mailed one is not", async () => {
  const returnUrl = "https://app.example.com/contracts/con-00001";
  const embedded = await world();
  await embedded.call("send-contract", { contractId, embedded: true });
  assert.match((await embedded.call("signing-link", { contractId, returnUrl })).data.url, /^https:\/\/demo\.docusign\.net\//);
  const mailed = await world();
  await mailed.call("send-contract", { contractId });
  assert.match((await mailed.call("signing-link", { contractId, returnUrl })).error, /^not-embedded: /);
});

function event(envelopeId, { key = secrets.DOCUSIGN_CONNECT_KEY } = {}) {
  const body = JSON.stringify({ event: "envelope-completed", data: { accountId, envelopeId } });
  const signature = createHmac("sha256", key).update(body).digest("base64");
  return { headers: { "x-docusign-signature-1": Buffer.alloc(32).toString("base64"), "x-docusign-signature-2": signature }, body };
}

test("a signed contract comes back with its document, once, and the team hears of it once", async () => {
  const { call, docusign, entities, operations } = await world();
  const { data: { envelope } } = await call("send-contract", { contractId });
  docusign.envelopes.get(envelope).status = "completed";
  for (let delivery = 0; delivery < 2; delivery += 1) {
    assert.deepEqual((await call("docusign-event", event(envelope))).data, { handled: true, status: "signed" });
  }
  assert.equal(entities.contracts[0].status, "signed");
  assert.equal(entities.documents.length, 1);
  assert.deepEqual(Buffer.from(entities.documents[0].content, "base64"), Buffer.from(pdf));
  assert.equal(operations.filter((operation) => operation.name === "triggerWorkflow").length, 1);
});

test("bringing back that broke off is completed by the next event", async () => {
  const { plugin, call, docusign, entities } = await world({ faults: { "writeData documents": new OperationError("upstream", "full") } });
  const { data: { envelope } } = await call("send-contract", { contractId });
  docusign.envelopes.get(envelope).status = "completed";
  assert.match((await plugin.execute({ action: "docusign-event", data: event(envelope) })).error, /^upstream: /);
  assert.equal(entities.contracts[0].status, "sent");
  assert.equal((await call("docusign-event", event(envelope))).data.status, "signed");
  assert.equal(entities.documents.length, 1);
});

test("a document beyond the limit stays in DocuSign", async () => {
  const { call, docusign, entities, log } = await world({}, { document: new Uint8Array(4 * 1_048_576 + 1) });
  const { data: { envelope } } = await call("send-contract", { contractId });
  docusign.envelopes.get(envelope).status = "completed";
  assert.equal((await call("contract-status", { contractId })).data.document, null);
  assert.equal(entities.contracts[0].status, "signed");
  assert.ok(log.some((line) => line.level === "warn"));
});

test("a declined contract is followed, an unsigned one taken back, a signed one not", async () => {
  const { call, docusign, entities } = await world();
  const { data: { envelope } } = await call("send-contract", { contractId });
  docusign.envelopes.get(envelope).status = "declined";
  assert.deepEqual((await call("contract-status", { contractId })).data, { envelope, status: "declined", document: null });
  docusign.envelopes.get(envelope).status = "sent";
  assert.deepEqual((await call("void-contract", { contractId, reason: "mistake" })).data, { envelope, status: "voided" });
  assert.equal(entities.contracts[0].status, "voided");
  docusign.envelopes.get(envelope).status = "completed";
  assert.match((await call("void-contract", { contractId, reason: "mistake" })).error, /^docusign\.ENVELOPE_CANNOT_VOID/);
});

test("a forged event and an event about a stranger's envelope change nothing", async () => {
  const { call, operations } = await world();
  const stranger = "00000000-0000-4000-9000-000000000099";
  assert.match((await call("docusign-event", event(stranger, { key: "other" }))).error, /^denied: /);
  assert.deepEqual((await call("docusign-event", event(stranger))).data, { handled: false });
  assert.deepEqual(operations, []);
});

test("DocuSign's refusals keep their word; an ended grant says what to do", async () => {
  const { call } = await world({ config: { accountId, templateId: accountId } });
  assert.equal((await call("send-contract", { contractId })).error, "docusign.TEMPLATE_ID_INVALID: Invalid template ID.");
  const other = await world({ secrets: { DOCUSIGN: "stale", DOCUSIGN_CONNECT_KEY: "k" } });
  assert.match((await other.call("send-contract", { contractId })).error, /^docusign\.unauthorized: .*anew/);
});

const published = description("docusign-esignature.swagger2.json");

test("every request and answer fits DocuSign's published description", { skip: published ? false : skipReason }, async () => {
  const { call, docusign } = await world({}, { lose: true });
  await call("send-contract", { contractId, embedded: true, message: "hello" });
  await call("send-contract", { contractId });
  await call("signing-link", { contractId, returnUrl: "https://app.example.com/" });
  await call("contract-status", { contractId });
  await call("void-contract", { contractId, reason: "mistake" });
  assert.equal(docusign.exchanges.length, 5);
  for (const { request, answer } of docusign.exchanges) {
    assert.deepEqual(requestProblems(published, request, "/restapi"), []);
    if (answer.status < 500 && typeof answer.body === "string") assert.deepEqual(answerProblems(published, request, answer, "/restapi"), []);
  }
});
