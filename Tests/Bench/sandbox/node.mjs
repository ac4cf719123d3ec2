// What answers lines beside the sandbox: a call that does nothing, or the arithmetic of the bench.
import { createInterface } from "node:readline";

function compute() {
  let a = 1;
  for (let i = 0; i < 5000000; i++) a = (a * 1103515245 + 12345) % 2147483648;
  return a;
}

createInterface({ input: process.stdin }).on("line", (line) => {
  if (line !== "compute") return void process.stdout.write(`${JSON.stringify(JSON.parse(line))}\n`);
  const before = process.cpuUsage();
  compute();
  const used = process.cpuUsage(before);
  process.stdout.write(`${(used.user + used.system) / 1000}\n`);
});
