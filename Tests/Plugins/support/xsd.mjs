// Holds JSON objects against the types of an XML Schema, by names and simple types: as far as a vendor that publishes
// only an XSD can be held to.
import { existsSync, readFileSync } from "node:fs";
import { root } from "./context.mjs";

const folder = process.env.VEROFORGE_SHARED ?? `${root}../shared`;

/** The complex types of the file: name → {base, elements: name → {type, list}}; `undefined` where it is absent. */
export function typesOf(name) {
  const path = `${folder}/openapi/${name}`;
  if (!existsSync(path)) return undefined;
  const types = new Map();
  let current;
  for (const [, closing, tag, attributes] of readFileSync(path, "utf8").replace(/<!--[\s\S]*?-->/g, "")
    .matchAll(/<(\/?)xs:([A-Za-z]+)((?:\s+[\w:]+="[^"]*")*)\s*\/?>/g)) {
    const value = (key) => new RegExp(`\\s${key}="([^"]*)"`).exec(attributes)?.[1];
    if (tag === "complexType" && closing) current = undefined;
    else if (tag === "complexType" && value("name")) types.set(value("name"), current = { base: undefined, elements: new Map() });
    else if (tag === "extension" && current && !closing) current.base = value("base");
    else if (tag === "element" && current && value("name")) {
      current.elements.set(value("name"), { type: value("type"), list: value("maxOccurs") === "unbounded" });
    }
  }
  return types;
}

// Types that the file refers to and does not hold, as QuickBooks writes them in JSON.
const elsewhere = {
  ReferenceType: { value: "string", name: "string" },
  IntuitEntity: { Id: "string", SyncToken: "string", domain: "string", sparse: "boolean", status: "string", MetaData: "object" },
};

const simple = {
  "xs:string": (value) => typeof value === "string",
  "id": (value) => typeof value === "string" && /^\d+$/.test(value),
  "xs:decimal": (value) => typeof value === "number",
  "xs:boolean": (value) => typeof value === "boolean",
  "xs:date": (value) => typeof value === "string" && /^\d{4}-\d{2}-\d{2}$/.test(value),
};

/** What is wrong with a value of a type. */
export function typeProblems(types, type, value, place = type) {
  if (simple[type]) return simple[type](value) ? [] : [`${place} is no ${type}: ${JSON.stringify(value)}`];
  if (elsewhere[type]) {
    return Object.entries(value).flatMap(([name, item]) =>
      typeof item === elsewhere[type][name] ? [] : [`${place}.${name} is not what ${type} has`]);
  }
  if (!types.has(type)) return typeof value === "string" ? [] : [`${place} is of the unknown type ${type}`];
  if (typeof value !== "object" || value === null) return [`${place} is no object`];
  const problems = [];
  for (const [name, item] of Object.entries(value)) {
    let at = type;
    let element;
    while (at !== undefined && element === undefined) {
      if (elsewhere[at]) {
        problems.push(...typeProblems(types, at, { [name]: item }, place));
        at = "done";
        break;
      }
      element = types.get(at)?.elements.get(name);
      at = types.get(at)?.base;
    }
    if (element === undefined) {
      if (at !== "done") problems.push(`${place}.${name} is not described`);
      continue;
    }
    if (element.list !== Array.isArray(item)) problems.push(`${place}.${name} is ${element.list ? "a list" : "no list"}`);
    for (const part of Array.isArray(item) ? item : [item]) {
      problems.push(...typeProblems(types, element.type, part, `${place}.${name}`));
    }
  }
  return problems;
}
