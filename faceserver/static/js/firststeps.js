/** The first start: what to do, and a picture to try it with, which can be removed again. */
import { call, inCollection } from "./api.js";
import { byId, say } from "./dom.js";
import { sampleFile } from "./samplefile.js";
import { _ } from "./texts.js";

/** By it the sample's faces are found again; a tag is not translated. */
const TAG = "sample";
const NAME = "Eileen Collins";

/** Takes the sample's card off the page. */
let takeAway = () => {};

/**
 * Show the steps where nobody is registered, and the way to remove the sample where it is.
 * @param {(file: File, labels: {name: string, tags: string[]}) => () => void} add registers a
 *   picture; returns what takes its card off the page
 */
export async function initFirstSteps(add) {
  byId("sample-register").addEventListener("click", () => register(add));
  document.addEventListener("faces-changed", refresh);
  byId("sample-remove").addEventListener("click", remove);
  await refresh();
}

async function refresh() {
  const { faces } = await call("GET", inCollection(""));
  const samples = faces === 0 ? [] : await sampleFaces();
  const hasSample = samples.length > 0;
  byId("steps").hidden = faces > samples.length;
  byId("first-steps").hidden = faces > 0 && !hasSample;
  byId("sample-register").hidden = hasSample;
  byId("sample-search").hidden = !hasSample;
  byId("sample-remove").hidden = !hasSample;
  const offer = _("No picture at hand? Try it with a portrait of the astronaut Eileen Collins (NASA, public domain).");
  say(byId("sample-text"), hasSample ? _("The sample picture is registered: a portrait of Eileen Collins (NASA, public domain).") : offer);
}

async function sampleFaces() {
  const { items } = await call("GET", inCollection("faces", { tag: TAG, limit: 100 }));
  return items;
}

async function register(add) {
  byId("sample-register").disabled = true; // until it is in, which its card tells
  takeAway = add(await sampleFile(document.querySelector(".sample").dataset.picture), { name: NAME, tags: [TAG] });
}

/** The person goes as well, unless other pictures show her. */
async function remove() {
  say(byId("sample-problem"), "");
  try {
    const faces = await sampleFaces();
    for (const { id } of faces) await call("DELETE", inCollection(`faces/${id}`));
    for (const id of new Set(faces.map(({ subject }) => subject).filter(Boolean))) {
      const person = await call("GET", inCollection(`subjects/${id}`));
      if (person.faces === 0) await call("DELETE", inCollection(`subjects/${id}`));
    }
    takeAway();
    byId("sample-register").disabled = false;
    document.dispatchEvent(new Event("faces-changed"));
    byId("main").focus();
  } catch (error) {
    say(byId("sample-problem"), error.message);
  }
}
