/** The page that registers faces: from files, and from the web as a job. */
import { call, inCollection } from "./api.js";
import { byId, say } from "./dom.js";
import { initDropzone } from "./dropzone.js";
import { takeOver } from "./handover.js";
import { JobCard } from "./jobcard.js";
import { tagsOf } from "./labels.js";
import { page } from "./page.js";
import { suggestPeople } from "./people.js";
import { Queue } from "./queue.js";
import { _, ngettext, number } from "./texts.js";
import { UploadCard } from "./uploadcard.js";

const AT_ONCE = 2;
const queue = new Queue(AT_ONCE, showCounts);

function labels() {
  return {
    name: byId("all-name").value.trim(),
    tags: tagsOf(byId("all-tags").value),
    largest: byId("largest").checked,
  };
}

function addFiles(files) {
  const known = labels();
  byId("results").hidden = false;
  for (const file of files) {
    const card = new UploadCard(file, known, queue);
    byId("cards").append(card.element);
    queue.add(card.task);
  }
}

function showCounts() {
  const { total, over, done, lost, progress } = queue.counts;
  byId("progress").value = progress;
  byId("progress").hidden = over === total;
  byId("cancel-all").hidden = over === total;
  byId("retry-all").hidden = lost === 0 || over < total;
  if (over < total) {
    say(byId("summary"), _("%(over)s of %(total)s pictures", { over: number(over), total: number(total) }));
    return;
  }
  const registered = ngettext("%(num)s picture registered", "%(num)s pictures registered", done);
  const failed = ngettext("%(num)s picture failed", "%(num)s pictures failed", lost);
  say(byId("summary"), lost > 0 ? _("%(registered)s, %(failed)s", { registered, failed }) : registered);
}

async function registerUrls(event) {
  event.preventDefault();
  const urls = lines();
  const problem = problemOf(urls);
  if (problem) {
    complain(problem);
    return;
  }
  const { name, tags, largest } = labels();
  const items = urls.map((url) => ({ url, person: name || null, tags }));
  try {
    watch(await call("POST", inCollection("jobs"), { items, largest }));
    byId("url-list").value = "";
    showUrlCount();
  } catch (error) {
    complain(error.message);
  }
}

function lines() {
  const text = byId("url-list").value.split("\n").map((line) => line.trim());
  return [...new Set(text.filter(Boolean))];
}

function problemOf(urls) {
  if (urls.length === 0) return _("Enter at least one URL.");
  if (urls.length > page.maxUrls) {
    return _("Enter at most %(most)s URLs at once.", { most: number(page.maxUrls) });
  }
  const wrong = urls.find((url) => !/^https?:\/\/[^\s/]+/iu.test(url));
  return wrong ? _("This is no web address: %(text)s", { text: wrong }) : "";
}

function complain(problem) {
  const field = byId("url-list");
  say(byId("url-hint"), problem);
  byId("url-hint").classList.add("text-danger-emphasis");
  field.setAttribute("aria-invalid", "true");
  field.focus();
}

function showUrlCount() {
  const count = lines().length;
  byId("url-list").removeAttribute("aria-invalid");
  byId("url-hint").classList.remove("text-danger-emphasis");
  say(byId("url-hint"), count ? ngettext("%(num)s address", "%(num)s addresses", count) : "");
}

function watch(job) {
  const card = new JobCard(job);
  byId("results").hidden = false;
  byId("jobs").prepend(card.element);
  card.watch();
}

/** Jobs go on when the page is closed, and when the server is restarted. */
async function watchRunning() {
  const { items } = await call("GET", inCollection("jobs", { limit: 1000 }));
  for (const job of items.filter(({ finished }) => finished === null)) watch(job);
}

function showSource() {
  const source = document.querySelector("input[name=source]:checked").value;
  byId("files").hidden = source !== "files";
  byId("urls").hidden = source !== "urls";
}

async function begin() {
  for (const input of document.querySelectorAll("input[name=source]")) {
    input.addEventListener("change", showSource);
  }
  showSource(); // a browser keeps what was chosen when a page is loaded anew
  initDropzone(byId("dropzone"), addFiles);
  byId("urls").addEventListener("submit", registerUrls);
  byId("url-list").addEventListener("input", showUrlCount);
  byId("cancel-all").addEventListener("click", () => queue.cancelAll());
  byId("retry-all").addEventListener("click", () => queue.retryAll());
  if (location.hash === "#handed-over") {
    history.replaceState(null, "", location.pathname);
    const file = await takeOver();
    if (file) addFiles([file]);
  }
  // Both are an extra: a server that is still starting has neither.
  await Promise.allSettled([suggestPeople(), watchRunning()]);
}

begin();
