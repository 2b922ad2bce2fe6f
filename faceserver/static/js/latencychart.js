/** How long things take, as a chart: a bar from the median to the 99th percentile, on a log scale. */
import { make, makeSvg } from "./dom.js";
import { _, number, ngettext } from "./texts.js";

const TICKS = [0.001, 0.01, 0.1, 1, 10];
const LOW = Math.log10(0.0005);
const HIGH = Math.log10(30);
const WIDTH = 300;
const HEIGHT = 18;

/**
 * @param {{name: string, count: number, p50: number, p95: number, p99: number}[]} rows in seconds
 * @param {(name: string) => string} label what stands for a name
 * @returns {Node[]}
 */
export function latencyChart(rows, label) {
  if (rows.length === 0) return [make("p", { className: "hint mb-0", textContent: _("No measurements yet.") })];
  const list = make("ul", { className: "latency" }, ...rows.map((row) => rowOf(row, label(row.name))));
  return [list, axis(), legend()];
}

/** Seconds as people say them. */
function duration(seconds) {
  const digits = { maximumSignificantDigits: 2 };
  if (seconds < 1) return _("%(time)s ms", { time: number(seconds * 1000, digits) });
  return _("%(time)s s", { time: number(seconds, digits) });
}

function rowOf({ count, p50, p95, p99 }, name) {
  const words = _("median %(half)s, 95th percentile %(most)s, 99th percentile %(nearly)s", {
    half: duration(p50),
    most: duration(p95),
    nearly: duration(p99),
  });
  const times = ngettext("%(num)s time", "%(num)s times", count);
  return make(
    "li",
    {},
    make("span", { className: "latency-name", textContent: name }),
    make("span", { className: "latency-figures", textContent: `${duration(p50)} – ${duration(p99)}` }),
    bar(p50, p95, p99),
    make("span", { className: "visually-hidden", textContent: `${words}; ${times}` }),
  );
}

function bar(p50, p95, p99) {
  const middle = HEIGHT / 2;
  const ticks = TICKS.map((tick) => makeSvg("line", { x1: at(tick), x2: at(tick), y1: 0, y2: HEIGHT, class: "tick" }));
  return makeSvg(
    "svg",
    { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", "aria-hidden": "true", class: "latency-bar" },
    ...ticks,
    makeSvg("rect", { x: at(p50), y: middle - 2, width: Math.max(at(p99) - at(p50), 1), height: 4, class: "tail" }),
    makeSvg("rect", { x: at(p50), y: middle - 4, width: Math.max(at(p95) - at(p50), 1), height: 8, class: "most" }),
    makeSvg("line", { x1: at(p50), x2: at(p50), y1: middle - 8, y2: middle + 8, class: "half" }),
  );
}

function axis() {
  const ticks = TICKS.map((tick) => {
    const label = make("span", { textContent: duration(tick) });
    label.style.left = `${(100 * at(tick)) / WIDTH}%`;
    return label;
  });
  return make("div", { className: "latency-axis", aria: { hidden: "true" } }, ...ticks);
}

function legend() {
  const parts = [
    ["half", _("median")],
    ["most", _("p95")],
    ["tail", _("p99")],
  ];
  const items = parts.map(([kind, text]) => make("li", { className: kind, textContent: text }));
  return make("ul", { className: "latency-legend", aria: { hidden: "true" } }, ...items);
}

function at(seconds) {
  const place = (Math.log10(Math.max(seconds, 1e-9)) - LOW) / (HIGH - LOW);
  return WIDTH * Math.min(Math.max(place, 0), 1);
}
