/** "Is this the same person?": pairs that look alike, to be made one or to be told apart for good. */
import { call, inCollection } from "./api.js";
import { pickedPerson } from "./dialogs.js";
import { button, byId, make, say } from "./dom.js";
import { pageUrl } from "./page.js";
import { personNamed } from "./people.js";
import { _, ngettext, percent } from "./texts.js";
import { coverOf, thumbOf, thumbnailOf } from "./thumbnails.js";
import { toast } from "./toast.js";

/** So many people are looked at with one request, and so many pairs are shown before one asks for more. */
const EXAMINED = 200;
const ENOUGH = 6;

export class AlikePanel {
  /**
   * @param {string} id of the details element; its parts begin with it
   * @param {"people"|"unnamed"} among whom
   * @param {() => Promise<void>} reload shows anew what has changed
   */
  constructor(id, among, reload) {
    this.id = id;
    this.among = among;
    this.reload = reload;
    this.more = button(_("Look for more"), () => this.look());
    byId(`${id}-more`).replaceChildren(this.more);
    byId(id).addEventListener("toggle", () => byId(id).open && !this.begun && this.restart());
  }

  async restart() {
    this.begun = true;
    this.cursor = null;
    this.isComplete = false;
    byId(`${this.id}-list`).replaceChildren();
    await this.look();
  }

  /** Ask until there is enough to decide, or nobody left. */
  async look() {
    const list = byId(`${this.id}-list`);
    const wanted = list.children.length + ENOUGH;
    this.more.hidden = true;
    say(this.status, _("Looking for faces that are alike..."));
    try {
      while (!this.isComplete && list.children.length < wanted) await this.page(list);
      this.told();
    } catch (error) {
      say(this.status, error.message);
    }
    this.more.hidden = this.isComplete;
  }

  async page(list) {
    const query = { among: this.among, limit: EXAMINED, ...(this.cursor ? { cursor: this.cursor } : {}) };
    const { items, next } = await call("GET", inCollection("suggestions", query));
    list.append(...items.map((pair) => this.card(pair)));
    this.cursor = next;
    this.isComplete = next === null;
  }

  get status() {
    return byId(`${this.id}-status`);
  }

  told() {
    const count = byId(`${this.id}-list`).children.length;
    say(this.status, count === 0 ? _("Nobody else looks like the same person.") : ngettext("%(num)s pair looks alike.", "%(num)s pairs look alike.", count));
  }

  card(pair) {
    const { one, other, similarity } = pair;
    const likeness = similarity === null ? "" : _("similarity %(share)s", { share: percent(similarity) });
    const names = { one: nameOf(one), other: nameOf(other) };
    const same = button(_("Same person"), () => this.attempt(card, () => this.accept(card, pair)), { icon: "merge" });
    same.setAttribute("aria-label", _("Same person: %(one)s and %(other)s", names));
    const different = button(_("Different people"), () => this.attempt(card, () => this.refuse(card, pair)), { icon: "close" });
    different.setAttribute("aria-label", _("Different people: %(one)s and %(other)s", names));
    const acts = make("div", { className: "actions" }, make("span", { className: "hint", textContent: likeness }), same, different);
    const card = make("li", { className: "alike" }, make("div", { className: "alike-sides" }, sideOf(one), sideOf(other)), acts);
    card.ids = [one, other].map(({ person }) => person?.id).filter(Boolean);
    return card;
  }

  async attempt(card, act) {
    for (const each of card.querySelectorAll("button")) each.disabled = true;
    try {
      await act();
    } catch (error) {
      toast(error.message);
    }
    for (const each of card.querySelectorAll("button")) each.disabled = false;
  }

  accept(card, pair) {
    return pair.one.person ? this.merge(pair) : this.name(card, pair);
  }

  /** Who has more faces stays. */
  async merge({ one, other }) {
    const [stays, goes] = one.person.faces >= other.person.faces ? [one.person, other.person] : [other.person, one.person];
    const made = await call("POST", inCollection(`subjects/${goes.id}/merge`), { into: stays.id });
    for (const card of [...byId(`${this.id}-list`).children]) if (card.ids.includes(goes.id)) this.drop(card);
    await this.changed();
    toast(_("%(name)s is now part of %(other)s.", { name: goes.name, other: stays.name }), {
      label: _("Undo"),
      act: () => this.undone(() => call("POST", inCollection(`merges/${made.id}/undo`)), _("%(name)s is a person again.", { name: goes.name })),
    });
  }

  /** Two groups become one by getting one name. */
  async name(card, { one, other }) {
    const faces = [...one.ids, ...other.ids];
    const title = ngettext("Who does %(num)s face show?", "Who do %(num)s faces show?", faces.length);
    const picked = await pickedPerson(title, { mayBeNew: true, face: faces[0] });
    if (!picked) return;
    const person = picked.id ? picked : await personNamed(picked.name);
    await call("POST", inCollection("faces/move"), { faces, subject: person.id });
    this.drop(card);
    await this.changed();
    toast(ngettext("%(num)s face is now %(name)s.", "%(num)s faces are now %(name)s.", faces.length, { name: person.name }), {
      label: _("Undo"),
      act: () => this.undone(() => call("POST", inCollection("faces/move"), { faces, subject: null }), ngettext("%(num)s face is unnamed again.", "%(num)s faces are unnamed again.", faces.length)),
    });
  }

  async refuse(card, { one, other }) {
    const made = await call("POST", inCollection("suggestions/refused"), { faces: [one.faces[0].id, other.faces[0].id] });
    this.drop(card);
    toast(_("Noted: these are different people. You will not be asked again."), {
      label: _("Undo"),
      act: () => this.undone(() => call("DELETE", inCollection(`suggestions/refused/${made.id}`)), _("You will be asked again.")),
    });
  }

  /** Take a card away; the focus goes to the next. */
  drop(card) {
    const next = card.nextElementSibling ?? card.previousElementSibling;
    card.remove();
    (next?.querySelector("button") ?? byId(this.id).querySelector("summary")).focus();
    this.told();
  }

  async changed() {
    document.dispatchEvent(new Event("faces-changed"));
    await this.reload();
  }

  async undone(act, text) {
    try {
      await act();
      toast(text);
    } catch (error) {
      toast(error.message);
    }
    await this.changed();
    await this.restart();
  }
}

function nameOf({ person, ids }) {
  return person ? person.name : ngettext("%(num)s face", "%(num)s faces", ids.length);
}

function sideOf({ person, faces, ids }) {
  const count = ngettext("%(num)s face", "%(num)s faces", person ? person.faces : ids.length);
  if (!person) return make("span", { className: "alike-side" }, make("span", { className: "toggles" }, ...faces.map(({ id, thumbnail }) => thumbOf(thumbnail && thumbnailOf(id)))), make("span", { className: "hint", textContent: count }));
  const name = make("span", { className: "pick-name", textContent: person.name });
  return make("a", { className: "alike-side", href: pageUrl(`people/${person.id}`) }, coverOf(person, "thumb"), make("span", {}, name, make("span", { className: "hint", textContent: count })));
}
