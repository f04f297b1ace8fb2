/** What there is at the point that is looked at: eigenvalues, the update map; and the list of equilibria. */

import { eigenvalues, spectralRadius } from "../analysis/eigenvalues.js";
import { stepJacobian } from "../analysis/update_map.js";
import { canvasPen } from "../drawing/pen.js";
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

/**
 * Draw the eigenvalues at the point.
 *
 * @param {Scene} scene @param {Model} model @param {Choices} choices @param {Palette} palette @param {number} unit
 * @returns {() => void} writes them
 */
export function showSpectra(scene, model, choices, palette, unit) {
  const motion = motionOf(model, choices);
  const { field, original, method, options } = motion;
  const rest = equilibriumAt(scene, choices);
  const point = rest?.point ?? choices.probe;
  const ofOriginal = eigenvalues(original.jacobian(point, options));
  const ofField = field === original ? ofOriginal : eigenvalues(field.jacobian(point, options));
  const ofMap = eigenvalues(stepJacobian(method, field, point, options));
  const radius = spectralRadius(ofMap);
  const simple = method.name === "simultaneous" && method.optimizer === "sgd";
  const step = simple ? stepSizeOf(model, choices) : null;
  paint("spectrum", (pen, width, height) =>
    drawFieldSpectrum(pen, width, height, palette, unit, {
      original: ofOriginal,
      field: field === original ? [] : ofField,
      step,
    }),
  );
  paint("map", (pen, width, height) => drawMapSpectrum(pen, width, height, palette, unit, ofMap));
  return () => {
    const [theta, phi] = model.parameters;

    const where = `${theta} = ${shown(point[0])}, ${phi} = ${shown(point[1])}`;
    write("where", where);
    write(
      "kind",
      rest ? (rest.spurious ? spuriousText(rest.kind) : KIND_TEXT[rest.kind]) : KIND_TEXT.none,
    );
    write("values-original", `v′: ${shownSpectrum(ofOriginal)}`);
    write("values-field", field === original ? "" : `${field.label}′: ${shownSpectrum(ofField)}`);
    write("values-map", `F′: ${shownSpectrum(ofMap)}`);
    write("radius", `ρ = ${shown(radius, 4)}. ${radiusText(radius, Boolean(rest))}`);
  };
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
      const name = spurious ? (kind === "stable" ? "spurious attractor" : "spurious") : kind;
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

/** @type {Map<HTMLElement, [number, number]>} */
const sizes = new Map();

/**
 * An element's size, which is asked for once: to ask while text changes makes the browser lay the page
 * out anew, in every frame.
 *
 * @param {HTMLElement} of
 * @returns {[number, number]}
 */
export function sizeOf(of) {
  const known = sizes.get(of) ?? [of.clientWidth, of.clientHeight];
  sizes.set(of, known);
  return known;
}

/** After a change of the layout. */
export function forgetSizes() {
  sizes.clear();
}

/**
 * Clear a canvas, and give it as many pixels as the screen shows.
 *
 * @param {HTMLCanvasElement} canvas @param {number} width @param {number} height
 */
export function sized(canvas, width, height) {
  const ratio = devicePixelRatio || 1;
  const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== w || canvas.height !== h) [canvas.width, canvas.height] = [w, h];
  const context = canvas.getContext("2d");
  if (!context) return null;
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return canvasPen(context);
}
