/** A picture with its faces marked: boxes and points as SVG over it, names beside the boxes. */
import { make, makeSvg } from "./dom.js";

const POINTS = ["left_eye", "right_eye", "nose", "left_mouth", "right_mouth"];
/** Where a box ends lower than this share of the picture, its name stands inside it. */
const LOW = 0.9;

/**
 * @typedef {{x1: number, y1: number, x2: number, y2: number}} Box pixels of the upright picture
 * @typedef {{box: Box|null, points?: Record<string, {x: number, y: number}>|null}} Face
 * @typedef {{width: number, height: number}} Size
 */

/**
 * @typedef {object} Options
 * @property {string} alt what the picture is
 * @property {Size|null} [size] of the picture in which boxes are told; left out, it is the shown one's
 * @property {boolean} [numbered] each box has its number, from 1, unless it has a name
 * @property {(string|null)[]} [names] what stands beside the boxes, by index
 * @property {boolean} [withPoints]
 * @property {Map<number, number|string>} [tones] kinds of faces, where they are not all the same
 * @property {{label: string, name: (index: number) => string, chosen: number,
 *   onChoose: (index: number) => void}} [choice] the faces can be chosen, one at a time
 * @property {string|null} [fallback] address to be used where the browser cannot show the first one
 * @property {() => void} [onFailure] called where no address can be shown
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
  const tags = make("span", { className: "name-tags", aria: { hidden: "true" } });
  image.addEventListener("load", () => {
    const size = options.size ?? { width: image.naturalWidth, height: image.naturalHeight };
    drawFaces(layer, tags, faces, size, options);
    if (options.choice) makeChoosable(layer, options.choice);
    else layer.setAttribute("aria-hidden", "true");
  });
  image.addEventListener("error", () => {
    if (options.fallback && image.src !== new URL(options.fallback, location).href) image.src = options.fallback;
    else options.onFailure?.();
  });
  return make("span", { className: "marked" }, image, layer, tags);
}

/**
 * Draw boxes, points and names anew.
 * @param {SVGElement} layer lies over the picture
 * @param {HTMLElement} tags likewise
 * @param {Face[]} faces
 * @param {Size} size
 * @param {Partial<Options>} options
 */
export function drawFaces(layer, tags, faces, size, options) {
  const shown = faces
    .map(({ box, points }, index) => ({ box: box && clipped(box, size), points, index }))
    .filter(({ box }) => box !== null);
  layer.setAttribute("viewBox", `0 0 ${size.width} ${size.height}`);
  layer.replaceChildren(...shown.map((face) => mark(face, size, options)));
  tags.replaceChildren(...shown.map((face) => tagOf(face, size, options)).filter(Boolean));
}

/**
 * The part of a box that lies in the picture: a detector's box may reach beyond it.
 * @param {Box} box
 * @param {Size} size
 * @returns {Box|null} null: nothing of it does
 */
export function clipped(box, { width, height }) {
  const [x1, x2] = [box.x1, box.x2].map((x) => Math.min(Math.max(x, 0), width));
  const [y1, y2] = [box.y1, box.y2].map((y) => Math.min(Math.max(y, 0), height));
  return x1 < x2 && y1 < y2 ? { x1, y1, x2, y2 } : null;
}

function mark({ box, points, index }, size, options) {
  const sides = { width: box.x2 - box.x1, height: box.y2 - box.y1 };
  const rect = makeSvg("rect", { x: box.x1, y: box.y1, rx: sides.width / 12, ...sides });
  const group = makeSvg("g", { "data-index": index }, rect);
  if (options.tones?.has(index)) group.dataset.tone = options.tones.get(index);
  if (options.withPoints && points) {
    group.append(...dots(points, size, Math.max(sides.width / 40, size.width / 500)));
  }
  return group;
}

function dots(points, { width, height }, r) {
  return POINTS.map((name) => ({ name, ...points[name] }))
    .filter(({ x, y }) => x >= 0 && y >= 0 && x <= width && y <= height)
    .map(({ name, x, y }) => makeSvg("circle", { cx: x, cy: y, r, class: name.replace("_", "-") }));
}

/** Text of the page, not of the drawing: it keeps its size however small the picture is shown. */
function tagOf({ box, index }, { width, height }, { names, numbered, tones }) {
  const text = names?.[index] ?? (numbered ? String(index + 1) : "");
  if (!text) return null;
  const tag = make("span", { className: "name-tag", textContent: text, data: { index } });
  if (tones?.has(index)) tag.dataset.tone = tones.get(index);
  const middle = (box.x1 + box.x2) / 2 / width;
  tag.classList.toggle("inside", box.y2 / height > LOW);
  tag.style.left = `${100 * middle}%`;
  tag.style.top = `${(100 * box.y2) / height}%`;
  // Under the middle of the box, yet never beyond the picture's edge: at the left edge it begins
  // there, at the right one it ends there.
  tag.style.translate = `${-100 * middle}%`;
  return tag;
}

/** Radio buttons, as the ARIA practices have them: Tab to the group, arrows within it. */
function makeChoosable(layer, { label, name, chosen, onChoose }) {
  const groups = [...layer.children];
  if (groups.length === 0) return;
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
  choose(groups.find((group) => Number(group.dataset.index) === chosen) ?? groups[0]);
}

function placeAfter(key, place, count) {
  if (key === "ArrowRight" || key === "ArrowDown") return (place + 1) % count;
  if (key === "ArrowLeft" || key === "ArrowUp") return (place + count - 1) % count;
  if (key === "Home") return 0;
  if (key === "End") return count - 1;
  if (key === " " || key === "Enter") return place;
  return null;
}
