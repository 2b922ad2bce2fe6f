/** What is done with several people at once: merged, tagged, hidden, deleted. */
import { call, inCollection } from "./api.js";
import { askedText, confirmed, pickedAmong } from "./dialogs.js";
import { byId, say } from "./dom.js";
import { tagsOf } from "./labels.js";
import { forEach } from "./several.js";
import { _, ngettext } from "./texts.js";
import { toast } from "./toast.js";

const MOST_NAMED = 5;

export class PeopleBar {
  /**
   * @param {import("./selection.js").Selection} selection
   * @param {() => Promise<void>} reload shows the people anew
   */
  constructor(selection, reload) {
    this.selection = selection;
    this.reload = reload;
    const acts = { "merge-people": this.merge, "tag-people": this.tag, "hide-people": this.hide, "delete-people": this.remove };
    for (const [id, act] of Object.entries(acts)) byId(id).addEventListener("click", () => this.attempt(act));
    byId("choose-none").addEventListener("click", () => {
      selection.clear();
      byId("grid").querySelector("input, a")?.focus();
    });
  }

  show() {
    const people = this.selection.items;
    byId("selection").hidden = people.length === 0;
    say(byId("chosen"), ngettext("%(num)s person selected", "%(num)s people selected", people.length));
    byId("merge-people").disabled = people.length < 2;
    say(byId("hide-label"), people.length && people.every(({ hidden }) => hidden) ? _("Show again") : _("Hide"));
  }

  /** Do it, and say so if it fails: what was done until then stays. */
  async attempt(act) {
    try {
      await act.call(this, this.selection.items);
    } catch (error) {
      await this.done(error.message);
    }
  }

  async done(text, undo = null) {
    this.selection.clear();
    document.dispatchEvent(new Event("faces-changed"));
    await this.reload();
    toast(text, undo ? { label: _("Undo"), act: () => this.attempt(undo) } : undefined);
  }

  async merge(people) {
    const most = people.toSorted((one, other) => other.faces - one.faces);
    const title = ngettext("Merge %(num)s person: who stays?", "Merge %(num)s people: who stays?", people.length);
    const stays = await pickedAmong(title, most);
    if (!stays) return;
    const made = [];
    try {
      for (const { id } of people.filter((person) => person.id !== stays.id)) {
        made.unshift(await call("POST", inCollection(`subjects/${id}/merge`), { into: stays.id }));
      }
    } finally {
      if (made.length > 0) {
        const text = ngettext("%(num)s person is now part of %(name)s.", "%(num)s people are now part of %(name)s.", made.length, { name: stays.name });
        await this.done(text, () => this.takeApart(made));
      }
    }
  }

  async takeApart(made) {
    for (const { id } of made) await call("POST", inCollection(`merges/${id}/undo`));
    await this.done(ngettext("%(num)s person is back.", "%(num)s people are back.", made.length));
  }

  async tag(people) {
    const title = ngettext("Which tags does %(num)s person get?", "Which tags do %(num)s people get?", people.length);
    const text = await askedText(title, { label: _("Tags"), hint: _("Separated by commas. The tags that they have stay."), act: _("Save") });
    const tags = tagsOf(text ?? "");
    if (tags.length === 0) return;
    await forEach(people, ({ id, tags: old }) => this.change(id, { tags: [...new Set([...old, ...tags])] }));
    const done = ngettext("%(num)s person tagged.", "%(num)s people tagged.", people.length);
    await this.done(done, async () => {
      await forEach(people, ({ id, tags: old }) => this.change(id, { tags: old }));
      await this.done(_("The tags are as before."));
    });
  }

  async hide(people) {
    const hidden = !people.every((person) => person.hidden);
    await forEach(people, ({ id }) => this.change(id, { hidden }));
    const text = hidden
      ? ngettext("%(num)s person hidden. Searches still find them.", "%(num)s people hidden. Searches still find them.", people.length)
      : ngettext("%(num)s person is shown again.", "%(num)s people are shown again.", people.length);
    await this.done(text, async () => {
      await forEach(people, (person) => this.change(person.id, { hidden: person.hidden }));
      await this.done(_("As before."));
    });
  }

  async remove(people) {
    const total = people.reduce((sum, { faces }) => sum + faces, 0);
    const count = ngettext("%(num)s person", "%(num)s people", people.length);
    const faces = ngettext("%(num)s face", "%(num)s faces", total);
    const lines = [
      listed(people.map(({ name }) => name)),
      _("This deletes the names, the tags, %(faces)s, and every picture that shows nobody else.", { faces }),
      _("This cannot be undone."),
    ];
    if (!(await confirmed(_("Delete %(people)s?", { people: count }), lines, _("Delete permanently")))) return;
    await forEach(people, ({ id }) => gone(call("DELETE", inCollection(`subjects/${id}`))));
    await this.done(_("Deleted %(people)s with %(faces)s.", { people: count, faces }));
  }

  change(id, change) {
    return call("PATCH", inCollection(`subjects/${id}`), change);
  }
}

/** The first names, and how many there are more. */
function listed(names) {
  const rest = names.length - MOST_NAMED;
  const first = new Intl.ListFormat(document.documentElement.lang, { type: "unit" }).format(names.slice(0, MOST_NAMED));
  if (rest <= 0) return first;
  return ngettext("%(names)s and %(num)s more", "%(names)s and %(num)s more", rest, { names: first });
}

/** Who is deleted already is no failure. */
async function gone(request) {
  try {
    await request;
  } catch (error) {
    if (error.code !== "not_found") throw error;
  }
}
