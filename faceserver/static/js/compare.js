/** The page that compares two pictures. */
import { call, checkSize } from "./api.js";
import { downloadCsv } from "./csv.js";
import { byId, make, say } from "./dom.js";
import { initDropzone } from "./dropzone.js";
import { Lines } from "./lines.js";
import { likeness } from "./matches.js";
import { fileUrl, markedPicture } from "./picture.js";
import { goTo } from "./reach.js";
import { showCode } from "./takealong.js";
import { _, ngettext, sure } from "./texts.js";
import { distanceText } from "./threshold.js";

const SIDES = ["a", "b"];
/** So many colours there are for pairs. */
const TONES = 5;
const files = { a: null, b: null };
const lines = new Lines(byId("lines"), byId("compare"));
let turns = 0;
let latest = null;

function choose(side, file) {
  files[side] = file;
  forget();
  for (const each of SIDES) showPicture(each, [], []);
  lines.clear();
  if (files.a && files.b) compare();
}

/** @param {object[]} pairs whose faces are drawn in a colour of their own */
function showPicture(side, faces, pairs) {
  const file = files[side];
  if (!file) return;
  const alt = file.name || _("Picture");
  const tones = new Map(pairs.map((pair) => [pair[side], pair.tone]));
  const options = { alt, numbered: faces.length > 1, tones };
  byId(`picture-${side}`).replaceChildren(markedPicture(fileUrl(file), faces, options));
  byId(`picture-${side}`).hidden = false;
  byId(`dropzone-${side}`).classList.add("compact");
}

function forget() {
  byId("before").hidden = false;
  byId("problem").hidden = true;
  byId("csv").hidden = true;
  byId("pairs").replaceChildren();
  delete byId("verdict").dataset.same;
  say(byId("summary"), "");
}

async function compare() {
  const turn = (turns += 1);
  forget();
  byId("before").hidden = true;
  byId("comparing").hidden = false;
  say(byId("summary"), _("Comparing"));
  try {
    const found = await ask();
    if (turn === turns) show(found);
  } catch (error) {
    if (turn === turns) fail(error);
  } finally {
    if (turn === turns) byId("comparing").hidden = true;
  }
}

async function ask() {
  const form = new FormData();
  for (const side of SIDES) {
    checkSize(files[side]);
    form.append(side, files[side], files[side].name || side);
  }
  const found = await call("POST", "v1/compare", form);
  showCode("POST", "v1/compare", { form: { a: files.a.name || "a.jpg", b: files.b.name || "b.jpg" }, files: SIDES });
  return found;
}

function fail(error) {
  say(byId("summary"), "");
  say(byId("problem"), error.message);
  byId("problem").hidden = false;
  goTo(byId("verdict"));
}

function show(found) {
  const pairs = matched(found);
  const same = pairs.filter((pair) => pair.same);
  byId("verdict").dataset.same = String(same.length > 0);
  say(byId("summary"), summary(found, same));
  // With one face each there is nothing to add; else each pair is told, or the nearest one.
  const told = (same.length > 0 ? same : pairs.slice(0, 1)).map((pair, place) => ({
    ...pair,
    tone: place % TONES,
  }));
  for (const side of SIDES) showPicture(side, found[side].faces, told);
  byId("pairs").replaceChildren(...told.map((pair) => pairElement(pair, found)));
  lines.draw(
    told.map(({ a, b, same: isSame, tone }) => ({ a, b, isSame, tone })),
    SIDES.map((side) => byId(`picture-${side}`)),
  );
  latest = found;
  byId("csv").hidden = false;
  goTo(byId("verdict"));
}

function saveCsv() {
  const header = ["a_picture", "a_face", "b_picture", "b_face", "same", "distance", "similarity"];
  const rows = latest.pairs.map(({ a, b, same, distance, similarity }) => {
    return [files.a.name, a + 1, files.b.name, b + 1, same, distance, similarity];
  });
  downloadCsv("compare.csv", header, rows);
}

/** Each face with at most one of the other picture: the nearest pair first, then of the rest. */
function matched({ pairs }) {
  const taken = { a: new Set(), b: new Set() };
  return pairs.filter(({ a, b }) => {
    if (taken.a.has(a) || taken.b.has(b)) return false;
    taken.a.add(a);
    taken.b.add(b);
    return true;
  });
}

function summary(found, same) {
  if (isPlain(found)) return sureness(found.pairs[0]);
  if (same.length > 0) {
    return ngettext("%(num)s person is in both pictures", "%(num)s people are in both pictures", same.length);
  }
  const limit = distanceText(found.threshold);
  return _("No person is in both pictures: no two faces are closer than %(limit)s", { limit });
}

/** One face in each picture: the whole answer is about this pair. */
function isPlain({ a, b }) {
  return a.faces.length === 1 && b.faces.length === 1;
}

function pairElement(pair, found) {
  const names = _("Face %(a)s and face %(b)s", { a: pair.a + 1, b: pair.b + 1 });
  const verdict = make("span", {}, make("strong", { textContent: names }), ` · ${sureness(pair)}`);
  const limit = _("threshold %(limit)s", { limit: distanceText(found.threshold) });
  const facts = make("span", { className: "hint", textContent: `${likeness(pair)} (${limit})` });
  return make("li", { data: { tone: pair.tone } }, isPlain(found) ? null : verdict, facts);
}

/** How sure the verdict is: what share of such pairs it is right about, where that was measured. */
function sureness({ same, similarity }) {
  if (similarity === null) return same ? _("Same person") : _("Different people");
  const share = sure(same ? similarity : 1 - similarity);
  if (same) return _("Same person, %(share)s sure", { share });
  return _("Different people, %(share)s sure", { share });
}

for (const side of SIDES) {
  initDropzone(byId(`dropzone-${side}`), ([file]) => choose(side, file));
}
byId("csv").addEventListener("click", saveCsv);
