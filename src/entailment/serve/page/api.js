/* The server's API: one function to call it, one class for everything that can go wrong. */

const KEY = "entailment-key";

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
}

export const key = {
  get: () => sessionStorage.getItem(KEY) ?? "",
  /** @param {string} value */
  set: (value) => sessionStorage.setItem(KEY, value),
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
      credentials: "omit",
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
