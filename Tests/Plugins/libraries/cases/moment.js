import library from "moment";
import plugin from "./plugin.cjs";
export default plugin("moment", () => [
  library.utc("2026-01-31").add(1, "month").format("YYYY-MM-DD"), library.utc("2026-02-03T08:05:00Z").format("dddd, D MMMM YYYY, HH:mm"),
  library.utc("2026-03-01").diff(library.utc("2026-02-01"), "days"),
], ["2026-02-28", "Tuesday, 3 February 2026, 08:05", 28]);
