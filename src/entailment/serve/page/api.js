/* The server's API: one function to call it, one class for everything that can go wrong. */

const KEY = "entailment-key";

/** Faults of one question, which would meet them again; any other 429 or 503 passes. */
const OF_THE_QUESTION = ["deadline", "worker_lost"];

export class ApiError extends Error {
  /**
   * @param {string} message
   * @param {{status?: number, type?: string, retryAfter?: number}} facts status 0: no answer at all
   */
  constructor(message, { status = 0, type = "", retryAfter = 0 } = {}) {
    super(message);
    this.status = status;
    this.type = type;
    this.retryAfter = retryAfter;
  }

  /** Whether the server has no time now, and may have it soon. */
  get busy() {
    return [429, 503].includes(this.status) && !OF_THE_QUESTION.includes(this.type);
  }

  /** Whether the server asks for a key; a proxy's own 401 or 403 is no such question. */
  get locked() {
    return this.type === "unauthorized";
  }
}

// A browser that keeps nothing for this site refuses even to look: the key then lasts as long as the page.
function stored() {
  try {
    return sessionStorage.getItem(KEY) ?? "";
  } catch {
    return "";
  }
}

let held = stored();

export const key = {
  get: () => held,
  /** @param {string} value */
  set(value) {
    held = value;
    try {
      sessionStorage.setItem(KEY, value);
    } catch {
      // see above
    }
  },
};

/** The address of a route; relative, so that the page works behind a path of a proxy.
 * @param {string} route */
export const address = (route) => new URL(route, document.baseURI).href.replace(/#.*/, "");

/**
 * Call a route: POST with a body, GET without.
 * @param {string} route
 * @param {object} [body]
 * @param {AbortSignal} [signal]
 * @returns {Promise<any>} the JSON of the answer
 */
export async function call(route, body, signal) {
  /** @type {Record<string, string>} */
  const headers = { Accept: "application/json" };
  if (body) headers["Content-Type"] = "application/json";
  if (key.get()) headers["Authorization"] = `Bearer ${key.get()}`;
  let response;
  try {
    response = await fetch(address(route), {
      method: body ? "POST" : "GET",
      headers,
      body: body && JSON.stringify(body),
      signal: signal ?? null,
      credentials: "same-origin", // for a proxy that knows its users by cookie; the server reads none
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError("The server does not answer. Is it still running?");
  }
  const found = await response.json().catch(() => null);
  if (response.ok && found) return found;
  if (signal?.aborted) throw new DOMException("aborted", "AbortError");
  const said = found?.error ?? {};
  throw new ApiError(said.message ?? `The server answered with status ${response.status}.`, {
    status: response.status,
    type: said.type,
    retryAfter: Number(response.headers.get("Retry-After")) || 0,
  });
}
