// `URL` and `URLSearchParams`, after the WHATWG standard for what plugins use: absolute and relative http(s)
// addresses, and opaque ones. Host names are ASCII; the proxy reads every address again on its own.
(function (host, global) {
  "use strict";
  const ports = { "http:": "80", "https:": "443", "ws:": "80", "wss:": "443", "ftp:": "21" };
  const special = (scheme) => scheme in ports;
  const bytes = (text) => host.utf8(`${text}`.toWellFormed());
  const hex = (byte) => `%${byte < 16 ? "0" : ""}${byte.toString(16).toUpperCase()}`;
  const encode = (text, keep) => {
    let out = "";
    for (const character of text)
      if (keep.test(character)) out += character;
      else for (const byte of bytes(character)) out += hex(byte);
    return out;
  };
  const decode = (text) => {
    if (!text.includes("%")) return text;
    const source = bytes(text), out = [];
    for (let index = 0; index < source.length; index++) {
      const pair = source[index] === 37 ? String.fromCharCode(source[index + 1], source[index + 2]) : "";
      if (/^[0-9a-fA-F]{2}$/.test(pair)) { out.push(parseInt(pair, 16)); index += 2; } else out.push(source[index]);
    }
    return host.text(new Uint8Array(out), false);
  };
  const inPath = /[^\x00-\x20"#<>?`{}^\x7f-\u{10ffff}]/u, inUser = /[A-Za-z0-9\-._~!$&'()*+,%]/;
  const inQuery = /[^\x00-\x20"#<>\x7f-\u{10ffff}]/u, inSpecialQuery = /[^\x00-\x20"#<>'\x7f-\u{10ffff}]/u;
  const inFragment = /[^\x00-\x20"<>`\x7f-\u{10ffff}]/u;
  const fail = (text) => { throw new TypeError(`not a valid URL: ${text}`); };

  const numberOf = (part) => {
    if (/^0[xX][0-9a-fA-F]*$/.test(part)) return part.length === 2 ? 0 : parseInt(part.slice(2), 16);
    if (/^0[0-7]+$/.test(part)) return parseInt(part, 8);
    return /^\d+$/.test(part) ? Number(part) : NaN;
  };
  const hostOf = (text, scheme) => {
    if (text[0] === "[") {
      if (!/^\[[0-9a-fA-F:.]+\]$/.test(text)) fail(text);
      return text.toLowerCase();
    }
    if (!special(scheme)) return encode(text, /[^\x00-\x20#/<>?@[\\\]^|\x7f-\u{10ffff}]/u);
    const name = decode(text).toLowerCase();
    if (name === "" || /[^\x21-\x7e]|[#%/:<>?@[\\\]^`|{}"]/.test(name)) fail(text);
    const parts = name.split(".");
    if (parts.length > 1 && parts[parts.length - 1] === "") parts.pop();
    const last = parts[parts.length - 1];
    if (!/^\d+$/.test(last) && Number.isNaN(numberOf(last))) return name;
    const numbers = parts.map(numberOf);
    if (numbers.length > 4 || numbers.some(Number.isNaN)) fail(text);
    const tail = numbers.pop();
    if (numbers.some((value) => value > 255) || tail >= 256 ** (4 - numbers.length)) fail(text);
    let address = tail;
    numbers.forEach((value, index) => { address += value * 256 ** (3 - index); });
    return [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join(".");
  };
  const pathOf = (text, scheme) => {
    const parts = [];
    const pieces = (special(scheme) ? text.replace(/\\/g, "/") : text).split("/").slice(1);
    pieces.forEach((piece, index) => {
      const plain = piece.replace(/%2e/gi, "."), isLast = index === pieces.length - 1;
      if (plain === "..") { parts.pop(); if (isLast) parts.push(""); }
      else if (plain === ".") { if (isLast) parts.push(""); }
      else parts.push(encode(piece, inPath));
    });
    return `/${parts.join("/")}`;
  };
  const authority = (record, text) => {
    const at = text.lastIndexOf("@");
    if (at >= 0) {
      const [user, ...rest] = text.slice(0, at).split(":");
      record.username = encode(user, inUser);
      record.password = encode(rest.join(":"), inUser);
    }
    const place = /^(\[[^\]]*\]|[^:]*)(?::(\d*))?$/.exec(text.slice(at + 1));
    if (!place) fail(text);
    record.hostname = hostOf(place[1], record.protocol);
    const port = place[2] ? Number(place[2]) : "";
    if (port > 65535) fail(text);
    record.port = `${port}` === ports[record.protocol] ? "" : `${port}`;
  };
  const parse = (input, base) => {
    let text = `${input}`.toWellFormed().replace(/^[\x00-\x20]+|[\x00-\x20]+$/g, "").replace(/[\t\n\r]/g, "");
    const record = { protocol: "", username: "", password: "", hostname: null, port: "", pathname: "", search: "", hash: "" };
    const mark = text.indexOf("#");
    if (mark >= 0) { record.hash = mark + 1 < text.length ? `#${encode(text.slice(mark + 1), inFragment)}` : ""; text = text.slice(0, mark); }
    const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):/.exec(text);
    const query = (from) => {
      const question = from.indexOf("?");
      if (question < 0) return [from, ""];
      const value = encode(from.slice(question + 1), special(record.protocol) ? inSpecialQuery : inQuery);
      return [from.slice(0, question), value === "" ? "" : `?${value}`];
    };
    if (scheme && !(base && special(base.protocol) && scheme[0].toLowerCase() === base.protocol && !/^.[^:]*:[/\\]/.test(text))) {
      record.protocol = scheme[0].toLowerCase();
      let rest = text.slice(scheme[0].length);
      if (special(record.protocol)) rest = `//${rest.replace(/^[/\\]*/, "")}`;
      if (rest.startsWith("//")) {
        const end = rest.slice(2).search(special(record.protocol) ? /[/\\?]/ : /[/?]/);
        authority(record, end < 0 ? rest.slice(2) : rest.slice(2, end + 2));
        const [path, search] = query(end < 0 ? "" : rest.slice(end + 2));
        record.pathname = path === "" ? (special(record.protocol) ? "/" : "") : pathOf(path, record.protocol);
        record.search = search;
      } else {
        const [path, search] = query(rest);
        record.pathname = path[0] === "/" ? pathOf(path, record.protocol) : encode(path, /[^\x00-\x1f\x7f-\u{10ffff}]/u);
        record.search = search;
      }
      return record;
    }
    if (!base) fail(input);
    if (base.hostname === null && base.pathname[0] !== "/" && text !== "") fail(input);
    record.protocol = base.protocol;
    let rest = scheme ? text.slice(scheme[0].length) : text;
    if (special(base.protocol)) rest = rest.replace(/^[^?]*/, (path) => path.replace(/\\/g, "/"));
    if (rest.startsWith("//")) return parse(`${base.protocol}${rest}${record.hash}`);
    Object.assign(record, { username: base.username, password: base.password, hostname: base.hostname, port: base.port });
    const [path, search] = query(rest);
    if (path === "") {
      record.pathname = base.pathname;
      record.search = rest[0] === "?" ? search : base.search;
    } else {
      record.search = search;
      record.pathname = pathOf(path[0] === "/" ? path : base.pathname.replace(/[^/]*$/, "") + path, base.protocol);
    }
    return record;
  };
  const hostText = (r) => (r.hostname === null ? "" : r.hostname + (r.port === "" ? "" : `:${r.port}`));
  const write = (r) => {
    const user = r.username || r.password ? `${r.username}${r.password ? `:${r.password}` : ""}@` : "";
    return `${r.protocol}${r.hostname === null ? "" : `//${user}${hostText(r)}`}${r.pathname}${r.search}${r.hash}`;
  };

  const formEncode = (text) => encode(`${text}`.toWellFormed(), /[A-Za-z0-9*\-._ ]/).replace(/ /g, "+");
  const formParse = (text) =>
    text.split("&").filter(Boolean).map((pair) => {
      const cut = pair.indexOf("=");
      const [name, value] = cut < 0 ? [pair, ""] : [pair.slice(0, cut), pair.slice(cut + 1)];
      return [decode(name.replace(/\+/g, " ")), decode(value.replace(/\+/g, " "))];
    });
  class URLSearchParams {
    #list = []; #changed;
    constructor(init = "", changed) {
      if (typeof changed === "function" && changed.mark === mark) this.#changed = changed;
      if (typeof init === "object" && init !== null) {
        const pairs = typeof init[Symbol.iterator] === "function" ? [...init] : Object.entries(init);
        for (const pair of pairs) {
          const items = [...pair];
          if (items.length !== 2) throw new TypeError("a pair of name and value is expected");
          this.#list.push([`${items[0]}`.toWellFormed(), `${items[1]}`.toWellFormed()]);
        }
      } else this.#list = formParse(`${init}`.replace(/^\?/, ""));
    }
    #touch() { this.#changed?.(this.toString()); }
    get size() { return this.#list.length; }
    append(name, value) { this.#list.push([`${name}`, `${value}`]); this.#touch(); }
    delete(name, value) {
      this.#list = this.#list.filter(([n, v]) => n !== `${name}` || (value !== undefined && v !== `${value}`));
      this.#touch();
    }
    get(name) { return this.#list.find(([n]) => n === `${name}`)?.[1] ?? null; }
    getAll(name) { return this.#list.filter(([n]) => n === `${name}`).map(([, v]) => v); }
    has(name, value) { return this.#list.some(([n, v]) => n === `${name}` && (value === undefined || v === `${value}`)); }
    set(name, value) {
      const index = this.#list.findIndex(([n]) => n === `${name}`);
      if (index < 0) this.#list.push([`${name}`, `${value}`]);
      else {
        this.#list[index][1] = `${value}`;
        this.#list = this.#list.filter(([n], at) => n !== `${name}` || at <= index);
      }
      this.#touch();
    }
    sort() { this.#list.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)); this.#touch(); }
    forEach(work, self) { for (const [name, value] of this.#list) work.call(self, value, name, this); }
    *entries() { for (const [name, value] of this.#list) yield [name, value]; }
    *keys() { for (const [name] of this.#list) yield name; }
    *values() { for (const [, value] of this.#list) yield value; }
    [Symbol.iterator]() { return this.entries(); }
    toString() { return this.#list.map(([name, value]) => `${formEncode(name)}=${formEncode(value)}`).join("&"); }
  }
  const mark = Symbol("owner");
  class URL {
    #record; #params;
    constructor(url, base) { this.#record = parse(url, base === undefined ? undefined : parse(base)); }
    static canParse(url, base) { try { return !!new URL(url, base); } catch { return false; } }
    static parse(url, base) { try { return new URL(url, base); } catch { return null; } }
    get href() { return write(this.#record); }
    set href(value) { this.#record = parse(value); this.#params = undefined; }
    get origin() { return special(this.#record.protocol) ? `${this.#record.protocol}//${hostText(this.#record)}` : "null"; }
    get protocol() { return this.#record.protocol; }
    set protocol(value) {
      const next = `${value}`.replace(/:.*$/, "").toLowerCase() + ":";
      if (special(next) === special(this.#record.protocol) && /^[a-z][a-z0-9+.-]*:$/.test(next)) this.#record.protocol = next;
      if (this.#record.port === ports[this.#record.protocol]) this.#record.port = "";
    }
    get username() { return this.#record.username; }
    set username(value) { this.#record.username = encode(`${value}`, inUser); }
    get password() { return this.#record.password; }
    set password(value) { this.#record.password = encode(`${value}`, inUser); }
    get host() { return hostText(this.#record); }
    set host(value) {
      const next = { ...this.#record };
      try { authority(next, `${value}`.replace(/[/?#].*$/, "").replace(/@/g, "%40")); this.#record = next; } catch {}
    }
    get hostname() { return this.#record.hostname ?? ""; }
    set hostname(value) { try { this.#record.hostname = hostOf(`${value}`.replace(/[/?#:].*$/, ""), this.#record.protocol); } catch {} }
    get port() { return this.#record.port; }
    set port(value) {
      const digits = /^\d*/.exec(`${value}`)[0];
      if (Number(digits) <= 65535) this.#record.port = digits === ports[this.#record.protocol] ? "" : digits && `${Number(digits)}`;
    }
    get pathname() { return this.#record.pathname; }
    set pathname(value) { this.#record.pathname = pathOf(`${value}`[0] === "/" ? `${value}` : `/${value}`, this.#record.protocol); }
    get search() { return this.#record.search; }
    set search(value) {
      const text = `${value}`.replace(/^\?/, "");
      this.#record.search = text === "" ? "" : `?${encode(text, special(this.#record.protocol) ? inSpecialQuery : inQuery)}`;
      this.#params = undefined;
    }
    get searchParams() {
      if (!this.#params) {
        const changed = (text) => { this.#record.search = text === "" ? "" : `?${text}`; };
        changed.mark = mark;
        this.#params = new URLSearchParams(this.#record.search, changed);
      }
      return this.#params;
    }
    get hash() { return this.#record.hash; }
    set hash(value) { const text = `${value}`.replace(/^#/, ""); this.#record.hash = text === "" ? "" : `#${encode(text, inFragment)}`; }
    toString() { return this.href; }
    toJSON() { return this.href; }
  }
  for (const type of [URL, URLSearchParams])
    Object.defineProperty(type.prototype, Symbol.toStringTag, { value: type.name, configurable: true });
  return { URL, URLSearchParams };
})
