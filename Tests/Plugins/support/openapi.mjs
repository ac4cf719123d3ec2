// Checks a request and its answer against a vendor's published description (OpenAPI 3 or Swagger 2).
import { violations } from "./schema.mjs";

/** The described path that an address has, with the operation; `undefined` when the description lacks it. */
export function operationOf(document, method, path) {
  const parts = path.split("/");
  for (const [template, operations] of Object.entries(document.paths)) {
    const names = template.split("/");
    if (names.length !== parts.length) continue;
    // `{AccountSid}/Messages.json` and `{Sid}.json` alike: a name stands for one or more characters.
    const fits = names.every((name, index) => name.includes("{")
      ? new RegExp(`^${name.replace(/[.]/g, "\\.").replace(/\{[^}]+\}/g, "[^/]+")}$`).test(parts[index])
      : name === parts[index]);
    if (fits && operations[method.toLowerCase()]) return { template, ...operations[method.toLowerCase()] };
  }
  return undefined;
}

function coerced(schema, text) {
  if (schema?.type === "integer" || schema?.type === "number") return text.trim() === "" ? text : Number(text);
  if (schema?.type === "boolean") return text === "true" ? true : text === "false" ? false : text;
  return text;
}

/** What is wrong with a request. `base` is the path before the description's own paths. */
export function requestProblems(document, { method, url, headers, body }, base = "") {
  if (!url.pathname.startsWith(base)) return [`${url.pathname} does not begin with ${base}`];
  const operation = operationOf(document, method, url.pathname.slice(base.length));
  if (!operation) return [`${method} ${url.pathname} is not described`];
  const problems = [];
  const type = (headers["content-type"] ?? "").split(";")[0];
  const parameters = (operation.parameters ?? []).map((parameter) => parameter.$ref
    ? parameter.$ref.slice(2).split("/").reduce((at, part) => at[part], document) : parameter);
  for (const [name, value] of url.searchParams) {
    const parameter = parameters.find((candidate) => candidate.in === "query" && candidate.name === name);
    if (!parameter) problems.push(`the query ${name} is not described`);
    else problems.push(...violations(parameter.schema ?? { type: parameter.type }, coerced(parameter.schema ?? parameter, value), document, `?${name}`));
  }
  const bodyParameter = parameters.find((parameter) => parameter.in === "body");
  const content = operation.requestBody?.content;
  if (content) {
    const schema = content[type]?.schema;
    if (!schema) return [...problems, `${method} ${url.pathname} does not take ${type}`];
    const form = [...new URLSearchParams(body)];
    const value = type.endsWith("json") ? JSON.parse(body)
      : Object.fromEntries(form.map(([name, text]) => [name, coerced(schema.properties?.[name], text)]));
    problems.push(...violations({ ...schema, additionalProperties: false }, value, document));
  } else if (bodyParameter) {
    if (body === undefined) {
      if (bodyParameter.required) problems.push("the body is missing");
    } else {
      if (type !== "application/json") problems.push(`the body is ${type}`);
      problems.push(...violations(strict(bodyParameter.schema, document), JSON.parse(body), document));
    }
  } else if (body !== undefined && body !== "") {
    problems.push("a body is not described");
  }
  return problems;
}

/** What is wrong with an answer that a stand-in gave: it must have the vendor's shape too. */
export function answerProblems(document, { method, url }, { status, body }, base = "") {
  const operation = operationOf(document, method, url.pathname.slice(base.length));
  const response = operation?.responses[String(status)] ?? operation?.responses.default;
  if (!response) return [`status ${status} of ${method} ${url.pathname} is not described`];
  const schema = response.schema ?? response.content?.["application/json"]?.schema;
  if (!schema || schema.type === "file") return [];
  return violations(strict(schema, document), JSON.parse(body), document);
}

/** A description's objects take what they name and nothing else, at any depth, unless they say otherwise. */
function strict(schema, document, depth = 0) {
  if (depth > 12 || typeof schema !== "object" || schema === null) return schema;
  if (schema.$ref) {
    const target = schema.$ref.slice(2).split("/").reduce(
      (at, part) => at?.[part.replace(/~1/g, "/").replace(/~0/g, "~")], document);
    return strict(target, document, depth + 1);
  }
  const out = { ...schema };
  if (schema.properties) {
    out.properties = new Proxy(schema.properties, {
      get: (target, name) => (Object.hasOwn(target, name) ? strict(target[name], document, depth + 1) : undefined),
    });
    out.additionalProperties ??= false;
  }
  if (schema.items && !Array.isArray(schema.items)) {
    Object.defineProperty(out, "items", { enumerable: true, get: () => strict(schema.items, document, depth + 1) });
  }
  return out;
}
