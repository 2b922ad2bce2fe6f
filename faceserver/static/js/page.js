/**
 * What the server says to the scripts of a page.
 * @typedef {object} PageData
 * @property {string} root address that all others begin with
 * @property {string} assets address that those of icons and the like begin with
 * @property {string} collection that the page works on
 * @property {string|null} inAddress what addresses of pages name it by; null: nothing
 * @property {boolean} isBound whether that is the only one that the visitor reaches
 * @property {"read"|"write"|"admin"|null} scope what the visitor may do
 * @property {boolean} isOpen whether everybody who reaches the server may use it, for no API key exists
 * @property {number} maxFileBytes largest picture, in bytes
 * @property {number} maxUrls most URLs of one job
 * @property {Record<string, string|string[]>} texts see texts.js
 * @property {Record<string, string>} sentences by the codes of errors
 */

/** @type {PageData} */
export const page = JSON.parse(document.getElementById("page-data").textContent);

const SCOPES = ["read", "write", "admin"];

/**
 * Whether the visitor may do something; the server decides it in the end.
 * @param {"read"|"write"|"admin"} needed
 */
export function may(needed) {
  return page.scope !== null && SCOPES.indexOf(page.scope) >= SCOPES.indexOf(needed);
}

/**
 * The address of a page, which works on the same collection.
 * @param {string} path such as "people"
 * @param {Record<string, string|number>} [query]
 */
export function pageUrl(path, query = {}) {
  return `${page.root}${path}${queryOf(query)}`;
}

/**
 * What the address of this page says besides its collection, from now on.
 * @param {Record<string, string|number>} [query]
 */
export function setQuery(query = {}) {
  history.replaceState(history.state, "", location.pathname + queryOf(query));
}

function queryOf(query) {
  const text = new URLSearchParams({ ...query, ...(page.inAddress && { collection: page.inAddress }) }).toString();
  return text && `?${text}`;
}

/** @returns {string} what a signed-in browser must send along with a change, empty without */
export function csrfToken() {
  return document.querySelector('meta[name="csrf-token"]')?.content ?? "";
}
