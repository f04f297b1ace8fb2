/** What a point is to a field, by the rules of `ganfield.classify`. */

import { eigenvalues } from "./eigenvalues.js";
import { spectralNorm } from "./linear.js";

/** @typedef {import("../model.js").Field} Field */
/** @typedef {import("../model.js").Options} Options */
/** @typedef {import("../model.js").Point} Point */
/** @typedef {import("./eigenvalues.js").Complex} Complex */
/** @typedef {"stable" | "unstable" | "saddle" | "centre" | "undecided" | "none"} Kind */
/** @typedef {{jacobian: number[], values: Complex[], smooth: boolean, isZero: boolean, slack: number}} Look */

const TOLERANCE = 1e-6;

/**
 * @typedef {object} Equilibrium
 * @property {Point} point
 * @property {Kind} kind
 * @property {boolean} spurious a zero of the field but not of the original, or one that the original
 *   repels from and the field attracts to
 * @property {Complex[]} values eigenvalues of the field's Jacobian
 */

/** @param {Field} field @param {Field} original @param {Point} point @param {Options} options @returns {Equilibrium} */
export function classify(field, original, point, options) {
  const here = look(field, point, options);
  const before = field === original ? here : look(original, point, options);
  const kind = kindOf(here);
  return { point, kind, spurious: isSpurious(here, before, kind), values: here.values };
}

/** @param {Field} field @param {Point} point @param {Options} options @returns {Look} */
function look(field, point, options) {
  const jacobian = Array.from(field.jacobian(point, options));
  const value = field.value(point, options);
  const size = spectralNorm(jacobian);
  const distance = TOLERANCE * (1 + Math.max(Math.abs(point[0]), Math.abs(point[1])));
  // What J changes by within the distance at which a point still counts as the zero cannot decide.
  const share = distance / Math.SQRT2;
  const beside = field.jacobian([point[0] + share, point[1] + share], options);
  const change = Math.max(...jacobian.map((entry, index) => Math.abs(beside[index] - entry)));
  return {
    jacobian,
    values: eigenvalues(jacobian),
    smooth: isSmooth(field, point, options, jacobian, size),
    isZero: Math.hypot(value[0], value[1]) <= size * distance,
    slack: TOLERANCE * size + (Number.isFinite(change) ? change : 0),
  };
}

/** @param {Look} here @returns {Kind} */
function kindOf({ isZero, smooth, values, slack }) {
  if (!isZero) return "none";
  if (!smooth || !values.length) return "undecided";
  const grows = values.some(({ re }) => re > slack);
  const decays = values.some(({ re }) => re < -slack);
  if (grows) return decays ? "saddle" : "unstable";
  if (values.every(({ re }) => re < -slack)) return "stable";
  const turns = values.every(({ re, im }) => Math.abs(re) <= slack && Math.abs(im) > slack);
  return turns ? "centre" : "undecided";
}

/** @param {Look} here @param {Look} before @param {Kind} kind */
function isSpurious(here, before, kind) {
  if (!here.isZero || here === before) return false;
  if (!before.isZero) return true;
  return kind === "stable" && ["unstable", "saddle"].includes(kindOf(before));
}

/**
 * Whether the field has one derivative there, told by one-sided slopes at two distances: those of a
 * smooth field differ from the Jacobian's in proportion to the distance, at a kink by a constant.
 *
 * @param {Field} field @param {Point} point @param {Options} options
 * @param {number[]} jacobian @param {number} size
 */
function isSmooth(field, point, options, jacobian, size) {
  const value = field.value(point, options);
  const eps = Number.EPSILON;
  const near = Math.cbrt(eps * (1 + Math.max(Math.abs(point[0]), Math.abs(point[1]))));
  const [a, b, c, d] = jacobian;
  /** @param {number} p @param {number} q @param {number} distance */
  const off = (p, q, distance) => {
    const ahead = field.value([point[0] + distance * p, point[1] + distance * q], options);
    const slope = [(ahead[0] - value[0]) / distance, (ahead[1] - value[1]) / distance];
    return Math.hypot(slope[0] - a * p - b * q, slope[1] - c * p - d * q);
  };
  const least = 1e-3 * size + 1e3 * eps ** (2 / 3);
  for (let index = 0; index < 16; index++) {
    const [p, q] = [Math.cos((index * Math.PI) / 8), Math.sin((index * Math.PI) / 8)];
    const [far, close] = [off(p, q, 4 * near), off(p, q, near)];
    if (!Number.isFinite(close) || (close > far / 2 && close > least)) return false;
  }
  return true;
}
