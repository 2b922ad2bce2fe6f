/** Buttons that show and hide what they control. */

/**
 * A press shows or hides; Escape and a click or a focus elsewhere hide.
 * @param {HTMLElement} button names the element in its `aria-controls`
 */
export function initDisclosure(button) {
  const shown = document.getElementById(button.getAttribute("aria-controls"));
  const isOpen = () => button.getAttribute("aria-expanded") === "true";
  const set = (open) => {
    button.setAttribute("aria-expanded", String(open));
    shown.classList.toggle("show", open);
  };
  const isOutside = (target) => target instanceof Node && !button.contains(target) && !shown.contains(target);

  button.addEventListener("click", () => set(!isOpen()));
  for (const event of ["pointerdown", "focusin"]) {
    document.addEventListener(event, ({ target }) => {
      if (isOpen() && isOutside(target)) set(false);
    });
  }
  document.addEventListener("keydown", ({ key }) => {
    if (key !== "Escape" || !isOpen()) return;
    set(false);
    button.focus();
  });
}
