import { registerFile, registerUrl } from "./api.js";
import { Card } from "./card.js";
import { byId, count } from "./dom.js";
import { takeFiles } from "./dropzone.js";
import { sentence } from "./messages.js";
import { makeQueue } from "./queue.js";
import { refreshStatus } from "./status.js";

const SENT_AT_ONCE = 3;

const enqueue = makeQueue(SENT_AT_ONCE);
const total = { pictures: 0, done: 0, faces: 0, refused: 0 };

function add(name, file, send) {
  const card = new Card(name, file);
  byId("cards").append(card.element);
  total.pictures += 1;
  enqueue(() => run(card, send));
}

async function run(card, send) {
  card.sending();
  try {
    const result = await send();
    total.faces += result.BoxsPoints.length;
    card.registered(result);
  } catch (error) {
    total.refused += 1;
    card.refused(sentence(error));
  }
  total.done += 1;
  showTotal();
}

function showTotal() {
  const busy = total.done < total.pictures;
  const progress = /** @type {HTMLProgressElement} */ (byId("progress"));
  progress.max = total.pictures;
  progress.value = total.done;
  byId("results").hidden = false;
  byId("results").setAttribute("aria-busy", String(busy));
  byId("summary").textContent = busy
    ? `Registering ${count(total.pictures, "picture")}, ${total.done} done`
    : `${count(total.faces, "face")} registered from ${count(total.pictures, "picture")}` +
      (total.refused ? `, ${total.refused} refused` : "");
  if (!busy) refreshStatus();
}

takeFiles((files) => {
  choose("files");
  for (const file of files) add(file.name, file, () => registerFile(file));
  showTotal();
});

function choose(source) {
  document.querySelector(`input[name="source"][value="${source}"]`).checked = true;
  byId("files").hidden = source !== "files";
  byId("urls").hidden = source !== "urls";
}

for (const radio of document.querySelectorAll('input[name="source"]')) {
  radio.addEventListener("change", () => choose(radio.value));
  // After "back" a browser restores the choice without an event.
  if (radio.checked) choose(radio.value);
}

byId("urls").addEventListener("submit", (event) => {
  event.preventDefault();
  const area = /** @type {HTMLTextAreaElement} */ (byId("url-list"));
  const urls = new Set(area.value.split(/\s+/).filter(Boolean));
  byId("url-hint").textContent = urls.size ? "" : "Paste at least one address.";
  if (!urls.size) {
    area.focus();
    return;
  }
  area.value = "";
  for (const url of urls) add(url, null, () => registerUrl(url));
  showTotal();
});
