/** Brings what has come into sight, where it is not. */

/**
 * On a phone the answer stands below what was asked.
 * @param {HTMLElement} element
 */
export function goTo(element) {
  const { top } = element.getBoundingClientRect();
  const isCalm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  if (top >= 0 && top < innerHeight / 2) return;
  element.scrollIntoView({ behavior: isCalm ? "instant" : "smooth", block: "start" });
}
