import library from "iconv-lite";
import plugin from "./plugin.cjs";
export default plugin("iconv-lite", () => library.decode(new Uint8Array([0xe4]), "latin1"), "ä");
