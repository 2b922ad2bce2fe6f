/**
 * Who comes back to a page by Back or Forward finds it as it was, unless somebody has signed out
 * since: the page may show faces and names.
 */
import { page } from "./page.js";

const STORE = "faceserver-signed-out";

const atLoad = localStorage.getItem(STORE);

/** Look who comes back; remember when somebody signs out. */
export function watchComingBack() {
  document.getElementById("sign-out")?.addEventListener("submit", () => localStorage.setItem(STORE, String(Date.now())));
  if (page.isOpen) return; // everybody may see the page
  addEventListener("pageshow", (event) => event.persisted && look());
}

async function look() {
  if (localStorage.getItem(STORE) !== atLoad) {
    leave();
    return;
  }
  const answer = await fetch(location.href, { method: "HEAD" }).catch(() => null); // no server: nobody to ask
  if (answer && !answer.ok) leave(); // the session is over
}

/** Nothing stays in sight while the page is loaded anew. */
function leave() {
  document.body.replaceChildren();
  location.reload();
}
