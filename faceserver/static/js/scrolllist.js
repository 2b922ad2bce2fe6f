/** A long list that is loaded a page at a time, as one scrolls; a button does it as well. */
import { call } from "./api.js";
import { button, byId, make, say } from "./dom.js";
import { _ } from "./texts.js";

/** So many pixels before the end of the list comes into sight, its next page is loaded. */
const AHEAD = 1200;

export class ScrollList {
  /**
   * @param {object} options
   * @param {string} options.list id of the list
   * @param {string} options.more id of where the button stands, below the list
   * @param {(cursor: string|null) => string} options.place the address of a page
   * @param {(item: object) => Node} options.show
   * @param {(list: ScrollList, page: object) => void} [options.onPage] called when a page is there
   */
  constructor({ list, more, place, show, onPage = () => {} }) {
    Object.assign(this, { place, show, onPage });
    this.element = byId(list);
    this.button = button(_("Show more"), () => this.load());
    this.problem = make("p", { className: "notice bad", role: "alert", hidden: true });
    this.end = byId(more);
    this.end.replaceChildren(this.problem, this.button);
    this.turn = 0;
    this.reset();
    const near = (entries) => entries.some((entry) => entry.isIntersecting);
    this.observer = new IntersectionObserver((entries) => near(entries) && this.load(), { rootMargin: `${AHEAD}px` });
  }

  /** How many items are shown. */
  get count() {
    return this.element.children.length;
  }

  /** Begin anew, from the first page. */
  async restart() {
    this.reset();
    await this.load();
  }

  /** Show the next page, if there is one. */
  async load() {
    if (this.isLoading || this.isComplete) return;
    const turn = this.turn;
    this.isLoading = true;
    this.problem.hidden = true;
    try {
      const page = await call("GET", this.place(this.cursor));
      const { items, next } = page;
      if (turn !== this.turn) return; // of a list that is not shown any more
      if (this.cursor === null) this.element.replaceChildren();
      this.element.append(...items.map(this.show));
      this.cursor = next;
      this.isComplete = next === null;
      this.isLoading = false;
      this.onPage(this, page);
    } catch (error) {
      if (turn !== this.turn) return;
      this.isLoading = false;
      say(this.problem, error.message);
      this.problem.hidden = false;
    }
    this.button.hidden = this.isComplete;
    this.observe();
  }

  /** Look for the end anew: an observer says nothing where it was near before and is so still. */
  observe() {
    this.observer.unobserve(this.end);
    if (this.problem.hidden && !this.isComplete) this.observer.observe(this.end);
  }

  reset() {
    this.turn += 1;
    this.cursor = null;
    this.isLoading = false;
    this.isComplete = false;
    this.button.hidden = true;
  }
}
