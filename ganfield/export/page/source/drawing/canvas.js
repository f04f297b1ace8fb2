/** Canvases of the page: their sizes, and as many pixels as the screen shows. */

import { canvasPen } from "./pen.js";

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

/** A cleared canvas's pen. @param {HTMLCanvasElement} canvas @param {number} width @param {number} height */
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
