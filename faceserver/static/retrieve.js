import { retrieve } from "./api.js";
import { byId, count, make } from "./dom.js";
import { takeFiles } from "./dropzone.js";
import { sentence } from "./messages.js";

let latest = 0;
let preview = "";

takeFiles(async ([file]) => {
  latest += 1;
  const turn = latest;
  showProbe(file);
  show({ summary: "Searching" });
  byId("results").setAttribute("aria-busy", "true");
  const outcome = await search(file);
  // Another picture may have been chosen meanwhile; its answer is the one to show.
  if (turn !== latest) return;
  byId("results").setAttribute("aria-busy", "false");
  show(outcome);
});

async function search(file) {
  try {
    const matches = await retrieve(file);
    return matches.length
      ? { summary: `${count(matches.length, "registered face")} found, nearest first`, matches }
      : { summary: "No match", nobody: true };
  } catch (error) {
    return { summary: "The search did not work", problem: sentence(error) };
  }
}

function show({ summary, matches = [], nobody = false, problem = "" }) {
  byId("results").hidden = false;
  byId("summary").textContent = summary;
  byId("scale").hidden = !matches.length;
  byId("nobody").hidden = !nobody;
  byId("problem").hidden = !problem;
  byId("problem").textContent = problem;
  byId("cards").replaceChildren(...matches.map(matchCard));
}

function showProbe(file) {
  if (preview) URL.revokeObjectURL(preview);
  preview = URL.createObjectURL(file);
  const image = make("img", { src: preview, alt: `Searching with ${file.name}` });
  // A browser cannot show every format that the server reads.
  image.addEventListener("error", () => image.remove());
  const caption = make("figcaption", { className: "name", textContent: file.name });
  byId("probe").replaceChildren(image, caption);
  byId("probe").hidden = false;
  byId("dropzone").classList.add("small");
}

function matchCard({ distance, path }, index) {
  const image = make("img", { src: path, alt: "", loading: "lazy", decoding: "async" });
  const link = make("a", { className: "frame", href: path, target: "_blank" }, image);
  link.setAttribute("aria-label", `Open the stored picture of match ${index + 1}`);
  const value = make("span", { className: "distance", textContent: distance.toFixed(4) });
  const state = make("p", { className: "state" }, "distance ", value);
  return make("li", { className: "card match" }, link, state);
}
