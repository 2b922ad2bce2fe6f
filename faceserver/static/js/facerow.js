/** A face that was just stored: how it was found, who it is, and whom it looks like. */
import { call, inCollection } from "./api.js";
import { button, make, say } from "./dom.js";
import { tagsOf, tagsText } from "./labels.js";
import { page } from "./page.js";
import { personNamed } from "./people.js";
import { _, number, percent } from "./texts.js";

/** Below this squared L2 distance two faces are the same face of the same photograph. */
const TWIN = 0.05;
const MOST_COMPARED = 5;

let rows = 0;

export class FaceRow {
  /**
   * @param {object} face as the API tells it
   * @param {number} index its number in the picture, from 0
   * @param {string} name of the person whom it shows, empty for nobody
   */
  constructor(face, index, name) {
    this.face = face;
    this.name = name;
    this.title = _("Face %(number)s", { number: index + 1 });
    this.notice = make("div", { className: "face-notice" });
    this.status = make("span", { className: "hint", role: "status" });
    this.form = this.makeForm();
    this.element = make("li", { className: "face" }, this.thumb(), this.facts(), this.form, this.notice);
  }

  /** Warn where this face is in already, or looks like somebody of another name. */
  async compare() {
    const body = { face: this.face.id, k: MOST_COMPARED };
    const { probes } = await call("POST", inCollection("search"), body);
    this.notice.replaceChildren();
    const { matches } = probes[0];
    const twin = matches.find(({ distance }) => distance < TWIN);
    const other = matches.find(({ person }) => person && person.name !== this.name);
    if (twin) this.warnOfTwin(twin);
    else if (other) this.warnOfOther(other);
  }

  thumb() {
    const { crop } = this.face;
    if (!crop) return make("span", { className: "thumb" });
    return make("img", { className: "thumb", loading: "lazy", alt: this.title, src: crop });
  }

  facts() {
    const { score, quality, id } = this.face;
    const sure = _("Confidence %(share)s", { share: percent(score) });
    const fine = quality === null ? null : _("quality %(share)s", { share: percent(quality) });
    const search = make("a", {
      href: `${page.root}faceRetrieve.html?face=${id}`,
      textContent: _("Find this face in other pictures"),
    });
    const text = [sure, fine].filter(Boolean).join(" · ");
    return make(
      "div",
      { className: "face-facts" },
      make("strong", { textContent: this.title }),
      make("span", { className: "hint", textContent: text }),
      search,
    );
  }

  makeForm() {
    const id = `face-${(rows += 1)}`;
    this.nameField = field(`${id}-name`, this.name, { maxLength: 200 });
    this.nameField.setAttribute("list", "people");
    this.tagsField = field(`${id}-tags`, tagsText(this.face.tags), {});
    this.save = make("button", { className: "btn btn-outline-secondary btn-sm", disabled: true }, _("Save"));
    const form = make(
      "form",
      { className: "face-form" },
      labelled(_("Name"), this.nameField),
      labelled(_("Tags"), this.tagsField),
      make("div", { className: "face-save" }, this.save, this.status),
    );
    form.setAttribute("aria-label", this.title);
    form.addEventListener("input", () => {
      this.save.disabled = false;
      say(this.status, "");
    });
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.submit();
    });
    return form;
  }

  async submit() {
    this.save.disabled = true;
    try {
      await this.change(this.nameField.value.trim(), tagsOf(this.tagsField.value));
      say(this.status, _("Saved"));
      await this.compare();
    } catch (error) {
      this.save.disabled = false;
      say(this.status, error.message);
    }
  }

  async change(name, tags) {
    const subject = name ? (await personNamed(name)).id : null;
    await call("PATCH", inCollection(`faces/${this.face.id}`), { subject, tags });
    this.name = name;
  }

  warnOfTwin({ person, face }) {
    const text = person
      ? _("This face is already registered as %(name)s.", { name: person.name })
      : _("This face is already registered.");
    const acts = [button(_("Remove this copy"), () => this.remove(), { icon: "trash" })];
    if (person && person.name !== this.name) acts.unshift(this.adopt(person.name));
    this.warn(face, text, acts);
  }

  warnOfOther({ person, face, distance, similarity }) {
    const likeness =
      similarity === null
        ? _("distance %(distance)s", { distance: number(distance, { maximumFractionDigits: 2 }) })
        : _("similarity %(share)s", { share: percent(similarity) });
    const text = this.name
      ? _("This looks like a different person: %(name)s, %(likeness)s.", { name: person.name, likeness })
      : _("This looks like %(name)s, %(likeness)s.", { name: person.name, likeness });
    this.warn(face, text, [this.adopt(person.name)]);
  }

  adopt(name) {
    return button(_("It is %(name)s", { name }), () => {
      this.nameField.value = name;
      this.submit();
    });
  }

  warn(face, text, acts) {
    const thumb = face.crop ? make("img", { className: "thumb small", alt: "", src: face.crop }) : null;
    const words = make("span", { className: "notice-text", textContent: text });
    this.notice.replaceChildren(make("div", { className: "notice", role: "status" }, thumb, words, ...acts));
  }

  async remove() {
    try {
      await call("DELETE", inCollection(`faces/${this.face.id}`));
    } catch (error) {
      say(this.status, error.message);
      return;
    }
    const gone = make("p", { className: "hint mb-0", role: "status", tabIndex: -1 });
    gone.textContent = _("%(face)s removed.", { face: this.title });
    this.element.replaceChildren(gone);
    gone.focus();
    document.dispatchEvent(new Event("faces-changed"));
  }
}

function field(id, value, properties) {
  const className = "form-control form-control-sm";
  return make("input", { id, value, className, autocomplete: "off", ...properties });
}

function labelled(text, input) {
  return make("label", { className: "face-label", htmlFor: input.id }, make("span", {}, text), input);
}
