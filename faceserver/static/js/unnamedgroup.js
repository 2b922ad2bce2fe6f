/** A likely person among the faces without a name. */
import { call, inCollection } from "./api.js";
import { completeNames } from "./combobox.js";
import { confirmed } from "./dialogs.js";
import { button, byId, make, say } from "./dom.js";
import { deleteFaces, hideFaces, refuseFaces } from "./faceacts.js";
import { may } from "./page.js";
import { personNamed } from "./people.js";
import { _, ngettext, percent } from "./texts.js";
import { thumbOf, thumbnailOf } from "./thumbnails.js";
import { toast } from "./toast.js";

/** Of a large group so many of the most typical faces say whom it does not show. */
const MOST_REFUSED = 50;

let fields = 0;

export class Group {
  /**
   * @param {{ids: string[], faces: object[], lookalike: object|null, hidden: boolean}} likely as the API
   *   tells it
   * @param {import("./selection.js").Selection} selection of groups
   * @param {() => void} onSettled
   */
  constructor(likely, selection, onSettled) {
    this.id = likely.ids[0];
    this.ids = likely.ids;
    this.isHidden = likely.hidden;
    this.onSettled = onSettled;
    this.left = new Set(likely.ids);
    this.title = make("h2", {});
    this.problem = make("p", { className: "notice bad", role: "alert", hidden: true });
    this.faces = make("ul", { className: "toggles" }, ...likely.faces.map(({ id, thumbnail }) => this.toggle(id, thumbnail && thumbnailOf(id))));
    const head = make("div", { className: "likely-head" }, this.title);
    this.element = make("article", { className: "panel likely" }, head, this.faces, this.rest(likely.faces.length));
    if (may("write")) {
      head.prepend(selection.choose(this, _("Select this group")));
      head.append(this.hiding());
      this.element.append(this.problem, this.form(likely.lookalike));
    }
    this.count();
  }

  toggle(id, thumbnail = thumbnailOf(id)) {
    const label = make("span", { className: "visually-hidden", textContent: _("Belongs to this person") });
    const input = make("input", { type: "checkbox", checked: true, disabled: !may("write") });
    input.addEventListener("change", () => {
      if (input.checked) this.left.add(id);
      else this.left.delete(id);
      this.count();
    });
    return make("li", {}, make("label", { className: "toggle" }, input, thumbOf(thumbnail), label));
  }

  rest(shown) {
    const hidden = this.ids.slice(shown);
    if (hidden.length === 0) return "";
    const all = button(ngettext("and %(num)s more", "and %(num)s more", hidden.length), () => {
      this.faces.append(...hidden.map((id) => this.toggle(id)));
      all.remove();
      this.faces.querySelector(`li:nth-child(${shown + 1}) input`)?.focus();
    });
    return all;
  }

  count() {
    const text = ngettext("%(num)s face", "%(num)s faces", this.ids.length);
    const chosen = ngettext("%(num)s of them", "%(num)s of them", this.left.size);
    say(this.title, this.left.size === this.ids.length ? text : `${text}, ${chosen}`);
    for (const part of this.element.querySelectorAll(".act")) part.disabled = this.left.size === 0;
  }

  hiding() {
    const [label, name] = this.isHidden ? [_("Show this group again"), "show"] : [_("Hide this group: it is of no interest"), "hide"];
    return button(label, () => this.hide(), { kind: "icon", icon: name, bare: true });
  }

  async hide() {
    const isHidden = !this.isHidden;
    try {
      await hideFaces(this.ids, isHidden);
      this.leave();
      const text = isHidden ? _("The group is hidden. Searches still find it.") : _("The group is shown again.");
      toast(text, { label: _("Undo"), act: () => this.again(() => hideFaces(this.ids, !isHidden)) });
    } catch (error) {
      this.complain(error);
    }
  }

  form(lookalike) {
    const id = `group-${(fields += 1)}`;
    const name = make("input", { id, className: "form-control", maxLength: 200, required: true, autocomplete: "off", placeholder: _("Who is it?") });
    name.setAttribute("aria-label", _("Name"));
    completeNames(name, { face: this.id });
    const save = make("button", { className: "btn btn-primary act", textContent: _("Save") });
    const remove = button(_("Delete these faces"), () => this.remove(), { kind: "icon act", icon: "trash", bare: true });
    const form = make("form", { className: "likely-form" }, lookalike ? this.guess(lookalike) : null, name, save, remove);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const called = name.value.trim();
      if (called) this.settle(() => personNamed(called));
    });
    return form;
  }

  guess({ person, similarity }) {
    const text = _("This is %(name)s", { name: person.name });
    const act = button(text, () => this.settle(() => person), { kind: "outline-secondary act guess", icon: "check" });
    if (similarity !== null) act.append(make("span", { className: "hint", textContent: percent(similarity) }));
    const not = button(_("No"), () => this.refuse(person), { kind: "outline-secondary act" });
    not.setAttribute("aria-label", _("No, this is not %(name)s", { name: person.name }));
    return make("div", { className: "guesses" }, act, not);
  }

  /** This is somebody else than the one whom it looks like: nobody is asked again. */
  async refuse({ id, name }) {
    try {
      const undo = await refuseFaces(this.ids.slice(0, MOST_REFUSED), id);
      this.element.querySelector(".guesses").remove();
      this.element.querySelector("input.form-control").focus();
      toast(_("Noted: this is not %(name)s.", { name }), { label: _("Undo"), act: () => this.again(undo) });
    } catch (error) {
      this.complain(error);
    }
  }

  /** Say who it is. */
  async settle(who) {
    const faces = [...this.left];
    try {
      const person = await who();
      const { moved } = await call("POST", inCollection("faces/move"), { faces, subject: person.id });
      const text = ngettext("%(num)s face is now %(name)s.", "%(num)s faces are now %(name)s.", moved, { name: person.name });
      this.leave();
      toast(text, { label: _("Undo"), act: () => this.takeBack(faces) });
    } catch (error) {
      this.complain(error);
    }
  }

  async takeBack(faces) {
    try {
      await call("POST", inCollection("faces/move"), { faces, subject: null });
      toast(ngettext("%(num)s face is unnamed again.", "%(num)s faces are unnamed again.", faces.length));
    } catch (error) {
      toast(error.message);
    }
    byId("groups").replaceChildren();
    this.onSettled();
  }

  /** Take something back, and show all groups anew. */
  async again(undo) {
    try {
      await undo();
    } catch (error) {
      toast(error.message);
    }
    byId("groups").replaceChildren();
    this.onSettled();
  }

  async remove() {
    const faces = [...this.left];
    const title = ngettext("Delete %(num)s face?", "Delete %(num)s faces?", faces.length);
    const lines = [_("A picture is deleted with its last face. This cannot be undone.")];
    if (!(await confirmed(title, lines, _("Delete")))) return;
    try {
      await deleteFaces(faces);
      this.leave();
      toast(ngettext("%(num)s face deleted.", "%(num)s faces deleted.", faces.length));
    } catch (error) {
      this.complain(error);
    }
  }

  leave() {
    const next = this.element.nextElementSibling ?? this.element.previousElementSibling;
    this.element.remove();
    next?.querySelector("input.form-control")?.focus();
    this.onSettled();
  }

  complain(error) {
    say(this.problem, error.message);
    this.problem.hidden = false;
  }
}
