/** What a search has found, by person. */
import { icon, make } from "./dom.js";
import { openLightbox, storedAndMarked } from "./lightbox.js";
import { pageUrl } from "./page.js";
import { thumbOfFace } from "./thumbnails.js";
import { _, ngettext, sure } from "./texts.js";
import { distanceText } from "./threshold.js";
import { toldOf } from "./told.js";

/**
 * The matches below a threshold, in groups of one person each, nearest first.
 * @param {object[]} matches as the API tells them, nearest first
 * @param {number} threshold
 * @returns {{person: {id: string, name: string}|null, matches: object[]}[]}
 */
export function groupsOf(matches, threshold) {
  const groups = new Map();
  for (const match of matches.filter(({ distance }) => distance < threshold)) {
    const key = match.person?.id ?? "";
    if (!groups.has(key)) groups.set(key, { person: match.person, matches: [] });
    groups.get(key).matches.push(match);
  }
  return [...groups.values()];
}

/**
 * A person and the faces that were found.
 * @param {{person: object|null, matches: object[]}} group
 */
export function groupElement({ person, matches }) {
  const name = person?.name ?? _("Unnamed");
  const link = person ? make("a", { className: "person-link", href: pageUrl(`people/${person.id}`), textContent: name }) : name;
  const best = make("span", { className: "hint", textContent: likeness(matches[0]) });
  const count = ngettext("%(num)s face", "%(num)s faces", matches.length);
  const head = make(
    "div",
    { className: "group-head" },
    make("h3", {}, link),
    make("span", { className: "badge-soft", textContent: count }),
    best,
  );
  const items = matches.map((match) => itemOf(match, name));
  const rows = matches.map((match, place) => matchElement(match, name, () => openLightbox(items, place)));
  const list = make("ul", { className: "match-list" }, ...rows);
  return make("section", { className: "panel group", aria: { label: name } }, head, list);
}

/** Similarity where the model is calibrated, and the distance always. */
export function likeness({ distance, similarity }) {
  const far = _("distance %(distance)s", { distance: distanceText(distance) });
  if (similarity === null) return far;
  return [_("similarity %(share)s", { share: sure(similarity) }), far].join(" · ");
}

function matchElement(match, name, show) {
  const { face, distance, similarity } = match;
  const thumb = thumbOfFace(face, "large", "thumb", name);
  const large = similarity === null ? distanceText(distance) : sure(similarity);
  const small = similarity === null ? "" : distanceText(distance);
  const open = make(
    "button",
    { type: "button", className: "match", title: face.source },
    thumb,
    make("span", { className: "match-large", textContent: large }),
    make("span", { className: "match-small", textContent: small }),
    make("span", { className: "visually-hidden", textContent: _("Show the whole picture") }),
  );
  open.addEventListener("click", show);
  return make("li", {}, open);
}

function itemOf(match, name) {
  const { face } = match;
  const names = [match.person ? name : _("Unnamed")];
  return {
    title: name,
    show: () => storedAndMarked(face, { alt: face.source || name, names, withPoints: true }),
    foot: () => {
      const text = [likeness(match), toldOf(face), face.source].filter(Boolean).join(" · ");
      return [make("p", { className: "hint mb-0", textContent: text }), ...personLinks(match), searchLink(face)];
    },
  };
}

function personLinks({ person }) {
  if (!person) return [];
  const text = _("All pictures of %(name)s", { name: person.name });
  return [make("a", { className: "btn btn-outline-secondary btn-sm", href: pageUrl(`people/${person.id}`) }, icon("person"), text)];
}

/** The way to a search with a stored face. */
export function searchLink({ id }) {
  const href = pageUrl("faceRetrieve.html", { face: id });
  return make("a", { className: "btn btn-outline-secondary btn-sm", href }, icon("search"), _("Search with this face"));
}
