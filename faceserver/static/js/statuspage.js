/** How the server is. */
import { call } from "./api.js";
import { byId, make, say } from "./dom.js";
import { latencyChart } from "./latencychart.js";
import { showModels } from "./modelspanel.js";
import { showCode } from "./takealong.js";
import { _, number, percent } from "./texts.js";
import { toastFromBefore } from "./toast.js";

const AGAIN_MS = 5000;
const MOST_ROUTES = 10;
const STEPS = {
  wait: _("Wait for a processor"),
  decode: _("Decode a picture"),
  detect: _("Detect faces"),
  embed: _("Embed faces"),
  attributes: _("Tell age, pose and the like"),
  search: _("Search the collection"),
  fetch: _("Fetch a URL"),
  store: _("Store faces"),
};
const INDEXES = {
  exact: () => _("exhaustive"),
  graph: () => _("with the index"),
  building: (progress) => _("the index is being built: %(share)s", { share: percent(progress) }),
};
const KINDS = {
  pictures: _("Pictures"),
  faces: _("Faces and people"),
  index: _("Index"),
  other: _("Other"),
};

let shown = "";

async function refresh() {
  if (!document.hidden) {
    try {
      show(await call("GET", "v1/status"));
      byId("problem").hidden = true;
    } catch (error) {
      const bound = _("Your key is limited to one collection; this page covers the whole server.");
      say(byId("problem"), error.code === "not_permitted" ? bound : error.message);
      byId("problem").hidden = false;
      if (error.code === "not_permitted") return;
    }
  }
  setTimeout(refresh, AGAIN_MS);
}

/** What has not changed stays as it is, under the reader's eyes. */
function show(status) {
  byId("status").hidden = false;
  const text = JSON.stringify(status);
  if (text === shown) return;
  shown = text;
  byId("figures").replaceChildren(...figures(status));
  byId("collections").replaceChildren(...status.collections.map(collectionRow));
  const steps = status.latency.filter(({ kind }) => kind === "step");
  byId("latency").replaceChildren(...latencyChart(steps, (name) => STEPS[name] ?? name));
  byId("routes").replaceChildren(...latencyChart(routes(status.latency), (name) => name));
  byId("disk").replaceChildren(...disk(status.disk));
}

function figures({ version, engine, model, open_jobs: jobs, collections }) {
  const sum = (name) => number(collections.reduce((total, each) => total + each[name], 0));
  return [
    figure(_("Faces"), sum("faces")),
    figure(_("People"), sum("subjects")),
    figure(_("Open jobs"), number(jobs)),
    figure(_("Model"), model),
    figure(_("Engine"), engine),
    figure(_("Version"), version),
  ];
}

function figure(name, value) {
  return make("div", {}, make("dt", { textContent: name }), make("dd", { textContent: value }));
}

function collectionRow({ name, faces, subjects, model, index, progress, recall, changing_to: next }) {
  const change = next ? _("changing to %(model)s", { model: next }) : "";
  const search = INDEXES[index](progress);
  const cells = [
    make("th", { scope: "row", textContent: name }),
    make("td", { className: "num", textContent: number(faces) }),
    make("td", { className: "num", textContent: number(subjects) }),
    make("td", { textContent: [model, change].filter(Boolean).join(", ") }),
    make("td", { textContent: search }),
    make("td", { className: "num", textContent: recall === null ? _("exact") : number(recall, { style: "percent", maximumFractionDigits: 1 }) }),
  ];
  return make("tr", {}, ...cells);
}

/** Those that were asked for most, without the files of the pages. */
function routes(latency) {
  const asked = latency.filter(({ kind, name }) => kind === "route" && !name.includes("static") && !name.startsWith("/health"));
  return asked.sort((a, b) => b.count - a.count).slice(0, MOST_ROUTES);
}

function disk({ free, ...used }) {
  const kinds = Object.keys(KINDS);
  const total = kinds.reduce((sum, kind) => sum + used[kind], 0);
  const bar = make("div", { className: "disk-bar", aria: { hidden: "true" } });
  for (const kind of kinds) {
    const part = make("span", { className: `disk-${kind}` });
    part.style.width = `${(100 * used[kind]) / Math.max(total, 1)}%`;
    bar.append(part);
  }
  const rows = kinds.map((kind) => make("li", { className: `disk-${kind}` }, make("span", { textContent: KINDS[kind] }), make("span", { textContent: bytes(used[kind]) })));
  const text = _("%(used)s in the data folder; %(free)s free on its disk.", { used: bytes(total), free: bytes(free) });
  return [make("p", { className: "mb-2", textContent: text }), bar, make("ul", { className: "disk-legend" }, ...rows)];
}

function bytes(count) {
  const units = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"];
  const step = Math.min(Math.floor(Math.log10(Math.max(count, 1)) / 3), units.length - 1);
  return number(count / 1000 ** step, { style: "unit", unit: units[step], unitDisplay: "short", maximumSignificantDigits: 3 });
}

toastFromBefore();
// The models stand below the figures, which would push them; what is wrong, the figures have told.
refresh().then(showModels).catch(() => {});
showCode("GET", "v1/status");
