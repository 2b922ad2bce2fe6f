import { byId, make } from "./dom.js";

/**
 * Show a picture as large as the window, with a link to the picture alone.
 * @param {HTMLElement} picture copied, with what is drawn over it
 * @param {string} path of the stored picture
 */
export function openLightbox(picture, path) {
  const dialog = /** @type {HTMLDialogElement} */ (byId("lightbox"));
  const link = make("a", { href: path, target: "_blank", textContent: "Open the picture alone" });
  byId("lightbox-content").replaceChildren(picture.cloneNode(true), link);
  // The content lets clicks through to the dialog, except those on the link.
  dialog.onclick = (event) => {
    if (event.target === dialog) dialog.close();
  };
  dialog.showModal();
}
