/** Where pictures come in: chosen, dropped, pasted, or taken with the camera. */
import { hasCamera, takePicture } from "./camera.js";
import { chosenFiles, droppedFiles } from "./files.js";

const zones = [];
let isListening = false;

/**
 * Bring a drop zone of parts.html to life. What is dropped or pasted elsewhere on the page goes to
 * the first zone that is shown.
 * @param {HTMLElement} zone
 * @param {(files: File[]) => void} onFiles called with at least one
 */
export function initDropzone(zone, onFiles) {
  const input = zone.querySelector("input");
  const take = (files) => {
    const found = [...files];
    if (found.length > 0) onFiles(input.multiple ? found : found.slice(0, 1));
  };
  zones.push({ zone, take });
  for (const each of zone.querySelectorAll("input")) {
    const taken = () => {
      const files = chosenFiles(each.files);
      each.value = ""; // so that the same file can be chosen again
      take(files);
    };
    each.addEventListener("change", taken);
    if (each.files.length > 0) queueMicrotask(taken); // chosen before this script was there
  }
  zone.addEventListener("dragover", () => zone.classList.add("over"));
  zone.addEventListener("dragleave", () => zone.classList.remove("over"));
  const folder = zone.querySelector(".dropzone-folder");
  folder?.addEventListener("click", () => zone.querySelector("input[webkitdirectory]").click());
  offerCamera(zone.querySelector(".dropzone-camera"), take);
  if (!isListening) listenToPage();
}

function offerCamera(button, take) {
  if (!hasCamera()) return;
  button.hidden = false;
  button.addEventListener("click", async () => {
    const file = await takePicture();
    button.focus();
    if (file) take([file]);
  });
}

function listenToPage() {
  isListening = true;
  // Without this a browser leaves the page and shows the picture that was dropped beside a zone.
  document.addEventListener("dragover", (event) => event.preventDefault());
  document.addEventListener("drop", async (event) => {
    event.preventDefault();
    for (const { zone } of zones) zone.classList.remove("over");
    const found = zoneOf(event.target);
    if (found) found.take(await droppedFiles(event.dataTransfer));
  });
  document.addEventListener("paste", (event) => {
    if (isText(event.target)) return;
    zoneOf(event.target)?.take(event.clipboardData.files);
  });
}

function zoneOf(target) {
  const shown = zones.filter(({ zone }) => zone.offsetParent !== null);
  return shown.find(({ zone }) => zone.contains(target)) ?? shown[0];
}

function isText(target) {
  return target instanceof HTMLTextAreaElement || (target instanceof HTMLInputElement && target.type !== "file");
}
