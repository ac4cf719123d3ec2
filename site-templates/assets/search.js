// Search in the browser: the whole index is loaded once and every keystroke is answered from it.
"use strict";

(() => {
  const form = document.getElementById("search");
  const field = document.getElementById("q");
  const results = document.getElementById("results");
  const state = document.getElementById("state");
  const SHOWN = 40;
  const FILTERS = ["category", "price", "access", "verified"];
  let rows = [];

  const fold = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
  const split = (text) => fold(text).match(/[\p{L}\p{N}]+/gu) || [];

  // Row: [path, title, publisher, summary, category, price, access, verified, rating, words]
  const prepare = (row) => ({
    row,
    title: split(row[1]),
    id: split(row[0]),
    publisher: split(row[2]),
    words: split(row[9] + " " + row[4]),
    summary: split(row[3]),
  });

  // Whether two words differ by at most one change: a letter more, less, other, or two swapped.
  const near = (a, b) => {
    if (Math.abs(a.length - b.length) > 1) return false;
    let i = 0;
    while (i < a.length && i < b.length && a[i] === b[i]) i++;
    const [x, y] = [a.slice(i), b.slice(i)];
    if (x.length === y.length) {
      return x.slice(1) === y.slice(1) || (x[0] === y[1] && x[1] === y[0] && x.slice(2) === y.slice(2));
    }
    return x.length > y.length ? x.slice(1) === y : y.slice(1) === x;
  };

  // The points of one word in one field: whole, beginning, or with a typo.
  const match = (field, word, weight, fuzzy) => {
    let best = 0;
    for (const candidate of field) {
      if (candidate === word) return weight * 4;
      if (candidate.startsWith(word)) best = Math.max(best, weight * 2);
      else if (fuzzy && candidate.length > 3 && candidate[0] === word[0]) {
        if (near(word, candidate) || near(word, candidate.slice(0, word.length))) best = Math.max(best, weight);
      }
    }
    return best;
  };

  const score = (entry, words, fuzzy) => {
    let total = 0;
    for (const word of words) {
      const points =
        match(entry.title, word, 12, fuzzy) + match(entry.id, word, 8, fuzzy) +
        match(entry.publisher, word, 4, fuzzy) + match(entry.words, word, 3, fuzzy) +
        match(entry.summary, word, 2, fuzzy);
      if (points === 0) return 0;
      total += points;
    }
    return total + entry.row[8] / 50 + entry.row[7];
  };

  const passes = (row, filters) =>
    (!filters.category || row[4] === filters.category) && (!filters.price || row[5] === filters.price) &&
    (!filters.access || row[6] <= Number(filters.access)) && (!filters.verified || row[7] === 1);

  const find = (query, filters) => {
    const words = split(query);
    const candidates = rows.filter((entry) => passes(entry.row, filters));
    if (words.length === 0) return candidates.map((entry) => entry.row);
    for (const fuzzy of [false, true]) {
      const found = [];
      for (const entry of candidates) {
        const points = score(entry, words, fuzzy && words.some((word) => word.length > 3));
        if (points > 0) found.push([points, entry.row]);
      }
      if (found.length > 0) {
        found.sort((a, b) => b[0] - a[0] || (a[1][1] < b[1][1] ? -1 : 1));
        return found.map((pair) => pair[1]);
      }
    }
    return [];
  };

  const element = (name, text, className) => {
    const node = document.createElement(name);
    if (text) node.textContent = text;
    if (className) node.className = className;
    return node;
  };

  const card = (row) => {
    const item = element("li", "", "card");
    const body = element("div");
    const heading = element("h3");
    const link = element("a", row[1]);
    link.href = form.dataset.plugins + row[0] + "/" + (location.protocol === "file:" ? "index.html" : "");
    heading.append(link);
    const by = element("p", row[2], "by");
    if (row[7]) by.append(" ", element("span", "verified", "verified"));
    body.append(heading, by, element("p", row[3], "what"));
    item.append(body);
    return item;
  };

  const filters = () => {
    const values = {};
    for (const name of FILTERS) {
      const control = form.elements[name];
      values[name] = control.type === "checkbox" ? (control.checked ? "1" : "") : control.value;
    }
    return values;
  };

  const show = () => {
    const started = performance.now();
    const found = find(field.value, filters());
    results.replaceChildren(...found.slice(0, SHOWN).map(card));
    const rest = found.length > SHOWN ? `; the first ${SHOWN} are shown` : "";
    state.textContent = found.length === 0 ? "Nothing matches. Fewer words or filters may." :
      `${found.length} ${found.length === 1 ? "plugin" : "plugins"}${rest}`;
    results.dataset.ms = (performance.now() - started).toFixed(1);
  };

  const remember = () => {
    const query = new URLSearchParams();
    if (field.value) query.set("q", field.value);
    for (const [name, value] of Object.entries(filters())) if (value) query.set(name, value);
    const text = query.toString();
    history.replaceState(null, "", text ? "?" + text : location.pathname);
  };

  // Arrow keys walk from the field through the results and back.
  const walk = (event) => {
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    const links = [field, ...results.querySelectorAll("a")];
    const at = links.indexOf(document.activeElement);
    if (at < 0) return;
    const next = links[at + (event.key === "ArrowDown" ? 1 : -1)];
    if (next) {
      event.preventDefault();
      next.focus();
    }
  };

  const start = async () => {
    const given = new URLSearchParams(location.search);
    field.value = given.get("q") || "";
    for (const name of FILTERS) {
      const control = form.elements[name];
      if (control.type === "checkbox") control.checked = given.get(name) === "1";
      else control.value = given.get(name) || "";
    }
    try {
      const answer = await fetch(form.dataset.index);
      if (!answer.ok) throw new Error(String(answer.status));
      rows = (await answer.json()).map(prepare);
    } catch {
      state.textContent = "The search index could not be loaded. The lists under Plugins work without it.";
      return;
    }
    show();
    form.addEventListener("input", () => { show(); remember(); });
    form.addEventListener("submit", (event) => { event.preventDefault(); show(); remember(); });
    document.addEventListener("keydown", walk);
  };

  start();
})();
