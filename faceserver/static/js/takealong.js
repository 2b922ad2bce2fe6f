/** Shows how to do elsewhere what was just done here. */
import { button, byId, make, say } from "./dom.js";
import { page } from "./page.js";
import { asCurl, asJavaScript, asPython, KEY } from "./snippets.js";
import { _ } from "./texts.js";

const WAYS = [
  { name: "curl", write: asCurl },
  { name: "Python", write: asPython },
  { name: "JavaScript", write: asJavaScript },
];
const STORE = "faceserver-language";

let shown = null;
let way = WAYS.find(({ name }) => name === localStorage.getItem(STORE)) ?? WAYS[0];

/**
 * @param {string} method
 * @param {string} path below the server's root
 * @param {{form?: Record<string, unknown>, files?: string[], json?: unknown}} [body] `files` are
 *   the fields of the form that are files, `file` unless told
 */
export function showCode(method, path, { form, files = ["file"], json } = {}) {
  const url = new URL(page.root + path, location.href).href;
  const own = form ? files.filter((name) => name in form) : [];
  if (!shown) begin();
  shown = { method, url, form, files: own, json, withKey: !page.isOpen };
  byId("take-along").hidden = false;
  write();
}

function begin() {
  const choices = WAYS.map((each) => choiceOf(each));
  byId("take-along-ways").replaceChildren(...choices);
  const copied = make("span", { className: "hint", role: "status" });
  const copy = button(_("Copy"), () => copyCode(copied), { icon: "copy" });
  copy.hidden = !navigator.clipboard; // browsers give it over HTTPS, or on this machine, only
  byId("take-along-copy").replaceChildren(copy, copied);
}

function choiceOf(each) {
  const input = make("input", { type: "radio", name: "take-along-way", checked: each === way });
  input.addEventListener("change", () => {
    way = each;
    localStorage.setItem(STORE, way.name);
    write();
  });
  return make("label", {}, input, make("span", { textContent: each.name }));
}

function write() {
  say(byId("take-along-code"), way.write(shown));
  const hint = _("The key is expected in the environment variable %(name)s.", { name: KEY });
  say(byId("take-along-hint"), shown.withKey ? hint : "");
}

async function copyCode(copied) {
  try {
    await navigator.clipboard.writeText(byId("take-along-code").textContent);
    say(copied, _("Copied"));
  } catch {
    say(copied, _("The browser did not allow copying. Select the text and copy it."));
  }
}
