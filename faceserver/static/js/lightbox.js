/**
 * One large picture over the page, and the way to those before and after it. Escape, the button or
 * a click beside it close it; arrow keys, buttons and a swipe lead on.
 */
import { byId, make, say } from "./dom.js";
import { markedPicture } from "./picture.js";
import { storedPicture } from "./storedpicture.js";
import { _, number } from "./texts.js";

/** So many pixels a finger moves for a swipe. */
const SWIPE = 50;

/**
 * @typedef {object} Item
 * @property {string} title
 * @property {() => Node|Promise<Node>} show
 * @property {() => Node[]} [foot] what stands below the picture
 */

let items = [];
let place = 0;
let isBound = false;

/**
 * @param {Item[]} shown
 * @param {number} [start] index of the one to begin with
 */
export function openLightbox(shown, start = 0) {
  const dialog = byId("lightbox");
  if (!isBound) bind(dialog);
  items = shown;
  byId("lightbox-steps").hidden = items.length < 2;
  go(start);
  dialog.showModal();
}

/**
 * A stored picture with faces marked, as what an item shows.
 * @param {object} face as the API tells it
 * @param {import("./picture.js").Options} options
 * @returns {Promise<Node>}
 */
export async function storedAndMarked(face, options) {
  if (!face.picture) return make("p", { textContent: _("The picture of this face was not kept.") });
  try {
    const { url, size } = await storedPicture(face.picture);
    return markedPicture(url, [face], { ...options, size });
  } catch (error) {
    return make("p", { className: "notice bad", textContent: error.message });
  }
}

async function go(to) {
  place = to;
  const item = items[place];
  say(byId("lightbox-title"), item.title);
  const total = number(items.length);
  say(byId("lightbox-place"), _("%(place)s of %(total)s", { place: number(place + 1), total }));
  byId("lightbox-before").disabled = place === 0;
  byId("lightbox-after").disabled = place === items.length - 1;
  byId("lightbox-foot").replaceChildren(...(item.foot?.() ?? []));
  byId("lightbox-content").setAttribute("aria-busy", "true");
  const content = await item.show();
  if (items[place] !== item) return; // one went on before it was there
  byId("lightbox-content").replaceChildren(content);
  byId("lightbox-content").removeAttribute("aria-busy");
  items[place + 1]?.show(); // so that the next one is there already
}

function step(by) {
  const to = place + by;
  if (to >= 0 && to < items.length) go(to);
}

function bind(dialog) {
  isBound = true;
  byId("lightbox-before").addEventListener("click", () => step(-1));
  byId("lightbox-after").addEventListener("click", () => step(1));
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
  dialog.addEventListener("keydown", (event) => {
    if (event.target instanceof HTMLInputElement) return;
    if (event.key === "ArrowLeft") step(-1);
    if (event.key === "ArrowRight") step(1);
  });
  let from = null;
  dialog.addEventListener("pointerdown", (event) => {
    from = event.pointerType === "mouse" ? null : event.clientX;
  });
  dialog.addEventListener("pointerup", (event) => {
    const moved = from === null ? 0 : event.clientX - from;
    from = null;
    if (Math.abs(moved) > SWIPE) step(moved < 0 ? 1 : -1);
  });
}
