import { count, make } from "./dom.js";
import { openLightbox } from "./lightbox.js";
import { pictureWithFaces } from "./overlay.js";

/** A picture on its way into the gallery: waiting, being sent, registered or refused. */
export class Card {
  /**
   * @param {string} name
   * @param {File|null} file shown until the stored picture can be; null shows none
   */
  constructor(name, file) {
    this.name = name;
    this.preview = file ? URL.createObjectURL(file) : "";
    this.frame = make("div", { className: "frame" });
    this.state = make("p", { className: "state", textContent: "Waiting" });
    const title = make("h2", { className: "name", textContent: name, title: name });
    this.element = make("li", { className: "card waiting" }, this.frame, title, this.state);
    if (file) this.showPreview();
  }

  /** The picture is on its way. */
  sending() {
    this.become("sending", "Sending");
  }

  /**
   * Its faces are stored.
   * @param {import("./api.js").Registered} result
   */
  registered({ BoxsPoints: faces, path }) {
    const found = count(faces.length, "face");
    this.become("registered", `${found} registered`);
    this.dropPreview();
    const picture = pictureWithFaces(path, `${this.name}, with ${found} marked`, faces);
    const enlarge = make("button", { type: "button", className: "enlarge" }, picture);
    enlarge.setAttribute("aria-label", `Enlarge ${this.name}, ${found} marked`);
    enlarge.addEventListener("click", () => openLightbox(picture, path));
    this.frame.replaceChildren(enlarge);
  }

  /**
   * Nothing of it is stored.
   * @param {string} reason
   */
  refused(reason) {
    this.become("refused", reason);
  }

  become(state, text) {
    this.element.className = `card ${state}`;
    this.state.textContent = text;
  }

  showPreview() {
    const image = make("img", { src: this.preview, alt: "" });
    // A browser cannot show every format that the server reads.
    image.addEventListener("error", () => image.remove());
    this.frame.append(image);
  }

  dropPreview() {
    if (this.preview) URL.revokeObjectURL(this.preview);
    this.preview = "";
  }
}
