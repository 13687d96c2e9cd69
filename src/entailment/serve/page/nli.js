/* The second tab: a premise, a hypothesis, three bars in an order that stays. */

import { answerArea } from "./answer.js";
import { bars, percent } from "./bars.js";
import { grow, takesFiles, type } from "./grow.js";
import { byId } from "./page.js";
import { python } from "./snippets.js";

const ORDER = ["entailment", "neutral", "not_entailment", "contradiction"];
/** @type {Record<string, string>} */
const MEANING = {
  entailment: "Yes, it follows.",
  neutral: "It may or may not be.",
  contradiction: "No, it cannot be.",
  not_entailment: "It does not follow.",
};

/**
 * @param {() => void} changed
 * @returns {import("./page.js").Task}
 */
export function nli(changed) {
  const premise = byId("premise", HTMLTextAreaElement);
  const hypothesis = byId("hypothesis", HTMLTextAreaElement);
  const element = byId("nli-answer", HTMLElement);
  const list = /** @type {HTMLElement} */ (element.querySelector(".bars"));
  const word = /** @type {HTMLElement} */ (element.querySelector(".word"));
  const area = answerArea(element);

  for (const field of [premise, hypothesis]) {
    grow(field);
    takesFiles(field);
    field.addEventListener("input", changed);
  }
  byId("swap", HTMLElement).addEventListener("click", () => {
    const first = premise.value;
    type(premise, hypothesis.value);
    type(hypothesis, first);
  });

  return {
    route: "v1/nli",
    pause: 120,
    area,

    missing: () => (premise.value.trim() && hypothesis.value.trim() ? "" : "Write both texts."),

    body: () => ({ pairs: [{ premise: premise.value, hypothesis: hypothesis.value }] }),

    python: () => ({ method: "nli", given: [python(premise.value), python(hypothesis.value)] }),

    show(answer) {
      const { label, scores, truncated } = answer.results[0];
      const rows = ORDER.filter((name) => name in scores).map((name) => ({
        label: name.replace("_", " "),
        share: scores[name],
        kind: name,
        faint: name !== label,
      }));
      word.textContent = MEANING[label] ?? label;
      word.dataset.kind = label;
      bars(list, rows);
      area.cut(truncated);
      return `${label.replace("_", " ")}, ${percent(scores[label])}`;
    },

    clear() {
      word.textContent = "";
      bars(list, []);
    },

    state: () => ({ premise: premise.value, hypothesis: hypothesis.value }),

    restore(parts) {
      type(premise, parts.get("premise") ?? "");
      type(hypothesis, parts.get("hypothesis") ?? "");
    },
  };
}
