/** Pictures from the web, or of a zip: a job on the server, watched while it works. */
import { call, inCollection } from "./api.js";
import { button, make, say } from "./dom.js";
import { may, page } from "./page.js";
import { PictureCard } from "./picturecard.js";
import { _, ngettext, number } from "./texts.js";

const POLL_MS = 700;
const PAGE = 20;
const WEB = new RegExp("^https?://", "iu");
/** In this order the pictures are shown: what went wrong first. */
const ORDER = ["refused", "waiting", "stored", "present"];

export class JobCard {
  /**
   * @param {object} job as the API tells it
   * @param {(items: object[]) => void} onRetry called with the pictures that are to be tried again
   */
  constructor(job, onRetry) {
    this.job = job;
    this.onRetry = onRetry;
    this.order = [...ORDER];
    this.cursor = null;
    this.state = make("p", { className: "state", role: "status" });
    this.bar = make("progress", { max: job.total, aria: { label: _("Progress") } });
    this.cancel = button(_("Cancel"), () => this.stop(), { icon: "close" });
    this.retry = button(_("Try again"), () => this.again(), { icon: "retry" });
    this.items = make("ul", { className: "cards" });
    this.more = button(_("Show more"), () => this.showMore());
    this.more.hidden = true;
    this.retry.hidden = true;
    const heading = make("h3", { className: "card-name", textContent: _("Pictures from the web or a zip") });
    const acts = make("span", { className: "card-acts" }, this.retry, this.cancel);
    const head = make("div", { className: "card-head" }, heading, this.state, acts);
    this.element = make("li", { className: "job-group" }, head, this.bar, this.items, this.more);
    this.show();
  }

  get isOver() {
    return this.job.finished !== null;
  }

  /** Watch until it is over. A server that is restarted meanwhile goes on with it. */
  async watch() {
    while (!this.isOver) {
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      try {
        this.job = await call("GET", this.place());
        this.show();
      } catch (error) {
        say(this.state, error.message);
        if (error.code === "not_found") break;
      }
    }
    this.cancel.hidden = true;
    await this.showMore();
    document.dispatchEvent(new Event("faces-changed"));
  }

  place(rest = "", query = {}) {
    return inCollection(`jobs/${this.job.id}${rest}`, query);
  }

  show() {
    const { total, waiting } = this.job;
    this.bar.value = total - waiting;
    this.bar.hidden = this.isOver;
    this.element.dataset.state = outcome(this.job);
    say(this.state, stateText(this.job));
  }

  async stop() {
    try {
      this.job = await call("POST", this.place("/cancel"));
      this.show();
    } catch (error) {
      say(this.state, error.message);
    }
  }

  /** The next page, of those in one state after those in another. */
  async showMore() {
    try {
      for (let shown = 0; this.order.length > 0 && shown < PAGE; ) {
        const query = { state: this.order[0], limit: PAGE, ...(this.cursor ? { cursor: this.cursor } : {}) };
        const { items, next } = await call("GET", this.place("/items", query));
        this.cursor = next;
        if (next === null) this.order.shift();
        for (const item of items) this.items.append(await itemCard(item));
        this.offerRetry(items);
        shown += items.length;
      }
    } catch (error) {
      say(this.state, error.message);
    }
    this.more.hidden = this.order.length === 0;
  }

  offerRetry(items) {
    if (may("write") && items.some(isLost)) this.retry.hidden = false;
  }

  async again() {
    try {
      this.onRetry(await lostItems(this.job));
    } catch (error) {
      say(this.state, error.message);
    }
  }
}

/**
 * The pictures of a job that have an address and are not in.
 * @param {object} job
 * @returns {Promise<object[]>} as the API tells them
 */
export async function lostItems({ id }) {
  const found = [];
  for (const state of ["refused", "waiting"]) {
    for (let cursor = null, isFirst = true; isFirst || cursor !== null; isFirst = false) {
      const query = { state, limit: 1000, ...(cursor ? { cursor } : {}) };
      const { items, next } = await call("GET", inCollection(`jobs/${id}/items`, query));
      found.push(...items.filter(isLost));
      cursor = next;
    }
  }
  return found;
}

/** Those of a zip have none: it is gone. */
function isLost({ state, source }) {
  return (state === "refused" || state === "waiting") && WEB.test(source);
}

/**
 * What has become of a job, in one word for its colour.
 * @param {object} job
 * @returns {"running"|"done"|"partly"|"failed"|"cancelled"|"queued"}
 */
export function outcome({ state, stored, present, refused }) {
  if (state !== "done" || refused === 0) return state;
  return stored + present === 0 ? "failed" : "partly";
}

function stateText({ state, reason, total, waiting, stored, present, refused }) {
  const counts = { done: number(total - waiting), total: number(total), stored: number(stored + present), refused: number(refused) };
  if (state === "failed") return _("The job failed: %(reason)s", { reason });
  if (state === "queued") return _("Waiting");
  if (state === "cancelled") return _("Cancelled after %(done)s of %(total)s", counts);
  if (state === "running") return _("%(done)s of %(total)s processed", counts);
  if (refused === 0) return storedParts(stored, present).join(" · ");
  if (stored + present === 0) return ngettext("%(num)s picture failed, none registered", "All %(num)s pictures failed", refused);
  return _("%(stored)s registered, %(refused)s failed", counts);
}

function storedParts(stored, present) {
  const fresh = ngettext("%(num)s picture registered", "%(num)s pictures registered", stored);
  const before = ngettext("%(num)s picture was already registered", "%(num)s pictures were already registered", present);
  if (present === 0) return [fresh];
  return stored === 0 ? [before] : [fresh, before];
}

async function itemCard({ source, state, faces: ids, code, person }) {
  const card = new PictureCard(source);
  card.setState(state === "refused" ? "failed" : state === "waiting" ? "cancelled" : "done", itemText(state, code));
  const faces = await Promise.all(ids.map((id) => call("GET", inCollection(`faces/${id}`)).catch(() => null)));
  const there = faces.filter(Boolean);
  if (there.length > 0) card.showFaces(there, there.map(() => person ?? ""));
  return card.element;
}

function itemText(state, code) {
  if (state === "stored") return _("Registered");
  if (state === "present") return _("Already registered");
  if (state === "waiting") return _("Not processed");
  return page.sentences[code] ?? page.sentences.other;
}
