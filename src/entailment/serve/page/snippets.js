/* The call that the page makes, as a shell and as Python would make it. */

/** Bytes of one argument of a command, its final NUL included, that Linux allows. */
const LONGEST_ARGUMENT = 131_072;

/** @param {string} text one shell word, whatever is in it */
const shell = (text) => `'${text.replaceAll("'", "'\\''")}'`;

/** A text, a number, a flag or a list of texts as Python writes it (JSON's strings are Python's, too).
 * @param {unknown} value
 * @returns {string} */
export function python(value) {
  if (value === true) return "True";
  if (value === false) return "False";
  if (Array.isArray(value)) return `[${value.map(python).join(", ")}]`;
  return JSON.stringify(value);
}

/**
 * @param {string} url
 * @param {object} body
 * @param {boolean} locked whether the server asks for a key
 */
export function curlCall(url, body, locked) {
  const key = locked ? ` \\\n  -H "Authorization: Bearer $ENTAILMENT_API_KEY"` : "";
  const data = JSON.stringify(body, null, 1).replace(/\n */g, " ");
  const call = `curl ${shell(url)} \\\n  -H 'Content-Type: application/json'${key} \\\n `;
  // On its one line nothing can end the here-document early.
  return new TextEncoder().encode(data).length < LONGEST_ARGUMENT
    ? `${call} -d ${shell(data)}`
    : `${call} --data-binary @- <<'JSON'\n${data}\nJSON`;
}

/**
 * @param {string} server address of the server
 * @param {string} method of the client
 * @param {string[]} given arguments, as Python writes them
 * @param {boolean} locked whether the server asks for a key
 */
export function pythonCall(server, method, given, locked) {
  const key = locked ? ', api_key=os.environ["ENTAILMENT_API_KEY"]' : "";
  const lines = given.map((argument) => `        ${argument},\n`).join("");
  return `${locked ? "import os\n\n" : ""}from entailment.client import Client

with Client(${python(server)}${key}) as client:
    answer = client.${method}(
${lines}    )
`;
}
