// answers: {"data":[1],"own":true}
// Everything that the SDK could lean on is replaced; it holds on to its own.
for (const type of [Object, Array, Promise, Map, Set, String, JSON, Reflect, Function, Error])
  for (const holder of [type, type.prototype])
    if (holder) for (const name of ["then", "get", "set", "push", "map", "parse", "stringify", "call", "apply", "slice", "split", "test"])
      if (typeof holder[name] === "function" && holder !== Promise.prototype) try { holder[name] = () => "poison"; } catch {}
export default { async initialize(context) { this.context = context; },
  async execute() { const data = await this.context.api.readData("orders", []); return { data, own: !Array.isArray("poison") }; } };
