/**
 * What the server says to the scripts of a page.
 * @typedef {object} PageData
 * @property {string} root address that all others begin with
 * @property {string} collection that the page works on
 * @property {number} maxFileBytes largest picture, in bytes
 * @property {number} maxUrls most URLs of one job
 * @property {Record<string, string|string[]>} texts see texts.js
 * @property {Record<string, string>} sentences by the codes of errors
 */

/** @type {PageData} */
export const page = JSON.parse(document.getElementById("page-data").textContent);

/** @returns {string} what a signed-in browser must send along with a change, empty without */
export function csrfToken() {
  return document.querySelector('meta[name="csrf-token"]')?.content ?? "";
}
