/** The page that names who is before the camera. */
import { call, inCollection, pictureForm } from "./api.js";
import { downloadCsv } from "./csv.js";
import { pictureFile, sizeOf } from "./cutout.js";
import { byId, make, say } from "./dom.js";
import { drawFaces } from "./picture.js";
import { SeenList } from "./seenlist.js";
import { showCode } from "./takealong.js";
import { _, number } from "./texts.js";
import { Tracks } from "./tracks.js";
import { shortName } from "./verdict.js";

/** Pictures are at least so far apart: a few a second. */
const GAP_MS = 250;
/** And this far after an answer that was an error. */
const ERROR_MS = 2000;
const LONGEST = 1280;
const QUALITY = 0.85;
const OPTIONS = { k: 1, grouped: true };
/** After these errors there is no use in going on. */
const FINAL = new Set(["not_authenticated", "not_permitted", "not_found", "untrusted_host"]);

const video = byId("video");
const tracks = new Tracks();
const seen = new SeenList();
/** What runs now; null: nothing. */
let running = null;

async function start() {
  say(byId("problem"), "");
  byId("problem").hidden = true;
  const stream = await open(byId("device").value);
  if (!stream) return;
  running = { stream, stop: new AbortController(), gap: GAP_MS };
  show();
  showCode("POST", inCollection("search"), { form: { file: "camera.jpg", ...OPTIONS } });
  await listDevices(stream);
  await look(running);
}

async function open(device) {
  try {
    const wanted = device ? { deviceId: { exact: device } } : { facingMode: "user" };
    const stream = await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: LONGEST }, ...wanted } });
    video.srcObject = stream;
    await video.play();
    return stream;
  } catch {
    complain(_("The camera cannot be used. Allow it in the browser, and close other programs that use it."));
    return null;
  }
}

function stop() {
  if (!running) return;
  running.stop.abort();
  for (const track of running.stream.getTracks()) track.stop();
  running = null;
  video.srcObject = null;
  draw([]);
  show();
}

function show() {
  const isOn = running !== null;
  byId("stage").hidden = !isOn;
  byId("off").hidden = isOn;
  byId("stop").hidden = !isOn;
  say(byId("pace"), "");
  (isOn ? byId("stop") : byId("start")).focus();
}

/** One request at a time: the next picture is taken when the answer to the last one is there. */
async function look(session) {
  while (running === session) {
    const began = performance.now();
    let pause = session.gap;
    if (!document.hidden) pause = await lookOnce(session);
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, pause - (performance.now() - began))));
  }
}

/** @returns {Promise<number>} milliseconds from its beginning to the next one's */
async function lookOnce(session) {
  const began = performance.now();
  const now = new Date();
  const file = await pictureFile(video, "camera.jpg", { longest: LONGEST, quality: QUALITY });
  const frame = await createImageBitmap(file);
  try {
    const faces = await ask(file, session);
    if (running !== session) return 0;
    const found = tracks.follow(faces, performance.now());
    draw(found, sizeOf(frame));
    seen.see(found, frame, now);
    byId("problem").hidden = true;
    showPace(Math.max(session.gap, performance.now() - began));
    return session.gap;
  } catch (error) {
    if (running !== session) return 0;
    if (error.code === "rate_limited") session.gap = Math.min(session.gap * 2, ERROR_MS);
    complain(error.message);
    if (FINAL.has(error.code)) stop();
    return ERROR_MS;
  } finally {
    frame.close();
  }
}

async function ask(file, { stop: { signal } }) {
  try {
    const form = pictureForm(file, OPTIONS);
    const { probes } = await call("POST", inCollection("search"), form, { signal });
    return probes.map(({ detection, verdict }) => ({ box: detection.box, verdict: plain(verdict) }));
  } catch (error) {
    if (error.code === "no_face") return []; // nobody is there: that is an answer
    throw error;
  }
}

function plain({ answer, best, next }) {
  const person = best?.person ?? null;
  const kinds = { ambiguous: person ? "unsure" : "unnamed", known: person ? "known" : "unnamed" };
  return { kind: kinds[answer] ?? "unknown", person, other: next, match: best };
}

function draw(found, size = { width: 1, height: 1 }) {
  const names = found.map(({ verdict }) => shortName(verdict));
  const tones = new Map(found.map(({ verdict }, index) => [index, verdict.kind]));
  drawFaces(byId("faces"), byId("names"), found, size, { names, tones });
}

function showPace(milliseconds) {
  const rate = number(1000 / milliseconds, { maximumFractionDigits: 1 });
  say(byId("pace"), _("%(rate)s pictures a second", { rate }));
}

function complain(text) {
  say(byId("problem"), text);
  byId("problem").hidden = false;
}

/** Cameras have names only once one of them may be used. */
async function listDevices(stream) {
  const devices = (await navigator.mediaDevices.enumerateDevices()).filter(({ kind }) => kind === "videoinput");
  const current = stream.getVideoTracks()[0].getSettings().deviceId;
  const options = devices.map(({ deviceId, label }) => make("option", { value: deviceId, textContent: label, selected: deviceId === current }));
  byId("device").replaceChildren(...options);
  byId("device-choice").hidden = devices.length < 2;
}

function saveCsv() {
  downloadCsv("seen.csv", ["person", "id", "from", "to", "similarity"], seen.rows);
}

async function prepare() {
  const hasCamera = Boolean(navigator.mediaDevices?.getUserMedia);
  byId("no-camera").hidden = hasCamera;
  byId("start").disabled = !hasCamera;
  const collection = await call("GET", inCollection("")).catch(() => null);
  byId("nobody-yet").hidden = collection?.faces !== 0;
}

byId("start").addEventListener("click", start);
byId("stop").addEventListener("click", stop);
byId("csv").addEventListener("click", saveCsv);
byId("device").addEventListener("change", async () => {
  stop();
  await start();
});
addEventListener("pagehide", stop);
prepare();
