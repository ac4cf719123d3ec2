// What answers lines beside the sandbox: a call that does nothing, or the bench's computing, whose text the line brings.
import { createInterface } from "node:readline";

const asked = "compute ";
let work;

createInterface({ input: process.stdin }).on("line", (line) => {
  if (!line.startsWith(asked)) return void process.stdout.write(`${JSON.stringify(JSON.parse(line))}\n`);
  work ??= new Function(line.slice(asked.length));
  const before = process.cpuUsage();
  work();
  const used = process.cpuUsage(before);
  process.stdout.write(`${(used.user + used.system) / 1000}\n`);
});
