/* The first tab: a text, labels of one's own, bars. */

import { answerArea } from "./answer.js";
import { bars, percent } from "./bars.js";
import { chips, split } from "./chips.js";
import { grow, takesFiles, type } from "./grow.js";
import { byId } from "./page.js";
import { python } from "./snippets.js";

const TEMPLATE = "This example is {}.";
const FAINT = 0.5; // where several may be true, what is less likely than not stands back

/**
 * @param {() => void} changed
 * @returns {import("./page.js").Task}
 */
export function classify(changed) {
  const text = byId("text", HTMLTextAreaElement);
  const template = byId("template", HTMLInputElement);
  const fault = byId("template-fault", HTMLElement);
  const multi = byId("multi", HTMLInputElement);
  const field = byId("labels", HTMLElement);
  const element = byId("classify-answer", HTMLElement);
  const list = /** @type {HTMLElement} */ (element.querySelector(".bars"));
  const labels = chips(field, changed);
  const area = answerArea(element);

  grow(text);
  takesFiles(text);
  text.addEventListener("input", changed);
  multi.addEventListener("change", changed);
  template.addEventListener("input", changed);

  field.addEventListener("dragover", (event) => {
    event.preventDefault();
    field.classList.add("over");
  });
  field.addEventListener("dragleave", () => field.classList.remove("over"));
  field.addEventListener("drop", async (event) => {
    event.preventDefault();
    field.classList.remove("over");
    const file = event.dataTransfer?.files[0];
    labels.add(split(file ? await file.text() : (event.dataTransfer?.getData("text") ?? "")));
  });

  // As the server reads it: {{ and }} stand for braces.
  const whole = () => template.value.replace(/\{\{|\}\}/g, "").split("{}").length === 2;

  return {
    route: "v1/classify",
    pause: 120,
    area,

    missing() {
      fault.hidden = whole();
      template.setAttribute("aria-invalid", String(!whole()));
      if (!text.value.trim()) return "Write a text, and give it some labels.";
      if (!labels.get().length) return "Add a label or two.";
      return whole() ? "" : "The sentence a label becomes needs exactly one {}.";
    },

    body() {
      return {
        text: text.value,
        labels: labels.get(),
        ...(template.value === TEMPLATE ? {} : { template: template.value }),
        ...(multi.checked ? { multi_label: true } : {}),
      };
    },

    python: () => ({
      method: "classify",
      given: [
        python(text.value),
        python(labels.get()),
        ...(template.value === TEMPLATE ? [] : [`hypothesis_template=${python(template.value)}`]),
        ...(multi.checked ? ["multi_label=True"] : []),
      ],
    }),

    show(answer) {
      const { labels: names, scores, truncated } = answer.results[0];
      const rows = names.map((/** @type {string} */ label, /** @type {number} */ index) => ({
        label,
        share: scores[index],
        faint: multi.checked ? scores[index] < FAINT : index > 0,
      }));
      bars(list, rows);
      area.cut(truncated);
      return rows
        .slice(0, 3)
        .map((/** @type {import("./bars.js").Row} */ row) => `${row.label} ${percent(row.share)}`)
        .join(", ");
    },

    clear: () => bars(list, []),

    state: () => ({
      text: text.value,
      label: labels.get(),
      template: template.value === TEMPLATE ? "" : template.value,
      multi: multi.checked,
    }),

    restore(parts) {
      type(text, parts.get("text") ?? "");
      labels.set(parts.getAll("label"));
      template.value = parts.get("template") || TEMPLATE;
      multi.checked = parts.has("multi");
    },
  };
}
