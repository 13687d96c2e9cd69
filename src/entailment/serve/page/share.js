/* A link that holds what was typed, behind the #, which browsers keep to themselves. */

/** @typedef {Record<string, string | string[] | boolean>} State */

/** What a link above this many characters does to the programs it passes through is anyone's guess. */
export const LONG = 8000;

/**
 * @param {string} task
 * @param {State} state
 */
export function fragment(task, state) {
  const parts = new URLSearchParams({ task });
  for (const [name, value] of Object.entries(state)) {
    if (Array.isArray(value)) value.forEach((item) => parts.append(name, item));
    else if (value === true) parts.append(name, "1");
    else if (value) parts.append(name, value);
  }
  return `#${parts}`;
}

/**
 * @param {string} hash
 * @returns {{task: string, parts: URLSearchParams} | null} null where it is no link of ours
 */
export function parsed(hash) {
  const parts = new URLSearchParams(hash.replace(/^#/, ""));
  const task = parts.get("task");
  return task ? { task, parts } : null;
}
