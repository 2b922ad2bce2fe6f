/** Stored pictures, no larger than the screen can show. */
import { ApiError } from "./api.js";

const STEP = 400;
const MOST = 4000;
/** Pictures that are kept for going back and forth. */
const KEPT = 6;

/** @type {Map<string, Promise<{url: string, size: {width: number, height: number}}>>} */
const known = new Map();

/**
 * A copy of a stored picture for this screen.
 * @param {string} address of the stored picture
 * @returns {Promise<{url: string, size: {width: number, height: number}}>} where the copy can be
 *   seen, and the size of the picture as it was sent, in which boxes are told
 * @throws {ApiError} it is not there, or the server cannot be reached
 */
export function storedPicture(address) {
  const found = known.get(address) ?? load(address);
  known.delete(address);
  known.set(address, found);
  found.catch(() => known.delete(address));
  if (known.size > KEPT) forget(known.keys().next().value);
  return found;
}

async function load(address) {
  let response;
  try {
    response = await fetch(`${address}?side=${side()}`);
  } catch {
    throw new ApiError("unreachable");
  }
  if (!response.ok) throw new ApiError((await response.json().catch(() => null))?.code ?? "internal_error");
  const [width, height] = ["Picture-Width", "Picture-Height"].map((name) => Number(response.headers.get(name)));
  return { url: URL.createObjectURL(await response.blob()), size: { width, height } };
}

/** In steps, so that a window that was made a little larger does not load everything anew. */
function side() {
  const longest = Math.max(screen.width, screen.height) * devicePixelRatio;
  return Math.min(Math.ceil(longest / STEP) * STEP, MOST);
}

function forget(address) {
  const found = known.get(address);
  known.delete(address);
  found.then(({ url }) => URL.revokeObjectURL(url)).catch(() => {});
}
