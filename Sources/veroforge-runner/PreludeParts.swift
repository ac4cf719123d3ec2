// The parts of the prelude that are evaluated when first asked for. Each is a function of the host functions and
// the global object, and returns what it defines.

let preludeParts: [String: String] = [
    "show": preludeShow, "trace": preludeTrace, "clone": preludeClone, "url": preludeURL,
]

/// How `console` and the logger show a value.
private let preludeShow = #"""
    (function (host, global) {
      "use strict";
      const show = (value, depth = 0, above = []) => {
        switch (typeof value) {
          case "string": return depth === 0 ? value : JSON.stringify(value);
          case "bigint": return `${value}n`;
          case "symbol": return value.toString();
          case "function": return `[function ${value.name || "anonymous"}]`;
          case "object": break;
          default: return `${value}`;
        }
        if (value === null) return "null";
        if (above.includes(value)) return "[circular]";
        if (value instanceof Error) return `${value.name}: ${value.message}${depth === 0 && value.stack ? `\n${value.stack.trimEnd()}` : ""}`;
        if (value instanceof global.Date) return isNaN(value) ? "invalid date" : value.toISOString();
        if (depth > 4) return Array.isArray(value) ? "[…]" : "{…}";
        const inner = (item) => show(item, depth + 1, [...above, value]);
        const listed = (items, count) => items.join(", ") + (count > 100 ? `, … ${count - 100} more` : "");
        if (ArrayBuffer.isView(value) || Array.isArray(value)) {
          const name = Array.isArray(value) ? "" : value.constructor.name;
          return `${name}[${listed(Array.from({ length: Math.min(value.length ?? 0, 100) }, (_, i) => inner(value[i])), value.length)}]`;
        }
        if (value instanceof Map) return `Map{${listed([...value].slice(0, 100).map(([k, v]) => `${inner(k)} => ${inner(v)}`), value.size)}}`;
        if (value instanceof Set) return `Set{${listed([...value].slice(0, 100).map(inner), value.size)}}`;
        const keys = Object.keys(value);
        return `{${listed(keys.slice(0, 100).map((key) => `${key}: ${inner(value[key])}`), keys.length)}}`;
      };
      return { show(value) { try { return show(value); } catch { return "[a value that cannot be shown]"; } } };
    })
    """#

/// The engine's stack text as frames of the plugin's own sources, through its source maps where it brings them.
private let preludeTrace = #"""
    (function (host, global) {
      "use strict";
      const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
      const maps = new Map();
      const decode = (mappings) => {
        const lines = [];
        let source = 0, line = 0, column = 0;
        for (const group of mappings.split(";")) {
          const row = [];
          let generated = 0;
          for (const segment of group === "" ? [] : group.split(",")) {
            const fields = [];
            let value = 0, shift = 0;
            for (const character of segment) {
              const digit = digits.indexOf(character);
              value += (digit & 31) * 2 ** shift;
              if (digit & 32) { shift += 5; continue; }
              fields.push(value % 2 ? -Math.floor(value / 2) : value / 2);
              value = shift = 0;
            }
            generated += fields[0];
            if (fields.length < 4) continue;
            source += fields[1]; line += fields[2]; column += fields[3];
            row.push([generated, source, line, column]);
          }
          lines.push(row);
        }
        return lines;
      };
      const mapOf = (file) => {
        if (maps.has(file)) return maps.get(file);
        let map;
        try {
          const text = host.file(file) ?? "";
          const mark = text.lastIndexOf("sourceMappingURL=");
          const url = mark < 0 ? "" : text.slice(mark + 17).split(/[\s*]/)[0];
          const inline = /^data:application\/json[^,]*;base64,/.exec(url);
          const folder = file.split("/").slice(0, -1);
          const source = inline
            ? host.text(Uint8Array.fromBase64(url.slice(inline[0].length)), false)
            : url !== "" && !url.includes(":") ? host.file([...folder, url].join("/")) : undefined;
          if (source !== undefined && source.length < 4 * 1024 * 1024) {
            const { sources, mappings, sourceRoot = "" } = JSON.parse(source);
            const place = (name) => {
              const parts = [...folder];
              for (const part of `${sourceRoot}${sourceRoot && !sourceRoot.endsWith("/") ? "/" : ""}${name}`.split("/"))
                if (part === "..") parts.pop(); else if (part !== "." && part !== "") parts.push(part);
              return parts.join("/");
            };
            map = { sources: sources.map(place), lines: decode(mappings) };
          }
        } catch { map = undefined; }
        maps.set(file, map);
        return map;
      };
      const original = (file, line, column) => {
        const row = mapOf(file)?.lines[line - 1];
        let best;
        for (const segment of row ?? []) if (segment[0] <= column - 1) best = segment; else break;
        return best ? { file: maps.get(file).sources[best[1]], line: best[2] + 1, column: best[3] + 1 } : { file, line, column };
      };
      return {
        trace(stack) {
          const frames = [];
          for (const text of `${stack}`.split("\n").slice(0, 64)) {
            const parts = /^\s*at (?:(.*) \()?([^()]*?):(\d+)(?::(\d+))?\)?$/.exec(text);
            if (!parts || parts[2].startsWith("veroforge:")) continue;
            const place = original(parts[2], Number(parts[3]), Number(parts[4] ?? 1));
            const name = parts[1] && parts[1] !== "<anonymous>" ? `${parts[1]} ` : "";
            frames.push({ ...place, text: `at ${name}(${place.file}:${place.line}:${place.column})` });
          }
          return frames;
        },
      };
    })
    """#

/// `structuredClone` of what a plugin can hold.
private let preludeClone = #"""
    (function (host, global) {
      "use strict";
      const refuse = (what) => {
        throw new DOMException(`${what} cannot be cloned`, "DataCloneError");
      };
      const clone = (value, seen) => {
        if (typeof value === "function") refuse("a function");
        if (typeof value === "symbol") refuse("a symbol");
        if (typeof value !== "object" || value === null) return value;
        if (seen.has(value)) return seen.get(value);
        const keep = (copy) => { seen.set(value, copy); return copy; };
        if (Array.isArray(value)) {
          const copy = keep(new Array(value.length));
          for (const key of Object.keys(value)) copy[key] = clone(value[key], seen);
          return copy;
        }
        if (value instanceof global.Date) return keep(new global.Date(value.getTime()));
        if (value instanceof RegExp) return keep(new RegExp(value.source, value.flags));
        if (value instanceof ArrayBuffer) return keep(value.slice(0));
        if (ArrayBuffer.isView(value)) {
          const buffer = clone(value.buffer, seen);
          return keep(value instanceof DataView
            ? new DataView(buffer, value.byteOffset, value.byteLength)
            : new value.constructor(buffer, value.byteOffset, value.length));
        }
        if (value instanceof Map) {
          const copy = keep(new Map());
          for (const [key, item] of value) copy.set(clone(key, seen), clone(item, seen));
          return copy;
        }
        if (value instanceof Set) {
          const copy = keep(new Set());
          for (const item of value) copy.add(clone(item, seen));
          return copy;
        }
        if (value instanceof Error) {
          const kind = { EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError }[value.name] ?? Error;
          const copy = keep(new kind(value.message));
          if ("cause" in value) copy.cause = clone(value.cause, seen);
          return copy;
        }
        if (value instanceof Boolean || value instanceof Number || value instanceof String) return keep(Object(value.valueOf()));
        if (value instanceof Promise || value instanceof WeakMap || value instanceof WeakSet || value instanceof WeakRef)
          refuse(`a ${value.constructor.name}`);
        const copy = keep({});
        for (const key of Object.keys(value)) copy[key] = clone(value[key], seen);
        return copy;
      };
      return {
        structuredClone: function structuredClone(value) {
          if (arguments.length === 0) throw new TypeError("structuredClone needs a value");
          return clone(value, new Map());
        },
      };
    })
    """#
