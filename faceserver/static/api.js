/** What the server, or the way to it, refused; `code` is stable, the message is for people. */
export class ApiError extends Error {
  /**
   * @param {string} code
   * @param {string} message
   */
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

/**
 * @typedef {{box: number[], pt: number[]}} Face
 * @typedef {{BoxsPoints: Face[], name: string, path: string}} Registered
 * @typedef {{distance: number, path: string}} Match
 */

/**
 * Store the faces of one picture.
 * @param {File} file
 * @returns {Promise<Registered>}
 * @throws {ApiError}
 */
export async function registerFile(file) {
  const { faces } = await call("faceRegister?include=path", formOf(file));
  return faces[0];
}

/**
 * Store the faces of one picture behind a URL.
 * @param {string} url
 * @returns {Promise<Registered>}
 * @throws {ApiError}
 */
export async function registerUrl(url) {
  const { faces } = await call("faceRegisterBatch?include=path", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ urls: [url] }),
  });
  return faces[0];
}

/**
 * Find the one face of a picture among the registered ones.
 * @param {File} file
 * @returns {Promise<Match[]>} nearest first
 * @throws {ApiError}
 */
export async function retrieve(file) {
  const { faces } = await call("faceRetrieve", formOf(file));
  return faces;
}

/**
 * Ask how the server is; 503 is an answer here, not an error.
 * @returns {Promise<{status: string, reason: string|null, faces?: number}>}
 */
export async function health() {
  const response = await fetch("health");
  return response.json();
}

function formOf(file) {
  const body = new FormData();
  body.append("picture", file, file.name);
  return { method: "POST", body };
}

async function call(path, options) {
  checkSize(options.body);
  let response;
  try {
    response = await fetch(path, withToken(options));
  } catch {
    throw new ApiError("unreachable", "the server cannot be reached");
  }
  const answer = await response.json().catch(() => ({}));
  if (response.ok) return answer;
  throw new ApiError(answer.error?.code ?? "internal_error", answer.error?.message ?? "");
}

/** A signed-in browser shows with each change that it comes from a page of ours. */
function withToken(options) {
  const token = document.querySelector('meta[name="csrf-token"]')?.content;
  return token ? { ...options, headers: { ...options.headers, "X-CSRF-Token": token } } : options;
}

function checkSize(body) {
  const file = body instanceof FormData ? body.get("picture") : null;
  const limit = maxFileBytes();
  if (file && limit && file.size > limit) {
    throw new ApiError("file_too_large", "the picture has too many bytes");
  }
}

/**
 * The largest file that the server takes, as the page tells it.
 * @returns {number} bytes
 */
export function maxFileBytes() {
  return Number(document.querySelector("main")?.dataset.maxBytes);
}
