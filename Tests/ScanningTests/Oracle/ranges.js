// One line a range: a digit for each version, 1 where npm's semver has it inside. Then the versions in order, then which
// ranges meet. Debian's node-semver.
process.env.NODE_PATH = "/usr/share/nodejs";
require("module").Module._initPaths();
const semver = require("semver");
const { ranges, versions, meeting } = JSON.parse(require("fs").readFileSync(process.argv[2], "utf8"));
for (const range of ranges) {
  if (semver.validRange(range) === null) console.log("invalid");
  else console.log(versions.map((version) => (semver.satisfies(version, range) ? 1 : 0)).join(""));
}
const order = versions.map((version, index) => [version, index]);
order.sort((a, b) => semver.compare(a[0], b[0]) || a[1] - b[1]);
console.log(order.map(([version]) => version).join(" "));
for (const first of meeting) console.log(meeting.map((second) => (semver.intersects(first, second) ? 1 : 0)).join(""));
