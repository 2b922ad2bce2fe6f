/** What a search has found, by person. */
import { make, icon } from "./dom.js";
import { openLightbox } from "./lightbox.js";
import { page } from "./page.js";
import { markedPicture } from "./picture.js";
import { _, ngettext, percent } from "./texts.js";
import { distanceText } from "./threshold.js";

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
  const best = make("span", { className: "hint", textContent: likeness(matches[0]) });
  const count = ngettext("%(num)s face", "%(num)s faces", matches.length);
  const head = make(
    "div",
    { className: "group-head" },
    make("h3", { textContent: name }),
    make("span", { className: "badge-soft", textContent: count }),
    best,
  );
  const list = make("ul", { className: "match-list" }, ...matches.map((match) => matchElement(match, name)));
  return make("section", { className: "panel group", aria: { label: name } }, head, list);
}

/** Similarity where the model is calibrated, and the distance always. */
export function likeness({ distance, similarity }) {
  const far = _("distance %(distance)s", { distance: distanceText(distance) });
  if (similarity === null) return far;
  return [_("similarity %(share)s", { share: percent(similarity) }), far].join(" · ");
}

function matchElement(match, name) {
  const { face, distance, similarity } = match;
  const label = _("%(name)s, %(likeness)s: show the whole picture", { name, likeness: likeness(match) });
  const thumb = face.crop
    ? make("img", { className: "thumb", loading: "lazy", decoding: "async", alt: "", src: face.crop })
    : make("span", { className: "thumb nothing" }, icon("person"));
  const large = similarity === null ? distanceText(distance) : percent(similarity);
  const small = similarity === null ? "" : distanceText(distance);
  const open = make(
    "button",
    { type: "button", className: "match", title: face.source },
    thumb,
    make("span", { className: "match-large", textContent: large }),
    make("span", { className: "match-small", textContent: small }),
  );
  open.setAttribute("aria-label", label);
  open.addEventListener("click", () => showPicture(match, name));
  return make("li", {}, open);
}

function showPicture(match, name) {
  const { face } = match;
  const shown = face.picture
    ? markedPicture(face.picture, [face], { alt: face.source || name, withPoints: true })
    : make("p", { textContent: _("The picture of this face was not kept.") });
  const search = make("a", {
    className: "btn btn-outline-secondary btn-sm",
    href: `${page.root}faceRetrieve.html?face=${face.id}`,
  });
  search.append(icon("search"), _("Search with this face"));
  const facts = make("p", { className: "hint mb-0", textContent: [likeness(match), face.source].filter(Boolean).join(" · ") });
  openLightbox(name, shown, make("div", { className: "lightbox-foot" }, facts, search));
}
