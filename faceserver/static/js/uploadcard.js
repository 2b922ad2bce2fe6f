/** A file on its way into the gallery: waiting, being sent, registered or refused. */
import { call, checkSize, inCollection, pictureForm, send } from "./api.js";
import { button, make } from "./dom.js";
import { personNamed } from "./people.js";
import { fileUrl } from "./picture.js";
import { PictureCard } from "./picturecard.js";
import { Task } from "./queue.js";
import { showCode } from "./takealong.js";
import { _, ngettext } from "./texts.js";

/**
 * @typedef {{name: string, tags: string[], largest: boolean}} Labels
 */

export class UploadCard extends PictureCard {
  /**
   * @param {File} file
   * @param {Labels} labels
   * @param {import("./queue.js").Queue} queue
   */
  constructor(file, labels, queue) {
    super(file.name || _("Picture"), fileUrl(file));
    this.file = file;
    this.labels = labels;
    this.task = new Task((options) => this.upload(options));
    this.task.onChange = () => this.show();
    this.bar = make("progress", { max: 1, aria: { label: this.title } });
    this.head.after(this.bar);
    this.cancel = button(_("Cancel %(picture)s", { picture: this.title }), () => queue.cancel(this.task), {
      kind: "icon",
      icon: "close",
      bare: true,
    });
    this.retry = button(_("Retry %(picture)s", { picture: this.title }), () => queue.retry(this.task), {
      kind: "icon",
      icon: "retry",
      bare: true,
    });
    this.acts.append(this.retry, this.cancel);
    this.show();
  }

  /** The work of the task. */
  async upload({ signal, onProgress }) {
    checkSize(this.file);
    const { name, tags, largest } = this.labels;
    // Faces that are blurred shall make no likely people.
    const fields = { tags, faces: largest ? "largest" : "all", attributes: "sharpness" };
    const answer = await send(inCollection("faces"), pictureForm(this.file, fields), { signal, onProgress });
    showCode("POST", inCollection("faces"), { form: { file: this.title, ...fields } });
    this.registered = answer.faces.length;
    const isOne = answer.faces.length === 1;
    this.isKnown = answer.known;
    const names = answer.known ? await namesOf(answer.faces) : [];
    if (name && isOne && !names[0]) {
      await giveName(answer.faces[0], name);
      names[0] = name;
    }
    // The next picture is not kept waiting by what is compared with this one.
    this.showFaces(answer.faces, names, answer.known);
    if (name && !isOne) this.askWhoIsWho(name);
    document.dispatchEvent(new Event("faces-changed"));
  }

  show() {
    const { state, progress, isOver } = this.task;
    this.bar.hidden = isOver;
    this.cancel.hidden = isOver;
    this.retry.hidden = state !== "failed" && state !== "cancelled";
    // All bytes are sent: how long the server takes nobody knows.
    if (state === "running" && progress === 1) this.bar.removeAttribute("value");
    else this.bar.value = progress;
    this.setState(state, this.stateText());
  }

  stateText() {
    const { state, progress, error } = this.task;
    if (state === "waiting") return _("Waiting");
    if (state === "running") return progress < 1 ? _("Sending") : _("Looking for faces");
    if (state === "cancelled") return _("Cancelled");
    if (state === "failed") return error.message;
    if (this.isKnown) return _("Already registered");
    return ngettext("%(num)s face registered", "%(num)s faces registered", this.registered);
  }

  askWhoIsWho(name) {
    const text = _("There are several faces, so none was named %(name)s. Name each face below.", { name });
    this.main.insertBefore(make("p", { className: "notice plain", textContent: text }), this.list);
  }
}

/** Whom stored faces show, empty for nobody. */
function namesOf(faces) {
  const nameOf = async ({ subject }) => (subject ? (await call("GET", inCollection(`subjects/${subject}`))).name : "");
  return Promise.all(faces.map(nameOf));
}

async function giveName(face, name) {
  const { id } = await personNamed(name);
  await call("PATCH", inCollection(`faces/${face.id}`), { subject: id });
}
