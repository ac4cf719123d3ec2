import library from "mustache";
import plugin from "./plugin.cjs";
export default plugin("mustache", () => library.render("{{#list}}<{{.}}>{{/list}}", { list: ["a", "&"] }), "<a><&amp;>");
