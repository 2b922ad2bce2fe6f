/** The page that finds a face again. */
import { call, checkSize, inCollection, pictureForm } from "./api.js";
import { byId, say } from "./dom.js";
import { initDropzone } from "./dropzone.js";
import { handOver } from "./handover.js";
import { groupElement, groupsOf } from "./matches.js";
import { fileUrl, markedPicture } from "./picture.js";
import { _, ngettext } from "./texts.js";
import { Threshold, distanceText } from "./threshold.js";

const MOST = 100;

/** What is searched with: a file of the visitor, or a stored face. */
const probe = { file: null, face: null, faces: [], results: [], chosen: 0 };
const asked = new URLSearchParams(location.search);
const threshold = new Threshold(render);
let searches = 0;

async function searchFile(file) {
  leaveAddress();
  await search(async () => {
    checkSize(file);
    const fields = { k: MOST, threshold: threshold.most };
    const answer = await call("POST", inCollection("search"), pictureForm(file, fields));
    const faces = answer.probes.map(({ detection }) => detection);
    return { file, face: null, faces, results: answer.probes };
  }, file);
}

async function searchFace(id) {
  await search(async () => {
    const face = await call("GET", inCollection(`faces/${encodeURIComponent(id)}`));
    const body = { face: face.id, k: MOST, threshold: threshold.most };
    const answer = await call("POST", inCollection("search"), body);
    return { file: null, face, faces: [face], results: answer.probes };
  });
}

/** Only the latest search counts: a slower one before it is passed over. */
async function search(ask, file = null) {
  const turn = (searches += 1);
  begin(file);
  try {
    if (threshold.own === undefined) await threshold.load(Number(asked.get("threshold")));
    const found = await ask();
    if (turn !== searches) return;
    Object.assign(probe, found, { chosen: 0 });
    showProbe();
    render();
  } catch (error) {
    if (turn === searches) fail(error);
  } finally {
    if (turn === searches) byId("searching").hidden = true;
  }
}

function begin(file) {
  Object.assign(probe, { file, face: null, faces: [], results: [], chosen: 0 });
  byId("matches-section").hidden = false;
  byId("searching").hidden = false;
  byId("problem").hidden = true;
  byId("nobody").hidden = true;
  byId("groups").replaceChildren();
  say(byId("summary"), _("Searching"));
  showProbe();
}

function fail(error) {
  say(byId("summary"), "");
  say(byId("problem"), error.message);
  byId("problem").hidden = false;
}

function showProbe() {
  const { file, face, faces } = probe;
  const url = file ? fileUrl(file) : (face?.picture ?? face?.crop);
  byId("probe").hidden = !url;
  byId("share").hidden = face === null;
  byId("link").hidden = true;
  say(byId("copied"), "");
  byId("dropzone").classList.toggle("compact", Boolean(url));
  if (url) byId("probe").replaceChildren(markedPicture(url, face && !face.picture ? [] : faces, probeOptions()));
  const hint = byId("probe-hint");
  hint.hidden = faces.length < 2;
  say(hint, ngettext("%(num)s face found.", "%(num)s faces found. Choose the one to search for.", faces.length));
}

function probeOptions() {
  const { file, face, faces, chosen } = probe;
  const alt = file?.name || face?.source || _("Probe picture");
  if (faces.length < 2) return { alt };
  const choice = {
    label: _("Face to search for"),
    name: (index) => _("Face %(number)s", { number: index + 1 }),
    chosen,
    onChoose(index) {
      probe.chosen = index;
      render();
    },
  };
  return { alt, numbered: true, choice };
}

/** Show the matches of the chosen face below the threshold; nothing is asked of the server. */
function render() {
  const result = probe.results[probe.chosen];
  if (!result) return;
  const groups = groupsOf(result.matches, threshold.value);
  byId("groups").replaceChildren(...groups.map(groupElement));
  byId("nobody").hidden = groups.length > 0;
  byId("register").hidden = probe.file === null;
  say(byId("summary"), summary(groups));
  if (probe.face) keepAddress();
}

function summary(groups) {
  const people = groups.filter(({ person }) => person).length;
  const faces = groups.reduce((sum, { matches }) => sum + matches.length, 0);
  if (faces === 0) return _("No face closer than %(distance)s", { distance: distanceText(threshold.value) });
  const parts = [ngettext("%(num)s face", "%(num)s faces", faces)];
  if (people > 0) parts.unshift(ngettext("%(num)s person", "%(num)s people", people));
  return parts.join(" · ");
}

/** The address leads here again, with what is searched for and how. */
function keepAddress() {
  const query = new URLSearchParams({ face: probe.face.id });
  if (threshold.value !== threshold.own) query.set("threshold", threshold.value.toFixed(2));
  history.replaceState(null, "", `?${query}`);
}

function leaveAddress() {
  history.replaceState(null, "", location.pathname);
}

async function copyLink() {
  const link = byId("link");
  link.value = location.href;
  try {
    await navigator.clipboard.writeText(location.href);
    say(byId("copied"), _("Copied."));
  } catch {
    // Only pages over HTTPS, or of this machine, may copy.
    link.hidden = false;
    link.select();
    say(byId("copied"), _("Copy this link with the keyboard."));
  }
}

async function registerProbe() {
  await handOver(probe.file);
  location.assign(`${document.querySelector(".search").dataset.register}#handed-over`);
}

async function start() {
  initDropzone(byId("dropzone"), ([file]) => searchFile(file));
  byId("copy").addEventListener("click", copyLink);
  byId("register").addEventListener("click", registerProbe);
  const face = asked.get("face");
  if (face) {
    await searchFace(face);
    return;
  }
  // A server that is still starting is asked again with the first search.
  await threshold.load(Number(asked.get("threshold"))).catch(() => {});
}

start();
