// A plugin's context for tests under node: strict about the manifest's declarations, deterministic, with everything
// that it was asked in `operations`. The sandbox's own context is tested where the runner is.
import { createHmac, timingSafeEqual } from "node:crypto";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../../../", import.meta.url));

export class OperationError extends Error {
  constructor(code, message) {
    super(message);
    this.name = "OperationError";
    this.code = code;
  }
}

export function manifestOf(folder) {
  return JSON.parse(readFileSync(`${root}plugins/${folder}/plugin.json`, "utf8"));
}

/** The defaults of a config schema. */
export function defaultsOf(schema) {
  return Object.fromEntries(Object.entries(schema?.properties ?? {})
    .filter(([, property]) => property.default !== undefined)
    .map(([name, property]) => [name, structuredClone(property.default)]));
}

function covers(pattern, host) {
  return pattern.startsWith("*.") ? host.endsWith(pattern.slice(1)) : pattern === host;
}

function compare(left, right) {
  const numeric = (value) => typeof value === "number"
    || (typeof value === "string" && /^-?\d+(\.\d+)?$/.test(value));
  if (numeric(left) && numeric(right)) return Number(left) - Number(right);
  if (typeof left === "string" && typeof right === "string") return left < right ? -1 : left > right ? 1 : 0;
  return left === right ? 0 : NaN;
}

function holds(record, { field, op, value }) {
  const held = record[field] ?? null;
  switch (op) {
    case "eq": return compare(held, value) === 0;
    case "ne": return compare(held, value) !== 0;
    case "lt": return compare(held, value) < 0;
    case "lte": return compare(held, value) <= 0;
    case "gt": return compare(held, value) > 0;
    case "gte": return compare(held, value) >= 0;
    case "in": return value.some((item) => compare(held, item) === 0);
    case "contains": return Array.isArray(held) ? held.includes(value)
      : typeof held === "string" && held.toLowerCase().includes(String(value).toLowerCase());
    default: throw new OperationError("invalid", `no filter ${op}`);
  }
}

/**
 * @param folder    the plugin's folder under plugins/
 * @param entities  records by entity
 * @param config    merged over the manifest's defaults
 * @param secrets   values by name; undeclared ones are an error
 * @param vendor    async ({method, url: URL, headers, body, auth}) => ({status, headers, body})
 * @param faults    {"readData orders": OperationError} rejects that operation once
 */
export function contextFor(folder, { entities = {}, config = {}, secrets = {}, vendor, faults = {} } = {}) {
  const manifest = manifestOf(folder);
  const operations = [];
  const log = [];
  const storage = new Map();
  const temp = new Map();
  const reported = [];
  const permitted = (operation, key, name) =>
    manifest.permissions.some((permission) => permission.operation === operation && permission[key] === name);
  const used = { apiCalls: 0 };
  const surface = (name) => {
    if (name !== "secret") used.apiCalls += 1;
    if (!manifest.apiSurface.includes(name)) throw new OperationError("denied", `apiSurface lacks ${name}`);
  };
  const note = (name, subject, detail) => {
    operations.push({ name, subject, ...detail });
    const fault = faults[`${name} ${subject}`];
    if (fault) {
      delete faults[`${name} ${subject}`];
      throw fault;
    }
  };
  const declared = (name) => {
    if (!manifest.secrets?.some((secret) => secret.name === name)) {
      throw new OperationError("denied", `the secret ${name} is not declared`);
    }
    if (secrets[name] === undefined) throw new OperationError("invalid", `the secret ${name} is not set`);
    return secrets[name];
  };
  const hmac = (name, algorithm, bytes, encoding) =>
    createHmac(algorithm, declared(name)).update(bytes).digest(encoding);

  const context = {
    api: {
      async readData(entity, filters) {
        if (!Array.isArray(filters)) throw new OperationError("invalid", "filters are an array");
        if (!permitted("readData", "entity", entity)) throw new OperationError("denied", `readData ${entity}`);
        surface("readData");
        note("readData", entity, { filters });
        if (!entities[entity]) throw new OperationError("notFound", `no entity ${entity}`);
        return structuredClone(entities[entity].filter((record) => filters.every((filter) => holds(record, filter))));
      },
      async writeData(entity, data) {
        if (!permitted("writeData", "entity", entity)) throw new OperationError("denied", `writeData ${entity}`);
        surface("writeData");
        note("writeData", entity, { data: structuredClone(data) });
        const records = entities[entity];
        if (!records) throw new OperationError("notFound", `no entity ${entity}`);
        if (data.id !== undefined) {
          const record = records.find((candidate) => candidate.id === data.id);
          if (!record) throw new OperationError("notFound", `no record ${data.id} in ${entity}`);
          return structuredClone(Object.assign(record, structuredClone(data)));
        }
        const record = { ...structuredClone(data), id: `${entity.slice(0, 3)}-${10001 + records.length}` };
        records.push(record);
        return structuredClone(record);
      },
      async triggerWorkflow(workflow, data) {
        if (!permitted("triggerWorkflow", "workflow", workflow)) {
          throw new OperationError("denied", `triggerWorkflow ${workflow}`);
        }
        surface("triggerWorkflow");
        note("triggerWorkflow", workflow, { data: structuredClone(data) });
      },
    },
    config: Object.freeze({ ...defaultsOf(manifest.config), ...config }),
    logger: Object.fromEntries(["debug", "info", "warn", "error"].map((level) =>
      [level, (message, fields) => log.push({ level, message, fields })])),
    async fetch(url, init = {}) {
      const address = new URL(url);
      const method = init.method ?? "GET";
      const allowed = manifest.permissions.some((permission) => permission.operation === "fetch"
        && covers(permission.host, address.hostname) && (permission.methods ?? ["GET"]).includes(method));
      if (!allowed) throw new OperationError("denied", `fetch ${method} ${address.hostname}`);
      surface("fetch");
      if (init.body !== undefined && typeof init.body !== "string" && !(init.body instanceof Uint8Array)) {
        throw new OperationError("invalid", "a body is text or bytes");
      }
      const headers = Object.fromEntries(
        Object.entries(init.headers ?? {}).map(([name, value]) => [name.toLowerCase(), value]));
      if (headers.authorization) throw new OperationError("denied", "authorization is set by auth");
      const [scheme, credential] = Object.entries(init.auth ?? {})[0] ?? [];
      if (scheme !== undefined) {
        const secret = declared(credential);
        headers.authorization = scheme === "basic"
          ? `Basic ${Buffer.from(secret).toString("base64")}` : `Bearer ${secret}`;
      }
      const reveal = (text) => typeof text === "string"
        ? text.replace(/\{\{secret:([A-Z0-9_]+)\}\}/g, (_, name) => declared(name)) : text;
      for (const name of Object.keys(headers)) headers[name] = reveal(headers[name]);
      note("fetch", address.hostname, { method, url, body: init.body });
      if (!vendor) throw new OperationError("unavailable", `${address.hostname} does not answer`);
      const answer = await vendor({ method, url: new URL(reveal(url)), headers, body: reveal(init.body), auth: init.auth });
      const bytes = answer.body instanceof Uint8Array ? answer.body : new TextEncoder().encode(answer.body ?? "");
      const text = new TextDecoder().decode(bytes);
      return Object.freeze({
        status: answer.status, ok: answer.status >= 200 && answer.status < 300,
        headers: Object.freeze(answer.headers ?? {}),
        text: async () => text, json: async () => JSON.parse(text), bytes: async () => bytes,
      });
    },
    secret(name) {
      surface("secret");
      declared(name);
      return `{{secret:${name}}}`;
    },
    crypto: {
      async sign(name, algorithm, bytes, encoding = "hex") {
        surface("crypto.sign");
        return hmac(name, algorithm, bytes, encoding);
      },
      async verifyHmac(name, algorithm, bytes, signature, encoding = "hex") {
        surface("crypto.verifyHmac");
        const right = Buffer.from(hmac(name, algorithm, bytes, encoding));
        const given = Buffer.from(String(signature));
        return right.length === given.length && timingSafeEqual(right, given);
      },
    },
    storage: {
      async get(key) { surface("storage.get"); return structuredClone(storage.get(key)); },
      async set(key, value) {
        surface("storage.set");
        note("storage.set", key, {});
        storage.set(key, JSON.parse(JSON.stringify(value)));
      },
      async delete(key) { surface("storage.delete"); storage.delete(key); },
      async list(prefix = "") {
        surface("storage.list");
        return [...storage.keys()].filter((key) => key.startsWith(prefix)).sort();
      },
    },
    temp: {
      async write(name, bytes) { temp.set(name, bytes); },
      async read(name) { return temp.get(name); },
      async delete(name) { temp.delete(name); },
      async list() { return [...temp.keys()].sort(); },
    },
    usage: {
      async report(amount) { surface("usage.report"); reported.push(structuredClone(amount)); },
    },
  };
  return { context, manifest, operations, used, log, storage, temp, reported, entities };
}

/** Makes the plugin of a folder ready, and answers a function that calls an action and checks both schemas. */
export async function ready(folder, options) {
  const world = contextFor(folder, options);
  const { default: PluginClass } = await import(`${root}plugins/${folder}/${world.manifest.main}`);
  const plugin = new PluginClass();
  await plugin.initialize(world.context);
  const { violations } = await import("./schema.mjs");
  const call = async (action, data = {}) => {
    const declaration = world.manifest.actions.find((candidate) => candidate.name === action);
    if (!declaration) throw new Error(`${folder} has no action ${action}`);
    const wrongInput = violations(declaration.input, data);
    if (wrongInput.length > 0) throw new Error(`input of ${action}: ${wrongInput.join("; ")}`);
    const response = await plugin.execute({ action, data: structuredClone(data) });
    if (response.success) {
      const wrongOutput = violations(declaration.output ?? true, response.data ?? null);
      if (wrongOutput.length > 0) throw new Error(`output of ${action}: ${wrongOutput.join("; ")}`);
    } else if (typeof response.error !== "string" || !/^[A-Za-z][A-Za-z0-9._-]*: ./.test(response.error)) {
      throw new Error(`the error of ${action} does not begin with a word: ${response.error}`);
    }
    return response;
  };
  return { ...world, plugin, call };
}

/** Sets `Date.now` for one test, and answers a function that sets it anew. */
export function clock(test, time) {
  let now = Date.parse(time);
  test.mock.method(Date, "now", () => now);
  return (next) => { now = Date.parse(next); };
}
