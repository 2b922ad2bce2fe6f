import { health } from "./api.js";
import { byId, count, say } from "./dom.js";

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
  say(byId("health-text"), text);
  const banner = status === "failed" ? `The server could not start: ${reason}` : "";
  say(byId("banner"), banner);
  byId("banner").hidden = !banner;
}

document.addEventListener("visibilitychange", () => {
  if (document.hidden) clearTimeout(timer);
  else refreshStatus();
});
refreshStatus();
