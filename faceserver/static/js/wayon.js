/** What comes after registering: who has no name yet, and where to give one. */
import { call, inCollection } from "./api.js";
import { byId, make } from "./dom.js";
import { pageUrl } from "./page.js";
import { _, ngettext } from "./texts.js";

let turn = 0;

/** Tell of the faces without a name, with the way to them; of everybody, where all have one. */
export async function showWayOn() {
  const mine = (turn += 1);
  let found;
  try {
    found = await call("GET", inCollection("unnamed", { limit: 1 }));
  } catch {
    return; // it is an extra: the pictures are in
  }
  if (mine !== turn) return; // more was registered meanwhile
  byId("way-on").replaceChildren(...(found.examined > 0 ? toName(found) : toPeople()));
  byId("way-on").hidden = false;
}

function toName({ examined, groups, complete }) {
  const faces = ngettext("%(num)s face", "%(num)s faces", examined);
  const people = ngettext("%(num)s person", "%(num)s people", groups);
  const text = complete
    ? _("%(faces)s, about %(people)s, without a name:", { faces, people })
    : _("More than %(faces)s without a name:", { faces });
  return [`${text} `, make("a", { href: pageUrl("people", { view: "unnamed" }), textContent: _("name them") })];
}

function toPeople() {
  return [`${_("Every face has a name.")} `, make("a", { href: pageUrl("people"), textContent: _("See everybody") })];
}
