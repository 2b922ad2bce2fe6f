/** Jobs: those that run, with live progress, and what became of the others. */
import { call, inCollection } from "./api.js";
import { downloadCsv } from "./csv.js";
import { button, byId, icon, make, say } from "./dom.js";
import { lostItems, outcome } from "./jobcard.js";
import { may, page, pageUrl } from "./page.js";
import { ScrollList } from "./scrolllist.js";
import { showCode } from "./takealong.js";
import { _, ngettext, number } from "./texts.js";
import { thumbOf, thumbnailOf } from "./thumbnails.js";
import { toast } from "./toast.js";

const RUNNING_MS = 800;
const LOOK_MS = 4000;
const PAGE = 25;
const ITEMS = 50;
const OUTCOMES = {
  queued: _("Waiting"),
  running: _("Running"),
  done: _("Done"),
  partly: _("Partly done"),
  cancelled: _("Cancelled"),
  failed: _("Failed"),
};

const known = new Map();
const list = new ScrollList({
  list: "jobs",
  more: "more",
  place: (cursor) => inCollection("jobs", { newest: true, limit: PAGE, ...(cursor ? { cursor } : {}) }),
  show: (job) => cardOf(job).element,
  onPage: () => showNothing(),
});

class JobCard {
  constructor(job) {
    const started = new Date(job.created).toLocaleString(document.documentElement.lang, { dateStyle: "medium", timeStyle: "short" });
    const title = ngettext("%(num)s picture", "%(num)s pictures", job.total);
    this.badge = make("span", { className: "badge-soft state-badge" });
    this.acts = make("div", { className: "actions" });
    const head = make(
      "div",
      { className: "job-head" },
      make("h2", { textContent: title }),
      this.badge,
      make("span", { className: "hint", textContent: started }),
      this.acts,
    );
    this.bar = make("progress", { max: Math.max(job.total, 1), aria: { label: _("Progress") } });
    this.text = make("p", { className: "mb-0", role: "status" });
    this.reasons = make("div", {});
    this.results = make("div", {});
    this.element = make("li", { className: "panel job-card" }, head, this.bar, this.text, this.reasons, this.results);
    this.show(job);
  }

  get isOpen() {
    return this.job.finished === null;
  }

  show(job) {
    const before = this.job;
    this.job = job;
    this.element.dataset.state = outcome(job);
    say(this.badge, OUTCOMES[outcome(job)]);
    this.bar.value = job.total - job.waiting;
    this.bar.hidden = !this.isOpen;
    say(this.text, sentence(job));
    if (!before || before.state !== job.state) this.acts.replaceChildren(...this.buttons());
    if (job.refused > 0 && !this.refused) {
      this.refused = new ItemList((rest, query) => this.place(rest, query), ["refused"], refusedItem);
      this.reasons.replaceChildren(this.refused.element);
    }
    if (!this.isOpen && job.stored + job.present > 0 && !this.stored) this.results.replaceChildren(...this.shownResults());
    if (this.refused) say(this.refused.summary, ngettext("Why %(num)s picture was rejected", "Why %(num)s pictures were rejected", job.refused));
  }

  buttons() {
    const save = button(_("Save as CSV"), () => this.attempt(() => this.saveCsv()), { icon: "download" });
    if (!may("write")) return [save];
    if (this.isOpen) return [button(_("Cancel"), () => this.cancel(), { icon: "close" })];
    return [...this.retry(), save, button(_("Remove from the list"), () => this.forget(), { icon: "trash" })];
  }

  /** Back to the page on which the addresses can be put right, if there are any. */
  retry() {
    if (this.job.refused + this.job.waiting === 0) return [];
    const again = button(_("Try again"), () => location.assign(pageUrl("faceRegister.html", { again: this.job.id })), { icon: "retry" });
    again.hidden = true; // what came in a zip has no address
    lostItems(this.job).then((items) => (again.hidden = items.length === 0)).catch(() => {});
    return [again];
  }

  async saveCsv() {
    const rows = [];
    for (let cursor = null, isFirst = true; isFirst || cursor !== null; isFirst = false) {
      const query = { limit: 1000, ...(cursor ? { cursor } : {}) };
      const { items, next } = await call("GET", this.place("/items", query));
      rows.push(...items.map((item) => [item.number, item.source, item.person, item.state, item.faces.join(" "), item.code, item.reason]));
      cursor = next;
    }
    downloadCsv("job.csv", ["number", "source", "person", "state", "faces", "code", "reason"], rows);
  }

  /** Look at the job; tell whether it has just ended. */
  async refresh() {
    const job = await call("GET", this.place());
    this.show(job);
    if (this.refused?.isOpened) this.refused.restart();
    if (!this.isOpen) document.dispatchEvent(new Event("faces-changed"));
  }

  async cancel() {
    await this.attempt(async () => this.show(await call("POST", this.place("/cancel"))));
  }

  async forget() {
    await this.attempt(async () => {
      await call("DELETE", this.place());
      const next = this.element.nextElementSibling ?? this.element.previousElementSibling;
      this.element.remove();
      known.delete(this.job.id);
      showNothing();
      (next?.querySelector("button") ?? byId("main")).focus();
      toast(_("The job was removed from the list. Its faces are kept."));
    });
  }

  async attempt(act) {
    try {
      await act();
    } catch (error) {
      toast(error.message);
    }
  }

  /** The pictures that are in, and the way to those in them. */
  shownResults() {
    this.stored = new ItemList((rest, query) => this.place(rest, query), ["stored", "present"], storedItem);
    say(this.stored.summary, ngettext("%(num)s picture that is in", "%(num)s pictures that are in", this.job.stored + this.job.present));
    const unnamed = make("a", { href: pageUrl("people", { view: "unnamed" }), textContent: _("Name the faces without a name") });
    return [this.stored.element, make("p", { className: "mb-0 mt-2" }, unnamed)];
  }

  place(rest = "", query = {}) {
    return inCollection(`jobs/${this.job.id}${rest}`, query);
  }
}

/** The pictures of some states, to be opened, a page at a time. */
class ItemList {
  /**
   * @param {(rest: string, query: object) => string} place the address of the job
   * @param {string[]} states one after the other
   * @param {(item: object) => Node} show
   */
  constructor(place, states, show) {
    Object.assign(this, { place, states, show });
    this.items = make("ul", { className: "job-items" });
    this.more = button(_("Show more"), () => this.load());
    this.summary = make("summary", {});
    this.element = make("details", { className: "refused" }, this.summary, this.items, this.more);
    this.element.addEventListener("toggle", () => this.isOpened && this.restart());
  }

  get isOpened() {
    return this.element.open;
  }

  restart() {
    this.left = [...this.states];
    this.cursor = null;
    this.isFresh = true;
    return this.load();
  }

  async load() {
    try {
      for (let shown = 0; this.left.length > 0 && shown < ITEMS; ) {
        const query = { state: this.left[0], limit: ITEMS, ...(this.cursor ? { cursor: this.cursor } : {}) };
        const { items, next } = await call("GET", this.place("/items", query));
        if (this.isFresh) this.items.replaceChildren();
        this.isFresh = false;
        this.items.append(...items.map(this.show));
        shown += items.length;
        this.cursor = next;
        if (next === null) this.left.shift();
      }
      this.more.hidden = this.left.length === 0;
    } catch (error) {
      toast(error.message);
    }
  }
}

function refusedItem({ source, code, reason }) {
  const why = page.sentences[code] ?? reason;
  return make(
    "li",
    {},
    icon("warning"),
    make("span", { className: "source", textContent: source }),
    make("span", { className: "why", textContent: why, title: reason ?? "" }),
  );
}

/** Each face leads to whom it shows; one without a name to a search with it. */
function storedItem({ source, faces }) {
  const links = faces.map((face, index) => {
    const link = make("a", { href: pageUrl("faceRetrieve.html", { face }) }, thumbOf(thumbnailOf(face), "thumb small"));
    lead(link, face);
    link.setAttribute("aria-label", _("Who is face %(number)s of %(picture)s?", { number: number(index + 1), picture: source }));
    return link;
  });
  return make("li", {}, make("span", { className: "job-faces" }, ...links), make("span", { className: "source", textContent: source }));
}

async function lead(link, face) {
  const { subject } = await call("GET", inCollection(`faces/${face}`)).catch(() => ({ subject: null })); // it is gone
  if (subject) link.href = pageUrl(`people/${subject}`);
}

function sentence({ state, reason, total, waiting, stored, present, refused, left_out: leftOut, faces }) {
  if (state === "failed") return _("The job failed: %(reason)s", { reason });
  if (state === "queued") return _("Starts when the jobs before it are done.");
  const parts = [];
  if (waiting > 0) parts.push(_("%(done)s of %(total)s processed", { done: number(total - waiting), total: number(total) }));
  if (waiting === 0 && stored + present === 0 && refused > 0) parts.push(_("Nothing was stored"));
  else parts.push(ngettext("%(num)s picture stored", "%(num)s pictures stored", stored), ngettext("%(num)s face", "%(num)s faces", faces));
  if (present > 0) parts.push(ngettext("%(num)s was already stored", "%(num)s were already stored", present));
  if (refused > 0) parts.push(ngettext("%(num)s rejected", "%(num)s rejected", refused));
  if (leftOut > 0) parts.push(ngettext("%(num)s other file skipped", "%(num)s other files skipped", leftOut));
  return parts.join(" · ");
}

function cardOf(job) {
  const card = known.get(job.id) ?? new JobCard(job);
  card.show(job);
  known.set(job.id, card);
  return card;
}

function showNothing() {
  byId("nothing").hidden = byId("jobs").children.length > 0;
}

/** Look at what runs, and whether there is something new; then again after a while. */
async function watch() {
  if (!document.hidden) {
    try {
      await look();
      byId("problem").hidden = true;
    } catch (error) {
      say(byId("problem"), error.message);
      byId("problem").hidden = false;
    }
  }
  const isBusy = [...known.values()].some((card) => card.isOpen);
  setTimeout(watch, isBusy ? RUNNING_MS : LOOK_MS);
}

async function look() {
  const { items } = await call("GET", inCollection("jobs", { newest: true, limit: PAGE }));
  for (const job of items.filter((each) => !known.has(each.id)).reverse()) byId("jobs").prepend(cardOf(job).element);
  await Promise.all([...known.values()].filter((card) => card.isOpen).map((card) => card.refresh()));
  showNothing();
}

list.restart().then(watch);
showCode("GET", inCollection("jobs", { newest: true, limit: PAGE }));
