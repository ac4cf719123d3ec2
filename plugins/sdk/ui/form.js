// The form of a plugin's configuration, as data: what fields it has, and what was entered. Nothing here touches a page,
// so an application that draws its own form can use it too.

/**
 * The fields of a `config` schema, in the order of its properties:
 * `{name, label, help, kind, required, value, choices?, min?, max?, minLength?, maxLength?, pattern?}`.
 * Lists and objects are edited as JSON.
 */
export function fieldsOf(schema, values = {}) {
  const required = new Set(schema?.required ?? []);
  return Object.entries(schema?.properties ?? {}).map(([name, property]) => ({
    name,
    label: property.title ?? name,
    help: property.description ?? "",
    kind: kindOf(property),
    required: required.has(name),
    value: name in values ? values[name] : property.default,
    choices: property.enum,
    min: property.minimum,
    max: property.maximum,
    minLength: property.minLength,
    maxLength: property.maxLength,
    pattern: property.pattern,
  }));
}

function kindOf(property) {
  if (property.enum) return "choice";
  switch (property.type) {
    case "boolean": return "flag";
    case "integer": return "integer";
    case "number": return "number";
    case "string": return (property.maxLength ?? 0) > 200 ? "text" : "line";
    default: return "json";
  }
}

/**
 * What was entered, as the configuration: `{values, problems}`. `entered` has a text for each field, and true or false
 * for a flag; an empty text leaves the field out.
 */
export function valuesOf(schema, entered) {
  const values = {};
  const problems = {};
  for (const field of fieldsOf(schema)) {
    const given = entered[field.name];
    if (field.kind === "flag") {
      values[field.name] = given === true;
      continue;
    }
    if (given === undefined || given === "") {
      if (field.required) problems[field.name] = "is needed";
      continue;
    }
    const problem = read(field, given, values);
    if (problem) problems[field.name] = problem;
  }
  return { values, problems };
}

function read(field, given, values) {
  switch (field.kind) {
    case "integer":
    case "number": {
      const number = Number(given);
      if (!Number.isFinite(number) || (field.kind === "integer" && !Number.isInteger(number))) {
        return field.kind === "integer" ? "is no whole number" : "is no number";
      }
      if (field.min !== undefined && number < field.min) return `is below ${field.min}`;
      if (field.max !== undefined && number > field.max) return `is above ${field.max}`;
      values[field.name] = number;
      return undefined;
    }
    case "choice": {
      const choice = field.choices.find((candidate) => String(candidate) === given);
      if (choice === undefined) return `is none of ${field.choices.join(", ")}`;
      values[field.name] = choice;
      return undefined;
    }
    case "json":
      try {
        values[field.name] = JSON.parse(given);
        return undefined;
      } catch {
        return "is no JSON";
      }
    default: {
      const length = [...given].length;
      if (length < (field.minLength ?? 0)) return `is shorter than ${field.minLength} characters`;
      if (length > (field.maxLength ?? Infinity)) return `is longer than ${field.maxLength} characters`;
      if (field.pattern !== undefined && !new RegExp(field.pattern, "u").test(given)) return "does not have the right form";
      values[field.name] = given;
      return undefined;
    }
  }
}
