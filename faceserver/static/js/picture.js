/** A picture with its faces marked: boxes and points as SVG over it. */
import { make, makeSvg } from "./dom.js";

const POINTS = ["left_eye", "right_eye", "nose", "left_mouth", "right_mouth"];

/**
 * @typedef {{x1: number, y1: number, x2: number, y2: number}} Box pixels of the upright picture
 * @typedef {{box: Box|null, points?: Record<string, {x: number, y: number}>|null}} Face
 */

/**
 * @typedef {object} Options
 * @property {string} alt what the picture is
 * @property {number} [drawn] index of the one face to be drawn; all if it is left out
 * @property {boolean} [numbered] each box has its number, from 1
 * @property {boolean} [withPoints]
 * @property {Map<number, number>} [tones] colours of faces, 0 to 4, where they are not all the same
 * @property {{label: string, name: (index: number) => string, chosen: number,
 *   onChoose: (index: number) => void}} [choice] the faces can be chosen, one at a time
 * @property {string|null} [fallback] address to be used where the browser cannot show the first one
 */

/** @type {WeakMap<File, string>} */
const addresses = new WeakMap();

/**
 * The address of a file of the visitor; the same one each time, for each holds the file in memory.
 * @param {File} file
 */
export function fileUrl(file) {
  if (!addresses.has(file)) addresses.set(file, URL.createObjectURL(file));
  return addresses.get(file);
}

/**
 * Show a picture with its faces marked.
 * @param {string} url
 * @param {Face[]} faces
 * @param {Options} options
 * @returns {HTMLElement}
 */
export function markedPicture(url, faces, options) {
  const image = make("img", { alt: options.alt, loading: "lazy", src: url });
  const layer = makeSvg("svg", { class: "faces", preserveAspectRatio: "none" });
  image.addEventListener("load", () => {
    layer.setAttribute("viewBox", `0 0 ${image.naturalWidth} ${image.naturalHeight}`);
    layer.replaceChildren(...marks(faces, image.naturalWidth, options));
    if (options.choice) makeChoosable(layer, options.choice);
    else layer.setAttribute("aria-hidden", "true");
  });
  if (options.fallback) {
    image.addEventListener("error", () => (image.src = options.fallback), { once: true });
  }
  return make("span", { className: "marked" }, image, layer);
}

function marks(faces, width, options) {
  return faces
    .map((face, index) => ({ face, index }))
    .filter(({ face, index }) => face.box && (options.drawn ?? index) === index)
    .map(({ face, index }) => mark(face, index, width, options));
}

function mark({ box, points }, index, width, options) {
  const size = { width: box.x2 - box.x1, height: box.y2 - box.y1 };
  const rect = makeSvg("rect", { x: box.x1, y: box.y1, rx: size.width / 12, ...size });
  const group = makeSvg("g", { "data-index": index }, rect);
  if (options.tones?.has(index)) group.dataset.tone = options.tones.get(index);
  if (options.withPoints && points) group.append(...dots(points, Math.max(size.width / 40, width / 500)));
  if (options.numbered) group.append(numberOf(box, index, size, width));
  return group;
}

function dots(points, r) {
  return POINTS.map((name) =>
    makeSvg("circle", { cx: points[name].x, cy: points[name].y, r, class: name.replace("_", "-") }),
  );
}

function numberOf(box, index, size, width) {
  const fontSize = Math.max(size.height / 6, width / 40);
  const place = { x: box.x1 + fontSize / 3, y: box.y2 - fontSize / 3, "font-size": fontSize };
  const text = makeSvg("text", { ...place, "aria-hidden": "true" });
  text.textContent = String(index + 1);
  return text;
}

/** Radio buttons, as the ARIA practices have them: Tab to the group, arrows within it. */
function makeChoosable(layer, { label, name, chosen, onChoose }) {
  const groups = [...layer.children];
  layer.setAttribute("role", "radiogroup");
  layer.setAttribute("aria-label", label);
  const choose = (group) => {
    for (const each of groups) {
      each.setAttribute("aria-checked", String(each === group));
      each.setAttribute("tabindex", each === group ? "0" : "-1");
    }
  };
  const act = (group) => {
    choose(group);
    group.focus();
    onChoose(Number(group.dataset.index));
  };
  for (const [place, group] of groups.entries()) {
    group.setAttribute("role", "radio");
    group.setAttribute("aria-label", name(Number(group.dataset.index)));
    group.addEventListener("click", () => act(group));
    group.addEventListener("keydown", (event) => {
      const next = placeAfter(event.key, place, groups.length);
      if (next === null) return;
      event.preventDefault();
      act(groups[next]);
    });
  }
  choose(groups[chosen]);
}

function placeAfter(key, place, count) {
  if (key === "ArrowRight" || key === "ArrowDown") return (place + 1) % count;
  if (key === "ArrowLeft" || key === "ArrowUp") return (place + count - 1) % count;
  if (key === "Home") return 0;
  if (key === "End") return count - 1;
  if (key === " " || key === "Enter") return place;
  return null;
}
