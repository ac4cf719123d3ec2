import { v4, v5, validate } from "uuid";
import plugin from "./plugin.cjs";
export default plugin("uuid", () => [v5("www.example.com", v5.DNS), validate(v4()), v4() !== v4()],
  ["2ed6657d-e927-568b-95e1-2665a8aea6a2", true, true]);
