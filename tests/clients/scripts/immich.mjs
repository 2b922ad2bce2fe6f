// What Immich's server does with a machine-learning server: it pings it, and sends a picture's bytes
// with node's own fetch and FormData. Prints what it would keep.
import { readFile } from "node:fs/promises";

const [url, picture] = process.argv.slice(2);

const ping = await fetch(new URL("/ping", url), { signal: AbortSignal.timeout(2000) });
const tasks = {
  "facial-recognition": {
    detection: { modelName: "buffalo_l", options: { minScore: 0.7 } },
    recognition: { modelName: "buffalo_l" },
  },
};
const form = new FormData();
form.append("entries", JSON.stringify(tasks));
form.append("image", new Blob([await readFile(picture)]));
const answer = await fetch(new URL("/predict", url), { method: "POST", body: form });
const clip = new FormData();
clip.append("entries", JSON.stringify({ clip: { textual: { modelName: "ViT-B-32__openai" } } }));
clip.append("text", "a dog");
const other = await fetch(new URL("/predict", url), { method: "POST", body: clip });
console.log(JSON.stringify({
  ping: [ping.status, await ping.text()],
  predict: [answer.status, await answer.json()],
  clip: [other.status, (await other.json()).code],
}));
