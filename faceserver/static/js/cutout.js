/** Faces cut out of pictures in the browser, as small pictures or as files. */
import { clipped } from "./picture.js";

const THUMB = 160;
const LONGEST = 1600;
/** A box is grown by this share of its sides, so that the whole head is in a thumbnail. */
const HEAD = 0.25;
/** And by this one in a file to be registered: a detector wants to see what is around a face. */
const AROUND = 0.9;
const QUALITY = 0.95;

/**
 * @typedef {ImageBitmap|HTMLVideoElement|HTMLCanvasElement} Source
 * @typedef {import("./picture.js").Box} Box
 */

/**
 * Read a file of the visitor as a picture.
 * @param {File|Blob} file
 * @returns {Promise<ImageBitmap|null>} null: this browser cannot read its format
 */
export async function bitmapOf(file) {
  try {
    return await createImageBitmap(file);
  } catch {
    return null;
  }
}

/**
 * A small picture of a face.
 * @param {Source} source
 * @param {Box} box
 * @returns {HTMLCanvasElement}
 */
export function faceThumb(source, box) {
  const canvas = cut(source, square(box, HEAD), THUMB);
  canvas.className = "thumb";
  canvas.setAttribute("aria-hidden", "true");
  return canvas;
}

/**
 * A face with what is around it, as a file of its own.
 * @param {Source} source
 * @param {Box} box
 * @param {string} name of the file
 * @returns {Promise<{file: File, box: Box}>} and the face's box in it
 */
export async function faceFile(source, box, name) {
  const area = clipped(grown(box, AROUND), sizeOf(source));
  const canvas = cut(source, area, LONGEST);
  const scale = canvas.width / (area.x2 - area.x1);
  const place = {
    x1: (box.x1 - area.x1) * scale,
    y1: (box.y1 - area.y1) * scale,
    x2: (box.x2 - area.x1) * scale,
    y2: (box.y2 - area.y1) * scale,
  };
  return { file: await jpegOf(canvas, name), box: place };
}

/**
 * A whole picture as a JPEG file that is no larger than it has to be.
 * @param {Source} source
 * @param {string} name
 * @param {{longest?: number, quality?: number}} [options] longest side in pixels
 * @returns {Promise<File>}
 */
export async function pictureFile(source, name, { longest = LONGEST, quality = QUALITY } = {}) {
  const { width, height } = sizeOf(source);
  return jpegOf(cut(source, { x1: 0, y1: 0, x2: width, y2: height }, longest), name, quality);
}

/** @param {Source} source */
export function sizeOf(source) {
  return { width: source.videoWidth ?? source.width, height: source.videoHeight ?? source.height };
}

/** @returns {number} how much two boxes overlap: the share of both together that is in both */
export function overlap(one, other) {
  const width = Math.min(one.x2, other.x2) - Math.max(one.x1, other.x1);
  const height = Math.min(one.y2, other.y2) - Math.max(one.y1, other.y1);
  if (width <= 0 || height <= 0) return 0;
  const area = ({ x1, y1, x2, y2 }) => (x2 - x1) * (y2 - y1);
  return (width * height) / (area(one) + area(other) - width * height);
}

function cut(source, { x1, y1, x2, y2 }, longest) {
  const [width, height] = [x2 - x1, y2 - y1];
  const scale = Math.min(1, longest / Math.max(width, height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(width * scale));
  canvas.height = Math.max(1, Math.round(height * scale));
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.drawImage(source, x1, y1, width, height, 0, 0, canvas.width, canvas.height);
  return canvas;
}

async function jpegOf(canvas, name, quality = QUALITY) {
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", quality));
  return new File([blob], name, { type: "image/jpeg" });
}

function grown({ x1, y1, x2, y2 }, share) {
  const [across, down] = [(x2 - x1) * share, (y2 - y1) * share];
  return { x1: x1 - across, y1: y1 - down, x2: x2 + across, y2: y2 + down };
}

function square(box, share) {
  const { x1, y1, x2, y2 } = grown(box, share);
  const half = Math.max(x2 - x1, y2 - y1) / 2;
  const [x, y] = [(x1 + x2) / 2, (y1 + y2) / 2];
  return { x1: x - half, y1: y - half, x2: x + half, y2: y + half };
}
