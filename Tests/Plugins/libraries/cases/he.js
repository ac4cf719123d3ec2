import library from "he";
import plugin from "./plugin.cjs";
export default plugin("he", () => [library.encode("foo © bar ≠ baz"), library.decode("&lt;&copy;&#x1D306;")],
  ["foo &#xA9; bar &#x2260; baz", "<©𝌆"]);
