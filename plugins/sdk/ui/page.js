// For the pages of a plugin's own `ui/`: asks the application that embeds the page for an action.
let nextCall = 1;
const waiting = new Map();

addEventListener("message", (event) => {
  if (event.source !== parent || event.data?.veroforge !== "answer") return;
  waiting.get(event.data.id)?.(event.data.response);
  waiting.delete(event.data.id);
});

/** Calls an action of this plugin; answers its `{success, data?, error?}`. */
export function call(action, data = {}) {
  const id = nextCall++;
  return new Promise((resolve) => {
    waiting.set(id, resolve);
    parent.postMessage({ veroforge: "call", id, action, data }, "*");
  });
}
