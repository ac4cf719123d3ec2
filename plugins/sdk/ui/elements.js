// Two elements for the pages of a customer's application. The application loads this file as a module.
//
//   <veroforge-plugin src="https://…/ui/board.html" title="Service board"></veroforge-plugin>
//   document.querySelector("veroforge-plugin").call = (action, data) => …;   // asks the application's own server
//
//   <veroforge-config></veroforge-config>
//   element.schema = manifest.config; element.values = installation.config;
//   element.addEventListener("save", (event) => store(event.detail));
import { fieldsOf, valuesOf } from "./form.js";

/**
 * A page of a plugin's `ui/`, in a frame without the application's origin: it can run scripts and nothing else. It asks
 * for actions by messages (see page.js); the application answers them through `call`, with its own credential, which
 * never reaches the page.
 */
class PluginElement extends HTMLElement {
  static observedAttributes = ["src", "title"];

  /** `(action, data) => Promise<response>`, set by the application. */
  call = undefined;
  #frame = undefined;
  #listener = (event) => this.#answer(event);

  connectedCallback() {
    this.#frame = document.createElement("iframe");
    this.#frame.setAttribute("sandbox", "allow-scripts allow-forms");
    this.#frame.referrerPolicy = "no-referrer";
    this.#frame.style.cssText = "border: 0; width: 100%; height: 100%";
    this.replaceChildren(this.#frame);
    for (const name of PluginElement.observedAttributes) this.attributeChangedCallback(name);
    addEventListener("message", this.#listener);
  }

  disconnectedCallback() {
    removeEventListener("message", this.#listener);
    this.#frame = undefined;
  }

  attributeChangedCallback(name) {
    if (!this.#frame) return;
    const value = this.getAttribute(name) ?? "";
    if (name === "title") this.#frame.title = value;
    else if (/^https?:\/\//.test(new URL(value, document.baseURI).href)) this.#frame.src = value;
  }

  async #answer(event) {
    if (event.source !== this.#frame?.contentWindow || event.data?.veroforge !== "call") return;
    const { id, action, data } = event.data;
    let response;
    try {
      if (typeof this.call !== "function") throw new Error("the application answers no calls here");
      response = await this.call(String(action), data);
    } catch (error) {
      response = { success: false, error: `unavailable: ${error.message}` };
    }
    // The frame has no origin of its own, so none can be named; the message goes to that window alone.
    event.source.postMessage({ veroforge: "answer", id, response }, "*");
  }
}

/** A form drawn from a manifest's `config` schema. Saving dispatches `save` with the configuration as `detail`. */
class ConfigElement extends HTMLElement {
  #schema = {};
  #values = {};

  set schema(schema) {
    this.#schema = schema ?? {};
    this.#draw();
  }

  set values(values) {
    this.#values = values ?? {};
    this.#draw();
  }

  connectedCallback() {
    this.#draw();
  }

  #draw() {
    if (!this.isConnected) return;
    const form = document.createElement("form");
    form.noValidate = true;
    for (const field of fieldsOf(this.#schema, this.#values)) form.append(row(field));
    const button = document.createElement("button");
    button.textContent = this.getAttribute("save-label") ?? "Save";
    form.append(button);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#save(form);
    });
    this.replaceChildren(form);
  }

  #save(form) {
    const entered = {};
    for (const input of form.querySelectorAll("[name]")) {
      entered[input.name] = input.type === "checkbox" ? input.checked : input.value;
    }
    const { values, problems } = valuesOf(this.#schema, entered);
    for (const input of form.querySelectorAll("[name]")) {
      const problem = problems[input.name] ?? "";
      input.setAttribute("aria-invalid", String(problem !== ""));
      form.querySelector(`#${CSS.escape(input.id)}-problem`).textContent = problem;
    }
    const first = form.querySelector('[aria-invalid="true"]');
    if (first) first.focus();
    else this.dispatchEvent(new CustomEvent("save", { detail: values, bubbles: true }));
  }
}

let nextId = 1;

function row(field) {
  const id = `veroforge-field-${nextId++}`;
  const line = document.createElement("p");
  const label = document.createElement("label");
  label.htmlFor = id;
  label.textContent = field.label + (field.required ? " (needed)" : "");
  const input = control(field);
  input.id = id;
  input.name = field.name;
  input.setAttribute("aria-describedby", `${id}-help ${id}-problem`);
  const help = document.createElement("small");
  help.id = `${id}-help`;
  help.textContent = field.help;
  const problem = document.createElement("strong");
  problem.id = `${id}-problem`;
  problem.setAttribute("role", "alert");
  line.append(label, input, help, problem);
  return line;
}

function control(field) {
  if (field.kind === "choice") {
    const select = document.createElement("select");
    for (const choice of field.choices) {
      const option = document.createElement("option");
      option.value = option.textContent = String(choice);
      option.selected = choice === field.value;
      select.append(option);
    }
    return select;
  }
  if (field.kind === "text" || field.kind === "json") {
    const area = document.createElement("textarea");
    area.value = field.kind === "json" && field.value !== undefined ? JSON.stringify(field.value, undefined, 2) : field.value ?? "";
    return area;
  }
  const input = document.createElement("input");
  if (field.kind === "flag") {
    input.type = "checkbox";
    input.checked = field.value === true;
    return input;
  }
  input.type = field.kind === "line" ? "text" : "number";
  if (field.kind === "number") input.step = "any";
  if (field.value !== undefined) input.value = String(field.value);
  return input;
}

if (!customElements.get("veroforge-plugin")) customElements.define("veroforge-plugin", PluginElement);
if (!customElements.get("veroforge-config")) customElements.define("veroforge-config", ConfigElement);
