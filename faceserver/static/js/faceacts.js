/** What is done with many faces at once. */
import { call, inCollection } from "./api.js";
import { forEach } from "./several.js";

const MOST_HIDDEN = 1000;

/** Delete faces; one that is gone already is no failure. */
export function deleteFaces(ids) {
  return forEach(ids, deleteFace);
}

async function deleteFace(id) {
  try {
    await call("DELETE", inCollection(`faces/${id}`));
  } catch (error) {
    if (error.code !== "not_found") throw error;
  }
}

/** Hide faces without a name, or show them again. */
export async function hideFaces(ids, hidden) {
  for (let start = 0; start < ids.length; start += MOST_HIDDEN) {
    await call("POST", inCollection("unnamed/hide"), { faces: ids.slice(start, start + MOST_HIDDEN), hidden });
  }
}

/** Say that faces do not show a person; gives what takes it back. */
export async function refuseFaces(ids, subject) {
  const made = await forEach(ids, (face) => call("POST", inCollection(`subjects/${subject}/refuse`), { face }));
  return () => forEach(made, ({ id }) => call("DELETE", inCollection(`refusals/${id}`)));
}
