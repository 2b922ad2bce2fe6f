/** Small pictures of faces and people. */
import { icon, make } from "./dom.js";
import { thumbnailOf } from "./thumbnails.js";

const TRIES = 3;
const AGAIN_MS = 4000;

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
