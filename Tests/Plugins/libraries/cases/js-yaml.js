import * as library from "js-yaml";
import plugin from "./plugin.cjs";
export default plugin("js-yaml", () => [library.load("a: [1, two]\nb: {c: true}\n"), library.dump({ a: [1, "x"] })],
  [{ a: [1, "two"], b: { c: true } }, "a:\n  - 1\n  - x\n"]);
