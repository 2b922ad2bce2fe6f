/** Addresses of pictures, one per line, which become a job. */
import { call, inCollection } from "./api.js";
import { byId, say } from "./dom.js";
import { page } from "./page.js";
import { showCode } from "./takealong.js";
import { _, ngettext, number } from "./texts.js";

// Written so that what extracts the texts for translation reads on after it.
const WEB_URL = new RegExp("^https?://[^\\s/]+", "iu");

/** Whom the pictures show that are tried again, by their addresses. */
const people = new Map();

/**
 * @param {() => import("./uploadcard.js").Labels} labels
 * @param {(job: object) => void} onJob
 */
export function initUrlForm(labels, onJob) {
  byId("urls").addEventListener("submit", async (event) => {
    event.preventDefault();
    const urls = lines();
    const problem = problemOf(urls);
    if (problem) complain(problem);
    else await submit(urls, labels(), onJob);
  });
  byId("url-list").addEventListener("input", showCount);
}

/**
 * Put addresses into the form, to be looked at and tried again.
 * @param {{source: string, person: string|null}[]} items of a job
 */
export function tryAgain(items) {
  for (const { source, person } of items) people.set(source, person);
  byId("source-urls").checked = true;
  byId("source-urls").dispatchEvent(new Event("change"));
  byId("url-list").value = [...new Set([...lines(), ...items.map(({ source }) => source)])].join("\n");
  showCount();
  byId("url-list").focus();
}

async function submit(urls, { name, tags, largest }, onJob) {
  const items = urls.map((url) => ({ url, person: name || (people.get(url) ?? null), tags }));
  try {
    onJob(await call("POST", inCollection("jobs"), { items, largest }));
    showCode("POST", inCollection("jobs"), { json: { items, largest } });
    byId("url-list").value = "";
    showCount();
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
  const wrong = urls.find((url) => !WEB_URL.test(url));
  return wrong ? _("This is not a URL: %(text)s", { text: wrong }) : "";
}

function complain(problem) {
  const field = byId("url-list");
  say(byId("url-hint"), problem);
  byId("url-hint").classList.add("text-danger-emphasis");
  field.setAttribute("aria-invalid", "true");
  field.focus();
}

function showCount() {
  const count = lines().length;
  byId("url-list").removeAttribute("aria-invalid");
  byId("url-hint").classList.remove("text-danger-emphasis");
  say(byId("url-hint"), count ? ngettext("%(num)s URL", "%(num)s URLs", count) : "");
}
