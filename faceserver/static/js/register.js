/** The page that registers faces: from files and zips, and from the web as a job. */
import { call, checkSize, inCollection, pictureForm, send } from "./api.js";
import { completeNames } from "./combobox.js";
import { byId, make, say } from "./dom.js";
import { initDropzone } from "./dropzone.js";
import { isZip, namesByFolder } from "./files.js";
import { takeOver } from "./handover.js";
import { JobCard, lostItems } from "./jobcard.js";
import { tagsOf } from "./labels.js";
import { may, page, pageUrl, setQuery } from "./page.js";
import { Queue } from "./queue.js";
import { goTo } from "./reach.js";
import { initFirstSteps } from "./firststeps.js";
import { rememberCards, rememberedCards } from "./registermemory.js";
import { showCode } from "./takealong.js";
import { _, ngettext, number } from "./texts.js";
import { showWayOn } from "./wayon.js";
import { saveAll, unsavedCount, watchUnsaved } from "./unsaved.js";
import { UploadCard } from "./uploadcard.js";
import { initUrlForm, tryAgain } from "./urlform.js";

const AT_ONCE = 2;
/** With fewer pictures there is nothing to look for. */
const FEW = 3;
const FILTERS = {
  all: () => true,
  failed: ({ dataset }) => dataset.state === "failed" || dataset.state === "cancelled",
  noted: ({ dataset }) => dataset.noted !== undefined,
  unnamed: ({ dataset }) => dataset.unnamed !== undefined,
};

const queue = new Queue(AT_ONCE, showCounts);
/** @type {Set<import("./picturecard.js").PictureCard>} */
const cards = new Set();
/** Files that were added, so that one that comes again is told. */
const added = new Set();
let repeated = 0;
/** Zips that are being sent. */
let zips = 0;

function labels() {
  return {
    name: byId("all-name").value.trim(),
    tags: tagsOf(byId("all-tags").value),
    largest: byId("largest").checked,
  };
}

function addFiles(files) {
  const known = labels();
  const fresh = files.filter(isFresh);
  repeated += files.length - fresh.length;
  byId("results").hidden = false;
  const names = byId("by-folder").checked ? namesByFolder(fresh) : new Map();
  for (const file of fresh) {
    if (isZip(file)) sendZip(file, known);
    else addCard(new UploadCard(file, { ...known, name: names.get(file) ?? known.name }, queue));
  }
  goTo(byId("results"));
  showCounts();
}

function addSample(file, known) {
  byId("results").hidden = false;
  const card = new UploadCard(file, { ...known, largest: true }, queue);
  addCard(card);
  goTo(byId("results"));
  return () => {
    cards.delete(card);
    queue.drop(card.task);
    card.element.remove();
    byId("way-on").hidden = true;
    byId("results").hidden = cards.size === 0 && byId("jobs").children.length === 0;
    showCounts();
  };
}

function isFresh(file) {
  const key = `${file.name} ${file.size} ${file.lastModified}`;
  if (added.has(key)) return false;
  added.add(key);
  return true;
}

function addCard(card) {
  cards.add(card);
  byId("cards").append(card.element);
  if (card.task) queue.add(card.task);
}

/** A zip becomes a job: the server opens it, and the page may be left. */
async function sendZip(file, { largest }) {
  const state = make("p", { className: "state", textContent: _("Sending") });
  const bar = make("progress", { max: 1, value: 0, aria: { label: file.name } });
  const head = make("div", { className: "card-head" }, make("h3", { className: "card-name", textContent: file.name }), state);
  const waiting = make("li", { className: "job-group" }, head, bar);
  byId("jobs").prepend(waiting);
  zips += 1;
  try {
    if (file.size === 0) checkSize(file);
    const { signal } = new AbortController();
    const onProgress = (share) => (bar.value = share);
    watch(await send(inCollection("jobs"), pictureForm(file, { largest }), { signal, onProgress }));
    showCode("POST", inCollection("jobs"), { form: { file: file.name, largest } });
    waiting.remove();
  } catch (error) {
    waiting.dataset.state = "failed";
    bar.hidden = true;
    say(state, error.message);
  } finally {
    zips -= 1;
  }
}

function showCounts() {
  const { total, over, done, lost, progress } = queue.counts;
  byId("progress").value = progress;
  byId("progress").hidden = over === total;
  byId("cancel-all").hidden = over === total;
  byId("retry-all").hidden = lost === 0 || over < total;
  byId("csv").hidden = cards.size === 0;
  byId("results-head").dataset.outcome = lost > 0 && over === total ? (done === 0 ? "failed" : "partly") : "";
  say(byId("summary"), summary({ total, over, done, lost }));
  if (over === total && done > 0) showWayOn();
  showFilters();
}

function summary({ total, over, done, lost }) {
  const parts = [];
  if (over < total) parts.push(_("%(over)s of %(total)s pictures", { over: number(over), total: number(total) }));
  else if (total > 0 && (done > 0 || lost === 0)) parts.push(...outcomeParts(done));
  if (over === total && lost > 0) parts.push(ngettext("%(num)s picture failed", "%(num)s pictures failed", lost));
  if (repeated > 0) parts.push(ngettext("%(num)s repeated file left out", "%(num)s repeated files left out", repeated));
  return parts.join(" · ");
}

/** What was in before is not told as registered now. */
function outcomeParts(done) {
  const known = [...cards].filter(({ task, isKnown }) => task?.state === "done" && isKnown).length;
  const fresh = ngettext("%(num)s picture registered", "%(num)s pictures registered", done - known);
  if (known === 0) return [fresh];
  const before = ngettext("%(num)s picture was already registered", "%(num)s pictures were already registered", known);
  return known === done ? [before] : [fresh, before];
}

function showFilters() {
  const elements = [...byId("cards").children];
  byId("filters").hidden = elements.length < FEW;
  for (const [name, fits] of Object.entries(FILTERS)) {
    say(byId(`count-${name}`), number(elements.filter(fits).length));
  }
  const chosen = document.querySelector("input[name=filter]:checked").value;
  for (const element of elements) element.hidden = !FILTERS[chosen](element);
  byId("accept-all").hidden = proposals().length < 2;
  byId("none-fits").hidden = elements.length === 0 || elements.some(({ hidden }) => !hidden);
}

/** What failed comes first, unless somebody is at work in it. */
function cardChanged({ target }) {
  const list = byId("cards");
  if (target.parentElement === list && target.dataset.state === "failed" && !target.contains(document.activeElement)) {
    const firstOther = [...list.children].find(({ dataset }) => dataset.state !== "failed");
    if (firstOther && firstOther.compareDocumentPosition(target) & Node.DOCUMENT_POSITION_FOLLOWING) firstOther.before(target);
  }
  showFilters();
}

/** Proposed names are put into the fields: to be looked at, and saved with all others. */
function acceptAll() {
  for (const row of proposals()) row.type(row.proposed);
  byId("save-all").focus();
}

function proposals() {
  return [...cards].flatMap(({ rows }) => rows).filter(({ proposed, isTyped }) => proposed && !isTyped);
}

function showUnsaved(count) {
  byId("unsaved").hidden = count === 0;
  say(byId("unsaved-count"), ngettext("%(num)s name is not saved yet", "%(num)s names are not saved yet", count));
}

function watch(job) {
  const card = new JobCard(job, tryAgain);
  byId("results").hidden = false;
  byId("jobs").prepend(card.element);
  card.watch().then(showWayOn);
}

/** Jobs go on when the page is closed, and when the server is restarted. */
async function watchRunning() {
  const { items } = await call("GET", inCollection("jobs", { limit: 1000 }));
  for (const job of items.filter(({ finished }) => finished === null)) watch(job);
}

/** From the page of jobs one comes here to try a job again. */
async function tryJobAgain() {
  const job = new URLSearchParams(location.search).get("again");
  if (!job) return;
  setQuery();
  tryAgain(await lostItems({ id: job }));
}

/** From the page of a person one comes here to add photos of them. */
async function presetPerson() {
  const id = new URLSearchParams(location.search).get("person");
  if (!id) return;
  const { name } = await call("GET", inCollection(`subjects/${id}`));
  byId("all-name").value = name;
  const back = make("a", { href: pageUrl(`people/${id}`), textContent: _("All pictures of this person") });
  byId("all-of").replaceChildren(make("span", { textContent: _("You are adding photos of %(name)s.", { name }) }), " ", back);
  byId("all-of").hidden = false;
}

function showSource() {
  const source = document.querySelector("input[name=source]:checked").value;
  byId("files").hidden = source !== "files";
  byId("urls").hidden = source !== "urls";
}

async function saveCsv() {
  const { downloadCsv } = await import("./csv.js"); // few want it, and the page is large enough
  const header = ["picture", "state", "message", "face", "x1", "y1", "x2", "y2", "score", "name"];
  const rows = [...cards].flatMap(({ title, element, state, rows: faces }) => {
    const start = [title, element.dataset.state, state.textContent];
    if (faces.length === 0) return [[...start, "", "", "", "", "", "", ""]];
    return faces.map(({ face: { id, box, score }, name }) => [...start, id, box.x1, box.y1, box.x2, box.y2, score, name]);
  });
  downloadCsv("registered.csv", header, rows);
}

/** Leaving would break off what is being sent, and lose what was typed. */
function warnOfLeaving(event) {
  const { total, over } = queue.counts;
  if (over < total || zips > 0 || unsavedCount() > 0) event.preventDefault();
}

function bind() {
  for (const input of document.querySelectorAll("input[name=source]")) input.addEventListener("change", showSource);
  for (const input of document.querySelectorAll("input[name=filter]")) input.addEventListener("change", showFilters);
  showSource(); // a browser keeps what was chosen when a page is loaded anew
  initDropzone(byId("dropzone"), addFiles);
  completeNames(byId("all-name"));
  initUrlForm(labels, watch);
  watchUnsaved(showUnsaved);
  byId("accept-all").addEventListener("click", acceptAll);
  byId("save-all").addEventListener("click", saveAll);
  byId("cards").addEventListener("card-changed", cardChanged);
  byId("cancel-all").addEventListener("click", () => queue.cancelAll());
  byId("retry-all").addEventListener("click", () => queue.retryAll());
  byId("csv").addEventListener("click", saveCsv);
  addEventListener("beforeunload", warnOfLeaving);
  addEventListener("pagehide", () => rememberCards(cards));
}

async function begin() {
  bind();
  for (const card of rememberedCards()) {
    byId("results").hidden = false;
    addCard(card);
  }
  showCounts();
  if (location.hash === "#handed-over") {
    setQuery();
    const file = await takeOver();
    if (file) addFiles([file]);
  }
  document.addEventListener("faces-changed", () => !byId("way-on").hidden && showWayOn());
  // All are an extra: a server that is still starting has none.
  await Promise.allSettled([tryJobAgain(), presetPerson(), watchRunning(), initFirstSteps(addSample)]);
}

if (may("write") || page.scope === null) begin();
