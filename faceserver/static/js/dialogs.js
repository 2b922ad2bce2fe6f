/** Questions over the page: are you sure, and who. Escape answers no. */
import { call, inCollection } from "./api.js";
import { byId, icon, make, say } from "./dom.js";
import { thumbnailOf } from "./thumbnails.js";
import { _, ngettext } from "./texts.js";

const TYPING_MS = 200;
const MOST_LISTED = 20;
const TRIES = 3;
const AGAIN_MS = 4000;

/**
 * Ask before something goes.
 * @param {string} title the question
 * @param {string[]} lines what goes, and what stays
 * @param {string} label of the button that says yes
 * @returns {Promise<boolean>}
 */
export function confirmed(title, lines, label) {
  const dialog = byId("confirm");
  say(byId("confirm-title"), title);
  byId("confirm-text").replaceChildren(...lines.map((line) => make("p", { textContent: line })));
  say(byId("confirm-yes"), label);
  return new Promise((resolve) => {
    byId("confirm-yes").onclick = () => dialog.close("yes");
    byId("confirm-no").onclick = () => dialog.close("no");
    dialog.returnValue = "no";
    dialog.onclose = () => resolve(dialog.returnValue === "yes");
    dialog.showModal();
    byId("confirm-no").focus();
  });
}

/**
 * Ask for a person.
 * @param {string} title what the person is asked for
 * @param {{apartFrom?: string, mayBeNew?: boolean}} [options] one who cannot be chosen, by id;
 *   whether a name of nobody yet can be given
 * @returns {Promise<{id?: string, name: string}|null>} without an id: somebody new; null: nobody
 */
export function pickedPerson(title, { apartFrom = "", mayBeNew = false } = {}) {
  const dialog = byId("picker");
  const search = byId("picker-search");
  say(byId("picker-title"), title);
  search.value = "";
  return new Promise((resolve) => {
    let picked = null;
    const pick = (person) => {
      picked = person;
      dialog.close();
    };
    const list = () => listPeople(search.value.trim(), { apartFrom, mayBeNew, pick });
    let timer = 0;
    search.oninput = () => {
      clearTimeout(timer);
      timer = setTimeout(list, TYPING_MS);
    };
    dialog.onclose = () => {
      clearTimeout(timer);
      resolve(picked);
    };
    list();
    dialog.showModal();
    search.focus();
  });
}

async function listPeople(name, { apartFrom, mayBeNew, pick }) {
  const query = { limit: MOST_LISTED, ...(name ? { called: name } : {}) };
  let found;
  try {
    found = await call("GET", inCollection("subjects", query));
  } catch (error) {
    say(byId("picker-count"), error.message);
    return;
  }
  if (byId("picker-search").value.trim() !== name) return; // an answer that came too late
  const people = found.items.filter(({ id }) => id !== apartFrom);
  const isNew = mayBeNew && name && !people.some((person) => person.name.toLowerCase() === name.toLowerCase());
  const rows = people.map((person) => pickable(person, pick));
  if (isNew) rows.push(newPerson(name, pick));
  byId("picker-list").replaceChildren(...rows.map((row) => make("li", {}, row)));
  say(byId("picker-count"), countText(people.length, found.next !== null));
}

function countText(count, isCut) {
  if (count === 0) return _("Nobody has this name.");
  if (isCut) return _("Showing the first ones; keep typing to narrow down.");
  return ngettext("%(num)s person", "%(num)s people", count);
}

function pickable(person, pick) {
  const count = ngettext("%(num)s face", "%(num)s faces", person.faces);
  const row = make(
    "button",
    { type: "button", className: "pick" },
    coverOf(person),
    make("span", { className: "pick-name", textContent: person.name }),
    make("span", { className: "hint", textContent: count }),
  );
  row.addEventListener("click", () => pick(person));
  return row;
}

function newPerson(name, pick) {
  const text = make("span", { className: "pick-name", textContent: _("New person: %(name)s", { name }) });
  const row = make("button", { type: "button", className: "pick" }, make("span", { className: "thumb small" }, icon("person")), text);
  row.addEventListener("click", () => pick({ name }));
  return row;
}

/** The small picture of a person. */
export function coverOf({ cover }, className = "thumb small") {
  if (!cover) return make("span", { className: `${className} nothing` }, icon("person"));
  return thumbOf(thumbnailOf(cover, className.includes("small") ? "small" : "large"), className);
}


/**
 * A small picture that is loaded when it comes into sight; without one a figure stands there. One
 * that does not come is asked for again: who scrolls fast may ask for too many in a minute.
 * @param {string|null} src
 */
export function thumbOf(src, className = "thumb") {
  const nothing = () => make("span", { className: `${className} nothing` }, icon("person"));
  if (!src) return nothing();
  const image = make("img", { className, loading: "lazy", decoding: "async", alt: "", width: 256, height: 256, src });
  let tries = 1;
  image.addEventListener("error", () => {
    if (tries === TRIES) image.replaceWith(nothing());
    else setTimeout(() => (image.src = src), AGAIN_MS * tries);
    tries += 1;
  });
  return image;
}
