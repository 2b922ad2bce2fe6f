/** Who was seen by the camera, and when. */
import { faceFile, faceThumb } from "./cutout.js";
import { byId, make, say } from "./dom.js";
import { enrollCut } from "./enroll.js";
import { nameForm } from "./nameform.js";
import { may } from "./page.js";
import { _, ngettext, sure } from "./texts.js";
import { personLink } from "./whorow.js";

/** Who was away for longer than this has come again. */
const AWAY_MS = 10_000;
/** In so many pictures a stranger must be seen to be told: one blurred picture makes no stranger. */
const ENOUGH = 3;
/** A face that is so much larger makes a better picture of a stranger. */
const LARGER = 1.3;

export class SeenList {
  constructor() {
    this.entries = new Map();
  }

  /**
   * @param {object[]} tracks of one picture, as tracks.js gives them
   * @param {import("./cutout.js").Source} frame that picture
   * @param {Date} now
   */
  see(tracks, frame, now) {
    const here = new Set();
    for (const track of tracks) {
      const entry = this.entryOf(track, frame, now);
      if (entry) here.add(entry);
      entry?.see(track, frame, now);
    }
    for (const entry of this.entries.values()) entry.show(here.has(entry));
    byId("nobody-seen").hidden = this.entries.size > 0;
    byId("csv").disabled = this.entries.size === 0;
  }

  entryOf({ id, count, verdict }, frame, now) {
    const { kind, person } = verdict;
    const stranger = `track ${id}`;
    if (kind === "unsure") return this.entries.get(person.id) ?? null;
    const key = kind === "known" ? person.id : stranger;
    if (kind === "known") this.forget(stranger); // it was taken for a stranger before
    if (!this.entries.has(key) && (kind === "known" || count >= ENOUGH)) this.add(key, person, now);
    return this.entries.get(key) ?? null;
  }

  add(key, person, now) {
    const entry = new Entry(person, (registered) => this.rename(key, registered));
    this.entries.set(key, entry);
    byId("seen").prepend(entry.element);
    const name = person?.name ?? _("Unknown");
    say(byId("seen-latest"), _("%(name)s at %(time)s", { name, time: clock(now) }));
  }

  forget(key) {
    this.entries.get(key)?.element.remove();
    this.entries.delete(key);
  }

  /** A stranger has got a name: from now on the server knows this face. */
  rename(key, person) {
    const entry = this.entries.get(key);
    this.entries.delete(key);
    this.forget(person.id);
    this.entries.set(person.id, entry);
  }

  /** @returns {unknown[][]} a row for each time that somebody was seen */
  get rows() {
    return [...this.entries.values()].flatMap(({ person, sightings, best }) =>
      sightings.map(({ from, to }) => [person?.name ?? "", person?.id ?? "", from.toISOString(), to.toISOString(), best]),
    );
  }
}

class Entry {
  /**
   * @param {{id: string, name: string}|null} person null: a stranger
   * @param {(person: {id: string, name: string}) => void} onRegistered
   */
  constructor(person, onRegistered) {
    this.person = person;
    this.onRegistered = onRegistered;
    this.sightings = [];
    this.best = null;
    this.size = 0;
    this.cut = null;
    this.thumb = make("span", { className: "thumb" });
    this.title = make("p", { className: "who-name" }, person ? personLink(person) : _("Unknown"));
    this.times = make("p", { className: "hint mb-0" });
    const text = make("div", { className: "who-text" }, this.title, this.times);
    this.now = make("span", { className: "badge-soft here", textContent: _("now"), hidden: true });
    const thumbs = make("span", { className: "who-thumbs" }, this.thumb);
    this.element = make("li", { className: "who" }, thumbs, text, this.now);
    if (!person && may("write")) this.element.append(this.form());
  }

  see({ box, verdict }, frame, now) {
    const latest = this.sightings.at(-1);
    if (latest && now - latest.to < AWAY_MS) latest.to = now;
    else this.sightings.push({ from: now, to: now });
    const similarity = verdict.match?.similarity ?? null;
    if (this.person && similarity !== null) this.best = Math.max(this.best ?? 0, similarity);
    this.picture(frame, box);
  }

  picture(frame, box) {
    const size = (box.x2 - box.x1) * (box.y2 - box.y1);
    if (size < this.size * LARGER) return;
    this.size = size;
    const thumb = faceThumb(frame, box);
    this.thumb.replaceWith(thumb);
    this.thumb = thumb;
    if (!this.person) this.cut = faceFile(frame, box, _("camera.jpg"));
  }

  show(isHere) {
    this.now.hidden = !isHere;
    const { from, to } = this.sightings.at(-1);
    const parts = [from - to === 0 ? clock(from) : _("%(from)s to %(to)s", { from: clock(from), to: clock(to) })];
    if (this.sightings.length > 1) parts.push(ngettext("seen %(num)s time", "seen %(num)s times", this.sightings.length));
    if (this.best !== null) parts.push(_("similarity %(share)s", { share: sure(this.best) }));
    say(this.times, parts.join(" · "));
  }

  form() {
    const act = async (name) => {
      const { person } = await enrollCut(await this.cut, _("camera.jpg"), name);
      this.person = person;
      this.onRegistered(person);
      form.replaceWith(make("p", { className: "who-done", role: "status", textContent: _("Registered.") }));
      this.title.replaceChildren(personLink(person));
    };
    const form = nameForm({ label: _("Register"), about: _("Unknown"), act });
    return form;
  }
}

function clock(time) {
  return time.toLocaleTimeString(document.documentElement.lang, { timeStyle: "medium" });
}
