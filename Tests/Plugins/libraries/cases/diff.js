import { diffWords } from "diff";
import plugin from "./plugin.cjs";
export default plugin("diff", () => diffWords("the old order", "the new order").map(({ value, added, removed }) => [value, !!added, !!removed]),
  [["the ", false, false], ["old", false, true], ["new", true, false], [" order", false, false]]);
