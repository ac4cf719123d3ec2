import Ajv from "ajv";
import plugin from "./plugin.cjs";
const Class = Ajv.default ?? Ajv;
export default plugin("ajv", () => {
  const validate = new Class().compile({ type: "object", required: ["id"], properties: { id: { type: "string" }, total: { type: "number", minimum: 0 } } });
  return [validate({ id: "a", total: 1 }), validate({ total: -1 }), validate({ id: "a", total: -1 })];
}, [true, false, false]);
