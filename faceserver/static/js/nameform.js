/** A field for a name and a button, small enough for a row of a list. */
import { completeNames } from "./combobox.js";
import { make, say } from "./dom.js";
import { _ } from "./texts.js";

let forms = 0;

/**
 * @param {object} options
 * @param {string} options.label what the button says
 * @param {string} options.about whom or what it is about, for screen readers
 * @param {boolean} [options.isOptional] whether the name may be left out
 * @param {(name: string) => Promise<void>} options.act its error's message is shown
 * @returns {HTMLFormElement}
 */
export function nameForm({ label, about, isOptional = false, act }) {
  const id = `name-form-${(forms += 1)}`;
  const className = "form-control form-control-sm";
  const field = make("input", { id, className, maxLength: 200, required: !isOptional, autocomplete: "off" });
  field.placeholder = isOptional ? _("Name (optional)") : _("Name");
  field.setAttribute("aria-label", _("Name of %(face)s", { face: about }));
  completeNames(field);
  const save = make("button", { className: "btn btn-outline-secondary btn-sm", textContent: label });
  const problem = make("p", { className: "name-problem", role: "alert" });
  const form = make("form", { className: "name-form" }, field, save, problem);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    save.disabled = true;
    say(problem, "");
    try {
      await act(field.value.trim());
    } catch (error) {
      say(problem, error.message);
    }
    save.disabled = false;
  });
  return form;
}
