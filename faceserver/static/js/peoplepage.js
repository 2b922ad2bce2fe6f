/** Everybody with a name; the faces without one are the business of unnamedgroups.js. */
import { call, inCollection } from "./api.js";
import { coverOf } from "./dialogs.js";
import { button, byId, make, say } from "./dom.js";
import { may, pageUrl, setQuery } from "./page.js";
import { ScrollList } from "./scrolllist.js";
import { _, ngettext } from "./texts.js";
import { showCode } from "./takealong.js";
import { toast, toastFromBefore } from "./toast.js";
import { UnnamedGroups } from "./unnamedgroups.js";

const PAGE = 60;
const TYPING_MS = 250;

const tags = new Set();
const unnamed = new UnnamedGroups();
const people = new ScrollList({
  list: "grid",
  more: "more",
  place: (cursor) => inCollection("subjects", { ...wanted(), limit: PAGE, ...(cursor ? { cursor } : {}) }),
  show: tile,
  onPage: counted,
});

function wanted() {
  const called = byId("called").value.trim();
  const tag = byId("tag").value.trim();
  return { ...(called && { called }), ...(tag && { tag }) };
}

function tile(person) {
  const count = ngettext("%(num)s face", "%(num)s faces", person.faces);
  const link = make(
    "a",
    { className: "tile", href: pageUrl(`people/${person.id}`) },
    coverOf(person, "tile-picture"),
    make("span", { className: "tile-name", textContent: person.name }),
    make("span", { className: "hint", textContent: count }),
  );
  learn(person.tags);
  const list = make("ul", { className: "tags", aria: { label: _("Tags") } }, ...person.tags.map(tagItem));
  return make("li", {}, link, person.tags.length ? list : null);
}

function tagItem(tag) {
  const choose = button(tag, () => {
    byId("tag").value = tag;
    search();
  }, { kind: "tag" });
  choose.title = _("Show everybody with the tag %(tag)s", { tag });
  return make("li", {}, choose);
}

/** Suggest the tags that were seen. */
function learn(seen) {
  for (const tag of seen.filter((known) => !tags.has(known))) {
    tags.add(tag);
    byId("tags").append(make("option", { value: tag }));
  }
}

function counted(list) {
  showCode("GET", inCollection("subjects", { ...wanted(), limit: PAGE }));
  tellCount(list);
}

function tellCount({ count, isComplete }) {
  const text = ngettext("%(num)s person", "%(num)s people", count);
  say(byId("count"), count === 0 ? nobody() : isComplete ? text : _("%(people)s, and more below", { people: text }));
}

function nobody() {
  if (Object.keys(wanted()).length) return _("No matches. Try a shorter part of the name, or remove the tag.");
  return _("There are no people yet. Name unnamed faces, or enter a name when you register pictures.");
}

async function search() {
  remember();
  await people.restart();
}

/** The address leads to what is shown. */
function remember() {
  setQuery({ ...wanted(), ...(view() === "unnamed" && { view: "unnamed" }) });
}

function view() {
  return document.querySelector("input[name=view]:checked").value;
}

async function showView() {
  const isUnnamed = view() === "unnamed";
  byId("people-view").hidden = isUnnamed;
  byId("unnamed-view").hidden = !isUnnamed;
  remember();
  if (isUnnamed) await unnamed.load();
  else await Promise.all([people.restart(), listMerges()]);
}

async function listMerges() {
  if (!may("write")) return;
  const { items } = await call("GET", inCollection("merges", { limit: 1000 }));
  byId("merges").hidden = items.length === 0;
  byId("merge-list").replaceChildren(...items.reverse().map(mergeItem));
}

function mergeItem(merge) {
  const text = ngettext("%(name)s, with %(num)s face", "%(name)s, with %(num)s faces", merge.faces, { name: merge.name });
  const into = make("a", { href: pageUrl(`people/${merge.into}`), textContent: _("Show their new person") });
  const undo = button(_("Undo"), () => undone(merge), { icon: "undo" });
  undo.setAttribute("aria-label", _("Undo the merge of %(name)s", { name: merge.name }));
  return make("li", {}, make("span", { textContent: text }), into, undo);
}

async function undone({ id, name }) {
  try {
    await call("POST", inCollection(`merges/${id}/undo`));
    toast(_("%(name)s is a person again.", { name }));
  } catch (error) {
    toast(error.message);
  }
  await Promise.all([people.restart(), listMerges()]);
}

function start() {
  const query = new URLSearchParams(location.search);
  byId("called").value = query.get("called") ?? "";
  byId("tag").value = query.get("tag") ?? "";
  for (const input of document.querySelectorAll("input[name=view]")) {
    input.checked = input.value === (query.get("view") ?? "people");
    input.addEventListener("change", showView);
  }
  if (!document.querySelector("input[name=view]:checked")) document.querySelector("input[name=view]").checked = true;
  let timer = 0;
  byId("filters").addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(search, TYPING_MS);
  });
  byId("filters").addEventListener("submit", (event) => {
    event.preventDefault();
    search();
  });
  toastFromBefore();
  showView();
}

start();
