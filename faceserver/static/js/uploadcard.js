/** A file on its way into the gallery: waiting, being sent, registered or refused. */
import { call, checkSize, inCollection, pictureForm, send } from "./api.js";
import { button, make, say } from "./dom.js";
import { personNamed } from "./people.js";
import { fileUrl } from "./picture.js";
import { Task } from "./queue.js";
import { resultParts } from "./results.js";
import { _, ngettext } from "./texts.js";

/**
 * @typedef {{name: string, tags: string[], largest: boolean}} Labels
 */

export class UploadCard {
  /**
   * @param {File} file
   * @param {Labels} labels
   * @param {import("./queue.js").Queue} queue
   */
  constructor(file, labels, queue) {
    this.file = file;
    this.labels = labels;
    this.title = file.name || _("Picture");
    this.faces = [];
    this.task = new Task((options) => this.upload(options));
    this.task.onChange = () => this.show();
    this.state = make("p", { className: "state" });
    this.bar = make("progress", { max: 1, aria: { label: this.title } });
    this.cancel = button(_("Cancel %(picture)s", { picture: this.title }), () => queue.cancel(this.task), {
      kind: "icon",
      icon: "close",
      bare: true,
    });
    this.retry = button(_("Retry"), () => queue.retry(this.task), { icon: "retry" });
    this.retry.setAttribute("aria-label", _("Retry %(picture)s", { picture: this.title }));
    const heading = make("h3", { className: "card-name", textContent: this.title, title: this.title });
    const head = make("div", { className: "card-head" }, heading, this.state, this.retry, this.cancel);
    this.body = make("div", { className: "card-body-parts" });
    this.element = make("li", { className: "picture-card" }, head, this.bar, this.body);
    this.show();
  }

  /** The work of the task. */
  async upload({ signal, onProgress }) {
    checkSize(this.file);
    const { name, tags, largest } = this.labels;
    const form = pictureForm(this.file, { tags, faces: largest ? "largest" : "all" });
    const answer = await send(inCollection("faces"), form, { signal, onProgress });
    this.faces = answer.faces;
    const isOne = this.faces.length === 1;
    if (name && isOne) await giveName(this.faces[0], name);
    this.showFaces(isOne ? name : "");
    if (name && !isOne) this.askWhoIsWho(name);
    document.dispatchEvent(new Event("faces-changed"));
  }

  show() {
    const { state, progress, isOver } = this.task;
    this.element.dataset.state = state;
    this.bar.hidden = isOver;
    this.cancel.hidden = isOver;
    this.retry.hidden = state !== "failed" && state !== "cancelled";
    // All bytes are sent: how long the server takes nobody knows.
    if (state === "running" && progress === 1) this.bar.removeAttribute("value");
    else this.bar.value = progress;
    say(this.state, this.stateText());
  }

  stateText() {
    const { state, progress, error } = this.task;
    if (state === "waiting") return _("Waiting");
    if (state === "running") return progress < 1 ? _("Sending") : _("Looking for faces");
    if (state === "cancelled") return _("Cancelled");
    if (state === "failed") return error.message;
    return ngettext("%(num)s face registered", "%(num)s faces registered", this.faces.length);
  }

  showFaces(name) {
    const url = fileUrl(this.file);
    // A browser cannot show every format that the server reads: then it shows the stored copy.
    const fallback = this.faces[0].picture;
    this.body.replaceChildren(...resultParts({ title: this.title, url, fallback, faces: this.faces, name }));
  }

  askWhoIsWho(name) {
    const text = _("There are several faces, so none was named %(name)s. Name each face below.", { name });
    this.body.prepend(make("p", { className: "notice plain", textContent: text }));
  }
}

async function giveName(face, name) {
  const { id } = await personNamed(name);
  await call("PATCH", inCollection(`faces/${face.id}`), { subject: id });
}
