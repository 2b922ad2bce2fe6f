import { registerFile, registerUrl } from "./api.js";
import { Card } from "./card.js";
import { byId, count, say } from "./dom.js";
import { takeFiles } from "./dropzone.js";
import { sentence } from "./messages.js";
import { makeQueue } from "./queue.js";
import { refreshStatus } from "./status.js";

const SENT_AT_ONCE = 3;

const enqueue = makeQueue(SENT_AT_ONCE);
const total = { pictures: 0, done: 0, faces: 0, refused: 0 };

/** Show a card for each picture, the new ones before those of earlier rounds, and send them. */
function start(pictures) {
  const jobs = pictures.map(({ name, file, send }) => ({ card: new Card(name, file), send }));
  byId("cards").prepend(...jobs.map(({ card }) => card.element));
  total.pictures += jobs.length;
  showTotal();
  for (const { card, send } of jobs) enqueue(() => run(card, send));
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
  say(byId("summary"), busy ? `Registering ${count(total.pictures, "picture")}` : outcome());
  byId("counter").textContent = busy ? `${total.done} done` : "";
  if (!busy) refreshStatus();
}

function outcome() {
  const { faces, pictures, refused } = total;
  const stored = `${count(faces, "face")} registered from ${count(pictures, "picture")}`;
  return refused ? `${stored}, ${refused} refused` : stored;
}

takeFiles((files) => {
  choose("files");
  start(files.map((file) => ({ name: file.name, file, send: () => registerFile(file) })));
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
  start([...urls].map((url) => ({ name: url, file: null, send: () => registerUrl(url) })));
});
