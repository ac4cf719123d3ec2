import library from "semver";
import plugin from "./plugin.cjs";
export default plugin("semver", () => [
  library.satisfies("1.2.3", "^1.0.0"), library.gt("1.0.0-rc.1", "1.0.0"), library.maxSatisfying(["1.1.0", "1.3.0", "2.0.0"], "1.x"),
], [true, false, "1.3.0"]);
