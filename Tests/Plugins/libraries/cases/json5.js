import library from "json5";
import plugin from "./plugin.cjs";
export default plugin("json5", () => library.parse("{a: 1, // one\n b: 'two',}"), { a: 1, b: "two" });
