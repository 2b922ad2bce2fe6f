/** One large picture over the page. Escape, the button or a click beside it close it. */
import { byId, say } from "./dom.js";

/**
 * @param {string} title
 * @param {...Node} content
 */
export function openLightbox(title, ...content) {
  const dialog = byId("lightbox");
  say(byId("lightbox-title"), title);
  byId("lightbox-content").replaceChildren(...content);
  dialog.onclick = (event) => {
    if (event.target === dialog) dialog.close();
  };
  dialog.showModal();
}
