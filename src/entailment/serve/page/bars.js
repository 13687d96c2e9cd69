/* Bars that keep their identity: a label whose rank changes slides to its new place. */

const still = matchMedia("(prefers-reduced-motion: reduce)");

/** @param {number} share from 0 to 1 */
export const percent = (share) => {
  if (share > 0.999 && share < 1) return "> 99.9%";
  if (share < 0.001 && share > 0) return "< 0.1%";
  return `${(100 * share).toFixed(1)}%`;
};

/**
 * @typedef {{label: string, share: number, kind?: string, faint?: boolean}} Row
 * @param {Element} list an <ol>
 * @param {Row[]} rows in the order to show
 */
export function bars(list, rows) {
  /** @type {Map<string | undefined, HTMLElement>} */
  const old = new Map();
  const before = new Map();
  for (const item of /** @type {Iterable<HTMLElement>} */ (/** @type {unknown} */ (list.children))) {
    old.set(item.dataset.label, item);
    before.set(item, item.offsetTop);
  }
  const items = rows.map((row) => fill(old.get(row.label) ?? made(row.label), row));
  list.replaceChildren(...items);
  if (still.matches) return;
  for (const item of items) {
    const moved = before.has(item) ? before.get(item) - item.offsetTop : 0;
    if (moved) {
      item.animate(
        { transform: [`translateY(${moved}px)`, "none"] },
        { duration: 260, easing: "cubic-bezier(.2, .8, .2, 1)" },
      );
    }
  }
}

/** @param {string} label */
function made(label) {
  const item = document.createElement("li");
  item.dataset.label = label;
  const name = document.createElement("span");
  name.className = "name";
  name.textContent = label;
  const value = document.createElement("span");
  value.className = "value";
  const bar = document.createElement("span");
  bar.className = "bar";
  bar.setAttribute("aria-hidden", "true");
  bar.append(document.createElement("span"));
  item.append(name, value, bar);
  return item;
}

/**
 * @param {HTMLElement} item
 * @param {Row} row
 */
function fill(item, row) {
  const value = /** @type {HTMLElement} */ (item.querySelector(".value"));
  const bar = /** @type {HTMLElement} */ (item.querySelector(".bar"));
  value.textContent = percent(row.share);
  bar.style.setProperty("--share", row.share.toFixed(4));
  item.dataset.kind = row.kind ?? "";
  item.classList.toggle("faint", row.faint ?? false);
  return item;
}
