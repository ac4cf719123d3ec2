import { List, Map } from "immutable";
import plugin from "./plugin.cjs";
export default plugin("immutable", () => [Map({ a: 1 }).set("b", 2).toJS(), List([3, 1, 2]).sort().toJS()], [{ a: 1, b: 2 }, [1, 2, 3]]);
