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

  // Words are numbered once, so that a query is compared with each distinct word and not with each entry's.
  const numbers = new Map();
  const vocabulary = [];
  const number = (word) => {
    if (!numbers.has(word)) {
      numbers.set(word, vocabulary.length);
      vocabulary.push(word);
    }
    return numbers.get(word);
  };

  // Row: [path, title, publisher, summary, category, price, access, verified, rating, words]
  const prepare = (row) => {
    const words = [];
    const weights = [];
    const add = (text, weight) => {
      for (const word of split(text)) {
        words.push(number(word));
        weights.push(weight);
      }
    };
    add(row[1], 12);
    add(row[0], 8);
    add(row[2], 4);
    add(row[9] + " " + row[4], 3);
    add(row[3], 2);
    return { row, words, weights };
  };

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

  // How well each word of the vocabulary answers a word of the query: 4 whole, 2 its beginning, 1 with a typo.
  const grade = (word, fuzzy) => {
    const grades = new Uint8Array(vocabulary.length);
    for (let index = 0; index < vocabulary.length; index++) {
      const candidate = vocabulary[index];
      if (candidate.startsWith(word)) grades[index] = candidate.length === word.length ? 4 : 2;
      else if (fuzzy && word.length > 3 && candidate.length > 2 && candidate[0] === word[0]) {
        if (near(word, candidate) || near(word, candidate.slice(0, word.length))) grades[index] = 1;
      }
    }
    return grades;
  };

  // The best of each word of the query, added up; nothing where one of them has no answer.
  const score = (entry, grades) => {
    let total = 0;
    for (const graded of grades) {
      let best = 0;
      for (let index = 0; index < entry.words.length; index++) {
        const points = graded[entry.words[index]] * entry.weights[index];
        if (points > best) best = points;
      }
      if (best === 0) return 0;
      total += best;
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
      const grades = words.map((word) => grade(word, fuzzy));
      const found = [];
      candidates.forEach((entry, order) => {
        const points = score(entry, grades);
        if (points > 0) found.push({ points, order, row: entry.row });
      });
      if (found.length > 0) {
        found.sort((a, b) => b.points - a.points || a.order - b.order);
        return found.map((one) => one.row);
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

  const PRICES = { free: "Free", freemium: "Free with paid plans", subscription: "Subscription", payPerUse: "Pay per use", oneTime: "Bought once" };
  const ACCESS = ["No access", "Reads data", "Changes data", "Talks to other hosts"];

  const card = (row) => {
    const item = element("li", "", "card");
    const body = element("div");
    const heading = element("h3");
    const link = element("a", row[1]);
    link.href = form.dataset.plugins + row[0] + "/" + (location.protocol === "file:" ? "index.html" : "");
    heading.append(link);
    const by = element("p", row[2], "by");
    if (row[7]) by.append(" ", element("span", "verified", "verified"));
    const facts = element("p", "", "facts");
    const words = [PRICES[row[5]] || row[5], ACCESS[row[6]]];
    if (row[8]) words.push(`★ ${(row[8] / 10).toFixed(1)}`);
    for (const text of words) facts.append(element("span", text));
    body.append(heading, by, element("p", row[3], "what"), facts);
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
      const given = await answer.json();
      rows = given.sort((a, b) => (a[1] < b[1] ? -1 : 1)).map(prepare);
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
