/** Which model a new collection is of, with what there is to know before one decides. */
import { call } from "./api.js";
import { make } from "./dom.js";
import { worstRate } from "./modelspanel.js";
import { _ } from "./texts.js";

/**
 * A choice for each model that tells people apart; the most accurate one is proposed.
 * @returns {Promise<HTMLElement[]>}
 * @throws {import("./api.js").ApiError}
 */
export async function modelChoices() {
  const { items } = await call("GET", "v1/models");
  const models = items.filter(({ kind }) => kind === "embedder");
  const usable = models.filter(({ built }) => built);
  const first = usable.find(({ proposed }) => proposed) ?? usable.find((each) => each.default) ?? usable[0];
  return models.map((model) => choiceOf(model, model === first));
}

function choiceOf(model, isFirst) {
  const { name, built, licence, measured, trained_on: trainedOn, not_for: notFor } = model;
  const input = make("input", { type: "radio", name: "model", value: name, className: "form-check-input", checked: isFirst, disabled: !built });
  const words = [
    [model.proposed, _("the most accurate")],
    [model.default, _("the server’s own")],
    [!built, _("not built")],
  ];
  const marks = words.filter(([holds]) => holds).map(([, text]) => make("span", { className: "badge-soft", textContent: text }));
  const lines = [
    figures(measured),
    trainedOn && _("Trained on: %(what)s", { what: trainedOn }),
    notFor && _("Not for: %(what)s", { what: notFor }),
    licence && _("Licence: %(licence)s", { licence }),
  ].filter(Boolean);
  return make(
    "label",
    { className: "model-choice" },
    input,
    make("span", { className: "model-name" }, make("b", { textContent: name }), ...marks),
    ...lines.map((line) => make("span", { className: "hint", textContent: line })),
  );
}

function figures(measured) {
  if (!measured.length) return _("Nobody has measured it here.");
  return [
    _("Strangers taken for one person: %(rate)s", { rate: worstRate(measured, "false_match") }),
    _("One person taken for two: %(rate)s", { rate: worstRate(measured, "false_non_match") }),
  ].join(" · ");
}
