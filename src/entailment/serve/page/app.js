/* Puts the page together: tabs, questions as you type, examples, links, code, the API key. */

import { address, ApiError, call, key } from "./api.js";
import { check } from "./check.js";
import { classify } from "./classify.js";
import { EXAMPLES } from "./examples.js";
import { live } from "./live.js";
import { nli } from "./nli.js";
import { byId } from "./page.js";
import { fragment, LONG, parsed } from "./share.js";
import { curlCall, pythonCall } from "./snippets.js";
import { tabs } from "./tabs.js";

const examples = byId("examples", HTMLElement);
const code = byId("code", HTMLElement);
const details = byId("call", HTMLDetailsElement);
const keyForm = byId("key-form", HTMLFormElement);
const toast = byId("toast", HTMLElement);

/** How often a question that found the server busy is asked again by itself. */
const TRIES = 5;

let current = "classify";
let language = "curl";
let locked = key.get() !== "";

/** @type {Record<string, {task: import("./page.js").Task, asking: ReturnType<typeof live>, tries: number}>} */
const rooms = {};
for (const [name, make] of Object.entries({ classify, nli, check })) {
  const task = make(() => ask(name));
  let sent = 0;
  const asking = live({
    pause: task.pause,
    ask(signal) {
      sent = performance.now();
      return call(task.route, task.body(), signal);
    },
    show(answer) {
      const there = performance.now() - sent;
      task.area.ready(task.show(answer), answer.timing_ms, there);
    },
    fail(error) {
      task.clear();
      const more = error instanceof ApiError && error.busy && here.tries < TRIES;
      const wait = more ? error.retryAfter || 2 : 0;
      task.area.fault(error, wait, () => ask(name, 0));
      if (error instanceof ApiError && error.locked) wantKey();
      if (!wait) return;
      here.tries += 1;
      asking.start(1000 * wait);
    },
    busy: task.area.busy,
  });
  const here = (rooms[name] = { task, asking, tries: 0 });
}

const room = () => /** @type {(typeof rooms)[string]} */ (rooms[current]);

/** Ask the question of a tab, once typing rests, if there is all it needs.
 * @param {string} name
 * @param {number} [delay] milliseconds */
function ask(name, delay) {
  if (name !== current) return;
  const { task, asking } = room();
  room().tries = 0;
  const missing = task.missing();
  if (missing) {
    asking.stop();
    task.clear();
    task.area.empty(missing);
  } else {
    asking.start(delay);
  }
  showCode();
}

const chooseTab = tabs(/** @type {HTMLElement} */ (document.querySelector(".tabs")), (tab) => {
  room().asking.stop();
  current = /** @type {string} */ (tab.getAttribute("aria-controls"));
  for (const name of Object.keys(rooms)) byId(name, HTMLElement).hidden = name !== current;
  showExamples();
  ask(current, 0);
});

/** @param {string} name */
const open = (name) => chooseTab(byId(`tab-${name}`, HTMLElement));

function showExamples() {
  examples.replaceChildren(
    ...(EXAMPLES[current] ?? []).map(({ name, state }) => {
      const item = document.createElement("li");
      const link = document.createElement("a");
      link.href = fragment(current, state);
      link.textContent = name;
      link.addEventListener("click", (event) => {
        if (event.ctrlKey || event.metaKey || event.shiftKey) return;
        event.preventDefault();
        restore(current, state);
      });
      item.append(link);
      return item;
    }),
  );
}

/**
 * @param {string} name
 * @param {import("./share.js").State} state
 */
function restore(name, state) {
  rooms[name]?.task.restore(parsed(fragment(name, state))?.parts ?? new URLSearchParams());
  ask(name, 0);
}

/** What is in the address, if it is one of our links. @returns {boolean} */
function follow() {
  const found = parsed(location.hash);
  if (!found || !Object.hasOwn(rooms, found.task)) return false;
  rooms[found.task]?.task.restore(found.parts);
  open(found.task);
  return true;
}

/** @param {string} text */
function say(text) {
  toast.textContent = text;
  toast.classList.add("shown");
  setTimeout(() => toast.classList.remove("shown"), 2600);
}

/**
 * @param {string} text
 * @param {string} done said if it worked
 * @param {string} otherwise said if the browser does not allow it
 */
async function copy(text, done, otherwise) {
  try {
    await navigator.clipboard.writeText(text);
    say(done);
  } catch {
    say(otherwise);
  }
}

byId("share", HTMLElement).addEventListener("click", () => {
  const hash = fragment(current, room().task.state());
  history.replaceState(null, "", hash);
  const length = location.href.length;
  const long =
    length > LONG ? ` It has ${length.toLocaleString("en")} characters; some programs cut it.` : "";
  copy(location.href, `Link copied.${long}`, `The link is in the address bar.${long}`);
});

function showCode() {
  if (!details.open) return;
  const { task } = room();
  const { method, given } = task.python();
  /** @type {HTMLElement} */ (code.firstElementChild).textContent =
    language === "curl"
      ? curlCall(address(task.route), task.body(), locked)
      : pythonCall(address("."), method, given, locked);
}

tabs(/** @type {HTMLElement} */ (details.querySelector(".tabs")), (tab) => {
  language = tab.id.replace("tab-", "");
  code.setAttribute("aria-labelledby", tab.id);
  showCode();
});
details.addEventListener("toggle", showCode);
byId("copy", HTMLElement).addEventListener("click", () =>
  copy(code.textContent ?? "", "Copied.", "The browser does not allow copying; select the text."),
);

function wantKey() {
  const first = keyForm.hidden;
  locked = true;
  keyForm.hidden = false;
  byId("key-note", HTMLElement).textContent = key.get()
    ? "The server does not know this key."
    : "It is kept in this tab only, and forgotten when you close it.";
  if (first) byId("key", HTMLElement).focus();
}

keyForm.addEventListener("submit", (event) => {
  event.preventDefault();
  const given = byId("key", HTMLInputElement).value.trim();
  if (!/^[\x20-\x7e]+$/.test(given)) {
    // Such as a dash or an invisible space that came with it from a text: no header can carry it.
    byId("key-note", HTMLElement).textContent =
      "A key holds printable ASCII only; this one is empty or holds another character.";
    return;
  }
  key.set(given);
  keyForm.hidden = true;
  describe();
  ask(current, 0);
});

/** Say in the head what model answers; where the server keeps that to itself, say nothing. */
async function describe() {
  try {
    const { data } = await call("v1/models");
    const [{ id, attention, max_length: length }] = data;
    const name = id === "bundled" ? "bundled model" : id;
    byId("model", HTMLElement).textContent = `${name} · ${attention} attention · ${length} tokens`;
  } catch {
    byId("model", HTMLElement).textContent = "";
  }
}

document.addEventListener("keydown", (event) => {
  if (keyForm.contains(/** @type {Node} */ (event.target))) return; // it would ask without the key
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    ask(current, 0);
  }
});
addEventListener("hashchange", follow);

for (const name of Object.keys(rooms)) {
  const first = EXAMPLES[name]?.[0];
  if (first) restore(name, first.state);
}
describe();
if (!follow()) open("classify");
