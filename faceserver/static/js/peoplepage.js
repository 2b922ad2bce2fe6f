/** Everybody with a name; the faces without one are the business of unnamedgroups.js. */
import { AlikePanel } from "./alikepanel.js";
import { call, inCollection } from "./api.js";
import { button, byId, make, say } from "./dom.js";
import { may, pageUrl, setQuery } from "./page.js";
import { PeopleBar } from "./peoplebar.js";
import { ScrollList } from "./scrolllist.js";
import { Selection } from "./selection.js";
import { _, ngettext } from "./texts.js";
import { coverOf } from "./thumbnails.js";
import { showCode } from "./takealong.js";
import { toast, toastFromBefore } from "./toast.js";
import { UnnamedGroups } from "./unnamedgroups.js";

const PAGE = 30;
const TYPING_MS = 250;

const MOST = 1000;
const SORT = "name";

const tags = new Set();
const selection = new Selection(byId("grid"), () => bar.show());
const bar = new PeopleBar(selection, reload);
let totals = { total: 0, hidden: 0 };
const unnamed = new UnnamedGroups();
const people = new ScrollList({
  list: "grid",
  more: "more",
  place: (cursor) => inCollection("subjects", { ...listed(), limit: PAGE, ...(cursor ? { cursor } : {}) }),
  show: tile,
  onPage: counted,
});

function wanted() {
  const called = byId("called").value.trim();
  const tag = byId("tag").value.trim();
  return { ...(called && { called }), ...(tag && { tag }), ...(byId("show-hidden").checked && { hidden: true }) };
}

/** Who is wanted, and in which order. */
function listed() {
  return { ...wanted(), sort: byId("sort").value };
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
  const box = may("write") ? selection.choose(person, _("Select %(name)s", { name: person.name })) : null;
  if (person.hidden) link.append(make("span", { className: "badge-soft", textContent: _("Hidden") }));
  return make("li", { className: box ? "choosable" : "", data: person.hidden ? { hidden: "" } : {} }, link, box, person.tags.length ? list : null);
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

function counted(list, { total, hidden }) {
  showCode("GET", inCollection("subjects", { ...listed(), limit: PAGE }));
  if (total === null) return; // it came with the first page
  totals = { total, hidden };
  say(byId("count"), total === 0 ? nobody() : ngettext("%(num)s person", "%(num)s people", total));
  byId("with-hidden").hidden = hidden === 0 && !byId("show-hidden").checked;
  say(byId("hidden-count"), ngettext("Show %(num)s hidden person", "Show %(num)s hidden people", hidden));
}

/** All who are listed, on whatever page. */
async function chooseAll() {
  const all = [];
  for (let cursor = null; ; ) {
    const { items, next } = await call("GET", inCollection("subjects", { ...listed(), limit: MOST, ...(cursor ? { cursor } : {}) }));
    all.push(...items);
    if (next === null) return selection.all(all);
    cursor = next;
  }
}

function nobody() {
  if (totals.hidden > 0 && !byId("show-hidden").checked) return _("Everybody who fits is hidden.");
  if (Object.keys(wanted()).length) return _("No matches. Try a shorter part of the name, or remove the tag.");
  return _("There are no people yet. Name unnamed faces, or enter a name when you register pictures.");
}

async function search() {
  remember();
  selection.clear();
  await people.restart();
}

async function reload() {
  await Promise.all([people.restart(), listMerges()]);
}

/** The address leads to what is shown. */
function remember() {
  const sort = byId("sort").value;
  setQuery({ ...wanted(), ...(sort !== SORT && { sort }), ...(view() === "unnamed" && { view: "unnamed" }) });
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
  else await reload();
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
  await reload();
}

function start() {
  const query = new URLSearchParams(location.search);
  byId("called").value = query.get("called") ?? "";
  byId("tag").value = query.get("tag") ?? "";
  byId("sort").value = query.get("sort") ?? SORT;
  if (!byId("sort").value) byId("sort").value = SORT;
  byId("show-hidden").checked = query.get("hidden") === "true";
  byId("show-hidden").addEventListener("change", search);
  byId("choose-all").addEventListener("click", chooseAll);
  byId("grid").addEventListener("choose-all", chooseAll);
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
  // Only who may answer is asked; it is there from the start, so that nothing moves.
  byId("alike").hidden = byId("alike-groups").hidden = !may("write");
  new AlikePanel("alike", "people", reload);
  new AlikePanel("alike-groups", "unnamed", () => unnamed.load());
  toastFromBefore();
  showView();
}

start();
