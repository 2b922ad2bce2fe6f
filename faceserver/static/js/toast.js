/** Says over the page what has happened, and offers to take it back. */
import { button, byId, make } from "./dom.js";
import { _ } from "./texts.js";

const KEPT = "faceserver-toast";

/**
 * @param {string} text
 * @param {{label: string, act: () => void}} [offer] a button beside it
 */
export function toast(text, offer) {
  const line = byId("toast");
  const close = button(_("Close"), () => hide(line), { kind: "icon", icon: "close", bare: true });
  const acts = offer ? [button(offer.label, () => take(line, offer.act))] : [];
  line.replaceChildren(make("span", { textContent: text }), ...acts, close);
  line.hidden = false;
}

/** Say it on the page that is opened next. */
export function toastThere(text) {
  sessionStorage.setItem(KEPT, text);
}

/** Say what the page before has left. */
export function toastFromBefore() {
  const text = sessionStorage.getItem(KEPT);
  sessionStorage.removeItem(KEPT);
  if (text) toast(text);
}

function take(line, act) {
  hide(line);
  act();
}

function hide(line) {
  line.hidden = true;
  // Focus was on a button that is gone.
  byId("main").focus();
}
