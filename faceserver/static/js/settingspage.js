/** The settings, as the page brings them along: found by their words. */
import { byId, say } from "./dom.js";
import { ngettext } from "./texts.js";

const settings = [...byId("settings").children];

function show() {
  const wanted = byId("wanted").value.trim().toLowerCase();
  const isOnlyChanged = byId("only-changed").checked;
  for (const setting of settings) {
    const fits = setting.textContent.toLowerCase().includes(wanted);
    setting.hidden = !fits || (isOnlyChanged && setting.dataset.changed === undefined);
  }
  const count = settings.filter(({ hidden }) => !hidden).length;
  say(byId("count"), ngettext("%(num)s setting", "%(num)s settings", count));
}

byId("filters").addEventListener("input", show);
byId("filters").addEventListener("submit", (event) => event.preventDefault());
show();
