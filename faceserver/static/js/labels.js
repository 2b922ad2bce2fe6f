/** Names and tags as they are typed in. */

/**
 * @param {string} text tags between commas; Chinese ones count as well
 * @returns {string[]}
 */
export function tagsOf(text) {
  const tags = text.split(/[,，、]/u).map((tag) => tag.trim());
  return [...new Set(tags.filter(Boolean))];
}

/** @param {string[]} tags */
export function tagsText(tags) {
  return tags.join(", ");
}
