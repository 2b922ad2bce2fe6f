import { page } from "./page.js";

const SVG = "http://www.w3.org/2000/svg";

/**
 * Find the element of an id; a page without it is a mistake of ours.
 * @param {string} id
 * @returns {HTMLElement}
 */
export function byId(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no #${id}`);
  return found;
}

/**
 * Make an HTML element.
 * @param {string} tag
 * @param {Record<string, unknown>} [properties] set as properties, `aria` and `data` as attributes
 * @param {...(Node|string|null)} children null is left out
 * @returns {HTMLElement}
 */
export function make(tag, { aria = {}, data = {}, role, ...properties } = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  for (const [name, value] of Object.entries(aria)) element.setAttribute(`aria-${name}`, value);
  Object.assign(element.dataset, data);
  if (role) element.setAttribute("role", role);
  element.append(...children.filter((child) => child !== null));
  return element;
}

/**
 * Make an SVG element.
 * @param {string} tag
 * @param {Record<string, string|number>} [attributes]
 * @param {...Node} children
 * @returns {SVGElement}
 */
export function makeSvg(tag, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/**
 * Make one of the icons of icons.svg.
 * @param {string} name
 */
export function icon(name) {
  const use = makeSvg("use", { href: `${page.assets}icons.svg#${name}` });
  return makeSvg("svg", { class: "icon", "aria-hidden": "true" }, use);
}

/**
 * Make a button.
 * @param {string} label
 * @param {() => void} act
 * @param {{kind?: string, icon?: string, bare?: boolean}} [options] kind is one of Bootstrap's
 *   buttons; a bare one shows its icon alone and tells its label to screen readers
 */
export function button(label, act, { kind = "outline-secondary btn-sm", icon: name, bare } = {}) {
  const parts = [name ? icon(name) : null, bare ? null : label];
  const element = make("button", { type: "button", className: `btn btn-${kind}` }, ...parts);
  if (bare) {
    element.setAttribute("aria-label", label);
    element.title = label;
  }
  element.addEventListener("click", act);
  return element;
}

/** Change a text only if it differs: screen readers repeat what is written anew. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
