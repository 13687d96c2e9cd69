/* The area that shows an answer, and what it says while there is none. */

import { ApiError } from "./api.js";

/** Statuses after which the same question may be answered: 401 and 403 once a proxy knows who asks. */
const AGAIN = [0, 401, 403, 429, 500, 502, 503, 504];

const number = new Intl.NumberFormat("en");

/** @param {HTMLElement} element */
export function answerArea(element) {
  const message = /** @type {HTMLElement} */ (element.querySelector(".message"));
  const timing = /** @type {HTMLElement} */ (element.querySelector(".timing"));
  const note = /** @type {HTMLElement | null} */ (element.querySelector(".note"));
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let later;

  /**
   * @param {"empty" | "ready" | "waiting" | "fault"} state
   * @param {string} text
   */
  function say(state, text) {
    clearTimeout(later);
    element.dataset.state = state;
    message.textContent = text;
  }

  /** What was said about an earlier answer. */
  function forget() {
    timing.textContent = "";
    if (note) note.hidden = true;
  }

  return {
    /** @param {boolean} busy */
    busy: (busy) => element.setAttribute("aria-busy", String(busy)),

    /** Nothing can be asked yet. @param {string} hint */
    empty(hint) {
      forget();
      say("empty", hint);
    },

    /**
     * An answer is shown; a screen reader hears of it once typing rests.
     * @param {string} summary
     * @param {{queue: number, model: number, total: number} | undefined} server milliseconds
     * @param {number} there milliseconds from the question to the answer, as the browser saw it
     */
    ready(summary, server, there) {
      say("ready", "");
      later = setTimeout(() => (message.textContent = summary), 900);
      const model = server ? `, ${milliseconds(server.model)} of it in the model` : "";
      timing.textContent = `Answered in ${milliseconds(there)}${model}.`;
    },

    /** @param {{read: number, total: number} | undefined} cut */
    cut(cut) {
      if (!note) return;
      note.hidden = !cut;
      note.textContent = cut
        ? `The model read the first ${number.format(cut.read)} of ${number.format(cut.total)} characters.`
        : "";
    },

    /**
     * @param {unknown} error
     * @param {number} wait seconds until it is asked again by itself; 0 where it is not
     * @param {() => void} again asks once more
     */
    fault(error, wait, again) {
      forget();
      const locked = error instanceof ApiError && error.locked;
      say(wait || locked ? "waiting" : "fault", explained(error, wait));
      if (error instanceof ApiError && AGAIN.includes(error.status) && !wait && !locked) {
        const button = document.createElement("button");
        button.type = "button";
        button.textContent = "Try again";
        button.addEventListener("click", again);
        message.append(" ", button);
      }
    },
  };
}

/**
 * @param {unknown} error
 * @param {number} wait seconds
 */
function explained(error, wait) {
  if (!(error instanceof ApiError)) return `Something went wrong on this page: ${error}`;
  if (error.locked) return "Waiting for an API key.";
  if (wait) return `The server is busy. Asking again in ${wait} ${wait === 1 ? "second" : "seconds"}.`;
  if (error.busy) return "The server is still busy.";
  return error.message.charAt(0).toUpperCase() + error.message.slice(1);
}

/** @param {number} value */
export function milliseconds(value) {
  if (value < 10) return `${value.toFixed(1)} ms`;
  return value < 2000 ? `${Math.round(value)} ms` : `${(value / 1000).toFixed(1)} s`;
}
