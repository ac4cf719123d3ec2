// What the launch plugins' scenarios said to the stateful stand-ins, and what those answered, held against the vendors'
// own published descriptions, where they are present. Stripe publishes none that is kept here: localstripe stands for it.
import { existsSync, readFileSync } from "node:fs";
import { answerProblems, requestProblems } from "../Plugins/support/openapi.mjs";
import { description, skipReason } from "../Plugins/support/shared.mjs";
import { typeProblems, typesOf } from "../Plugins/support/xsd.mjs";

const folder = process.argv[2];
const exchanges = (plugin) => JSON.parse(readFileSync(`${folder}/${plugin}.json`, "utf8")).map(({ request, answer }) => ({
  request: { ...request, url: new URL(request.url), body: request.body === "" ? undefined : request.body }, answer,
}));
let failed = 0;
function judge(plugin, check) {
  const all = exchanges(plugin);
  const problems = all.flatMap((exchange) => check(exchange).map((text) => `${exchange.request.method} ${exchange.request.url}: ${text}`));
  if (all.length === 0) problems.push("nothing was said to the stand-in");
  for (const text of problems) console.log(`launch-plugins: ${plugin}: ${text}`);
  failed += problems.length;
  console.log(`launch-plugins: ${plugin}: ${all.length} exchanges, ${problems.length} problems`);
}
const both = (document, base = "") => ({ request, answer }) => [
  ...requestProblems(document, request, base),
  ...((answer.headers["content-type"] ?? "").startsWith("application/json") && answer.status < 400 ? answerProblems(document, request, answer, base) : []),
];

const slack = description("slack-web.swagger2.json");
const twilio = [description("twilio-api-v2010.openapi3.json"), description("twilio-verify-v2.openapi3.json")];
const docusign = description("docusign-esignature.swagger2.json");
const types = typesOf("quickbooks-finance.xsd");

if (!existsSync(folder)) throw new Error(`${folder} does not exist`);
if (!slack || !twilio[0] || !docusign || !types) {
  console.log(`skipped: exchanges against the vendors' descriptions: ${skipReason}`);
} else {
  judge("slack", ({ request, answer }) => {
    const operation = slack.paths[request.url.pathname.replace(/^\/api/, "")]?.[request.method.toLowerCase()];
    if (!operation) return ["it is not described"];
    const place = request.method === "POST" ? "formData" : "query";
    const parameters = Object.fromEntries(operation.parameters.map((parameter) => [parameter.name, parameter]));
    const fields = Object.fromEntries(request.method === "POST" ? new URLSearchParams(request.body) : request.url.searchParams);
    return [
      ...Object.keys(fields).filter((name) => parameters[name]?.in !== place).map((name) => `it takes no ${name}`),
      ...operation.parameters.filter(({ name, required, in: where }) => required && where === place && name !== "token" && !fields[name])
        .map(({ name }) => `it needs ${name}`),
      ...answerProblems(slack, request, answer, "/api"),
    ];
  });
  judge("twilio", ({ request, answer }) => both(request.url.host.startsWith("verify") ? twilio[1] : twilio[0])({ request, answer }));
  judge("docusign", both(docusign, "/restapi"));
  judge("quickbooks-sync", ({ request, answer }) => {
    const entity = { invoice: "Invoice", payment: "Payment", customer: "Customer" }[request.url.pathname.split("/")[4]];
    if (entity === undefined || !types.has(entity)) return [];
    const held = JSON.parse(answer.body)[entity];
    return [
      ...(request.method === "POST" ? typeProblems(types, entity, JSON.parse(request.body)) : []),
      ...(held === undefined ? [] : typeProblems(types, entity, held)),
    ];
  });
}
process.exit(failed === 0 ? 0 : 1);
