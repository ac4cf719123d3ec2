// A JSON Schema validator for the keywords that manifests and the vendors' descriptions use. An unknown keyword is an
// error, so that nothing passes because it was not looked at.

const annotations = new Set([
  "$schema", "$id", "title", "description", "default", "examples", "example", "deprecated", "readOnly", "writeOnly",
  "format", "xml", "discriminator", "externalDocs",
]);
const known = new Set([
  "$ref", "type", "enum", "const", "required", "properties", "additionalProperties", "patternProperties", "items",
  "minItems", "maxItems", "uniqueItems", "minLength", "maxLength", "pattern", "minimum", "maximum", "allOf", "anyOf",
  "oneOf", "not", "nullable", "minProperties", "maxProperties", "$defs", "if", "then", "else", "propertyNames",
]);

function typeOf(value) {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  return typeof value;
}

function isType(value, type) {
  if (type === "integer") return Number.isInteger(value);
  return typeOf(value) === type;
}

/** What is wrong with `value`, each with its place; empty when nothing is. `root` resolves `$ref`. */
export function violations(schema, value, root = schema, place = "") {
  if (schema === true || schema === undefined) return [];
  if (schema === false) return [`${place || "/"} is not allowed`];
  for (const keyword of Object.keys(schema)) {
    if (!known.has(keyword) && !annotations.has(keyword) && !keyword.startsWith("x-")) {
      throw new Error(`the keyword ${keyword} at ${place || "/"} is not understood`);
    }
  }
  if (schema.$ref !== undefined) {
    const target = schema.$ref.slice(2).split("/").reduce(
      (at, part) => at?.[part.replace(/~1/g, "/").replace(/~0/g, "~")], root);
    if (target === undefined) throw new Error(`${schema.$ref} does not exist`);
    return violations(target, value, root, place);
  }
  if (value === null && schema.nullable === true) return [];
  const out = [];
  const say = (message) => out.push(`${place || "/"} ${message}`);
  if (schema.type !== undefined) {
    const types = Array.isArray(schema.type) ? schema.type : [schema.type];
    if (!types.some((type) => isType(value, type))) return [`${place || "/"} is ${typeOf(value)}, not ${types.join(" or ")}`];
  }
  const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);
  if (schema.enum !== undefined && !schema.enum.some((item) => same(item, value))) {
    say(`${JSON.stringify(value)} is none of ${schema.enum.join(", ")}`);
  }
  if ("const" in schema && !same(schema.const, value)) say(`is not ${JSON.stringify(schema.const)}`);
  if (typeof value === "string") {
    const length = [...value].length;
    if (length < (schema.minLength ?? 0)) say("is too short");
    if (length > (schema.maxLength ?? Infinity)) say("is too long");
    if (schema.pattern !== undefined && !new RegExp(schema.pattern, "u").test(value)) {
      say(`${JSON.stringify(value)} does not look like ${schema.pattern}`);
    }
  }
  if (typeof value === "number") {
    if (value < (schema.minimum ?? -Infinity)) say(`is below ${schema.minimum}`);
    if (value > (schema.maximum ?? Infinity)) say(`is above ${schema.maximum}`);
  }
  if (Array.isArray(value)) {
    if (value.length < (schema.minItems ?? 0)) say("has too few items");
    if (value.length > (schema.maxItems ?? Infinity)) say("has too many items");
    if (schema.uniqueItems && new Set(value.map((item) => JSON.stringify(item))).size !== value.length) say("repeats an item");
    // A vendor's description writes a choice of items as a list of schemas.
    const items = Array.isArray(schema.items) ? { anyOf: schema.items } : schema.items;
    value.forEach((item, index) => out.push(...violations(items, item, root, `${place}/${index}`)));
  }
  if (typeOf(value) === "object") {
    for (const name of schema.required ?? []) if (!(name in value)) say(`lacks ${name}`);
    const patterns = Object.entries(schema.patternProperties ?? {});
    for (const [name, item] of Object.entries(value)) {
      let matched = false;
      if (Object.hasOwn(schema.properties ?? {}, name)) {
        matched = true;
        out.push(...violations(schema.properties[name], item, root, `${place}/${name}`));
      }
      for (const [pattern, sub] of patterns) {
        if (!new RegExp(pattern, "u").test(name)) continue;
        matched = true;
        out.push(...violations(sub, item, root, `${place}/${name}`));
      }
      if (!matched && schema.additionalProperties !== undefined) {
        if (schema.additionalProperties === false) out.push(`${place}/${name} is unknown`);
        else out.push(...violations(schema.additionalProperties, item, root, `${place}/${name}`));
      }
    }
  }
  for (const sub of schema.allOf ?? []) out.push(...violations(sub, value, root, place));
  const fits = (sub) => violations(sub, value, root, place).length === 0;
  if (schema.anyOf && !schema.anyOf.some(fits)) say("fits none of the allowed forms");
  if (schema.oneOf && schema.oneOf.filter(fits).length !== 1) say("does not fit exactly one of the forms");
  if (schema.not && fits(schema.not)) say("has a refused form");
  if (schema.if !== undefined) out.push(...violations(fits(schema.if) ? schema.then : schema.else, value, root, place));
  return out;
}
