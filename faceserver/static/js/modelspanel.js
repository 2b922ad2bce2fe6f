/** What models there are, what they may be used for, and how often they are wrong. */
import { call } from "./api.js";
import { byId, make } from "./dom.js";
import { _, number } from "./texts.js";

const KINDS = {
  detector: _("finds faces"),
  embedder: _("tells people apart"),
  attribute: _("describes faces"),
};

export async function showModels() {
  const { items } = await call("GET", "v1/models");
  byId("models").replaceChildren(...items.map(row));
  byId("models-panel").hidden = false;
}

function row(model) {
  const state = [
    [model.default, _("in use")],
    [model.loaded, _("loaded")],
    [model.proposed, _("the most accurate")],
    [!model.built, _("not built")],
  ];
  const words = state.filter(([holds]) => holds).map(([, word]) => word);
  const limits = [model.trained_on, model.not_for].filter(Boolean).join(" · ");
  return make(
    "tr",
    {},
    make("th", { scope: "row", textContent: model.name, title: limits }),
    make("td", { textContent: [KINDS[model.kind] ?? model.kind, ...words].join(", ") }),
    make("td", { textContent: model.licence }),
    make("td", { className: "num", textContent: worstRate(model.measured, "false_match") }),
    make("td", { className: "num", textContent: worstRate(model.measured, "false_non_match") }),
    make("td", { textContent: limits }),
  );
}

/** The highest rate of all groups, and whose it is. */
export function worstRate(measured, rate) {
  if (!measured.length) return "–";
  const group = measured.reduce((most, each) => (each[rate] > most[rate] ? each : most));
  const share = number(group[rate], { style: "percent", maximumFractionDigits: 1 });
  return _("%(share)s (%(group)s)", { share, group: group.name });
}
