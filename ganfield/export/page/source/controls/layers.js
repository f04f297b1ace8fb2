/** What is drawn in the plane. */

import { LAYERS } from "../state.js";
import { LAYER_TEXT } from "../text.js";
import { byId, element, why } from "./dom.js";

/** @typedef {import("../model.js").Model} Model */
/** @typedef {import("../state.js").Store} Store */

/** @param {Model} model @param {Store} store */
export function setUpLayers({ parameters }, store) {
  const [theta, phi] = parameters;
  const boxes = LAYERS.map((layer) => {
    const { label, why: sentence } = LAYER_TEXT[layer];
    const box = element("input", { type: "checkbox", id: `layer-${layer}` });
    const told = sentence.replaceAll("θ", theta).replaceAll("φ", phi);
    const { button, text } = why(label, told);
    const line = element("div", { class: "layer" }, element("label", {}, box, label), button);
    byId("layers", HTMLElement).append(line, text);
    box.addEventListener("change", () => {
      store.change({ layers: { ...store.choices.layers, [layer]: box.checked } });
    });
    return box;
  });
  const show = () => {
    boxes.forEach((box, index) => {
      box.checked = store.choices.layers[LAYERS[index]];
    });
  };
  store.listen((_, changed) => {
    if (changed.has("layers")) show();
  });
  show();
}
