/* The third tab: a document, claims about it, and the sentences that decide. */

import { answerArea } from "./answer.js";
import { claimList } from "./claims.js";
import { takesFiles, type } from "./grow.js";
import { marker } from "./marks.js";
import { byId } from "./page.js";
import { python } from "./snippets.js";

/** @typedef {import("./claims.js").Finding} Finding */

/**
 * @param {() => void} changed
 * @returns {import("./page.js").Task}
 */
export function check(changed) {
  const text = byId("document", HTMLTextAreaElement);
  const threshold = byId("threshold", HTMLSelectElement);
  const area = answerArea(byId("check-answer", HTMLElement));
  const marks = marker(byId("mirror", HTMLElement), text);
  const claims = claimList(byId("claims", HTMLElement), changed, (claim, reveal) => {
    marks.activate(claim);
    if (reveal) marks.reveal();
  });
  const asked = () => claims.get().filter(Boolean);

  takesFiles(text);
  text.addEventListener("input", changed);
  threshold.addEventListener("change", changed);
  byId("add-claim", HTMLElement).addEventListener("click", claims.add);

  function clear() {
    claims.show();
    marks.set([]);
  }

  return {
    route: "v1/check",
    pause: 350,
    area,

    missing() {
      if (!text.value.trim()) return "Paste a document to check the claims against.";
      return asked().length ? "" : "Write a claim about the document.";
    },

    body: () => ({
      document: text.value,
      claims: asked(),
      ...(threshold.value ? { threshold: Number(threshold.value) } : {}),
    }),

    python: () => ({
      method: "check",
      given: [
        python(text.value),
        python(asked()),
        ...(threshold.value ? [`threshold=${threshold.value}`] : []),
      ],
    }),

    show(answer) {
      /** @type {Finding[]} */
      const findings = answer.results;
      claims.show(findings);
      // A finding is about the n-th claim that is not blank: its mark belongs to the row of that claim.
      const rows = claims.get().flatMap((claim, row) => (claim ? [row] : []));
      marks.set(
        findings.flatMap(({ evidence, verdict }, index) =>
          evidence
            ? [{ start: evidence.start, end: evidence.end, kind: verdict, claim: rows[index] ?? -1 }]
            : [],
        ),
      );
      const count = (/** @type {string} */ verdict) =>
        findings.filter((finding) => finding.verdict === verdict).length;
      return `${count("supported")} supported, ${count("contradicted")} contradicted, ${count("open")} open`;
    },

    clear,

    state: () => ({ document: text.value, claim: asked(), threshold: threshold.value }),

    restore(parts) {
      type(text, parts.get("document") ?? "");
      claims.set(parts.getAll("claim"));
      threshold.value = parts.get("threshold") ?? "";
    },
  };
}
