/** The server's API: requests out, answers and errors in. */
import { csrfToken, page } from "./page.js";

/** Times that something is sent to a server that has too much to do and says when to come back. */
const TRIES = 6;

/** What the server, or the way to it, refused; the message is a sentence that says what to do. */
export class ApiError extends Error {
  /** @param {string} code */
  constructor(code) {
    super(page.sentences[code] ?? page.sentences.other);
    this.code = code;
  }
}

/**
 * The address of something in the page's collection.
 * @param {string} path such as "faces"
 * @param {Record<string, string|number|boolean>} [query]
 */
export function inCollection(path, query = {}) {
  const place = `v1/collections/${encodeURIComponent(page.collection)}`;
  const text = new URLSearchParams(query).toString();
  return `${place}${path && "/"}${path}${text && "?"}${text}`;
}

/**
 * Ask the server.
 * @param {string} method
 * @param {string} path below the server's root
 * @param {object|FormData|null} [body] an object goes as JSON
 * @param {RequestInit} [options] signal and the like
 * @returns {Promise<any>} its answer
 * @throws {ApiError} it refused, or cannot be reached
 * @throws {DOMException} AbortError: the signal was given
 */
export async function call(method, path, body = null, options = {}) {
  const headers = new Headers(options.headers);
  for (const [name, value] of headersFor(method, body)) headers.set(name, value);
  const sent = body === null || body instanceof FormData ? body : JSON.stringify(body);
  for (let tries = 1; ; tries += 1) {
    let response;
    try {
      response = await fetch(page.root + path, { ...options, method, headers, body: sent });
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new ApiError("unreachable");
    }
    const pause = pauseAfter(response.status, response.headers.get("Retry-After"), tries);
    if (pause === null) return answerOf(response.ok, await response.json().catch(() => null));
    await passed(pause, options.signal);
  }
}

/**
 * Send a form and tell how far it is, which fetch cannot.
 * @param {string} path below the server's root
 * @param {FormData} form
 * @param {{signal: AbortSignal, onProgress: (share: number) => void}} options share is 0 to 1
 * @returns {Promise<any>} its answer
 * @throws {ApiError} it refused, or cannot be reached
 * @throws {DOMException} AbortError: the signal was given
 */
export async function send(path, form, { signal, onProgress }) {
  for (let tries = 1; ; tries += 1) {
    const request = await sendOnce(path, form, { signal, onProgress });
    const pause = pauseAfter(request.status, request.getResponseHeader("Retry-After"), tries);
    if (pause === null) {
      return answerOf(request.status >= 200 && request.status < 300, request.response);
    }
    await passed(pause, signal);
  }
}

function sendOnce(path, form, { signal, onProgress }) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const abort = () => request.abort();
    request.open("POST", page.root + path);
    request.responseType = "json";
    for (const [name, value] of headersFor("POST", form)) request.setRequestHeader(name, value);
    request.upload.addEventListener("progress", (event) => onProgress(event.loaded / event.total));
    request.addEventListener("load", () => resolve(request));
    request.addEventListener("error", () => reject(new ApiError("unreachable")));
    request.addEventListener("abort", () => reject(new DOMException("cancelled", "AbortError")));
    request.addEventListener("loadend", () => signal.removeEventListener("abort", abort));
    signal.addEventListener("abort", abort);
    request.send(form);
  });
}

/** Seconds after which to send again what the server had no time for; null: do not. */
function pauseAfter(status, header, tries) {
  if (status !== 503 || !/^\d+$/.test(header ?? "") || tries >= TRIES) return null;
  return Math.min(Number(header), 10);
}

/** Waits so many seconds, or until the signal is given, which rejects with AbortError. */
function passed(seconds, signal) {
  return new Promise((resolve, reject) => {
    const abort = () => {
      clearTimeout(timer);
      reject(new DOMException("cancelled", "AbortError"));
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", abort);
      resolve();
    }, seconds * 1000);
    if (signal?.aborted) abort();
    signal?.addEventListener("abort", abort, { once: true });
  });
}

/**
 * Refuse a file that the server would refuse, before it is sent.
 * @param {File} file
 * @throws {ApiError}
 */
export function checkSize(file) {
  if (file.size > page.maxFileBytes) throw new ApiError("file_too_large");
  if (file.size === 0) throw new ApiError("empty_file");
}

/** The form that carries a picture, and what else is known. Lists repeat their field. */
export function pictureForm(file, fields = {}) {
  const form = new FormData();
  form.append("file", file, file.name || "picture");
  for (const [name, value] of Object.entries(fields)) {
    for (const item of [value].flat()) form.append(name, item);
  }
  return form;
}

function* headersFor(method, body) {
  const token = csrfToken();
  if (token && method !== "GET") yield ["X-CSRF-Token", token];
  if (body !== null && !(body instanceof FormData)) yield ["Content-Type", "application/json"];
}

function answerOf(isOk, answer) {
  if (isOk) return answer;
  return fail(answer?.code ?? answer?.error?.code ?? "internal_error");
}

function fail(code) {
  throw new ApiError(code);
}
