/** Remembers what was registered on this page, so that Back finds it as it was. */
import { call, inCollection } from "./api.js";
import { page } from "./page.js";
import { PictureCard } from "./picturecard.js";
import { ngettext } from "./texts.js";

const STORE = `faceserver-registered ${page.collection}`;

/**
 * Remember the cards; what was typed in and not saved is remembered as well.
 * @param {Iterable<PictureCard>} cards
 */
export function rememberCards(cards) {
  const kept = [...cards]
    .filter(({ element }) => ["done", "failed"].includes(element.dataset.state))
    .map(({ title, rows, element, state }) => ({
      title,
      state: element.dataset.state,
      text: state.textContent,
      faces: rows.map(({ face, name, nameField }) => ({ id: face.id, name, typed: nameField.value })),
    }));
  sessionStorage.setItem(STORE, JSON.stringify(kept));
}

/**
 * The cards that were there when the visitor went away and came back; none on a visit that is new.
 * @returns {PictureCard[]} their faces follow
 */
export function rememberedCards() {
  const [navigation] = performance.getEntriesByType("navigation");
  const kept = JSON.parse(sessionStorage.getItem(STORE) ?? "[]");
  if (!["back_forward", "reload"].includes(navigation?.type)) {
    sessionStorage.removeItem(STORE);
    return [];
  }
  return kept.map(restored);
}

function restored({ title, state, text, faces }) {
  const card = new PictureCard(title);
  card.setState(state, text);
  if (state === "done") fill(card, faces);
  return card;
}

async function fill(card, remembered) {
  const asked = remembered.map(({ id }) => call("GET", inCollection(`faces/${id}`)).catch(() => null));
  const faces = await Promise.all(asked);
  const there = remembered.filter((_each, place) => faces[place] !== null);
  const gone = remembered.length - there.length;
  if (gone > 0) card.setState("done", ngettext("%(num)s face was removed since", "%(num)s faces were removed since", gone));
  if (there.length === 0) return;
  card.showFaces(faces.filter(Boolean), there.map(({ name }) => name));
  for (const [place, { name, typed }] of there.entries()) {
    if (typed !== name) card.rows[place].type(typed);
  }
}
