/** The collections: opened, made, deleted. */
import { call, inCollection } from "./api.js";
import { confirmed } from "./dialogs.js";
import { button, byId, icon, make, say } from "./dom.js";
import { modelChoices } from "./modelchoice.js";
import { may, page } from "./page.js";
import { showCode } from "./takealong.js";
import { _, ngettext } from "./texts.js";
import { ScrollList } from "./scrolllist.js";
import { toast, toastFromBefore, toastThere } from "./toast.js";

const PAGE = 50;
/** It always exists: deleting empties it. */
const ALWAYS = "default";

const list = new ScrollList({
  list: "collections",
  more: "more",
  place: (cursor) => `v1/collections?${new URLSearchParams({ limit: PAGE, ...(cursor ? { cursor } : {}) })}`,
  show: item,
});

function item(collection) {
  const { name, faces, subjects, model, changing_to: next } = collection;
  const isOpen = name === page.collection;
  const about = [
    ngettext("%(num)s person", "%(num)s people", subjects),
    ngettext("%(num)s face", "%(num)s faces", faces),
    next ? _("changing to %(model)s", { model: next }) : model,
  ];
  const title = make("h2", {}, isOpen ? name : make("a", { href: peopleOf(name), textContent: name }));
  const acts = make("div", { className: "actions" }, isOpen ? openMark() : opener(name));
  if (may("admin") && !page.isBound) acts.append(remover(collection));
  const text = make("div", {}, title, make("p", { className: "hint mb-0", textContent: about.join(" · ") }));
  return make("li", { className: "panel collection", data: isOpen ? { open: "" } : {} }, icon("folder"), text, acts);
}

function openMark() {
  return make("span", { className: "badge-soft", textContent: _("open") });
}

function opener(name) {
  const link = make("a", { className: "btn btn-outline-secondary btn-sm", href: peopleOf(name), textContent: _("Open") });
  link.setAttribute("aria-label", _("Open %(name)s", { name }));
  return link;
}

function peopleOf(name) {
  return `${page.root}people${name === ALWAYS ? "" : `?${new URLSearchParams({ collection: name })}`}`;
}

function remover(collection) {
  const { name } = collection;
  const label = name === ALWAYS ? _("Empty %(name)s", { name }) : _("Delete %(name)s", { name });
  return button(label, () => remove(collection), { kind: "icon", icon: "trash", bare: true });
}

async function remove({ name }) {
  const path = `v1/collections/${encodeURIComponent(name)}`;
  try {
    const { faces, subjects } = await call("GET", path); // as it is now
    if (!(await confirmed(question(name), whatGoes(name, faces, subjects), _("Delete permanently")))) return;
    await call("DELETE", path);
  } catch (error) {
    toast(error.message);
    return;
  }
  const text = name === ALWAYS ? _("%(name)s is empty now.", { name }) : _("The collection %(name)s was deleted.", { name });
  if (name === page.collection && name !== ALWAYS) {
    toastThere(text);
    location.assign(`${page.root}collections`);
    return;
  }
  document.dispatchEvent(new Event("faces-changed"));
  await list.restart();
  toast(text);
}

function question(name) {
  return name === ALWAYS ? _("Empty the collection %(name)s?", { name }) : _("Delete the collection %(name)s?", { name });
}

function whatGoes(name, faces, subjects) {
  const people = ngettext("%(num)s person", "%(num)s people", subjects);
  const count = ngettext("%(num)s face", "%(num)s faces", faces);
  return [
    _("This deletes %(people)s and %(faces)s, with their pictures, jobs and webhooks.", { people, faces: count }),
    name === ALWAYS ? _("The collection itself stays: every server has it.") : _("Keys that are limited to it reach nothing any more."),
    _("This cannot be undone."),
  ];
}

async function create(event) {
  event.preventDefault();
  const name = byId("new-name").value.trim();
  const model = document.querySelector("input[name=model]:checked")?.value ?? null;
  const body = model === null ? { name } : { name, model };
  try {
    await call("POST", "v1/collections", body);
  } catch (error) {
    say(byId("new-problem"), error.message);
    byId("new-problem").hidden = false;
    return;
  }
  toastThere(_("The collection %(name)s was created and is open now.", { name }));
  location.assign(`${page.root}collections?${new URLSearchParams({ collection: name })}`);
}

/** A key that is bound to a collection sees that one alone. */
async function showOwn() {
  byId("collections").replaceChildren(item(await call("GET", inCollection(""))));
}

async function start() {
  toastFromBefore();
  showCode("GET", page.isBound ? inCollection("") : "v1/collections");
  try {
    await (page.isBound ? showOwn() : list.restart());
  } catch (error) {
    say(byId("problem"), error.message);
    byId("problem").hidden = false;
  }
  const form = document.getElementById("new-collection");
  if (!form) return; // it is for administrators
  form.addEventListener("submit", create);
  byId("model-choices").replaceChildren(...(await modelChoices().catch(() => [])));
  byId("models").hidden = byId("model-choices").children.length === 0;
  byId("new").hidden = false; // below the list, which would push it
}

start();
