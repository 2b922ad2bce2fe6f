/** The page that tells who is in a picture. */
import { answerParts } from "./answer.js";
import { call, checkSize, inCollection, pictureForm } from "./api.js";
import { downloadCsv } from "./csv.js";
import { bitmapOf, faceThumb } from "./cutout.js";
import { byId, make, say } from "./dom.js";
import { initDropzone } from "./dropzone.js";
import { enroll } from "./enroll.js";
import { handOver } from "./handover.js";
import { groupElement, groupsOf } from "./matches.js";
import { may, setQuery } from "./page.js";
import { personNamed } from "./people.js";
import { fileUrl, markedPicture } from "./picture.js";
import { keepProbe, keptProbe } from "./probememory.js";
import { goTo } from "./reach.js";
import { storedPicture } from "./storedpicture.js";
import { sampleFile } from "./samplefile.js";
import { showCode } from "./takealong.js";
import { thumbOfFace } from "./thumbnails.js";
import { _, ngettext } from "./texts.js";
import { Threshold, distanceText } from "./threshold.js";
import { shortName, verdictOf } from "./verdict.js";
import { whoRow } from "./whorow.js";

const MOST = 100;
const NOTHING = { file: null, face: null, bitmap: null, stored: null, faces: [], results: [], margin: 0, chosen: 0, enrolled: new Map() };

/** What is searched with: a file of the visitor, or a stored face. */
let probe = NOTHING;
const asked = new URLSearchParams(location.search);
const threshold = new Threshold(render);
let searches = 0;

async function searchFile(file) {
  leaveAddress();
  await search(async () => {
    checkSize(file);
    const fields = { k: MOST, threshold: threshold.most };
    const form = pictureForm(file, fields);
    const [answer, bitmap] = await Promise.all([call("POST", inCollection("search"), form), bitmapOf(file)]);
    showCode("POST", inCollection("search"), { form: { file: file.name || "picture.jpg", ...fields } });
    if (bitmap) keepProbe(bitmap, file.name);
    return { file, bitmap, faces: answer.probes.map(({ detection }) => detection), ...found(answer) };
  }, file);
}

async function searchFace(id) {
  await search(async () => {
    const face = await call("GET", inCollection(`faces/${encodeURIComponent(id)}`));
    const body = { face: face.id, k: MOST, threshold: threshold.most };
    const [answer, stored] = await Promise.all([
      call("POST", inCollection("search"), body),
      face.picture ? storedPicture(face.picture).catch(() => null) : null,
    ]);
    showCode("POST", inCollection("search"), { json: body });
    return { face, stored, faces: [face], ...found(answer) };
  });
}

function found({ probes, margin }) {
  return { results: probes, margin };
}

/** Only the latest search counts: a slower one before it is passed over. */
async function search(ask, file = null) {
  const turn = (searches += 1);
  begin(file);
  try {
    await threshold.load(Number(asked.get("threshold")));
    const answer = await ask();
    if (turn !== searches) return;
    probe = { ...NOTHING, enrolled: new Map(), ...answer };
    render();
    goTo(byId("answer"));
  } catch (error) {
    if (turn === searches) fail(error);
  } finally {
    if (turn === searches) byId("searching").hidden = true;
  }
}

function begin(file) {
  probe = { ...NOTHING, file };
  byId("waiting").hidden = true;
  byId("answer").hidden = false;
  byId("searching").hidden = false;
  byId("problem").hidden = true;
  byId("matches-section").hidden = true;
  byId("everybody").replaceChildren();
  byId("answer-title").replaceChildren(_("Searching"));
  showProbe([]);
}

function fail(error) {
  byId("answer-title").replaceChildren(_("No answer"));
  say(byId("problem"), error.message);
  byId("problem").hidden = false;
  goTo(byId("answer"));
}

function verdicts() {
  return probe.results.map((result) => verdictOf(result, threshold.value, probe.margin));
}

function showProbe(shown) {
  const { file, face, stored } = probe;
  const url = file ? fileUrl(file) : (stored?.url ?? face?.crop);
  byId("probe").hidden = !url;
  byId("share").hidden = face === null;
  byId("link").hidden = true;
  say(byId("copied"), "");
  byId("dropzone").classList.toggle("compact", Boolean(url));
  if (url) byId("probe").replaceChildren(probePicture(url, shown));
}

function probePicture(url, shown) {
  const { file, face, stored, faces, chosen } = probe;
  const isOne = shown.length === 1;
  const names = shown.map((verdict, index) => probe.enrolled.get(index)?.name ?? shortName(verdict, isOne));
  const tones = new Map(shown.map(({ kind }, index) => [index, probe.enrolled.has(index) ? "known" : kind]));
  const options = { alt: file?.name || face?.source || _("Probe picture"), names, tones, size: stored?.size };
  if (faces.length > 1) {
    const name = (index) => _("Face %(number)s: %(name)s", { number: index + 1, name: names[index] });
    options.choice = { label: _("Face to search for"), name, chosen, onChoose: choose };
  }
  options.onFailure = () => {
    const text = _("This browser cannot show the picture; the server can read it.");
    byId("probe").replaceChildren(make("p", { className: "notice plain", textContent: text }));
  };
  return markedPicture(url, face && !stored ? [] : faces, options);
}

function choose(index) {
  probe.chosen = index;
  showRows(verdicts());
  showMatches();
}

/** Show what is below the threshold; nothing is asked of the server. */
function render() {
  if (probe.results.length === 0) return;
  const shown = verdicts();
  byId("answer-title").replaceChildren(...answerParts(shown));
  byId("answer").dataset.kind = shown.length === 1 ? shown[0].kind : "several";
  showProbe(shown);
  showRows(shown);
  showMatches();
  if (probe.face) keepAddress();
}

function showRows(shown) {
  byId("everybody").replaceChildren(...shown.map((verdict, index) => rowOf(verdict, index, shown.length === 1)));
}

function rowOf(verdict, index, isOnly) {
  const near = nearTo(index);
  const acts = {
    choose: () => {
      choose(index);
      goTo(byId("matches-section"));
    },
    register: probe.bitmap ? (name) => register(index, name) : null,
    name: (name) => nameFaces(near, name),
  };
  const isChosen = index === probe.chosen;
  return whoRow({ index, isOnly, isChosen, verdict, near, thumb: thumbOf(index), enrolled: probe.enrolled.get(index), acts });
}

function thumbOf(index) {
  const { bitmap, face, faces } = probe;
  if (bitmap) return faceThumb(bitmap, faces[index].box);
  return face?.thumbnail ? thumbOfFace(face, "small", "thumb") : null;
}

function nearTo(index) {
  return probe.results[index].matches.filter(({ distance }) => distance < threshold.value);
}

async function register(index, name) {
  const { bitmap, file, faces, enrolled } = probe;
  const { person } = await enroll(bitmap, faces[index].box, file.name || _("Picture"), name);
  enrolled.set(index, person);
  render();
}

/** The same search again then tells the name. */
async function nameFaces(near, name) {
  const person = await personNamed(name);
  const faces = near.filter((match) => match.person === null).map(({ face }) => face.id);
  await call("POST", inCollection("faces/move"), { faces, subject: person.id });
  document.dispatchEvent(new Event("faces-changed"));
  await (probe.face ? searchFace(probe.face.id) : searchFile(probe.file));
}

function showMatches() {
  const groups = groupsOf(probe.results[probe.chosen].matches, threshold.value);
  byId("matches-section").hidden = false;
  byId("groups").replaceChildren(...groups.map(groupElement));
  byId("nobody").hidden = groups.length > 0;
  byId("register").hidden = probe.file === null || !may("write");
  say(byId("summary"), summary(groups));
}

function summary(groups) {
  const people = groups.filter(({ person }) => person).length;
  const faces = groups.reduce((sum, { matches }) => sum + matches.length, 0);
  if (faces === 0) return _("No face closer than %(distance)s", { distance: distanceText(threshold.value) });
  const parts = [ngettext("%(num)s face", "%(num)s faces", faces)];
  if (people > 0) parts.unshift(ngettext("%(num)s person", "%(num)s people", people));
  if (probe.faces.length > 1) parts.unshift(_("Face %(number)s", { number: probe.chosen + 1 }));
  return parts.join(" · ");
}

/** The address leads here again, with what is searched for and how. */
function keepAddress() {
  const far = threshold.value === threshold.own ? {} : { threshold: threshold.value.toFixed(2) };
  setQuery({ face: probe.face.id, ...far });
}

function leaveAddress() {
  setQuery();
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

function saveCsv() {
  const header = ["face", "x1", "y1", "x2", "y2", "answer", "person", "matched_face", "source", "distance", "similarity"];
  const rows = verdicts().flatMap(({ kind }, index) => {
    const { box } = probe.faces[index];
    const start = [index + 1, ...(box ? [box.x1, box.y1, box.x2, box.y2] : ["", "", "", ""]), kind];
    const near = nearTo(index);
    if (near.length === 0) return [[...start, "", "", "", "", ""]];
    return near.map(({ face, person, distance, similarity }) => [...start, person?.name, face.id, face.source, distance, similarity]);
  });
  downloadCsv("search.csv", header, rows);
}

/** Without anybody registered there is nothing to search. */
async function prepare() {
  // A server that is still starting is asked again with the first search.
  const collection = await threshold.load(Number(asked.get("threshold"))).catch(() => null);
  const isEmpty = collection?.faces === 0;
  byId("nobody-yet").hidden = !isEmpty;
  byId("before").hidden = isEmpty;
}

async function start() {
  initDropzone(byId("dropzone"), ([file]) => searchFile(file));
  byId("copy").addEventListener("click", copyLink);
  byId("register").addEventListener("click", registerProbe);
  byId("csv").addEventListener("click", saveCsv);
  const face = asked.get("face");
  const isSample = location.hash === "#sample";
  const kept = face || isSample ? null : await keptProbe();
  if (isSample) {
    setQuery();
    await searchFile(await sampleFile(document.querySelector(".search").dataset.sample));
  } else if (face) await searchFace(face);
  else if (kept) await searchFile(kept);
  await prepare();
}

start();
