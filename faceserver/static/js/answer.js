/** The answer to a search in one line: who is in the picture. */
import { make } from "./dom.js";
import { ngettext } from "./texts.js";
import { personLink, verdictParts } from "./whorow.js";

/** So many people are told by name. */
const MOST = 6;

/**
 * @param {import("./verdict.js").Verdict[]} verdicts one for each face
 * @returns {(Node|string)[]}
 */
export function answerParts(verdicts) {
  if (verdicts.length === 1) return verdictParts(verdicts[0]);
  const people = peopleOf(verdicts);
  const parts = people.slice(0, MOST).map(personLink);
  const further = people.length - MOST;
  if (further > 0) parts.push(ngettext("%(num)s more person", "%(num)s more people", further));
  const others = verdicts.filter(({ kind }) => kind === "unknown" || kind === "unnamed").length;
  if (people.length === 0) return [ngettext("Nobody known in %(num)s face", "Nobody known in %(num)s faces", others)];
  if (others > 0) parts.push(ngettext("%(num)s face without a name", "%(num)s faces without a name", others));
  return listed(parts);
}

/** Parts as the language lists them: with commas and a word for and. */
function listed(parts) {
  const list = new Intl.ListFormat(document.documentElement.lang, { type: "conjunction" });
  const places = list.formatToParts(parts.map((_part, place) => String(place)));
  return places.map(({ type, value }) => (type === "element" ? parts[Number(value)] : make("span", { textContent: value })));
}

/** Each person once, the surest first as they come. */
function peopleOf(verdicts) {
  const people = new Map();
  for (const { person } of verdicts) if (person) people.set(person.id, person);
  return [...people.values()];
}
