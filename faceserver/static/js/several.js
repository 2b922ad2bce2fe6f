/** The same for many, a few at a time. */

const AT_ONCE = 4;

/**
 * @template Item, Result
 * @param {Item[]} items
 * @param {(item: Item) => Promise<Result>} act
 * @returns {Promise<Result[]>} in the order of the items
 * @throws what the first that fails throws; those after it are not begun
 */
export async function forEach(items, act) {
  const results = [];
  for (let start = 0; start < items.length; start += AT_ONCE) {
    results.push(...(await Promise.all(items.slice(start, start + AT_ONCE).map(act))));
  }
  return results;
}
