import library from "iconv-lite";
import plugin from "./plugin.cjs";
export default plugin("iconv-lite", () => [library.decode(new Uint8Array([0xe4, 0x80]), "windows-1252"), [...library.encode("日本", "Shift_JIS")]],
  ["ä€", [0x93, 0xfa, 0x96, 0x7b]]);
