/** Names and tags that were typed in and not saved yet: all of them are saved at once. */

/** @type {Set<{save: () => Promise<void>}>} */
const rows = new Set();
let onChange = () => {};

/** @param {(count: number) => void} tell called when there are more or fewer of them */
export function watchUnsaved(tell) {
  onChange = tell;
}

/**
 * @param {{save: () => Promise<void>}} row
 * @param {boolean} isUnsaved
 */
export function markUnsaved(row, isUnsaved) {
  if (isUnsaved) rows.add(row);
  else rows.delete(row);
  onChange(rows.size);
}

/** @returns {number} */
export function unsavedCount() {
  return rows.size;
}

/** Save them one after the other; one that fails says so and stays unsaved. */
export async function saveAll() {
  for (const row of [...rows]) await row.save();
}
