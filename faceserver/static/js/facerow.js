/** A face that was just stored: how it was found, who it is, and whom it looks like. */
import { call, inCollection } from "./api.js";
import { completeNames } from "./combobox.js";
import { button, make, say } from "./dom.js";
import { tagsOf, tagsText } from "./labels.js";
import { may, pageUrl } from "./page.js";
import { personNamed } from "./people.js";
import { thumbOfFace } from "./thumbnails.js";
import { _, percent, sure } from "./texts.js";
import { distanceText } from "./threshold.js";
import { toldOf } from "./told.js";
import { markUnsaved } from "./unsaved.js";

/** Below this squared L2 distance two faces are the same face of the same photograph. */
const TWIN = 0.05;
const MOST_COMPARED = 5;

let rows = 0;

export class FaceRow {
  /**
   * @param {object} face as the API tells it
   * @param {number} number in the picture, from 1
   * @param {string} name of the person whom it shows, empty for nobody
   * @param {{onRemoved: (row: FaceRow) => void, onNamed: () => void}} tells
   */
  constructor(face, number, name, { onRemoved, onNamed }) {
    Object.assign(this, { face, number, name, onRemoved, onNamed });
    this.title = _("Face %(number)s", { number });
    this.twin = null;
    this.notice = make("div", { className: "face-notice" });
    this.status = make("span", { className: "hint face-status", role: "status" });
    this.more = this.makeMore();
    this.form = this.makeForm();
    this.element = make("li", { className: "face" }, this.thumb(), this.form, this.more, this.notice);
  }

  /** Look whether this face is in already, or looks like somebody of another name. */
  async compare() {
    const body = { face: this.face.id, k: MOST_COMPARED };
    const { probes } = await call("POST", inCollection("search"), body);
    const { matches } = probes[0];
    this.twin = matches.find(({ distance }) => distance < TWIN) ?? null;
    this.other = matches.find(({ person }) => person && person.name !== this.name) ?? null;
  }

  /**
   * Say what the comparison has shown.
   * @param {boolean} isToldBefore whether that this face is in already was said of the whole picture
   */
  tell(isToldBefore = false) {
    this.notice.replaceChildren();
    if (this.twin && !isToldBefore) this.warnOfTwin(this.twin);
    else if (!this.twin && this.other && this.name) this.warnOfOther(this.other);
    else if (!this.twin && this.other && may("write")) this.propose(this.other);
  }

  /** Whether somebody should look at it: it is in already, or its name does not fit. */
  get hasNotice() {
    return this.notice.querySelector(".notice") !== null;
  }

  /** @returns {string} the name that is proposed, empty for none */
  get proposed() {
    return this.notice.querySelector(".proposal") ? this.other.person.name : "";
  }

  thumb() {
    return thumbOfFace(this.face, "small", "thumb small", this.title);
  }

  makeForm() {
    const id = `face-${(rows += 1)}`;
    const isFixed = !may("write");
    const className = "form-control form-control-sm";
    this.nameField = make("input", { id: `${id}-name`, className, value: this.name, maxLength: 200, autocomplete: "off", readOnly: isFixed });
    this.nameField.placeholder = _("Who is it?");
    this.nameField.setAttribute("aria-label", _("Name of %(face)s", { face: this.title }));
    completeNames(this.nameField, { face: this.face.id });
    const toggle = button(_("Details of %(face)s", { face: this.title }), () => this.toggle(toggle), { kind: "icon", icon: "sliders", bare: true });
    toggle.setAttribute("aria-expanded", "false");
    const form = make("form", { className: "face-form" }, this.nameField, this.status, toggle);
    if (!isFixed) form.append(this.removal(_("Remove %(face)s", { face: this.title })));
    // The tags stand outside of the form's line, and belong to it.
    this.tagsField.setAttribute("form", (form.id = id));
    for (const field of [this.nameField, this.tagsField]) {
      field.addEventListener("input", () => this.changed());
      // A form of two fields and no button is not submitted by Enter.
      field.addEventListener("keydown", (event) => event.key === "Enter" && !event.isComposing && form.requestSubmit());
    }
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.save();
    });
    return form;
  }

  removal(label) {
    const remove = button(label, () => this.remove(), { kind: "icon", icon: "close", bare: true });
    remove.title = _("This is no face, or shall not be kept: remove it");
    return remove;
  }

  makeMore() {
    const { score, id } = this.face;
    const sureness = _("Detector score %(share)s", { share: percent(score) });
    const text = [sureness, toldOf(this.face)].filter(Boolean).join(" · ");
    this.tagsField = make("input", { className: "form-control form-control-sm", value: tagsText(this.face.tags), autocomplete: "off", readOnly: !may("write") });
    const search = make("a", { href: pageUrl("faceRetrieve.html", { face: id }), textContent: _("Find this face in other pictures") });
    this.person = make("a", { textContent: _("All pictures of this person") });
    this.showPerson(this.face.subject);
    const label = make("label", { className: "face-label" }, make("span", {}, _("Tags")), this.tagsField);
    return make("div", { className: "face-more", hidden: true }, label, make("span", { className: "hint", textContent: text }), search, this.person);
  }

  /** The way to whom the face shows, as far as that is saved. */
  showPerson(subject) {
    this.person.hidden = !subject;
    this.person.href = pageUrl(`people/${subject}`);
  }

  toggle(control) {
    this.more.hidden = !this.more.hidden;
    control.setAttribute("aria-expanded", String(!this.more.hidden));
  }

  /** Whether something stands in the field that is not saved. */
  get isTyped() {
    return this.nameField.value.trim() !== this.name;
  }

  /** Enter a name without saving it. */
  type(name) {
    this.nameField.value = name;
    this.changed();
  }

  changed() {
    say(this.status, "");
    markUnsaved(this, true);
  }

  /** Save what was typed in; what keeps it from being saved is told. */
  async save() {
    try {
      await this.change(this.nameField.value.trim(), tagsOf(this.tagsField.value));
      markUnsaved(this, false);
      say(this.status, _("Saved"));
      this.onNamed();
      await this.compare();
      this.tell();
    } catch (error) {
      say(this.status, error.message);
    }
  }

  async change(name, tags) {
    const subject = name ? (await personNamed(name)).id : null;
    await call("PATCH", inCollection(`faces/${this.face.id}`), { subject, tags });
    this.name = name;
    this.showPerson(subject);
  }

  warnOfTwin({ person, face }) {
    const text = person
      ? _("This face is already registered as %(name)s.", { name: person.name })
      : _("This face is already registered.");
    const acts = [button(_("Remove this copy"), () => this.remove(), { icon: "trash" })];
    if (person && person.name !== this.name) acts.unshift(this.adopt(person.name));
    this.warn(face, text, acts);
  }

  /** A name that somebody has to agree to. */
  propose({ person, face, similarity }) {
    const accept = button(_("It is %(name)s", { name: person.name }), () => this.accept(person.name), { kind: "outline-secondary btn-sm proposal" });
    if (face.thumbnail) accept.prepend(thumbOfFace(face, "small", "thumb tiny"));
    if (similarity !== null) accept.append(make("span", { className: "hint", textContent: sure(similarity) }));
    this.notice.replaceChildren(accept);
  }

  warnOfOther({ person, face, distance, similarity }) {
    const likeness =
      similarity === null
        ? _("distance %(distance)s", { distance: distanceText(distance) })
        : _("similarity %(share)s", { share: sure(similarity) });
    const text = _("This looks like a different person: %(name)s, %(likeness)s.", { name: person.name, likeness });
    this.warn(face, text, [this.adopt(person.name)]);
  }

  adopt(name) {
    return button(_("It is %(name)s", { name }), () => this.accept(name));
  }

  async accept(name) {
    this.nameField.value = name;
    this.nameField.focus();
    await this.save();
  }

  warn(face, text, acts) {
    const thumb = face.thumbnail ? thumbOfFace(face, "small", "thumb small") : null;
    const words = make("span", { className: "notice-text", textContent: text });
    const shown = may("write") ? acts : [];
    this.notice.replaceChildren(make("div", { className: "notice", role: "status" }, thumb, words, ...shown));
  }

  async remove() {
    try {
      await call("DELETE", inCollection(`faces/${this.face.id}`));
    } catch (error) {
      if (error.code !== "not_found") {
        say(this.status, error.message);
        return;
      }
    }
    markUnsaved(this, false);
    this.onRemoved(this);
    document.dispatchEvent(new Event("faces-changed"));
  }
}
