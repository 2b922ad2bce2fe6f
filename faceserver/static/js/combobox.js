/** Names of people under a field, completed by the server; the pattern of ARIA's combobox. */
import { call, inCollection } from "./api.js";
import { make } from "./dom.js";
import { ngettext } from "./texts.js";
import { coverOf } from "./thumbnails.js";

const TYPING_MS = 150;
const MOST = 8;

let lists = 0;

/**
 * Complete a field's text to the names of people, whom it shows by their likeness to a face while
 * nothing is typed.
 * @param {HTMLInputElement} field
 * @param {{face?: string}} [options] id of a stored face
 */
export function completeNames(field, { face } = {}) {
  const list = make("ul", { id: `names-${(lists += 1)}`, className: "names", popover: "manual", role: "listbox", aria: { label: field.getAttribute("aria-label") ?? field.labels?.[0]?.textContent.trim() ?? "" } });
  let timer = 0;
  let asked = null;
  const options = () => [...list.children];
  const active = () => list.querySelector("[aria-selected=true]");
  const isOpen = () => list.matches(":popover-open");

  function close() {
    clearTimeout(timer);
    asked = null;
    if (isOpen()) list.hidePopover();
    mark(null);
    field.setAttribute("aria-expanded", "false");
  }

  function mark(option) {
    for (const each of options()) each.setAttribute("aria-selected", String(each === option));
    if (option) field.setAttribute("aria-activedescendant", option.id);
    else field.removeAttribute("aria-activedescendant");
    option?.scrollIntoView({ block: "nearest" });
  }

  function take(option) {
    field.value = option.dataset.name;
    close();
    field.dispatchEvent(new Event("input", { bubbles: true }));
    close();
  }

  function show(people) {
    list.replaceChildren(...people.map((person, place) => optionOf(person, `${list.id}-${place}`)));
    if (people.length === 0) return close();
    const { left, bottom, width } = field.getBoundingClientRect();
    if (!isOpen()) {
      if (!list.isConnected) (field.closest("dialog, main") ?? document.body).append(list);
      list.showPopover();
    }
    Object.assign(list.style, { left: `${left}px`, top: `${bottom + 4}px`, minWidth: `${width}px` });
    field.setAttribute("aria-expanded", "true");
    mark(null);
  }

  async function ask() {
    const text = field.value.trim();
    const query = text ? { called: text, sort: "name", limit: MOST } : face ? { alike: face, limit: MOST } : null;
    if (!query || document.activeElement !== field) return close();
    asked = text;
    try {
      const { items } = await call("GET", inCollection("subjects", query));
      if (asked !== text || document.activeElement !== field) return;
      show(items.length === 1 && items[0].name === text ? [] : items);
    } catch {
      close(); // the field works without
    }
  }

  function typed(event) {
    const all = options();
    const place = all.indexOf(active());
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (!isOpen()) return ask();
      const step = event.key === "ArrowDown" ? 1 : -1;
      mark(all[place < 0 && step < 0 ? all.length - 1 : place + step] ?? null);
    } else if (event.key === "Enter" && active()) {
      event.preventDefault();
      take(active());
    } else if (event.key === "Escape" && isOpen()) {
      event.preventDefault();
      event.stopPropagation();
      close();
    }
  }

  field.removeAttribute("list");
  field.setAttribute("role", "combobox");
  field.setAttribute("autocomplete", "off");
  for (const [name, value] of [["controls", list.id], ["expanded", "false"], ["autocomplete", "list"]]) field.setAttribute(`aria-${name}`, value);
  field.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(ask, TYPING_MS);
  });
  field.addEventListener("keydown", typed);
  field.addEventListener("blur", close);
  field.addEventListener("focus", () => face && !field.value && ask());
  addEventListener("scroll", () => isOpen() && close(), { passive: true, capture: true });
  list.addEventListener("pointerdown", (event) => {
    event.preventDefault(); // the field keeps the focus
    const option = event.target.closest("[role=option]");
    if (option) take(option);
  });
}

function optionOf(person, id) {
  const count = ngettext("%(num)s face", "%(num)s faces", person.faces);
  const name = make("span", { className: "pick-name", textContent: person.name });
  return make("li", { id, className: "pick", role: "option", data: { name: person.name }, aria: { selected: "false" } }, coverOf(person), name, make("span", { className: "hint", textContent: count }));
}
