/** Fields of a form or a query; a list repeats its name, `undefined` leaves the field out. */
export type FormFields = {
  readonly [name: string]: string | number | boolean | readonly (string | number)[] | undefined;
};

/** `application/x-www-form-urlencoded`, in the order of the fields. */
export function formEncode(fields: FormFields): string {
  const pairs: string[] = [];
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined) continue;
    for (const item of Array.isArray(value) ? value : [value]) {
      pairs.push(`${component(name)}=${component(String(item))}`);
    }
  }
  return pairs.join("&");
}

/** A query with its question mark, or nothing. */
export function query(fields: FormFields): string {
  const encoded = formEncode(fields);
  return encoded === "" ? "" : `?${encoded}`;
}

/** The fields of a form; of a name that occurs twice the last one counts. */
export function parseForm(body: string): { [name: string]: string } {
  const fields: { [name: string]: string } = Object.create(null);
  for (const pair of body.split("&")) {
    if (pair === "") continue;
    const equals = pair.indexOf("=");
    const name = equals < 0 ? pair : pair.slice(0, equals);
    fields[decode(name)] = equals < 0 ? "" : decode(pair.slice(equals + 1));
  }
  return fields;
}

function component(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (c) => "%" + c.charCodeAt(0).toString(16).toUpperCase());
}

function decode(text: string): string {
  const spaced = text.replace(/\+/g, " ");
  try {
    return decodeURIComponent(spaced);
  } catch {
    return spaced;
  }
}

/** A value of a nested form. */
export type Nested = string | number | boolean | undefined | readonly Nested[] | { readonly [name: string]: Nested };

/** A form with nested names: `{items: [{price: "p"}]}` is `items[0][price]=p`. `undefined` leaves the field out. */
export function formEncodeNested(fields: { readonly [name: string]: Nested }): string {
  const flat: { [name: string]: string | number | boolean } = {};
  const walk = (name: string, value: Nested): void => {
    if (value === undefined) return;
    if (typeof value !== "object") {
      flat[name] = value;
    } else if (Array.isArray(value)) {
      value.forEach((item, index) => walk(`${name}[${index}]`, item));
    } else {
      for (const [part, item] of Object.entries(value)) walk(`${name}[${part}]`, item);
    }
  };
  for (const [name, value] of Object.entries(fields)) walk(name, value);
  return formEncode(flat);
}
