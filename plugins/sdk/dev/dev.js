// The page of `veroforge plugin dev`. Everything that comes from a plugin is shown as text, never as markup.
const element = (id) => document.getElementById(id);
const text = (value) => JSON.stringify(value, null, 2);
const option = (value, label = value) => new Option(label, value);
let description = { actions: [], entities: [], permissions: [] };

async function ask(path, body) {
  const response = await fetch(path, body === undefined ? {} : {
    method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body),
  });
  return response.json();
}

async function describe() {
  description = await ask("/description");
  document.title = element("title").textContent = `${description.name} ${description.version}`;
  element("about").textContent = `${description.id}, kept apart by ${description.isolation}`;
  const chosen = element("action").value;
  element("action").replaceChildren(...description.actions.map(({ name }) => option(name)));
  if (description.actions.some(({ name }) => name === chosen)) element("action").value = chosen;
  else choose();
  element("entity").replaceChildren(...description.entities.map((name) => option(name)));
  const operations = description.permissions.filter((label) => !label.startsWith("fetch"));
  element("operation").replaceChildren(option("", "any operation"), ...operations.map((label) => option(label)));
}

function choose() {
  const action = description.actions.find(({ name }) => name === element("action").value);
  element("action-about").textContent = action?.description ?? "";
  element("data").value = text(action?.sample ?? {});
}

element("action").addEventListener("change", choose);
element("call").addEventListener("submit", async (event) => {
  event.preventDefault();
  let data;
  try {
    data = JSON.parse(element("data").value);
  } catch (error) {
    element("answer").textContent = `the data: ${error.message}`;
    return;
  }
  element("answer").textContent = "…";
  element("answer").textContent = text(await ask("/call", { action: element("action").value, data }));
});
element("fault").addEventListener("submit", async (event) => {
  event.preventDefault();
  await ask("/fault", { kind: element("kind").value, operation: element("operation").value, times: Number(element("times").value) });
});
element("records").addEventListener("submit", async (event) => {
  event.preventDefault();
  element("table").textContent = text(await ask(`/records/${encodeURIComponent(element("entity").value)}`));
});

const lines = {
  call: (event) => `${event.action} is called`,
  operation: (event) => `${event.operation} ${subject(event.arguments)} ${event.error ? `— ${event.error.code}: ${event.error.message}` : ""}`,
  answer: (event) => `${event.outcome}: ${event.cpuMs ?? 0} ms CPU, ${event.memoryKiB ?? 0} KiB, ${event.operations ?? 0} operations`,
  loaded: (event) => `loaded ${event.text}`,
  fault: (event) => `to go wrong: ${event.text}`,
  problem: (event) => event.text,
};

function subject(given) {
  return [given?.entity, given?.workflow, given?.method && `${given.method} ${given.url}`, given?.url, given?.key, given?.name].find(Boolean) ?? "";
}

function show(event) {
  const item = document.createElement("li");
  const bad = event.error || event.kind === "problem" || ["failed", "limit", "sandbox"].includes(event.outcome);
  item.className = `${event.kind} ${bad ? "bad" : event.outcome === "ok" ? "good" : ""}`;
  const details = document.createElement("details");
  const summary = document.createElement("summary");
  summary.textContent = (lines[event.kind] ?? text)(event);
  const body = document.createElement("pre");
  body.textContent = text(event);
  details.append(summary, body);
  item.append(details);
  element("events").prepend(item);
  if (event.kind === "loaded") describe();
}

async function follow() {
  for (let after = 0; ;) {
    try {
      const { next, events } = await ask(`/events?after=${after}`);
      // A server that was started anew counts from the beginning.
      after = next;
      events.forEach(show);
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 1000));
    }
  }
}

await describe();
follow();
