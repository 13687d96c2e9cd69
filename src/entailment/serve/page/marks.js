/* Marks in a text that is being edited: a mirror behind the textarea holds the same text, with the marks. */

/**
 * @typedef {{start: number, end: number, kind: string, claim: number}} Mark
 * start and end count characters as Python does: code points, not UTF-16 units.
 */

/** The places of code points as places in a JavaScript string.
 * @param {string} text
 * @param {number[]} places */
export function units(text, places) {
  const wanted = [...new Set(places)].sort((a, b) => a - b);
  /** @type {Map<number, number>} */
  const found = new Map();
  let point = 0;
  let unit = 0;
  for (const place of wanted) {
    while (point < place && unit < text.length) {
      unit += /** @type {number} */ (text.codePointAt(unit)) > 0xffff ? 2 : 1;
      point += 1;
    }
    found.set(place, unit);
  }
  return found;
}

/**
 * @param {HTMLElement} mirror
 * @param {HTMLTextAreaElement} area
 */
export function marker(mirror, area) {
  /** @type {{start: number, end: number, kind: string, claim: number}[]} */
  let marks = [];
  let active = -1;

  function paint() {
    const text = area.value;
    const edges = [...new Set([0, text.length, ...marks.flatMap((mark) => [mark.start, mark.end])])];
    edges.sort((a, b) => a - b);
    const nodes = edges.slice(1).map((end, index) => {
      const start = /** @type {number} */ (edges[index]);
      const part = text.slice(start, end);
      const over = marks.filter((mark) => mark.start <= start && end <= mark.end);
      const top = over.find((mark) => mark.claim === active) ?? over[0];
      if (!top) return document.createTextNode(part);
      const node = document.createElement("mark");
      node.className = top.claim === active ? `${top.kind} active` : top.kind;
      node.textContent = part;
      return node;
    });
    // A line break at the very end makes a line in a textarea, but not in a block, unless something follows.
    mirror.replaceChildren(...nodes, document.createTextNode("\u200b"));
  }

  /** @param {Mark[]} wanted */
  function set(wanted) {
    const place = units(
      area.value,
      wanted.flatMap((mark) => [mark.start, mark.end]),
    );
    marks = wanted.map((mark) => ({
      ...mark,
      start: place.get(mark.start) ?? 0,
      end: place.get(mark.end) ?? 0,
    }));
    paint();
  }

  /** @param {number} claim whose mark stands out; -1 for none */
  function activate(claim) {
    active = claim;
    paint();
  }

  function reveal() {
    mirror.querySelector("mark.active")?.scrollIntoView({ block: "center", behavior: "smooth" });
  }

  area.addEventListener("input", () => set([]));
  set([]);
  return { set, activate, reveal };
}
