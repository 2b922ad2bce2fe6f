/** Faces as small pictures. */
import { inCollection } from "./api.js";
import { icon, make } from "./dom.js";
import { page } from "./page.js";

/** @type {Record<"small"|"large", number>} pixels, wide and high */
const SIDES = { small: 96, large: 256 };

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
