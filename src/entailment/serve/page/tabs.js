/* Tabs by the book: arrows, Home and End move; only the chosen tab is in the tab order. */

/**
 * @param {HTMLElement} list with role tablist
 * @param {(tab: HTMLElement) => void} chosen
 */
export function tabs(list, chosen) {
  const all = /** @type {HTMLElement[]} */ ([...list.querySelectorAll('[role="tab"]')]);

  /** @param {HTMLElement} tab */
  function choose(tab) {
    for (const other of all) {
      other.setAttribute("aria-selected", String(other === tab));
      other.tabIndex = other === tab ? 0 : -1;
    }
    chosen(tab);
  }

  list.addEventListener("click", (event) => {
    const tab = all.find((one) => one.contains(/** @type {Node} */ (event.target)));
    if (tab) choose(tab);
  });
  list.addEventListener("keydown", (event) => {
    const at = all.findIndex((tab) => tab === document.activeElement);
    /** @type {Record<string, number>} */
    const places = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: all.length - 1 };
    const place = places[event.key];
    if (place === undefined || at < 0) return;
    event.preventDefault();
    const tab = /** @type {HTMLElement} */ (all.at(place % all.length));
    tab.focus();
    choose(tab);
  });
  return choose;
}
