import { maxFileBytes } from "./api.js";

const SENTENCES = {
  csrf_failed: "This page is out of date. Reload it, then try again.",
  not_authenticated: "You are signed out. Reload the page to sign in.",
  not_permitted: "Your key does not allow this.",
  rate_limited: "Too many requests in a minute. Wait a little, then try again.",
  shutting_down: "The server is stopping. Try again soon.",
  timed_out: "The server took too long. Try again, or use a smaller copy.",
  too_many_faces: "There are too many faces in the picture. Use a part of it.",
  cross_origin: "This page was opened under another address than the server’s. Reload it.",
  empty_file: "The file is empty. Choose another one.",
  image_too_small: "The picture is too small to hold a face. Use a larger one.",
  internal_error: "Something went wrong inside the server. Its log has the details.",
  invalid_url: "This is no web address. It should begin with http:// or https://.",
  no_face: "No face was found. Try a picture with a larger, sharper face that looks ahead.",
  not_an_image: "This file cannot be read as a picture. Use JPEG, PNG, WebP, TIFF, BMP or GIF.",
  several_faces: "There is more than one face. Crop the picture to the person you look for.",
  store_full: "The server’s disk is full. Free some space, then try again.",
  too_many_pixels: "The picture has too many pixels. Use a smaller copy.",
  truncated_image: "The file is damaged or incomplete. Save it again, then try that copy.",
  unreachable: "The server cannot be reached. Check that it is running, then try again.",
  url_failed: "The picture could not be downloaded. Check the address.",
  url_forbidden: "This address lies in a private network, which the server does not open.",
  url_timeout: "The download took too long. Save the picture and choose it from this device.",
};

/**
 * Say what went wrong and what to do about it.
 * @param {import("./api.js").ApiError} error
 * @returns {string}
 */
export function sentence(error) {
  if (error.code === "file_too_large") return tooLarge();
  if (error.code === "not_ready") return `The server is not ready: ${error.message}. Try again soon.`;
  return SENTENCES[error.code] ?? `That did not work: ${error.message || error.code}.`;
}

function tooLarge() {
  const megabytes = Number((maxFileBytes() / 1e6).toPrecision(3));
  return `The file is too large: at most ${megabytes} MB. Use a smaller copy.`;
}
