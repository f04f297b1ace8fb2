/** The model's settings as sliders, each with the number itself beside it. */

import { isInUse } from "../state.js";
import { byId, element, why } from "./dom.js";

/** @typedef {import("../model.js").Model} Model */
/** @typedef {import("../model.js").Slider} Slider */
/** @typedef {import("../state.js").Store} Store */

/** @param {Model} model @param {Store} store */
export function setUpSliders(model, store) {
  const rows = model.sliders.map((slider, index) => rowOf(slider, index, store));
  byId("sliders", HTMLElement).append(...rows.map(({ row }) => row));

  const show = () => {
    const { choices } = store;
    rows.forEach(({ row, set }, index) => {
      row.hidden = !isInUse(model, model.sliders[index], choices);
      set(choices.options[index]);
    });
  };
  store.listen((_, changed) => {
    if (changed.has("options") || changed.has("field") || changed.has("method")) show();
  });
  show();
}

/** @param {Slider} slider @param {number} index @param {Store} store */
function rowOf({ name, label, min, max, doc }, index, store) {
  const id = `slider-${index}`;
  const step = 10 ** Math.floor(Math.log10((max - min) / 100));
  const range = element("input", { type: "range", id, min, max, step, "data-name": name });
  const number = element("input", {
    type: "number",
    step: "any",
    inputmode: "decimal",
    "aria-label": label,
    "data-name": name,
  });
  const head = element("div", { class: "slider-head" }, element("label", { for: id }, label));
  const row = element("div", { class: "slider" }, head);
  if (doc) {
    const { button, text } = why(label, doc);
    head.append(button, number);
    row.append(range, text);
  } else {
    head.append(number);
    row.append(range);
  }

  /** @param {HTMLInputElement} input */
  const read = (input) => {
    const value = input.valueAsNumber;
    if (!Number.isFinite(value)) return;
    const held = Math.max(min, Math.min(max, value));
    const options = [...store.choices.options];
    options[index] = held;
    store.change({ options });
  };
  range.addEventListener("input", () => read(range));
  number.addEventListener("change", () => {
    read(number);
    number.value = String(store.choices.options[index]);
  });
  return {
    row,
    /** @param {number} value */
    set(value) {
      if (range.valueAsNumber !== value) range.value = String(value);
      range.style.setProperty("--share", `${(100 * (value - min)) / (max - min)}%`);
      if (document.activeElement !== number) number.value = String(Number(value.toPrecision(6)));
    },
  };
}
