/** Several items of a list are chosen: by click, with Shift from the last one on, all, or with keys. */
import { make } from "./dom.js";

export class Selection {
  /**
   * @param {HTMLElement} list whose elements have the checkboxes
   * @param {(selection: Selection) => void} onChange
   */
  constructor(list, onChange) {
    this.list = list;
    this.onChange = onChange;
    /** What is chosen, by id. @type {Map<string, any>} */
    this.chosen = new Map();
    this.boxes = new WeakMap();
    this.last = null;
    list.addEventListener("keydown", (event) => this.typed(event));
  }

  /** How many are chosen. */
  get size() {
    return this.chosen.size;
  }

  /** The chosen items. */
  get items() {
    return [...this.chosen.values()];
  }

  /**
   * The checkbox of an item, in its label.
   * @param {{id: string}} item
   * @param {string} text what it does, for screen readers
   */
  choose(item, text) {
    const box = make("input", { type: "checkbox", className: "form-check-input", checked: this.chosen.has(item.id) });
    box.setAttribute("aria-label", text);
    this.boxes.set(box, item);
    box.addEventListener("click", ({ shiftKey }) => this.clicked(box, shiftKey));
    return make("label", { className: "choose" }, box);
  }

  clicked(box, isRange) {
    const all = this.shown();
    const start = isRange && this.last ? all.indexOf(this.last) : -1;
    const end = all.indexOf(box);
    const range = start < 0 ? [box] : all.slice(Math.min(start, end), Math.max(start, end) + 1);
    for (const each of range) this.set(each, box.checked);
    this.last = box;
    this.onChange(this);
  }

  set(box, isChosen) {
    const item = this.boxes.get(box);
    box.checked = isChosen;
    if (isChosen) this.chosen.set(item.id, item);
    else this.chosen.delete(item.id);
  }

  /** The checkboxes that are in the list, in its order. */
  shown() {
    return [...this.list.querySelectorAll(".choose input")].filter((box) => this.boxes.has(box));
  }

  /**
   * Choose all that are shown, and others that are not.
   * @param {{id: string}[]} [others]
   */
  all(others = []) {
    for (const item of others) this.chosen.set(item.id, item);
    for (const box of this.shown()) this.set(box, true);
    this.onChange(this);
  }

  clear() {
    this.chosen.clear();
    this.last = null;
    for (const box of this.shown()) box.checked = false;
    this.onChange(this);
  }

  /** Ctrl+A chooses all, Escape none, while the focus is in the list. */
  typed(event) {
    const isText = event.target.matches("input:not([type=checkbox]), textarea");
    if (isText || !this.shown().length) return;
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "a") {
      event.preventDefault();
      this.list.dispatchEvent(new Event("choose-all"));
    } else if (event.key === "Escape" && this.size > 0) this.clear();
  }
}
