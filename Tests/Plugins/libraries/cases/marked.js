import * as library from "marked";
import plugin from "./plugin.cjs";
const parse = library.marked?.parse ?? library.marked ?? library.parse ?? library.default;
export default plugin("marked", () => parse("# Hi\n\n- *a*\n- `b`\n").replace(/ id="[^"]*"/, ""),
  "<h1>Hi</h1>\n<ul>\n<li><em>a</em></li>\n<li><code>b</code></li>\n</ul>\n");
