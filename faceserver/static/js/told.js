/** What was told of a face when it was stored, in words. */
import { _, number, percent } from "./texts.js";

/** A head that is turned aside by fewer degrees looks straight on. */
const TURNED = 15;

/** Attributes whose figures mean something to everybody; of the others words alone are told. */
const KNOWN = {
  gender: (value) => ({ female: _("female"), male: _("male") })[value] ?? String(value),
  age: (value) => _("about %(age)s years old", { age: number(Math.round(value)) }),
  quality: (value) => _("quality %(share)s", { share: percent(value) }),
  pose_yaw: (value) => (Math.abs(value) < TURNED ? "" : _("turned aside by %(degrees)s°", { degrees: number(Math.round(Math.abs(value))) })),
};

/**
 * @param {{attributes: Record<string, unknown>}} face as the API tells it
 * @returns {string} empty where nothing is known
 */
export function toldOf({ attributes }) {
  const known = Object.entries(KNOWN).map(([name, say]) => (attributes[name] === undefined ? "" : say(attributes[name])));
  const others = Object.entries(attributes)
    .filter(([name, value]) => !(name in KNOWN) && typeof value === "string")
    .map(([name, value]) => `${name.replaceAll("_", " ")}: ${value}`);
  return [...known, ...others].filter(Boolean).join(" · ");
}
