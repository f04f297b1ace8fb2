/** From numbers to places on the screen, and back; ticks. */

/** @typedef {import("../model.js").Bounds} Bounds */
/** @typedef {import("../model.js").Point} Point */

/**
 * @typedef {object} Scale
 * @property {Bounds} bounds
 * @property {number} left of the box, in pixels; the others alike
 * @property {number} top
 * @property {number} width
 * @property {number} height
 * @property {(value: number) => number} x
 * @property {(value: number) => number} y
 * @property {(x: number, y: number) => Point} inverse
 */

/**
 * @param {Bounds} bounds @param {number} left @param {number} top @param {number} width @param {number} height
 * @returns {Scale}
 */
export function scaleOf(bounds, left, top, width, height) {
  const [[low, high], [bottom, above]] = bounds;
  return {
    bounds,
    left,
    top,
    width,
    height,
    x: (value) => left + ((value - low) / (high - low)) * width,
    y: (value) => top + ((above - value) / (above - bottom)) * height,
    inverse: (x, y) => [
      low + ((x - left) / width) * (high - low),
      above - ((y - top) / height) * (above - bottom),
    ],
  };
}

/** Round numbers from low to high, about so many. @param {number} low @param {number} high @param {number} about */
export function ticks(low, high, about) {
  const rough = (high - low) / Math.max(1, about);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10);
  const values = [];
  for (let k = Math.ceil(low / step - 1e-9); k <= high / step + 1e-9; k++) {
    values.push(Number((k * step).toPrecision(12)));
  }
  return values;
}

/** The least of 1, 2, 5, 10, … times a power of ten that holds a size. @param {number} size */
export function roundLimit(size) {
  if (!(size > 0 && size < Infinity)) return 1;
  const power = 10 ** Math.floor(Math.log10(size));
  return power * ([1, 1.2, 1.5, 2, 3, 5, 7, 10].find((factor) => factor * power >= size) ?? 10);
}

/** A number as a person writes it, with a true minus. @param {number} value @param {number} [digits] */
export function shown(value, digits = 3) {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "undefined" : value > 0 ? "∞" : "−∞";
  const rounded = Number(value.toPrecision(digits));
  const text =
    rounded !== 0 && (Math.abs(rounded) < 1e-3 || Math.abs(rounded) >= 1e5)
      ? rounded.toExponential().replace("e+", "e")
      : String(rounded);
  return text.replaceAll("-", "−");
}

/** @param {{re: number, im: number}} value @param {number} [digits] */
export function shownComplex({ re, im }, digits = 3) {
  if (im === 0) return shown(re, digits);
  return `${shown(re, digits)} ${im < 0 ? "−" : "+"} ${shown(Math.abs(im), digits)}i`;
}

/** Eigenvalues in words, conjugate pairs as one. @param {{re: number, im: number}[]} values @param {number} [digits] */
export function shownSpectrum(values, digits = 3) {
  if (!values.length) return "undefined";
  const parts = values
    .filter(({ im }) => im >= 0)
    .map(({ re, im }) =>
      im === 0 ? shown(re, digits) : `${shown(re, digits)} ± ${shown(im, digits)}i`,
    );
  return parts.join(", ");
}
