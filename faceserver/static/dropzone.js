import { byId } from "./dom.js";

/**
 * Take files that are chosen, dropped anywhere on the page, or pasted.
 * @param {(files: File[]) => void} onFiles called with at least one file
 */
export function takeFiles(onFiles) {
  const zone = byId("dropzone");
  const input = /** @type {HTMLInputElement} */ (byId("file-input"));
  const take = (list) => {
    const files = [...(list ?? [])];
    if (files.length) onFiles(files);
  };

  input.addEventListener("change", () => {
    take(input.files);
    input.value = ""; // so that the same file can be chosen again
  });
  document.addEventListener("paste", (event) => take(event.clipboardData?.files));

  // Entering a child fires before leaving its parent, so entries are counted.
  let depth = 0;
  const highlight = () => zone.classList.toggle("over", depth > 0);
  document.addEventListener("dragenter", (event) => {
    if (!hasFiles(event)) return;
    depth += 1;
    highlight();
  });
  document.addEventListener("dragleave", (event) => {
    if (!hasFiles(event)) return;
    depth -= 1;
    highlight();
  });
  document.addEventListener("dragover", (event) => {
    if (hasFiles(event)) event.preventDefault();
  });
  document.addEventListener("drop", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    depth = 0;
    highlight();
    take(event.dataTransfer.files);
  });
}

function hasFiles(event) {
  return event.dataTransfer?.types.includes("Files") ?? false;
}
