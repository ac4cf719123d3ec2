import library from "handlebars/dist/handlebars.js";
import plugin from "./plugin.cjs";
export default plugin("handlebars", () =>
  library.compile("Dear {{name}},{{#each lines}} {{@index}}:{{this}}{{/each}}")({ name: "<Ada>", lines: ["a", "b"] }),
"Dear &lt;Ada&gt;, 0:a 1:b");
