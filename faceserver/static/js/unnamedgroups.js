/** Faces that nobody has named, as likely people, each to be named in one click. */
import { call, inCollection } from "./api.js";
import { confirmed, thumbOf } from "./dialogs.js";
import { button, byId, make, say } from "./dom.js";
import { may } from "./page.js";
import { personNamed, suggestPeople } from "./people.js";
import { showCode } from "./takealong.js";
import { thumbnailOf } from "./thumbnails.js";
import { _, ngettext, percent } from "./texts.js";
import { toast } from "./toast.js";

const STEP = 30;
const MOST = 1000;
const AT_ONCE = 4;

let fields = 0;

export class UnnamedGroups {
  constructor() {
    this.limit = STEP;
    this.more = button(_("Show more"), () => this.showMore());
    byId("more-groups").replaceChildren(this.more);
    this.more.hidden = true;
  }

  /** Ask for the groups, and show them. */
  async load() {
    byId("grouping").hidden = false;
    byId("unnamed-problem").hidden = true;
    try {
      const [found] = await Promise.all([
        call("GET", inCollection("unnamed", { limit: this.limit })),
        may("write") && byId("people").children.length === 0 ? suggestPeople() : null,
      ]);
      this.show(found);
      showCode("GET", inCollection("unnamed", { limit: this.limit }));
    } catch (error) {
      say(byId("unnamed-problem"), error.message);
      byId("unnamed-problem").hidden = false;
    } finally {
      byId("grouping").hidden = true;
    }
  }

  async showMore() {
    this.limit = Math.min(this.limit + STEP, MOST);
    await this.load();
  }

  show({ people, groups, examined, complete }) {
    const cards = people.map((likely) => new Group(likely, () => this.settled()).element);
    byId("groups").replaceChildren(...cards);
    this.more.hidden = groups <= people.length || this.limit >= MOST;
    say(byId("unnamed-count"), summary(groups, examined, complete));
  }

  /** A group has its name: show those that come after, once none is left. */
  settled() {
    document.dispatchEvent(new Event("faces-changed"));
    if (byId("groups").children.length === 0) this.load();
  }
}

function summary(groups, examined, isComplete) {
  if (groups === 0) return _("Every face has a name.");
  const people = ngettext("%(num)s likely person", "%(num)s likely people", groups);
  const faces = ngettext("%(num)s face", "%(num)s faces", examined);
  if (isComplete) return _("%(people)s in %(faces)s without a name. Remove faces that do not belong, then enter who it is.", { people, faces });
  return _("%(people)s in the first %(faces)s without a name. More follow once these are named.", { people, faces });
}

class Group {
  /**
   * @param {{ids: string[], faces: object[], lookalike: object|null}} likely as the API tells it
   * @param {() => void} onSettled
   */
  constructor(likely, onSettled) {
    this.ids = likely.ids;
    this.onSettled = onSettled;
    this.left = new Set(likely.ids);
    this.title = make("h2", {});
    this.problem = make("p", { className: "notice bad", role: "alert", hidden: true });
    this.faces = make("ul", { className: "toggles" }, ...likely.faces.map(({ id, thumbnail }) => this.toggle(id, thumbnail && thumbnailOf(id))));
    this.element = make("article", { className: "panel likely" }, this.title, this.faces, this.rest(likely.faces.length));
    if (may("write")) this.element.append(this.problem, this.form(likely.lookalike));
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

  form(lookalike) {
    const id = `group-${(fields += 1)}`;
    const name = make("input", { id, className: "form-control", maxLength: 200, required: true, autocomplete: "off", placeholder: _("Who is it?") });
    name.setAttribute("list", "people");
    name.setAttribute("aria-label", _("Name"));
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
    return act;
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

/** Delete faces, a few at a time; one that is gone already is no failure. */
export async function deleteFaces(ids) {
  for (let start = 0; start < ids.length; start += AT_ONCE) {
    await Promise.all(ids.slice(start, start + AT_ONCE).map(deleteFace));
  }
}

async function deleteFace(id) {
  try {
    await call("DELETE", inCollection(`faces/${id}`));
  } catch (error) {
    if (error.code !== "not_found") throw error;
  }
}
