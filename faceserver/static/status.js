import { health } from "./api.js";
import { byId, count } from "./dom.js";

const WHEN_READY_MS = 20_000;
const WHEN_NOT_MS = 2_000;
const LABELS = {
  ready: "Ready",
  starting: "Starting",
  failed: "Not working",
  unreachable: "Unreachable",
};

let timer = 0;

/** Ask the server how it is, show it, and ask again after a while. */
export async function refreshStatus() {
  clearTimeout(timer);
  const state = await health().catch(() => ({ status: "unreachable", reason: null }));
  show(state);
  timer = setTimeout(refreshStatus, state.status === "ready" ? WHEN_READY_MS : WHEN_NOT_MS);
}

function show({ status, reason, faces }) {
  const label = LABELS[status] ?? status;
  const text = status === "ready" && faces !== undefined ? count(faces, "face") : label;
  byId("health").dataset.state = status;
  byId("health").title = label;
  // Writing the same text again would make screen readers say it again.
  if (byId("health-text").textContent !== text) byId("health-text").textContent = text;
  const banner = status === "failed" ? `The server could not start: ${reason}` : "";
  if (byId("banner").textContent !== banner) byId("banner").textContent = banner;
  byId("banner").hidden = !banner;
}

document.addEventListener("visibilitychange", () => {
  if (document.hidden) clearTimeout(timer);
  else refreshStatus();
});
refreshStatus();
