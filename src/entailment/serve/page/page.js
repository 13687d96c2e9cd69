/* What the modules of the page agree on. */

/**
 * One tab: what it asks, and how it shows the answer.
 * @typedef {object} Task
 * @property {string} route of the API
 * @property {number} pause milliseconds without a keystroke before it asks
 * @property {ReturnType<typeof import("./answer.js").answerArea>} area
 * @property {() => string} missing what is still needed before it can ask; "" for nothing
 * @property {() => object} body of the request
 * @property {() => {method: string, given: string[]}} python the call of the Python client
 * @property {(answer: any) => string} show shows an answer, and says it in a few words
 * @property {() => void} clear
 * @property {() => import("./share.js").State} state what a link holds
 * @property {(parts: URLSearchParams) => void} restore
 */

/**
 * An element that index.html surely has.
 * @template {HTMLElement} Kind
 * @param {string} id
 * @param {{new (): Kind, name: string}} kind
 * @returns {Kind}
 */
export function byId(id, kind) {
  const found = document.getElementById(id);
  if (found instanceof kind) return found;
  throw new TypeError(`index.html has no ${kind.name} with the id ${id}`);
}
