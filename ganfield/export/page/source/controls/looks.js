/** What there is at the point that is looked at: eigenvalues, the update map; and the list of equilibria. */

import { eigenvalues, spectralRadius } from "../analysis/eigenvalues.js";
import { stepJacobian } from "../analysis/update_map.js";
import { sized, sizeOf } from "../drawing/canvas.js";
import { drawGlyph } from "../drawing/glyphs.js";
import { drawFieldSpectrum, drawMapSpectrum, drawNorms } from "../drawing/plots.js";
import { shown, shownSpectrum } from "../drawing/scale.js";
import { motionOf, stepSizeOf } from "../state.js";
import { KIND_TEXT, radiusText, spuriousText } from "../text.js";
import { byId, element } from "./dom.js";

/** @typedef {import("../analysis/classify.js").Equilibrium} Equilibrium */
/** @typedef {import("../drawing/palette.js").Palette} Palette */
/** @typedef {import("../drawing/pen.js").Pen} Pen */
/** @typedef {import("../model.js").Model} Model */
/** @typedef {import("../scene.js").Scene} Scene */
/** @typedef {import("../state.js").Choices} Choices */
/** @typedef {import("../state.js").Store} Store */

/** The equilibrium at a point, if it is one. @param {Scene} scene @param {Choices} choices */
export function equilibriumAt({ equilibria }, { probe, bounds }) {
  const near = 1e-3 * Math.min(bounds[0][1] - bounds[0][0], bounds[1][1] - bounds[1][0]);
  return equilibria.find(
    ({ point }) => Math.hypot(point[0] - probe[0], point[1] - probe[1]) <= near,
  );
}

/** @param {Scene} scene @param {Model} model @param {Choices} choices */
function spectraAt(scene, model, choices) {
  const { field, original, method, options } = motionOf(model, choices);
  const rest = equilibriumAt(scene, choices);
  const point = rest?.point ?? choices.probe;
  return {
    rest,
    point,
    speed: Math.hypot(...field.value(point, options)),
    ofOriginal: eigenvalues(original.jacobian(point, options)),
    ofField: field === original ? null : eigenvalues(field.jacobian(point, options)),
    ofMap: eigenvalues(stepJacobian(method, field, point, options)),
  };
}

/**
 * Draw the eigenvalues at the point that is looked at.
 *
 * @param {Scene} scene @param {Model} model @param {Choices} choices @param {Palette} palette @param {number} unit
 */
export function showSpectra(scene, model, choices, palette, unit) {
  const { ofOriginal, ofField, ofMap } = spectraAt(scene, model, choices);
  const { name, optimizer } = model.methods[choices.method];
  // The circle |1 + hλ| = 1 is that of simultaneous steps.
  const simple = name === "simultaneous" && optimizer === "sgd";
  const step = simple ? stepSizeOf(model, choices) : null;
  paint("spectrum", (pen, width, height) =>
    drawFieldSpectrum(pen, width, height, palette, unit, {
      original: ofOriginal,
      field: ofField ?? [],
      step,
    }),
  );
  paint("map", (pen, width, height) => drawMapSpectrum(pen, width, height, palette, unit, ofMap));
}

/** Write what there is at the point. @param {Scene} scene @param {Model} model @param {Choices} choices */
export function showWords(scene, model, choices) {
  const { rest, point, speed, ofOriginal, ofField, ofMap } = spectraAt(scene, model, choices);
  const [theta, phi] = model.parameters;
  const radius = spectralRadius(ofMap);
  const size = shown(speed < 1e-12 ? 0 : speed);
  const [x, y] = point.map((part) => shown(part));
  write("readout", `${theta} = ${x}   ${phi} = ${y}   ‖${ofField ? "w" : "v"}‖ = ${size}`);
  write("where", `${theta} = ${x}, ${phi} = ${y}`);
  write("kind", rest?.spurious ? spuriousText(rest.kind) : KIND_TEXT[rest?.kind ?? "none"]);
  write("values-original", `v′: ${shownSpectrum(ofOriginal)}`);
  write("values-field", ofField ? `w′: ${shownSpectrum(ofField)}` : "");
  write("values-map", `F′: ${shownSpectrum(ofMap)}`);
  const { optimizer } = model.methods[choices.method];
  write("radius", `ρ = ${shown(radius, 4)}. ${radiusText(radius, Boolean(rest), optimizer)}`);
}

/** @param {Scene} scene @param {Choices} choices @param {Palette} palette @param {number} unit */
export function showNorms({ runs }, { steps }, palette, unit) {
  paint("norms", (pen, width, height) => drawNorms(pen, width, height, palette, unit, runs, steps));
}

/**
 * The equilibria as a list of buttons, each of which is then looked at.
 *
 * @param {Scene} scene @param {Store} store @param {Palette} palette @param {number} unit
 */
export function showEquilibria({ equilibria }, store, palette, unit) {
  const list = byId("equilibria", HTMLElement);
  const chosen = document.activeElement?.closest("#equilibria button");
  const place = chosen
    ? [...list.querySelectorAll("button")].indexOf(/** @type {HTMLButtonElement} */ (chosen))
    : -1;
  list.replaceChildren(
    ...equilibria.map((each) => {
      const canvas = element("canvas", { class: "glyph", "aria-hidden": true });
      const { point, kind, spurious, values } = each;
      const name = spurious ? `spurious ${kind === "stable" ? "attractor" : kind}` : kind;
      const at = `(${shown(point[0])}, ${shown(point[1])})`;
      const button = element(
        "button",
        { type: "button", "data-kind": kind, "data-spurious": spurious },
        canvas,
        element("span", { class: "name" }, name),
        element("span", { class: "at" }, at),
        element("span", { class: "values" }, `λ = ${shownSpectrum(values)}`),
      );
      button.setAttribute("data-spurious", String(spurious));
      button.addEventListener("click", () => store.change({ probe: point }));
      const context = sized(canvas, 20 * unit, 20 * unit);
      if (context) drawGlyph(context, each, 10 * unit, 10 * unit, 5.2 * unit, palette);
      return element("li", {}, button);
    }),
  );
  if (place >= 0) list.querySelectorAll("button")[place]?.focus();
  const count = equilibria.length;
  write("equilibria-count", count ? `${count} in view` : "none in view");
}

/** @param {string} id @param {string} text */
function write(id, text) {
  const place = byId(id, HTMLElement);
  if (place.textContent !== text) place.textContent = text;
}

/** @param {string} id @param {(pen: Pen, width: number, height: number) => void} draw */
function paint(id, draw) {
  const canvas = byId(id, HTMLCanvasElement);
  const [width, height] = sizeOf(canvas);
  const context = sized(canvas, width, height);
  if (context && width && height) draw(context, width, height);
}
