// The bench's plugin as a server of its own: what a marketplace without a sandbox would run. Arguments: port, the
// application's address, its credential.
import http from "node:http";

const [port, application, credential] = process.argv.slice(2);
const agent = new http.Agent({ keepAlive: true });
const filter = encodeURIComponent(JSON.stringify([{ field: "status", op: "eq", value: "overdue" }]));

function readInvoices() {
  return new Promise((resolve, reject) => {
    const options = { agent, headers: { authorization: `Bearer ${credential}` } };
    http.get(`${application}/entities/invoices?filter=${filter}`, options, (response) => {
      const parts = [];
      response.on("data", (part) => parts.push(part));
      response.on("end", () => resolve(JSON.parse(Buffer.concat(parts).toString())));
    }).on("error", reject);
  });
}

http.createServer(async (request, response) => {
  for await (const part of request) void part;
  const rows = await readInvoices();
  response.setHeader("content-type", "application/json");
  response.end(JSON.stringify({ success: true, data: { count: rows.length } }));
}).listen(Number(port), "127.0.0.1");
