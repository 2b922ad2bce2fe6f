/** One person: all faces, name, tags; merge, move, delete. */
import { call, inCollection } from "./api.js";
import { confirmed, pickedPerson } from "./dialogs.js";
import { button, byId, make, say } from "./dom.js";
import { deleteFaces } from "./faceacts.js";
import { tagsOf, tagsText } from "./labels.js";
import { openLightbox, storedAndMarked } from "./lightbox.js";
import { searchLink } from "./matches.js";
import { may, pageUrl } from "./page.js";
import { personNamed } from "./people.js";
import { ScrollList } from "./scrolllist.js";
import { Selection } from "./selection.js";
import { showCode } from "./takealong.js";
import { _, ngettext } from "./texts.js";
import { coverOf, thumbOf, thumbnailOf } from "./thumbnails.js";
import { toldOf } from "./told.js";
import { toast, toastFromBefore, toastThere } from "./toast.js";

const PAGE = 100;
const MOST = 1000;

const id = byId("person").dataset.subject;
const selection = new Selection(byId("grid"), counted);
/** Faces by the elements that show them. */
const shown = new WeakMap();
let person = null;

const faces = new ScrollList({
  list: "grid",
  more: "more",
  place: (cursor) => inCollection("faces", { subject: id, limit: PAGE, ...(cursor ? { cursor } : {}) }),
  show: tile,
});

function tile(face) {
  const element = tileOf(face);
  shown.set(element, face);
  return element;
}

function tileOf(face) {
  const label = _("Show the picture %(source)s", { source: face.source });
  const show = make("button", { type: "button", className: "enlarge" }, thumbOf(face.thumbnail && thumbnailOf(face.id, "large"), "tile-picture"));
  show.setAttribute("aria-label", label);
  show.title = face.source;
  show.addEventListener("click", () => showPicture(face));
  if (!may("write")) return make("li", {}, show);
  const box = selection.choose(face, _("Select the face from %(source)s", { source: face.source }));
  return make("li", { className: "choosable" }, show, box);
}

/** One picture, with those before and after it. */
function showPicture(face) {
  const all = [...byId("grid").children].map((element) => shown.get(element));
  const items = all.map((each) => ({
    title: each.source || person.name,
    show: () => storedAndMarked(each, { alt: each.source, names: [person.name], withPoints: true }),
    foot: () => [
      ...(toldOf(each) ? [make("p", { className: "hint mb-0", textContent: toldOf(each) })] : []),
      searchLink(each),
    ],
  }));
  openLightbox(items, all.indexOf(face));
}

function counted() {
  const { size, items } = selection;
  byId("selection").hidden = size === 0;
  say(byId("chosen"), ngettext("%(num)s face selected", "%(num)s faces selected", size));
  byId("use-cover").disabled = size !== 1 || !items[0].thumbnail;
}

/** All faces, also those that are not shown yet. */
async function chooseAll() {
  const all = [];
  for (let cursor = null; ; ) {
    const { items, next } = await call("GET", inCollection("faces", { subject: id, limit: MOST, ...(cursor ? { cursor } : {}) }));
    all.push(...items);
    if (next === null) return selection.all(all);
    cursor = next;
  }
}

/** Ask for the person anew, and show them. */
async function load() {
  try {
    person = await call("GET", inCollection(`subjects/${id}`));
  } catch (error) {
    say(byId("problem"), error.message);
    byId("problem").hidden = false;
    byId("person").hidden = true;
    return;
  }
  byId("person").hidden = false;
  document.title = `${person.name} · faceserver`;
  say(byId("name"), person.name);
  const since = new Date(person.created).toLocaleDateString(document.documentElement.lang, { dateStyle: "medium" });
  const count = ngettext("%(num)s face", "%(num)s faces", person.faces);
  say(byId("facts"), _("%(faces)s, added on %(date)s", { faces: count, date: since }));
  byId("cover").replaceChildren(coverOf(person, "thumb"));
  byId("best-cover").hidden = !person.cover_chosen || !may("write");
  byId("hidden-note").hidden = !person.hidden;
  say(byId("hide-label"), person.hidden ? _("Show again") : _("Hide"));
  byId("add-photos").href = pageUrl("faceRegister.html", { person: id });
  byId("tags").replaceChildren(...person.tags.map((tag) => make("li", {}, tagLink(tag))));
  byId("actions").hidden = !may("write");
}

function tagLink(tag) {
  return make("a", { className: "btn btn-tag", href: pageUrl("people", { tag }), textContent: tag });
}

async function reload() {
  selection.clear();
  document.dispatchEvent(new Event("faces-changed"));
  await Promise.all([load(), faces.restart(), listMerges()]);
}

async function listMerges() {
  if (!may("write")) return;
  const { items } = await call("GET", inCollection("merges", { limit: 1000 }));
  const here = items.filter(({ into }) => into === id).reverse();
  byId("merges").replaceChildren(...here.map(mergeItem));
}

function mergeItem(merge) {
  const text = ngettext(
    "%(name)s was merged into this person, with %(num)s face.",
    "%(name)s was merged into this person, with %(num)s faces.",
    merge.faces,
    { name: merge.name },
  );
  const undo = button(_("Undo"), () => undone(merge), { icon: "undo" });
  return make("li", { className: "notice plain" }, make("span", { textContent: text }), undo);
}

async function undone({ id: merge, name }) {
  await attempt(async () => {
    await call("POST", inCollection(`merges/${merge}/undo`));
    await reload();
    toast(_("%(name)s is a person again.", { name }));
  });
}

/** Do it, and say so if it fails. */
async function attempt(act) {
  try {
    await act();
  } catch (error) {
    toast(error.message);
  }
}

function edit() {
  byId("editor-name").value = person.name;
  byId("editor-tags").value = tagsText(person.tags);
  byId("editor-problem").hidden = true;
  byId("editor").showModal();
}

/** Change the person, and offer to take it back. */
async function change(fields, before, text) {
  await attempt(async () => {
    await call("PATCH", inCollection(`subjects/${id}`), fields);
    selection.clear();
    await load();
    toast(text, before && { label: _("Undo"), act: () => change(before, null, _("As before.")) });
  });
}

function hide() {
  const { hidden, name } = person;
  const text = hidden ? _("%(name)s is shown again.", { name }) : _("%(name)s is hidden. Searches still find them.", { name });
  return change({ hidden: !hidden }, { hidden }, text);
}

/** The face that stands for the person; null lets the server choose. */
function setCover(cover) {
  const before = { cover: person.cover_chosen ? person.cover : null };
  return change({ cover }, before, cover ? _("This face is the cover now.") : _("The server chooses the cover."));
}

/** Somebody else has the name: the two may be one. */
async function offerMerge(name) {
  const { items } = await call("GET", inCollection("subjects", { name }));
  const other = items[0];
  if (!other || other.id === id) return;
  const text = _("Merge into %(name)s, who has this name", { name: other.name });
  const act = button(text, () => mergeInto(other), { icon: "merge" });
  byId("editor-problem").append(act);
}

async function save(event) {
  event.preventDefault();
  const wanted = { name: byId("editor-name").value.trim(), tags: tagsOf(byId("editor-tags").value) };
  try {
    await call("PATCH", inCollection(`subjects/${id}`), wanted);
  } catch (error) {
    byId("editor-problem").replaceChildren(make("span", { className: "notice-text", textContent: error.message }));
    byId("editor-problem").hidden = false;
    if (error.code === "already_exists") await attempt(() => offerMerge(wanted.name));
    return;
  }
  byId("editor").close();
  await load();
  toast(_("Saved"));
}

async function merge() {
  const title = _("Merge %(name)s into which person?", { name: person.name });
  const other = await pickedPerson(title, { apartFrom: id, ...(person.cover && { face: person.cover }) });
  if (other) await mergeInto(other);
}

async function mergeInto(other) {
  await attempt(async () => {
    await call("POST", inCollection(`subjects/${id}/merge`), { into: other.id });
    toastThere(_("%(name)s is now part of %(other)s.", { name: person.name, other: other.name }));
    location.assign(pageUrl(`people/${other.id}`));
  });
}

async function remove() {
  const count = ngettext("%(num)s face", "%(num)s faces", person.faces);
  const lines = [
    _("This deletes the name, the tags, %(faces)s, and every picture that shows nobody else.", { faces: count }),
    _("This cannot be undone."),
  ];
  if (!(await confirmed(_("Delete %(name)s?", { name: person.name }), lines, _("Delete permanently")))) return;
  await attempt(async () => {
    const gone = await call("DELETE", inCollection(`subjects/${id}`));
    const faces = ngettext("%(num)s face", "%(num)s faces", gone.faces);
    toastThere(_("Deleted %(name)s with %(faces)s.", { name: person.name, faces }));
    location.assign(pageUrl("people"));
  });
}

async function move() {
  const title = ngettext("Who does %(num)s face show?", "Who do %(num)s faces show?", selection.size);
  const other = await pickedPerson(title, { apartFrom: id, mayBeNew: true, face: selection.items[0].id });
  if (other) await attempt(async () => moveTo(other.id ? other : await personNamed(other.name)));
}

async function moveTo(other) {
  const moving = [...selection.chosen.keys()];
  await call("POST", inCollection("faces/move"), { faces: moving, subject: other?.id ?? null });
  await reload();
  const text = other
    ? ngettext("%(num)s face is now %(name)s.", "%(num)s faces are now %(name)s.", moving.length, { name: other.name })
    : ngettext("%(num)s face is now unnamed.", "%(num)s faces are now unnamed.", moving.length);
  toast(text, { label: _("Undo"), act: () => attempt(() => takeBack(moving)) });
}

async function takeBack(moved) {
  await call("POST", inCollection("faces/move"), { faces: moved, subject: id });
  await reload();
  toast(ngettext("%(num)s face moved back.", "%(num)s faces moved back.", moved.length));
}

async function removeFaces() {
  const title = ngettext("Delete %(num)s face?", "Delete %(num)s faces?", selection.size);
  const lines = [_("A picture is deleted with its last face. This cannot be undone.")];
  if (!(await confirmed(title, lines, _("Delete")))) return;
  const going = [...selection.chosen.keys()];
  await attempt(async () => {
    await deleteFaces(going);
    toast(ngettext("%(num)s face deleted.", "%(num)s faces deleted.", going.length));
  });
  await reload();
}

byId("edit").addEventListener("click", edit);
byId("editor-form").addEventListener("submit", save);
byId("editor-cancel").addEventListener("click", () => byId("editor").close());
byId("merge").addEventListener("click", merge);
byId("delete").addEventListener("click", remove);
byId("move").addEventListener("click", move);
byId("unname").addEventListener("click", () => attempt(() => moveTo(null)));
byId("delete-faces").addEventListener("click", removeFaces);
byId("choose-none").addEventListener("click", () => selection.clear());
byId("choose-all").addEventListener("click", () => attempt(chooseAll));
byId("grid").addEventListener("choose-all", () => attempt(chooseAll));
byId("hide").addEventListener("click", hide);
byId("use-cover").addEventListener("click", () => setCover(selection.items[0].id));
byId("best-cover").addEventListener("click", () => setCover(null));
toastFromBefore();
reload();
showCode("GET", inCollection("faces", { subject: id, limit: PAGE }));
