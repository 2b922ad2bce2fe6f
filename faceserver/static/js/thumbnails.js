/** Faces and people as small pictures. */
import { inCollection } from "./api.js";
import { icon, make } from "./dom.js";
import { page } from "./page.js";

/** @type {Record<"small"|"large", number>} pixels, wide and high */
const SIDES = { small: 96, large: 256 };

const TRIES = 3;
const AGAIN_MS = 4000;

/**
 * The address of a face as a small picture.
 * @param {string} face its id
 * @param {"small"|"large"} [size]
 */
export function thumbnailOf(face, size = "small") {
  return page.root + inCollection(`faces/${face}/thumbnail`, { size });
}

/**
 * A stored face as a small picture; where nothing of it is kept, a figure stands for it.
 * @param {object} face as the API tells it
 * @param {"small"|"large"} size
 * @param {string} className
 * @param {string} [alt]
 */
export function thumbOfFace({ thumbnail, id }, size, className, alt = "") {
  if (!thumbnail) return make("span", { className: `${className} nothing` }, icon("person"));
  const side = SIDES[size];
  return make("img", { className, loading: "lazy", decoding: "async", alt, width: side, height: side, src: thumbnailOf(id, size) });
}

/** The small picture of a person. */
export function coverOf({ cover }, className = "thumb small") {
  if (!cover) return make("span", { className: `${className} nothing` }, icon("person"));
  return thumbOf(thumbnailOf(cover, className.includes("small") ? "small" : "large"), className);
}

/**
 * A small picture that is loaded when it comes into sight; without one a figure stands there. One
 * that does not come is asked for again: who scrolls fast may ask for too many in a minute.
 * @param {string|null} src
 */
export function thumbOf(src, className = "thumb") {
  const nothing = () => make("span", { className: `${className} nothing` }, icon("person"));
  if (!src) return nothing();
  const image = make("img", { className, loading: "lazy", decoding: "async", alt: "", width: 256, height: 256, src });
  let tries = 1;
  image.addEventListener("error", () => {
    if (tries === TRIES) image.replaceWith(nothing());
    else setTimeout(() => (image.src = src), AGAIN_MS * tries);
    tries += 1;
  });
  return image;
}
