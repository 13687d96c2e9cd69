/* A list of claims to edit, each with what was found about it. */

import { percent } from "./bars.js";
import { grow } from "./grow.js";

const WORDS = { supported: "Supported", contradicted: "Contradicted", open: "Open" };
const CLASSES = ["entailment", "neutral", "not_entailment", "contradiction"];

/**
 * @typedef {{claim: string, verdict: "supported" | "contradicted" | "open", scores: Record<string, number>,
 *   evidence: {text: string, start: number, end: number, label: string, score: number} | null}} Finding
 */

/**
 * @param {HTMLElement} list
 * @param {() => void} changed
 * @param {(claim: number, reveal: boolean) => void} chosen a claim whose evidence should stand out; -1: none
 */
export function claimList(list, changed, chosen) {
  const rows = () => /** @type {HTMLElement[]} */ ([...list.children]);
  /** @param {Element} row */
  const area = (row) => /** @type {HTMLTextAreaElement} */ (row.querySelector("textarea"));

  /** @param {string} text */
  function made(text) {
    const row = document.createElement("li");
    const line = document.createElement("div");
    line.className = "line";
    const wrap = document.createElement("div");
    wrap.className = "grow";
    const field = document.createElement("textarea");
    field.rows = 1;
    field.value = text;
    field.spellcheck = false;
    field.placeholder = "A statement to check";
    wrap.append(field);
    grow(field);
    const remove = document.createElement("button");
    remove.type = "button";
    remove.className = "remove";
    remove.textContent = "×";
    remove.addEventListener("click", () => drop(row));
    line.append(wrap, remove);
    const finding = document.createElement("div");
    finding.className = "finding";
    row.append(line, finding);

    field.addEventListener("input", changed);
    field.addEventListener("keydown", (event) => {
      if (event.isComposing) return;
      if (event.key === "Enter" && !event.ctrlKey && !event.metaKey) {
        event.preventDefault();
        insert(row, [""]);
      } else if (event.key === "Backspace" && field.value === "" && rows().length > 1) {
        event.preventDefault();
        drop(row);
      }
    });
    field.addEventListener("paste", (event) => {
      const lines = (event.clipboardData?.getData("text") ?? "").split(/\r?\n/).map((part) => part.trim());
      const found = lines.filter(Boolean);
      if (found.length < 2) return;
      event.preventDefault();
      if (field.value.trim() === "") {
        field.value = found.shift() ?? "";
        field.dispatchEvent(new Event("input", { bubbles: true }));
      }
      insert(row, found);
    });
    field.addEventListener("focus", () => chosen(rows().indexOf(row), false));
    row.addEventListener("pointerenter", () => chosen(rows().indexOf(row), false));
    return row;
  }

  function number() {
    rows().forEach((row, index) => {
      area(row).setAttribute("aria-label", `Claim ${index + 1}`);
      row.querySelector(".remove")?.setAttribute("aria-label", `Remove claim ${index + 1}`);
    });
  }

  /**
   * @param {Element | undefined} after
   * @param {string[]} texts
   */
  function insert(after, texts) {
    const more = texts.map(made);
    if (after) after.after(...more);
    else list.append(...more);
    number();
    const last = more.at(-1);
    if (last) area(last).focus();
    changed();
  }

  /** @param {HTMLElement} row */
  function drop(row) {
    const index = rows().indexOf(row);
    row.remove();
    if (!rows().length) list.append(made(""));
    number();
    area(/** @type {HTMLElement} */ (rows()[Math.max(0, index - 1)])).focus();
    changed();
  }

  /** @param {string[]} texts */
  function set(texts) {
    list.replaceChildren(...(texts.length ? texts : [""]).map(made));
    number();
  }

  /** One finding per claim that is not blank; without, the list forgets. @param {Finding[]} [findings] */
  function show(findings) {
    let next = 0;
    rows().forEach((row, index) => {
      const finding = findings && area(row).value.trim() ? findings[next++] : undefined;
      row.dataset.verdict = finding?.verdict ?? "";
      row.querySelector(".finding")?.replaceChildren(...(finding ? told(finding, index) : []));
    });
  }

  /**
   * @param {Finding} finding
   * @param {number} index
   */
  function told(finding, index) {
    const verdict = document.createElement("p");
    verdict.className = "verdict";
    const word = document.createElement("strong");
    word.textContent = WORDS[finding.verdict];
    const sure = document.createElement("span");
    sure.textContent = certainty(finding);
    verdict.append(word, " ", sure, shares(finding.scores));
    if (!finding.evidence) return [verdict];
    const quote = document.createElement("button");
    quote.type = "button";
    quote.className = "quote";
    quote.textContent = shortened(finding.evidence.text);
    quote.title = "Show it in the document";
    quote.addEventListener("click", () => chosen(index, true));
    return [verdict, quote];
  }

  return {
    get: () => rows().map((row) => area(row).value.trim()),
    set,
    show,
    add: () => insert(rows().at(-1), [""]),
  };
}

/** The share of the winning class. Evidence is of that class: where the claim is open in spite of it, for a
 * threshold, it is named. @param {Finding} finding */
function certainty({ verdict, scores, evidence }) {
  const share = percent(Math.max(...Object.values(scores)));
  return verdict === "open" && evidence ? `(${evidence.label} ${share})` : share;
}

/** Three shares of one line. @param {Record<string, number>} scores */
function shares(scores) {
  const line = document.createElement("span");
  line.className = "shares";
  line.setAttribute("aria-hidden", "true");
  for (const name of CLASSES.filter((name) => name in scores)) {
    const part = document.createElement("span");
    part.dataset.kind = name;
    part.style.setProperty("--share", String(scores[name]));
    line.append(part);
  }
  return line;
}

/** @param {string} text */
function shortened(text) {
  const line = text.replace(/\s+/g, " ");
  return line.length > 280 ? `${line.slice(0, 260)} …` : line;
}
