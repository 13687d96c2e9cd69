/* Labels as chips: typed, pasted, dropped; Backspace takes the last one back into the field. */

/** @param {string} text */
export const split = (text) =>
  text
    .split(/[,;\t\r\n]+/)
    .map((part) => part.trim())
    .filter(Boolean);

/**
 * @param {HTMLElement} field holds a list and an input
 * @param {() => void} changed
 */
export function chips(field, changed) {
  const list = /** @type {HTMLUListElement} */ (field.querySelector("ul"));
  const input = /** @type {HTMLInputElement} */ (field.querySelector("input"));
  /** @type {string[]} */
  let labels = [];

  /** @param {string} label */
  function chip(label) {
    const item = document.createElement("li");
    const name = document.createElement("span");
    name.textContent = label;
    const remove = document.createElement("button");
    remove.type = "button";
    remove.textContent = "×";
    remove.setAttribute("aria-label", `Remove ${label}`);
    remove.addEventListener("click", () => {
      const index = labels.indexOf(label);
      set(labels.filter((other) => other !== label));
      changed();
      const next = list.querySelectorAll("button")[Math.min(index, labels.length - 1)];
      (next ?? input).focus();
    });
    item.append(name, remove);
    return item;
  }

  /** @param {string[]} wanted */
  function set(wanted) {
    labels = [...new Set(wanted)];
    list.replaceChildren(...labels.map(chip));
  }

  /** @param {string[]} more */
  function add(more) {
    const known = more.filter((label) => labels.includes(label));
    if (more.length > known.length) {
      set([...labels, ...more]);
      changed();
    }
    for (const label of known) {
      list.children[labels.indexOf(label)]?.animate?.({ opacity: [0.3, 1] }, 400);
    }
  }

  function take() {
    add(split(input.value));
    input.value = "";
  }

  input.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    if (event.key === "Enter") {
      event.preventDefault();
      take();
    } else if (event.key === "Backspace" && input.value === "" && labels.length) {
      event.preventDefault();
      input.value = /** @type {string} */ (labels.at(-1));
      set(labels.slice(0, -1));
      changed();
    }
  });
  input.addEventListener("input", () => {
    if (/[,;]/.test(input.value)) take();
  });
  input.addEventListener("paste", (event) => {
    const text = event.clipboardData?.getData("text") ?? "";
    if (split(text).length > 1) {
      event.preventDefault();
      add(split(text));
    }
  });
  input.addEventListener("blur", take);
  field.addEventListener("click", (event) => {
    if (event.target === field || event.target === list) input.focus();
  });

  return { get: () => labels, set, add };
}
