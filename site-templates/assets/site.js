// Conveniences only: every page works without this file.
"use strict";

// Opened from a folder, a link to a folder shows its listing; its index file is what was meant.
if (location.protocol === "file:") {
  for (const link of document.querySelectorAll("a[href]")) {
    const [path, anchor] = link.getAttribute("href").split("#");
    if (path.endsWith("/") && !/^[a-z]+:/i.test(path)) {
      link.setAttribute("href", path + "index.html" + (anchor === undefined ? "" : "#" + anchor));
    }
  }
}

// A slash goes to the search field, as people know it from elsewhere.
document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
  if (/^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName)) return;
  const field = document.getElementById("q") || document.getElementById("find");
  if (field) {
    event.preventDefault();
    field.focus();
  }
});
