/** The slider of the largest distance, and what the model's calibration says about a value. */
import { call, inCollection } from "./api.js";
import { byId, say } from "./dom.js";
import { _, number, percent } from "./texts.js";

const LOWEST = 0.05;
const HIGHEST = 4;
const STEP = 0.01;

export class Threshold {
  /** @param {(threshold: number) => void} onChange called at once with each move */
  constructor(onChange) {
    this.slider = byId("threshold");
    this.onChange = onChange;
    this.calibration = null;
    this.collection = null;
    this.slider.addEventListener("input", () => this.moved());
    byId("threshold-reset").addEventListener("click", () => {
      this.value = this.own;
      this.slider.focus();
    });
  }

  /**
   * Ask the collection for its threshold and calibration.
   * @param {number} [wanted] begins here instead
   * @returns {Promise<object>} the collection, as the API tells it
   * @throws {import("./api.js").ApiError}
   */
  async load(wanted) {
    if (this.collection) return this.collection;
    const collection = await call("GET", inCollection(""));
    const { threshold, calibration } = collection;
    this.collection = collection;
    this.own = threshold;
    this.calibration = calibration;
    this.slider.min = LOWEST;
    this.slider.max = Math.min(HIGHEST, Math.round(threshold * 200) / 100);
    this.slider.step = STEP;
    this.slider.disabled = false;
    this.value = wanted || threshold;
    return collection;
  }

  get value() {
    return this.slider.valueAsNumber;
  }

  set value(threshold) {
    this.slider.value = threshold;
    this.moved();
  }

  /** The largest value that can be chosen. */
  get most() {
    return Number(this.slider.max);
  }

  moved() {
    const text = distanceText(this.value);
    say(byId("threshold-value"), text);
    say(byId("threshold-meaning"), meaning(this.value, this.calibration));
    this.slider.setAttribute("aria-valuetext", text);
    byId("threshold-reset").hidden = Math.abs(this.value - this.own) < STEP / 2;
    this.onChange(this.value);
  }
}

/** @param {number} distance squared L2 distance, 0 to 4 */
export function distanceText(distance) {
  return number(distance, { minimumFractionDigits: 2, maximumFractionDigits: 2 });
}

/** Rates are known of some thresholds: that of the next larger one is the most it can be. */
function meaning(threshold, calibration) {
  if (calibration === null || calibration.rates.length === 0) {
    return _("The false match rate of this model has not been measured.");
  }
  const { rates, different_pairs: count } = calibration;
  const pairs = number(count);
  const rate = rates.find((known) => known.threshold >= threshold - STEP / 2);
  if (!rate) {
    const share = percent(rates.at(-1).false_match);
    return _("False match rate: more than %(share)s of %(pairs)s measured pairs of strangers.", { share, pairs });
  }
  if (rate.false_match === 0) {
    return _("False match rate: none of %(pairs)s measured pairs of strangers is this close.", { pairs });
  }
  const share = percent(rate.false_match);
  return _("False match rate: at most %(share)s of %(pairs)s measured pairs of strangers.", { share, pairs });
}
