/** A picture and its stored faces, small: many of them stand on one page. */
import { button, icon, make, say } from "./dom.js";
import { FaceRow } from "./facerow.js";
import { openLightbox } from "./lightbox.js";
import { markedPicture } from "./picture.js";
import { storedPicture } from "./storedpicture.js";
import { _, ngettext } from "./texts.js";

/** @type {WeakMap<Element, PictureCard>} */
const cards = new WeakMap();

export class PictureCard {
  /**
   * @param {string} title what the picture is called
   * @param {string|null} url where it can be seen, if it is the visitor's own
   */
  constructor(title, url = null) {
    this.title = title;
    this.url = url;
    /** @type {import("./picture.js").Size|null} */
    this.size = null;
    /** @type {FaceRow[]} */
    this.rows = [];
    this.state = make("p", { className: "state" });
    this.acts = make("span", { className: "card-acts" });
    this.preview = make("div", { className: "card-preview" });
    this.notice = make("div", { className: "face-notice" });
    this.list = make("ul", { className: "face-list", aria: { label: _("Faces of %(picture)s", { picture: title }) } });
    const heading = make("h3", { className: "card-name", textContent: title, title, tabIndex: -1 });
    this.heading = heading;
    this.head = make("div", { className: "card-head" }, heading, this.state, this.acts);
    this.main = make("div", { className: "card-main" }, this.head, this.notice, this.list);
    this.element = make("li", { className: "picture-card" }, this.preview, this.main);
    cards.set(this.element, this);
    this.showPreview();
  }

  /** @param {string} kind waiting, running, done, failed or cancelled */
  setState(kind, text) {
    this.element.dataset.state = kind;
    say(this.state, text);
    this.changed();
  }

  /**
   * Show what was stored of it.
   * @param {object[]} faces as the API tells them
   * @param {string[]} names of those whom they show, empty for nobody
   * @param {boolean} isKnown whether the very same picture was in before
   */
  async showFaces(faces, names, isKnown = false) {
    this.isKnown = isKnown;
    const tells = { onRemoved: (row) => this.removed(row), onNamed: () => this.changed() };
    this.rows = faces.map((face, index) => new FaceRow(face, index + 1, names[index] ?? "", tells));
    this.list.replaceChildren(...this.rows.map(({ element }) => element));
    if (!this.url) await this.useStored();
    this.showPreview();
    this.changed();
    await this.compareAll();
  }

  get faces() {
    return this.rows.map(({ face }) => face);
  }

  /** Where the browser cannot show the file, or there is none, the stored copy is shown. */
  async useStored() {
    const address = this.faces[0]?.picture;
    if (!address) return;
    try {
      const { url, size } = await storedPicture(address);
      Object.assign(this, { url, size });
    } catch {
      this.url = null; // then its faces alone are shown
    }
  }

  showPreview() {
    if (!this.url) {
      this.preview.replaceChildren(icon("picture"));
      return;
    }
    const enlarge = make("button", { type: "button", className: "enlarge" }, this.marked(false));
    enlarge.setAttribute("aria-label", _("Enlarge %(picture)s", { picture: this.title }));
    enlarge.addEventListener("click", () => this.enlarge());
    this.preview.replaceChildren(enlarge);
  }

  marked(isLarge) {
    const { faces, rows, size } = this;
    const found = ngettext("%(num)s face", "%(num)s faces", faces.length);
    const alt = _("%(picture)s: %(faces)s marked", { picture: this.title, faces: found });
    const numbers = rows.map(({ number }) => (rows.length > 1 ? String(number) : null));
    const names = isLarge ? rows.map((row, index) => row.name || numbers[index]) : numbers;
    const onFailure = async () => {
      this.url = null;
      await this.useStored();
      this.showPreview();
    };
    return markedPicture(this.url, faces, { alt, size, names, withPoints: isLarge, onFailure });
  }

  /** Over the page, with those before and after it. */
  enlarge() {
    const shown = [...document.querySelectorAll(".picture-card")].map((element) => cards.get(element)).filter((card) => card?.url);
    const items = shown.map((card) => ({ title: card.title, show: () => card.marked(true) }));
    openLightbox(items, shown.indexOf(this));
  }

  /** One after the other: they are not waited for, and a comparison that fails is not missed. */
  async compareAll() {
    try {
      for (const row of this.rows) await row.compare();
    } catch {
      return;
    }
    const isCopy = this.rows.length > 1 && this.rows.every(({ twin }) => twin !== null);
    if (this.isKnown) this.tellKnown();
    else if (isCopy) this.warnOfRepetition();
    for (const row of this.rows) row.tell(this.isKnown || isCopy);
    this.changed();
  }

  /** The very same picture was in before: nothing was stored, so that nothing is to be removed. */
  tellKnown() {
    const name = this.rows.length === 1 ? this.rows[0].name : "";
    const text = name
      ? _("This face is already registered as %(name)s.", { name })
      : _("This picture is already registered.");
    this.notice.replaceChildren(make("div", { className: "notice", role: "status", textContent: text }));
  }

  /** That all of its faces are in already is said once, not of each face. */
  warnOfRepetition() {
    const text = make("span", { className: "notice-text", textContent: _("This picture is already registered.") });
    const remove = button(_("Remove this copy"), () => this.removeAll(), { icon: "trash" });
    this.notice.replaceChildren(make("div", { className: "notice", role: "status" }, text, remove));
  }

  async removeAll() {
    for (const row of [...this.rows]) await row.remove();
  }

  removed(row) {
    const next = row.element.nextElementSibling ?? row.element.previousElementSibling;
    row.element.remove();
    this.rows = this.rows.filter((each) => each !== row);
    this.showPreview();
    if (this.rows.length === 0) this.notice.replaceChildren();
    const count = ngettext("%(num)s face left", "%(num)s faces left", this.rows.length);
    this.setState("done", [_("%(face)s removed.", { face: row.title }), count].join(" "));
    (next?.querySelector("input") ?? this.heading).focus();
  }

  /** The page counts its cards by what there is to be done about them. */
  changed() {
    this.element.toggleAttribute("data-unnamed", this.rows.some(({ name }) => !name));
    const isNoted = this.notice.children.length > 0 || this.rows.some((row) => row.hasNotice);
    this.element.toggleAttribute("data-noted", isNoted);
    this.element.dispatchEvent(new Event("card-changed", { bubbles: true }));
  }
}
