/** Questions over the page: are you sure, and who. Escape answers no. */
import { call, inCollection } from "./api.js";
import { byId, icon, make, say } from "./dom.js";
import { _, ngettext } from "./texts.js";
import { coverOf } from "./thumbnails.js";

const TYPING_MS = 200;
const MOST_LISTED = 20;

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
 * Ask for a text.
 * @param {string} title the question
 * @param {{label: string, hint: string, act: string}} words the field's, and the button's
 * @returns {Promise<string|null>} null: nothing
 */
export function askedText(title, { label, hint, act }) {
  const dialog = byId("asked");
  const field = byId("asked-field");
  say(byId("asked-title"), title);
  say(byId("asked-label"), label);
  say(byId("asked-hint"), hint);
  say(byId("asked-yes"), act);
  field.value = "";
  return new Promise((resolve) => {
    dialog.returnValue = "";
    byId("asked-no").onclick = () => dialog.close("");
    dialog.onclose = () => resolve(dialog.returnValue === "yes" ? field.value : null);
    dialog.showModal();
    field.focus();
  });
}

/**
 * Ask for a person; those who look most like a face come first.
 * @param {string} title what the person is asked for
 * @param {{apartFrom?: string, mayBeNew?: boolean, face?: string}} [options] one who cannot be chosen,
 *   by id; whether a name of nobody yet can be given; id of the stored face that is at hand
 * @returns {Promise<{id?: string, name: string}|null>} without an id: somebody new; null: nobody
 */
export function pickedPerson(title, { apartFrom = "", mayBeNew = false, face } = {}) {
  const search = byId("picker-search");
  search.value = "";
  byId("picker-field").hidden = false;
  let timer = 0;
  const picked = picking(title, search, (pick) => {
    const list = () => listPeople(search.value.trim(), { apartFrom, mayBeNew, face, pick });
    search.oninput = () => {
      clearTimeout(timer);
      timer = setTimeout(list, TYPING_MS);
    };
    list();
  });
  return picked.finally(() => clearTimeout(timer));
}

/**
 * Ask for one of some people.
 * @param {string} title
 * @param {{id: string, name: string}[]} people
 * @returns {Promise<object|null>} null: nobody
 */
export function pickedAmong(title, people) {
  byId("picker-field").hidden = true;
  say(byId("picker-count"), "");
  return picking(title, byId("picker-list"), (pick) => listOptions(people.map((person) => pickable(person, pick))));
}

/** Show the dialog until somebody is picked; `begin` fills its list. */
function picking(title, focused, begin) {
  const dialog = byId("picker");
  say(byId("picker-title"), title);
  byId("picker-list").replaceChildren();
  return new Promise((resolve) => {
    let picked = null;
    dialog.onclose = () => resolve(picked);
    dialog.onkeydown = typed;
    begin((person) => {
      picked = person;
      dialog.close();
    });
    dialog.showModal();
    focused.focus();
  });
}

/** Arrows go through the list, Enter takes the marked one, or the first. */
function typed(event) {
  const all = [...byId("picker-list").children];
  const place = all.findIndex((option) => option.getAttribute("aria-selected") === "true");
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    const next = event.key === "ArrowDown" ? Math.min(place + 1, all.length - 1) : Math.max(place - 1, 0);
    if (all[next]) markOption(all[next]);
  } else if (event.key === "Enter" && !event.target.closest("button")) {
    event.preventDefault();
    (all[place] ?? all[0])?.click();
  }
}

function markOption(marked) {
  for (const option of byId("picker-list").children) option.setAttribute("aria-selected", String(option === marked));
  for (const id of ["picker-search", "picker-list"]) {
    if (marked) byId(id).setAttribute("aria-activedescendant", marked.id);
    else byId(id).removeAttribute("aria-activedescendant");
  }
  marked?.scrollIntoView({ block: "nearest" });
}

function listOptions(options) {
  options.forEach((option, place) => (option.id = `pick-${place}`));
  byId("picker-list").replaceChildren(...options);
  markOption(options[0] ?? null);
}

async function listPeople(name, { apartFrom, mayBeNew, face, pick }) {
  const order = face ? { alike: face } : { sort: "name" };
  const query = { limit: MOST_LISTED, ...order, ...(name ? { called: name } : {}) };
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
  listOptions(rows);
  say(byId("picker-count"), countText(people.length, found.total > found.items.length));
}

function countText(count, isCut) {
  if (count === 0) return _("Nobody has this name.");
  if (isCut) return _("Showing the first ones; keep typing to narrow down.");
  return ngettext("%(num)s person", "%(num)s people", count);
}

function pickable(person, pick) {
  const count = ngettext("%(num)s face", "%(num)s faces", person.faces);
  return option(coverOf(person), person.name, () => pick(person), make("span", { className: "hint", textContent: count }));
}

function newPerson(name, pick) {
  const text = _("New person: %(name)s", { name });
  return option(make("span", { className: "thumb small" }, icon("person")), text, () => pick({ name }));
}

function option(image, text, act, more = null) {
  const row = make("li", { className: "pick", role: "option" }, image, make("span", { className: "pick-name", textContent: text }), more);
  row.addEventListener("click", act);
  return row;
}
