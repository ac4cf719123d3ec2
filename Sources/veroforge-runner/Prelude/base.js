// What the runner evaluates before any of the plugin's. It is a function of the native host functions
// (HostFunctions.swift) and returns the entry points that the runner calls (Program.swift). It takes hold of the
// engine's own functions first, so that a plugin that replaces them cheats itself alone.
//
// The other scripts of this folder are its parts, evaluated when something first asks for them: a plugin that never
// touches `URL` does not pay for it. Each is a function of the host functions and the global object, and returns what
// it defines. All are compiled when the runner is built (`prelude-compiler`).
(function (host) {
  "use strict";
  const { JSON, Object, Error, TypeError, RangeError, Promise, Map, Uint8Array, ArrayBuffer, String, Number, Math } =
    globalThis;
  const RealDate = globalThis.Date;
  const parse = JSON.parse, stringify = JSON.stringify, freeze = Object.freeze, define = Object.defineProperty;
  const keys = Object.keys, slice = String.prototype.slice;
  const isView = ArrayBuffer.isView, construct = Reflect.construct;
  const call = Function.prototype.call.bind(Function.prototype.call);
  const then = Promise.prototype.then, wellFormed = String.prototype.toWellFormed;
  const toBase64 = Uint8Array.prototype.toBase64, fromBase64 = Uint8Array.fromBase64;
  const mapGet = Map.prototype.get, mapSet = Map.prototype.set, mapDelete = Map.prototype.delete;

  const hidden = (object, name, value) =>
    define(object, name, { value, writable: true, configurable: true, enumerable: false });
  const lazy = (name, part) =>
    define(globalThis, name, {
      configurable: true, enumerable: false,
      get() { const value = host.part(part)(host, globalThis)[name]; hidden(globalThis, name, value); return value; },
      set(value) { hidden(globalThis, name, value); },
    });
  for (const name of ["URL", "URLSearchParams"]) lazy(name, "url");
  lazy("structuredClone", "clone");

  // Time and chance are the host's: fixed and seeded in a trial or a replay, coarse otherwise.
  function Date(...values) {
    if (new.target === undefined) return new RealDate(host.now()).toString();
    return values.length === 0
      ? construct(RealDate, [host.now()], new.target)
      : construct(RealDate, values, new.target);
  }
  define(Date, "prototype", { value: RealDate.prototype, writable: false });
  define(Date, "length", { value: 7, configurable: true });
  hidden(Date, "UTC", RealDate.UTC);
  hidden(Date, "parse", RealDate.parse);
  hidden(Date, "now", () => host.now());
  hidden(RealDate.prototype, "constructor", Date);
  hidden(globalThis, "Date", Date);
  hidden(Math, "random", () => host.random());
  let origin = 0;
  hidden(globalThis, "performance", freeze({ get timeOrigin() { return origin; }, now: () => host.now() - origin }));

  // Text and bytes.
  const utf8 = (text) => host.utf8(call(wellFormed, `${text}`));
  const view = (value) => {
    if (value instanceof ArrayBuffer) return new Uint8Array(value);
    if (isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
    throw new TypeError("bytes are expected: a Uint8Array or an ArrayBuffer");
  };
  const bytesOf = (value) => (typeof value === "string" ? utf8(value) : view(value));
  hidden(globalThis, "TextEncoder", class TextEncoder {
    get encoding() { return "utf-8"; }
    encode(text = "") { return utf8(text); }
    encodeInto(text, into) {
      let read = 0, written = 0;
      for (const character of `${text}`) {
        const bytes = utf8(character);
        if (written + bytes.length > into.length) break;
        into.set(bytes, written);
        written += bytes.length;
        read += character.length;
      }
      return { read, written };
    }
  });
  hidden(globalThis, "TextDecoder", class TextDecoder {
    #fatal; #keepMark;
    constructor(label = "utf-8", options = {}) {
      if (!/^\s*(?:utf-?8|unicode-1-1-utf-8)\s*$/i.test(`${label}`)) throw new RangeError(`no decoder for ${label}`);
      this.#fatal = !!options.fatal;
      this.#keepMark = !!options.ignoreBOM;
    }
    get encoding() { return "utf-8"; }
    get fatal() { return this.#fatal; }
    get ignoreBOM() { return this.#keepMark; }
    decode(bytes) {
      if (bytes === undefined) return "";
      const text = host.text(view(bytes), this.#fatal);
      if (text === undefined) throw new TypeError("the bytes are not UTF-8");
      return !this.#keepMark && text[0] === "\ufeff" ? text.slice(1) : text;
    }
  });

  // The plugin's log.
  const levels = { debug: 0, log: 1, info: 1, warn: 2, error: 3, trace: 0 };
  const show = (value) => (typeof value === "string" ? value : host.part("show")(host, globalThis).show(value));
  const say = (level, values) => {
    let text = "";
    for (let index = 0; index < values.length; index++) text += (index ? " " : "") + show(values[index]);
    host.log(level, text);
  };
  const console = {};
  for (const name in levels) console[name] = (...values) => say(levels[name], values);
  console.assert = (holds, ...values) => { if (!holds) say(3, ["assertion failed:", ...values]); };
  hidden(globalThis, "console", console);

  // Timers.
  const timers = new Map();
  const setTimer = (callback, delay, values, repeat) => {
    if (typeof callback !== "function") throw new TypeError("a timer's callback is a function");
    const milliseconds = Number(delay);
    const id = host.timer(milliseconds > 0 && milliseconds < 2147483648 ? milliseconds : 0, repeat);
    call(mapSet, timers, id, { callback, values, repeat });
    return id;
  };
  const clearTimer = (id) => { if (call(mapDelete, timers, id)) host.clearTimer(id); };
  hidden(globalThis, "setTimeout", (callback, delay, ...values) => setTimer(callback, delay, values, false));
  hidden(globalThis, "setInterval", (callback, delay, ...values) => setTimer(callback, delay, values, true));
  hidden(globalThis, "clearTimeout", clearTimer);
  hidden(globalThis, "clearInterval", clearTimer);
  const fire = (id) => {
    const timer = call(mapGet, timers, id);
    if (timer === undefined) return;
    if (!timer.repeat) call(mapDelete, timers, id);
    (0, timer.callback)(...timer.values);
  };

  // Random values.
  const random = (array) => {
    if (!isView(array) || array instanceof DataView || array instanceof Float32Array || array instanceof Float64Array)
      throw new TypeError("an array of integers is expected");
    if (array.byteLength > 65536) throw new RangeError("more than 65536 random bytes at once");
    host.randomBytes(view(array));
    return array;
  };
  hidden(globalThis, "crypto", freeze({
    getRandomValues: random,
    randomUUID() {
      const bytes = random(new Uint8Array(16));
      bytes[6] = (bytes[6] & 15) | 64;
      bytes[8] = (bytes[8] & 63) | 128;
      let text = "";
      for (let index = 0; index < 16; index++)
        text += (index === 4 || index === 6 || index === 8 || index === 10 ? "-" : "") +
          (bytes[index] < 16 ? "0" : "") + bytes[index].toString(16);
      return text;
    },
  }));
  delete globalThis.WebAssembly;

  // What the host did not do.
  class OperationError extends Error {
    constructor(code, message, operation) {
      super(message);
      hidden(this, "name", "OperationError");
      this.code = code;
      this.operation = operation;
    }
  }
  const request = (name, values) =>
    call(then, host.request(name, values), undefined, (error) => {
      throw new OperationError(error?.code ?? "unavailable", error?.message ?? "the host did not answer", name);
    });

  // Errors, as the host is told of them. Whatever a plugin's getters do, something comes out.
  const attempt = (work) => { try { return work(); } catch { return undefined; } };
  const describe = (error, code) => {
    const isError = attempt(() => error instanceof Error) === true;
    const text = (key) => { const value = attempt(() => error[key]); return typeof value === "string" ? value : ""; };
    const result = { code };
    if (isError) {
      result.name = text("name") || "Error";
      result.message = call(slice, text("message"), 0, 4096);
      const stack = attempt(() => host.part("trace")(host, globalThis).trace(text("stack"), host)) ?? [];
      result.stack = "";
      let first;
      for (let index = 0; index < stack.length && result.stack.length < 8192; index++) {
        result.stack += `${index ? "\n" : ""}${stack[index].text}`;
        first ??= stack[index];
      }
      if (first) { result.file = first.file; result.line = first.line; result.column = first.column; }
      const inner = attempt(() => error.code);
      if (typeof inner === "string") result.operationCode = call(slice, inner, 0, 128);
    } else {
      result.name = "Thrown";
      const shown = `a value that is not an Error was thrown: ${attempt(() => show(error)) ?? typeof error}`;
      result.message = call(slice, shown, 0, 4096);
    }
    return result;
  };

  // Modules. A path is relative to the bundle's root and has no leading slash.
  const join = (base, specifier) => {
    const parts = specifier[0] === "/" ? [] : base.split("/").slice(0, -1);
    for (const part of specifier.split("/")) {
      if (part === "" || part === ".") continue;
      if (part !== "..") parts.push(part);
      else if (parts.pop() === undefined) throw new Error(`'${specifier}' leads out of the bundle`);
    }
    return parts.join("/");
  };
  const manifestOf = (folder) => {
    const text = host.file(folder === "" ? "package.json" : `${folder}/package.json`);
    return text === undefined ? undefined : attempt(() => parse(text)) ?? {};
  };
  const asFile = (path) => {
    for (const candidate of [path, `${path}.js`, `${path}.mjs`, `${path}.cjs`, `${path}.json`])
      if (host.exists(candidate)) return candidate;
  };
  const asFolder = (path) => {
    const manifest = manifestOf(path);
    for (const entry of manifest ? [manifest.module, manifest.main] : [])
      if (typeof entry === "string") {
        const found = asFile(join(`${path}/x`, entry)) ?? asFile(join(`${path}/x`, `${entry}/index`));
        if (found) return found;
      }
    return asFile(path === "" ? "index" : `${path}/index`);
  };
  const exported = (target) => {
    if (typeof target === "string") return target;
    if (target && typeof target === "object")
      for (const key of ["import", "module", "require", "default"])
        if (key in target) { const found = exported(target[key]); if (found) return found; }
  };
  const asPackage = (base, specifier) => {
    const parts = specifier.split("/");
    const length = specifier[0] === "@" ? 2 : 1;
    const name = parts.slice(0, length).join("/"), rest = parts.slice(length).join("/");
    for (let folder = base; folder !== ""; ) {
      const cut = folder.lastIndexOf("/");
      folder = cut < 0 ? "" : folder.slice(0, cut);
      const root = `${folder === "" ? "" : `${folder}/`}node_modules/${name}`;
      const listed = manifestOf(root)?.exports;
      if (listed !== undefined && listed !== null) {
        const entry = rest === "" ? listed["."] ?? listed : listed[`./${rest}`];
        const target = exported(entry);
        if (target && host.exists(join(`${root}/x`, target))) return join(`${root}/x`, target);
      }
      const found = rest === "" ? asFolder(root) : asFile(`${root}/${rest}`) ?? asFolder(`${root}/${rest}`);
      if (found) return found;
    }
  };
  const systemModules = new Set(("assert async_hooks buffer child_process cluster console crypto dgram dns events fs " +
    "http http2 https inspector module net os path perf_hooks process punycode querystring readline repl stream " +
    "string_decoder timers tls trace_events tty url util v8 vm wasi worker_threads zlib").split(" "));
  const resolve = (base, specifier) => {
    if (specifier === "@veroforge/sdk") return specifier;
    const relative = /^\.{0,2}\//.test(specifier) || specifier === "." || specifier === "..";
    const found = relative
      ? (() => { const path = join(base, specifier); return asFile(path) ?? asFolder(path); })()
      : asPackage(base, specifier);
    if (found) return found;
    const system = specifier.startsWith("node:") || systemModules.has(specifier.split("/")[0]);
    throw new Error(system
      ? `module '${specifier}' is not available in the sandbox (asked for by ${base})`
      : `cannot find module '${specifier}' in the bundle (asked for by ${base})`);
  };
  const looksLikeModule =
    /(?:^|[\n;}])\s*(?:export\s*(?:[{*]|(?:default|class|function|async|const|let|var)\b)|import\s*(?:[{*"']|[\w$]+\s*(?:,|from\b)))/;
  // "module", "commonjs" or "json".
  const kind = (path) => {
    if (path === "@veroforge/sdk" || path.endsWith(".mjs")) return "module";
    if (path.endsWith(".cjs")) return "commonjs";
    if (path.endsWith(".json")) return "json";
    for (let folder = path; folder !== ""; ) {
      const cut = folder.lastIndexOf("/");
      folder = cut < 0 ? "" : folder.slice(0, cut);
      const manifest = manifestOf(folder);
      if (manifest?.type === "module" || manifest?.type === "commonjs") return manifest.type;
      if (manifest) break;
    }
    return looksLikeModule.test(host.file(path)) ? "module" : "commonjs";
  };
  const cache = new Map();
  const load = (path) => {
    const present = call(mapGet, cache, path);
    if (present) return present.exports;
    const module = { exports: {}, id: path, filename: path, loaded: false };
    call(mapSet, cache, path, module);
    if (path === "@veroforge/sdk") module.exports = sdk;
    else if (kind(path) === "json") module.exports = parse(host.file(path));
    else {
      try {
        const body = host.script(
          `(function (exports, require, module, __filename, __dirname) {${host.file(path)}\n})`, path);
        const require = (specifier) => requireFrom(path, `${specifier}`);
        require.resolve = (specifier) => resolve(path, `${specifier}`);
        call(body, module.exports, module.exports, require, module, path, path.split("/").slice(0, -1).join("/"));
      } catch (error) {
        call(mapDelete, cache, path);
        throw error;
      }
    }
    module.loaded = true;
    return module.exports;
  };
  const requireFrom = (base, specifier) => {
    const path = resolve(base, specifier);
    if (path !== "@veroforge/sdk" && kind(path) === "module")
      throw new Error(`'${specifier}' is an ES module: import it instead of requiring it (in ${base})`);
    return load(path);
  };

  const sdk = freeze({ OperationError, definePlugin: (plugin) => plugin });
  const sdkSource = "const { OperationError, definePlugin } = globalThis[Symbol.for('veroforge.sdk')];" +
    "export { OperationError, definePlugin };";
  define(globalThis, Symbol.for("veroforge.sdk"), { value: sdk });

  // The plugin.
  let plugin, context;
  const entry = (namespace) => {
    const fits = (value) =>
      (typeof value === "function" && typeof value.prototype?.execute === "function") ||
      (typeof value === "object" && value !== null && typeof value.execute === "function");
    // The plugin's module has run: no method of a prototype is trusted to be what it was.
    let found;
    const look = (value) => { if (found === undefined && value !== undefined && fits(value)) found = value; };
    const lookInto = (holder) => {
      if (holder === undefined || holder === null) return;
      look(holder.default);
      look(holder.plugin);
      look(holder);
      if (typeof holder !== "object") return;
      const names = keys(holder);
      for (let index = 0; index < names.length; index++) look(holder[names[index]]);
    };
    lookInto(namespace);
    lookInto(namespace?.default);
    if (found === undefined)
      throw new TypeError("the bundle's main module exports no plugin: a class or object with `execute`");
    return typeof found === "function" ? new found() : found;
  };
  const deepFreeze = (value) => {
    if (typeof value === "object" && value !== null) { Object.values(value).forEach(deepFreeze); freeze(value); }
    return value;
  };
  const fetch = async (url, init = {}) => {
    const values = { url: `${url}`, method: `${init.method ?? "GET"}`, headers: {} };
    const headers = init.headers ?? {};
    for (const name of Object.keys(headers)) values.headers[name] = `${headers[name]}`;
    if (typeof init.body === "string") values.body = init.body;
    else if (init.body !== undefined && init.body !== null) {
      values.body = call(toBase64, view(init.body));
      values.bodyEncoding = "base64";
    }
    if (init.auth !== undefined) values.auth = init.auth;
    const answer = await request("fetch", values);
    const status = Number(answer?.status ?? 0);
    const raw = answer?.body ?? "";
    const binary = answer?.bodyEncoding === "base64";
    const bytes = () => (binary ? fromBase64(raw) : utf8(raw));
    const text = () => (binary ? host.text(fromBase64(raw), false) : raw);
    return freeze({
      status, ok: status >= 200 && status < 300, headers: freeze(answer?.headers ?? {}),
      text: async () => text(), json: async () => parse(text()), bytes: async () => bytes(),
      arrayBuffer: async () => bytes().buffer,
    });
  };
  const blobs = () => {
    const kept = new Map();
    let used = 0;
    const size = (name) => call(mapGet, kept, name)?.length ?? 0;
    return freeze({
      async write(name, value) {
        const bytes = bytesOf(value).slice();
        const next = used - size(`${name}`) + bytes.length + `${name}`.length;
        host.tempBytes(next);
        used = next;
        call(mapSet, kept, `${name}`, bytes);
      },
      async read(name) { return call(mapGet, kept, `${name}`)?.slice(); },
      async delete(name) {
        used -= size(`${name}`) + (kept.has(`${name}`) ? `${name}`.length : 0);
        call(mapDelete, kept, `${name}`);
        host.tempBytes(used);
      },
      async list() { return [...kept.keys()].sort(); },
    });
  };
  const makeContext = (config) => {
    const logger = {};
    for (const name of ["debug", "info", "warn", "error"])
      logger[name] = (message, fields) => say(levels[name], fields === undefined ? [message] : [message, fields]);
    const signing = (operation) => (secret, algorithm, bytes, ...rest) => {
      const values = { secret: `${secret}`, algorithm: `${algorithm}`, data: call(toBase64, bytesOf(bytes)) };
      if (operation === "crypto.verifyHmac") values.signature = `${rest.shift()}`;
      values.encoding = `${rest[0] ?? "hex"}`;
      return request(operation, values);
    };
    return freeze({
      api: freeze({
        readData: (entity, filters = []) => request("readData", { entity, filters }),
        writeData: (entity, data) => request("writeData", { entity, data }),
        triggerWorkflow: (workflow, data = null) => request("triggerWorkflow", { workflow, data }).then(() => undefined),
      }),
      config: deepFreeze(config),
      logger: freeze(logger),
      fetch,
      secret: (name) => `{{secret:${name}}}`,
      crypto: freeze({
        sign: (...values) => signing("crypto.sign")(...values).then((a) => a?.signature ?? a),
        verifyHmac: (...values) => signing("crypto.verifyHmac")(...values).then((a) => (a?.valid ?? a) === true),
      }),
      storage: freeze({
        get: (key) => request("storage.get", { key: `${key}` })
          .then((answer) => (answer === null ? undefined : answer?.value ?? undefined)),
        set: (key, value) => request("storage.set", { key: `${key}`, value: value ?? null }).then(() => undefined),
        delete: (key) => request("storage.delete", { key: `${key}` }).then(() => undefined),
        list: (prefix = "") => request("storage.list", { prefix: `${prefix}` })
          .then((answer) => answer?.keys ?? answer ?? []),
      }),
      temp: blobs(),
      usage: freeze({
        report: ({ amount, currency }) =>
          request("usage.report", { amount: `${amount}`, currency: `${currency}` }).then(() => undefined),
      }),
    });
  };

  return freeze({
    describe, resolve, kind, load, fire, sdkSource,
    forgetTimers() { timers.clear(); },
    async start(parameters) {
      origin = host.now();
      if (parameters.timersAsk === true) host.timersAsk();
      context = makeContext(parameters.config ?? {});
      const main = asFile(join("", parameters.main)) ?? parameters.main;
      if (!host.exists(main)) throw new Error(`the bundle has no file '${parameters.main}', which its manifest names as main`);
      plugin = entry(kind(main) === "module" ? await host.import(main) : load(main));
      return {
        name: attempt(() => `${plugin.name ?? ""}`) ?? "", version: attempt(() => `${plugin.version ?? ""}`) ?? "",
      };
    },
    async initialize() {
      if (typeof plugin.initialize === "function") await plugin.initialize(context);
      return null;
    },
    async execute(request) { return (await plugin.execute(request)) ?? null; },
    async cleanup() {
      if (typeof plugin.cleanup === "function") await plugin.cleanup();
      return null;
    },
  });
})
