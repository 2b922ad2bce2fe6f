/** Remembers what was searched with, so that Back finds it again; it is gone with the tab. */
import { pictureFile } from "./cutout.js";
import { page } from "./page.js";

const STORE = `faceserver-probe ${page.collection}`;

/**
 * @param {ImageBitmap} bitmap
 * @param {string} name of its file
 */
export async function keepProbe(bitmap, name) {
  const copy = await pictureFile(bitmap, name);
  const reader = new FileReader();
  reader.addEventListener("load", () => {
    try {
      sessionStorage.setItem(STORE, JSON.stringify({ name, url: reader.result }));
    } catch {
      sessionStorage.removeItem(STORE); // too large: then Back finds an empty page
    }
  });
  reader.readAsDataURL(copy);
}

/** @returns {Promise<File|null>} what was searched with, where one came back to the page */
export async function keptProbe() {
  const [navigation] = performance.getEntriesByType("navigation");
  const kept = sessionStorage.getItem(STORE);
  if (!kept || !["back_forward", "reload"].includes(navigation?.type)) {
    sessionStorage.removeItem(STORE);
    return null;
  }
  const { name, url } = JSON.parse(kept);
  const bytes = Uint8Array.from(atob(url.slice(url.indexOf(",") + 1)), (character) => character.charCodeAt(0));
  return new File([bytes], name, { type: "image/jpeg" });
}
