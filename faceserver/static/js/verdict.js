/** Who a face shows, in one word, as the threshold on the page has it. */
import { _, sure } from "./texts.js";

/**
 * @typedef {"known"|"unsure"|"unnamed"|"unknown"} Kind
 * @typedef {object} Verdict
 * @property {Kind} kind unnamed: it is registered, and nobody has said whom it shows
 * @property {{id: string, name: string}|null} person the nearest one with a name
 * @property {{id: string, name: string}|null} other who it could be as well, if that is unsure
 * @property {object|null} match the nearest face of that person, or without a name
 */

/**
 * The API's own verdict is about the threshold that was asked for; a page asks for farther faces
 * than it shows at first, and decides by the same rule.
 * @param {object} probe as the API tells it
 * @param {number} threshold largest distance
 * @param {number} margin below which two people cannot be told apart
 * @returns {Verdict}
 */
export function verdictOf({ matches, verdict }, threshold, margin) {
  const near = matches.filter(({ distance }) => distance < threshold);
  const named = near.find(({ person }) => person !== null);
  if (!named) {
    const kind = near.length > 0 ? "unnamed" : "unknown";
    return { kind, person: null, other: null, match: near[0] ?? null };
  }
  const isUnsure = verdict.margin !== null && verdict.margin < margin;
  const { person } = named;
  return { kind: isUnsure ? "unsure" : "known", person, other: isUnsure ? verdict.next : null, match: named };
}

/**
 * The name that stands beside a box.
 * @param {Verdict} verdict
 * @param {boolean} withShare whether there is room for how sure it is
 */
export function shortName({ kind, person, match }, withShare = false) {
  if (kind === "unknown") return _("Unknown");
  if (kind === "unnamed") return _("Unnamed");
  const share = match.similarity === null || !withShare ? "" : ` ${sure(match.similarity)}`;
  return kind === "unsure" ? `${person.name}?` : `${person.name}${share}`;
}
