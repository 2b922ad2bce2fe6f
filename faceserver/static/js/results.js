/** What became of a picture that was registered: its faces marked, and a row for each. */
import { make } from "./dom.js";
import { FaceRow } from "./facerow.js";
import { openLightbox } from "./lightbox.js";
import { markedPicture } from "./picture.js";
import { _, ngettext } from "./texts.js";

/**
 * @param {object} options
 * @param {string} options.title what the picture is called
 * @param {string|null} options.url where it can be seen
 * @param {string|null} options.fallback where else
 * @param {object[]} options.faces as the API tells them
 * @param {string} options.name of the person whom all of them show, empty for nobody
 * @returns {Node[]} the picture and the rows
 */
export function resultParts({ title, url, fallback, faces, name }) {
  const rows = faces.map((face, index) => new FaceRow(face, index, name));
  compareAll(rows);
  const list = make("ul", { className: "face-list" }, ...rows.map(({ element }) => element));
  list.setAttribute("aria-label", _("Faces of %(picture)s", { picture: title }));
  return [picture(title, url ?? fallback, fallback, faces), list].filter(Boolean);
}

function picture(title, url, fallback, faces) {
  if (!url) return null;
  const found = ngettext("%(num)s face", "%(num)s faces", faces.length);
  const alt = _("%(picture)s: %(faces)s marked", { picture: title, faces: found });
  const marked = () =>
    markedPicture(url, faces, { alt, fallback, numbered: faces.length > 1, withPoints: true });
  const enlarge = make("button", { type: "button", className: "enlarge" }, marked());
  enlarge.setAttribute("aria-label", _("Enlarge %(picture)s", { picture: title }));
  enlarge.addEventListener("click", () => openLightbox(title, marked()));
  return enlarge;
}

/** One after the other: they are not waited for, and a comparison that fails is not missed. */
async function compareAll(rows) {
  for (const row of rows) {
    try {
      await row.compare();
    } catch {
      return;
    }
  }
}
