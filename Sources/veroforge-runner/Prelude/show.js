// How `console` and the logger show a value.
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
