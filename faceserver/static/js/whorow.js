/** One face of a picture that was searched for: who it is, and what can be done about it. */
import { button, make } from "./dom.js";
import { likeness } from "./matches.js";
import { nameForm } from "./nameform.js";
import { may, pageUrl } from "./page.js";
import { thumbOfFace } from "./thumbnails.js";
import { _, ngettext, sure } from "./texts.js";

/**
 * @typedef {object} Acts
 * @property {() => void} choose show the matches of this face
 * @property {((name: string) => Promise<void>)|null} register null: it is already registered
 * @property {(name: string) => Promise<void>} name give the near faces without a name one
 */

/**
 * @param {object} options
 * @param {number} options.index of the face in the picture, from 0
 * @param {boolean} options.isOnly whether the picture shows nobody else
 * @param {boolean} options.isChosen
 * @param {import("./verdict.js").Verdict} options.verdict
 * @param {object[]} options.near matches below the threshold
 * @param {Node|null} options.thumb
 * @param {{id: string, name: string}|null|undefined} options.enrolled as whom it was registered since
 * @param {Acts} options.acts
 * @returns {HTMLElement}
 */
export function whoRow({ index, isOnly, isChosen, verdict, near, thumb, enrolled, acts }) {
  const about = _("Face %(number)s", { number: index + 1 });
  const thumbs = make("span", { className: "who-thumbs" }, thumb, matchThumb(verdict.match));
  const done = enrolled === undefined ? null : make("p", { className: "who-done", role: "status" }, ...doneText(enrolled));
  const text = make("div", { className: "who-text" }, ...titleOf(verdict, isOnly), factsOf(verdict, near));
  const forms = done ?? formOf({ about, verdict, near, acts });
  const row = make("li", { className: "who", data: { kind: verdict.kind } }, thumbs, text, forms);
  if (!isOnly) row.insertBefore(chooser(about, isChosen, acts.choose), forms);
  row.setAttribute("aria-label", about);
  return row;
}

/** The person's name, leading to the person. */
export function personLink({ id, name }) {
  return make("a", { className: "person-link", href: pageUrl(`people/${id}`), textContent: name });
}

/** What the verdict says, as parts of a heading. */
export function verdictParts({ kind, person, other, match }) {
  if (kind === "unknown") return [_("Unknown")];
  if (kind === "unnamed") return [_("Registered, but without a name")];
  if (kind === "unsure" && other && other.id !== person.id) {
    return [personLink(person), " ", _("or"), " ", personLink(other), "?"];
  }
  if (match.similarity === null) return [personLink(person)];
  const share = make("span", { className: "share", textContent: sure(match.similarity) });
  return [personLink(person), make("span", { textContent: ", " }), share];
}

function titleOf(verdict, isOnly) {
  return isOnly ? [] : [make("p", { className: "who-name" }, ...verdictParts(verdict))];
}

function factsOf({ kind, match }, near) {
  const facts = {
    unknown: () => _("No registered face is this close."),
    unsure: () => _("Two people are about equally near. Compare their pictures below."),
  };
  const count = ngettext("%(num)s registered face matches", "%(num)s registered faces match", near.length);
  const text = facts[kind]?.() ?? [count, likeness(match)].join(" · ");
  return make("p", { className: "hint mb-0", textContent: text });
}

function matchThumb(match) {
  return match?.face.thumbnail ? thumbOfFace(match.face, "small", "thumb") : null;
}

function chooser(about, isChosen, choose) {
  const show = button(_("Matches"), choose, { icon: "search" });
  show.setAttribute("aria-label", _("Show the matches of %(face)s", { face: about }));
  show.setAttribute("aria-pressed", String(isChosen));
  return make("div", { className: "who-choose" }, show);
}

function doneText(person) {
  if (!person) return [_("Registered without a name.")];
  return [_("Registered as"), " ", personLink(person)];
}

function formOf({ about, verdict, near, acts }) {
  if (!may("write")) return "";
  const { kind, person } = verdict;
  if (kind === "unnamed") {
    const label = ngettext("Name this face", "Name these %(num)s faces", near.length);
    return nameForm({ label, about, act: acts.name });
  }
  if (!acts.register) return "";
  if (kind === "unknown") return nameForm({ label: _("Register"), about, isOptional: true, act: acts.register });
  if (kind === "unsure") return nameForm({ label: _("Register"), about, act: acts.register });
  return addButton(person, acts.register);
}

/** One more picture of somebody who is known makes the next search surer. */
function addButton({ name }, register) {
  const problem = make("p", { className: "name-problem", role: "alert" });
  const add = button(_("Add this face to %(name)s", { name }), async () => {
    add.disabled = true;
    try {
      await register(name);
    } catch (error) {
      problem.textContent = error.message;
      add.disabled = false;
    }
  }, { icon: "upload" });
  return make("div", { className: "name-form" }, add, problem);
}
