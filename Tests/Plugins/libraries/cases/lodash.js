import library from "lodash";
import plugin from "./plugin.cjs";
export default plugin("lodash", () => [
  library.groupBy([1.2, 1.8, 2.1], Math.floor), library.sortBy([{ a: 2 }, { a: 1 }], "a"),
  library.chunk([1, 2, 3], 2), library.merge({ a: { b: 1 } }, { a: { c: 2 } }), library.camelCase("due date"),
], [{ 1: [1.2, 1.8], 2: [2.1] }, [{ a: 1 }, { a: 2 }], [[1, 2], [3]], { a: { b: 1, c: 2 } }, "dueDate"]);
