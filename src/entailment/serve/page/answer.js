/* The area that shows an answer, and what it says while there is none. */

import { ApiError } from "./api.js";

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

  return {
    /** @param {boolean} busy */
    busy: (busy) => element.setAttribute("aria-busy", String(busy)),

    /** Nothing can be asked yet. @param {string} hint */
    empty(hint) {
      timing.textContent = "";
      if (note) note.hidden = true;
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
     * @param {() => void} again asks once more
     */
    fault(error, again) {
      timing.textContent = "";
      const waiting = error instanceof ApiError && [401, 403, 429, 503].includes(error.status);
      say(waiting ? "waiting" : "fault", explained(error));
      if (error instanceof ApiError && [0, 500, 502, 504].includes(error.status)) {
        const button = document.createElement("button");
        button.type = "button";
        button.textContent = "Try again";
        button.addEventListener("click", again);
        message.append(" ", button);
      }
    },
  };
}

/** @param {unknown} error */
function explained(error) {
  if (!(error instanceof ApiError)) return `Something went wrong on this page: ${error}`;
  if (error.status === 401 || error.status === 403) return "Waiting for an API key.";
  if (error.status === 429 || error.status === 503) {
    const wait = error.retryAfter || 2;
    return `The server is busy. Asking again in ${wait} ${wait === 1 ? "second" : "seconds"}.`;
  }
  return error.message.charAt(0).toUpperCase() + error.message.slice(1);
}

/** @param {number} value */
export function milliseconds(value) {
  if (value < 10) return `${value.toFixed(1)} ms`;
  return value < 2000 ? `${Math.round(value)} ms` : `${(value / 1000).toFixed(1)} s`;
}
