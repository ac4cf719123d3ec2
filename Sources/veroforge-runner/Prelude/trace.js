// The engine's stack text as frames of the plugin's own sources, through its source maps where it brings them.
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
