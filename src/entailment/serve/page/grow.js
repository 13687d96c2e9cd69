/* A textarea as high as its text: a copy of the text in the same cell of a grid sets the height. */

/** @param {HTMLTextAreaElement} area alone in an element of class "grow" */
export function grow(area) {
  const copy = () => {
    const parent = area.parentElement;
    if (parent) parent.dataset.copy = area.value;
  };
  area.addEventListener("input", copy);
  copy();
}

/** Set a text as if it had been typed.
 * @param {HTMLTextAreaElement} area
 * @param {string} text */
export function type(area, text) {
  area.value = text;
  area.dispatchEvent(new Event("input", { bubbles: true }));
}

/** A text file dropped on a textarea becomes its text.
 * @param {HTMLTextAreaElement} area */
export function takesFiles(area) {
  area.addEventListener("dragover", (event) => {
    if (event.dataTransfer?.types.includes("Files")) event.preventDefault();
  });
  area.addEventListener("drop", async (event) => {
    const file = event.dataTransfer?.files[0];
    if (!file) return;
    event.preventDefault();
    type(area, await file.text());
  });
}
