import library from "big-integer";
import plugin from "./plugin.cjs";
export default plugin("big-integer", () => library("123456789012345678901234567890").multiply("987654321").toString(),
  "121932631124828532112482853211126352690");
