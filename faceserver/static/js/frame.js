/** What every page has around its content: health, appearance, language. */
import { watchComingBack } from "./comingback.js";
import { initDisclosure } from "./disclosure.js";
import { byId, say } from "./dom.js";
import { page } from "./page.js";
import { _, ngettext } from "./texts.js";

const WHEN_READY_MS = 20_000;
const WHEN_NOT_MS = 2_000;
const LABELS = {
  ready: _("Ready"),
  starting: _("Starting"),
  draining: _("Stopping"),
  failed: _("Failed to start"),
  unreachable: _("Unreachable"),
};

let timer = 0;

/** Ask the server how it is, show it, and ask again after a while. */
async function refreshHealth() {
  clearTimeout(timer);
  const state = await health();
  show(state);
  timer = setTimeout(refreshHealth, state.status === "ready" ? WHEN_READY_MS : WHEN_NOT_MS);
}

/** 503 is an answer here, not an error. */
async function health() {
  try {
    const response = await fetch(`${page.root}health`);
    return await response.json();
  } catch {
    return { status: "unreachable" };
  }
}

function show({ status, reason, faces }) {
  const label = LABELS[status] ?? status;
  const isCounted = status === "ready" && faces !== undefined;
  byId("health").dataset.state = status;
  byId("health").title = label;
  say(byId("health-text"), isCounted ? ngettext("%(num)s face", "%(num)s faces", faces) : label);
  const problem = _("The server could not start: %(reason)s", { reason });
  say(byId("banner"), status === "failed" ? problem : "");
  byId("banner").hidden = status !== "failed";
}

function offerThemes() {
  for (const input of byId("themes").querySelectorAll("input")) {
    input.checked = input.value === window.faceserverTheme.chosen();
    input.addEventListener("change", () => window.faceserverTheme.choose(input.value));
  }
}

document.addEventListener("visibilitychange", () => {
  if (document.hidden) clearTimeout(timer);
  else refreshHealth();
});
document.addEventListener("faces-changed", refreshHealth);
// The server's own address has no query where a script has changed it.
byId("language-next").form.addEventListener("submit", () => {
  byId("language-next").value = location.pathname + location.search;
});
offerThemes();
watchComingBack();
for (const button of document.querySelectorAll("[data-disclosure]")) initDisclosure(button);
refreshHealth();
