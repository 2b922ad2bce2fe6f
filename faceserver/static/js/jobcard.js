/** Pictures from the web: a job on the server, watched while it works. */
import { call, inCollection } from "./api.js";
import { button, make, say } from "./dom.js";
import { page } from "./page.js";
import { resultParts } from "./results.js";
import { _, number } from "./texts.js";

const POLL_MS = 700;
const PAGE = 20;

export class JobCard {
  /** @param {object} job as the API tells it */
  constructor(job) {
    this.job = job;
    this.shown = 0;
    this.state = make("p", { className: "state", role: "status" });
    this.bar = make("progress", { max: job.total, aria: { label: _("Pictures from the web") } });
    this.cancel = button(_("Cancel"), () => this.stop(), { icon: "close" });
    this.items = make("ul", { className: "cards" });
    this.more = button(_("Show more"), () => this.showMore());
    this.more.hidden = true;
    const heading = make("h3", { className: "card-name", textContent: _("Pictures from the web") });
    const head = make("div", { className: "card-head" }, heading, this.state, this.cancel);
    this.element = make("li", { className: "picture-card job" }, head, this.bar, this.items, this.more);
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
    this.element.dataset.state = this.job.state;
    say(this.state, this.stateText());
  }

  stateText() {
    const { state, reason, total, waiting, stored, present, refused } = this.job;
    const counts = { done: number(total - waiting), total: number(total), stored: number(stored + present), refused: number(refused) };
    if (state === "failed") return _("The job failed: %(reason)s", { reason });
    if (state === "queued") return _("Waiting");
    if (state === "cancelled") return _("Cancelled after %(done)s of %(total)s", counts);
    if (state === "running") return _("%(done)s of %(total)s downloaded", counts);
    return _("%(stored)s registered, %(refused)s failed", counts);
  }

  async stop() {
    try {
      this.job = await call("POST", this.place("/cancel"));
      this.show();
    } catch (error) {
      say(this.state, error.message);
    }
  }

  async showMore() {
    const query = { limit: PAGE, ...(this.cursor ? { cursor: this.cursor } : {}) };
    try {
      const { items, next } = await call("GET", this.place("/items", query));
      this.cursor = next;
      this.more.hidden = next === null;
      for (const item of items) this.items.append(await itemCard(item));
    } catch (error) {
      say(this.state, error.message);
    }
  }
}

async function itemCard({ source, state, faces: ids, code, person }) {
  const heading = make("h4", { className: "card-name", textContent: source, title: source });
  const text = make("p", { className: "state", textContent: stateText(state, code) });
  const card = make("li", { className: "picture-card" }, make("div", { className: "card-head" }, heading, text));
  card.dataset.state = state === "refused" ? "failed" : "done";
  const faces = await Promise.all(ids.map((id) => call("GET", inCollection(`faces/${id}`))));
  if (faces.length === 0) return card;
  const parts = resultParts({ title: source, url: null, fallback: faces[0].picture, faces, name: person ?? "" });
  card.append(make("div", { className: "card-body-parts" }, ...parts));
  return card;
}

function stateText(state, code) {
  if (state === "stored") return _("Registered");
  if (state === "present") return _("Already registered");
  if (state === "waiting") return _("Not downloaded");
  return page.sentences[code] ?? page.sentences.other;
}
