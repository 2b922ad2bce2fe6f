/** Faces that nobody has named, as likely people, each to be named in one click. */
import { call, inCollection } from "./api.js";
import { button, byId, say } from "./dom.js";
import { deleteFaces, hideFaces } from "./faceacts.js";
import { confirmed, pickedPerson } from "./dialogs.js";
import { personNamed } from "./people.js";
import { Selection } from "./selection.js";
import { showCode } from "./takealong.js";
import { _, ngettext } from "./texts.js";
import { toast } from "./toast.js";
import { Group } from "./unnamedgroup.js";

const STEP = 30;
const MOST = 1000;
const EVERY_FACE = { min_size: 0, min_sharpness: 0, min_quality: 0 };

export class UnnamedGroups {
  constructor() {
    this.limit = STEP;
    this.more = button(_("Show more"), () => this.showMore());
    byId("more-groups").replaceChildren(this.more);
    this.more.hidden = true;
    this.selection = new Selection(byId("groups"), () => this.showSelection());
    for (const id of ["show-hidden-groups", "show-poor-faces"]) byId(id).addEventListener("change", () => this.load());
    const acts = { "name-groups": this.name, "hide-groups": this.hide, "delete-groups": this.remove };
    for (const [id, act] of Object.entries(acts)) byId(id).addEventListener("click", () => this.attempt(act));
    byId("choose-no-groups").addEventListener("click", () => this.selection.clear());
    byId("choose-all-groups").addEventListener("click", () => this.selection.all());
    byId("groups").addEventListener("choose-all", () => this.selection.all());
  }

  query() {
    const hidden = byId("show-hidden-groups").checked ? { hidden: true } : {};
    return { limit: this.limit, ...hidden, ...(byId("show-poor-faces").checked ? EVERY_FACE : {}) };
  }

  /** Ask for the groups, and show them. */
  async load() {
    byId("grouping").hidden = false;
    byId("unnamed-problem").hidden = true;
    try {
      this.show(await call("GET", inCollection("unnamed", this.query())));
      showCode("GET", inCollection("unnamed", this.query()));
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

  show({ people, groups, examined, complete, hidden, left_out: poor }) {
    const cards = people.map((likely) => new Group(likely, this.selection, () => this.settled()).element);
    byId("groups").replaceChildren(...cards);
    this.selection.clear();
    this.more.hidden = groups <= people.length || this.limit >= MOST;
    say(byId("unnamed-count"), summary(groups, examined, complete, hidden + poor > 0));
    byId("with-hidden-groups").hidden = hidden === 0 && !byId("show-hidden-groups").checked;
    say(byId("hidden-groups"), ngettext("Show %(num)s hidden group", "Show %(num)s hidden groups", hidden));
    byId("with-poor-faces").hidden = poor === 0 && !byId("show-poor-faces").checked;
    const left = ngettext("Include %(num)s small or blurred face", "Include %(num)s small or blurred faces", poor);
    say(byId("poor-faces"), poor === 0 ? _("Include small and blurred faces") : left);
  }

  showSelection() {
    const { items } = this.selection;
    byId("group-selection").hidden = items.length === 0;
    say(byId("chosen-groups"), ngettext("%(num)s group selected", "%(num)s groups selected", items.length));
    say(byId("hide-groups-label"), items.length && items.every((group) => group.isHidden) ? _("Show again") : _("Hide"));
  }

  /** A group has its name: show those that come after, once none is left. */
  settled() {
    document.dispatchEvent(new Event("faces-changed"));
    this.selection.clear();
    if (byId("groups").children.length === 0) this.load();
  }

  async attempt(act) {
    try {
      await act.call(this, this.selection.items);
    } catch (error) {
      toast(error.message);
      await this.load();
    }
  }

  async done(text, undo) {
    document.dispatchEvent(new Event("faces-changed"));
    await this.load();
    toast(text, undo && { label: _("Undo"), act: () => this.attempt(undo) });
  }

  async name(groups) {
    const faces = groups.flatMap((group) => [...group.left]);
    const title = ngettext("Who does %(num)s face show?", "Who do %(num)s faces show?", faces.length);
    const picked = await pickedPerson(title, { mayBeNew: true, face: faces[0] });
    if (!picked) return;
    const person = picked.id ? picked : await personNamed(picked.name);
    const { moved } = await call("POST", inCollection("faces/move"), { faces, subject: person.id });
    await this.done(ngettext("%(num)s face is now %(name)s.", "%(num)s faces are now %(name)s.", moved, { name: person.name }), async () => {
      await call("POST", inCollection("faces/move"), { faces, subject: null });
      await this.done(ngettext("%(num)s face is unnamed again.", "%(num)s faces are unnamed again.", faces.length));
    });
  }

  async hide(groups) {
    const isHidden = !groups.every((group) => group.isHidden);
    const faces = groups.flatMap((group) => group.ids);
    await hideFaces(faces, isHidden);
    const text = isHidden
      ? ngettext("%(num)s group hidden. Searches still find it.", "%(num)s groups hidden. Searches still find them.", groups.length)
      : ngettext("%(num)s group is shown again.", "%(num)s groups are shown again.", groups.length);
    await this.done(text, async () => {
      await hideFaces(faces, !isHidden);
      await this.done(_("As before."));
    });
  }

  async remove(groups) {
    const faces = groups.flatMap((group) => [...group.left]);
    const title = ngettext("Delete %(num)s face?", "Delete %(num)s faces?", faces.length);
    const lines = [_("A picture is deleted with its last face. This cannot be undone.")];
    if (!(await confirmed(title, lines, _("Delete")))) return;
    await deleteFaces(faces);
    await this.done(ngettext("%(num)s face deleted.", "%(num)s faces deleted.", faces.length));
  }
}

function summary(groups, examined, isComplete, isMore) {
  if (groups === 0) return isMore ? _("Nobody else is left to be named.") : _("Every face has a name.");
  const people = ngettext("%(num)s likely person", "%(num)s likely people", groups);
  const faces = ngettext("%(num)s face", "%(num)s faces", examined);
  if (isComplete) return _("%(people)s in %(faces)s without a name. Remove faces that do not belong, then enter who it is.", { people, faces });
  return _("%(people)s in the first %(faces)s without a name. More follow once these are named.", { people, faces });
}
