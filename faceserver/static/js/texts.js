/**
 * The texts of the scripts: English where they are used, other languages from the catalogue that
 * the page brings along. `make texts` finds each call of these two functions.
 */
import { page } from "./page.js";

const SURE = 0.99;

/**
 * A text in the page's language.
 * @param {string} english with %(name)s where a value goes
 * @param {Record<string, unknown>} [values]
 * @returns {string}
 */
export function _(english, values = {}) {
  const found = page.texts[english] || english;
  return fill(Array.isArray(found) ? found[0] : found, values);
}

/**
 * A text that differs by a number, which fills %(num)s.
 * @param {string} one
 * @param {string} many
 * @param {number} num
 * @param {Record<string, unknown>} [values]
 * @returns {string}
 */
export function ngettext(one, many, num, values = {}) {
  // English has two forms; the other languages here have one.
  const forms = page.texts[one] ?? [one, many];
  const form = forms.length > 1 && num !== 1 ? forms[1] : forms[0];
  return fill(form, { num: number(num), ...values });
}

/**
 * A number as the page's language writes it.
 * @param {number} value
 * @param {Intl.NumberFormatOptions} [options]
 */
export function number(value, options) {
  return new Intl.NumberFormat(document.documentElement.lang, options).format(value);
}

/** A share as per cent, with two digits that count. */
export function percent(share) {
  return number(share, { style: "percent", maximumSignificantDigits: 2 });
}

/** A likelihood in few characters; nothing is ever quite certain, so 100% is never said. */
export function sure(share) {
  if (share > SURE) return `>${percent(SURE)}`;
  return share < 1 - SURE ? `<${percent(1 - SURE)}` : percent(share);
}

function fill(text, values) {
  return text.replaceAll(/%\((\w+)\)s/g, (_match, name) => String(values[name] ?? ""));
}
