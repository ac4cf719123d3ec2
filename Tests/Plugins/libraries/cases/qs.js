import library from "qs";
import plugin from "./plugin.cjs";
export default plugin("qs", () => [library.parse("a[b]=1&a[c][]=2"), library.stringify({ a: { b: ["x y", "z"] } })],
  [{ a: { b: "1", c: ["2"] } }, "a%5Bb%5D%5B0%5D=x%20y&a%5Bb%5D%5B1%5D=z"]);
