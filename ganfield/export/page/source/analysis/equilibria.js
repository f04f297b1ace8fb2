/** Zeros of a field in the plane: Newton's method with Levenberg and Marquardt's damping. */

import { leastSquares } from "./linear.js";

/** @typedef {import("../model.js").Bounds} Bounds */
/** @typedef {import("../model.js").Field} Field */
/** @typedef {import("../model.js").Options} Options */
/** @typedef {import("../model.js").Point} Point */
/** @typedef {import("./grid.js").Grid} Grid */

const SEPARATION = 1e-4; // As a share of the bounds' width: nearer zeros are one.
const TOLERANCE = 1e-9;
const MOST = 60;

/**
 * The zeros within the grid's bounds to which Newton's method leads from the starts.
 *
 * A zero has ‖v‖ ≤ 1e-9 of its median on the grid, and one more step without damping moves no
 * further than `SEPARATION`: far out, where a field dies away, it is small but the step is long.
 *
 * @param {Field} field
 * @param {Options} options
 * @param {Grid} grid of the same field
 * @param {Point[]} starts
 * @returns {Point[]}
 */
export function findZeros(field, options, grid, starts) {
  const small = TOLERANCE * usual(grid);
  const [[left, right], [bottom, top]] = grid.bounds;
  const [near, close] = [SEPARATION * (right - left), SEPARATION * (top - bottom)];
  /** @type {Point[]} */
  const zeros = [];
  for (const start of starts) {
    if (zeros.length >= MOST) break;
    const [x, y] = newton(field, options, start);
    const value = field.value([x, y], options);
    if (!(Math.hypot(value[0], value[1]) <= small)) continue;
    const step = leastSquares(field.jacobian([x, y], options), value[0], value[1]);
    if (Math.abs(step[0]) > near || Math.abs(step[1]) > close) continue;
    const inside = x >= left - 1e-9 && x <= right + 1e-9 && y >= bottom - 1e-9 && y <= top + 1e-9;
    const isNew = !zeros.some(([p, q]) => Math.abs(p - x) <= near && Math.abs(q - y) <= close);
    if (inside && isNew) zeros.push([clean(x, near), clean(y, close)]);
  }
  return zeros;
}

/**
 * Where to start: in the cells of the grid in which both parts change their sign, and, for zeros that
 * touch without crossing, on a coarse lattice.
 *
 * @param {Grid} grid
 * @param {number} lattice points along each side; 0 for none
 * @returns {Point[]}
 */
export function startsOf({ count, bounds, theta, phi }, lattice) {
  const [[left, right], [bottom, top]] = bounds;
  /** @type {Point[]} */
  const starts = [];
  /** @param {Float64Array} part @param {number} k */
  const changes = (part, k) => {
    const [a, b, c, d] = [part[k], part[k + 1], part[k + count], part[k + count + 1]];
    return Math.min(a, b, c, d) <= 0 && Math.max(a, b, c, d) >= 0;
  };
  /** @param {number} column @param {number} row @param {number} last @returns {Point} */
  const place = (column, row, last) => [
    left + (column / last) * (right - left),
    bottom + (row / last) * (top - bottom),
  ];
  for (let row = 0; row < count - 1; row++) {
    for (let column = 0; column < count - 1; column++) {
      const k = row * count + column;
      if (changes(theta, k) && changes(phi, k)) {
        starts.push(place(column + 0.5, row + 0.5, count - 1));
      }
    }
  }
  // Of a line of zeros a few are enough.
  const every = Math.ceil(starts.length / (2 * MOST));
  const kept = starts.filter((_, index) => index % every === 0);
  for (let index = 0; index < lattice * lattice; index++) {
    kept.push(place((index % lattice) + 0.5, Math.floor(index / lattice) + 0.5, lattice));
  }
  return kept;
}

/** @param {Field} field @param {Options} options @param {Point} start @returns {Point} */
function newton(field, options, start) {
  let [x, y] = start;
  let value = field.value([x, y], options);
  let norm = Math.hypot(value[0], value[1]);
  let damping = 1;
  for (let turn = 0; turn < 60 && norm > 0; turn++) {
    const [a, b, c, d] = Array.from(field.jacobian([x, y], options));
    // In proportion to the residual, so that damping fades and convergence is quadratic.
    const shift = damping * norm * Math.hypot(a, b, c, d) + 1e-30;
    const [p, q, r] = [a * a + c * c + shift, a * b + c * d, b * b + d * d + shift];
    const [f, g] = [a * value[0] + c * value[1], b * value[0] + d * value[1]];
    const determinant = p * r - q * q;
    const [u, w] = [x - (r * f - q * g) / determinant, y - (p * g - q * f) / determinant];
    const ahead = field.value([u, w], options);
    const after = Math.hypot(ahead[0], ahead[1]);
    if (after < norm) {
      if (Math.abs(u - x) + Math.abs(w - y) < 1e-15 * (1 + Math.abs(x) + Math.abs(y)))
        return [u, w];
      [x, y, value, norm] = [u, w, ahead, after];
      damping = Math.max(damping / 4, 1e-12);
    } else {
      if (damping > 1e8) break;
      damping *= 4;
    }
  }
  return [x, y];
}

/** The median speed on the grid, of a few hundred of its points. @param {Grid} grid */
function usual({ theta, phi }) {
  const every = Math.max(1, Math.floor(theta.length / 301));
  const speeds = [];
  for (let index = 0; index < theta.length; index += every) {
    const speed = Math.hypot(theta[index], phi[index]);
    if (speed > 0) speeds.push(speed);
  }
  speeds.sort((one, other) => one - other);
  return speeds[speeds.length >> 1] ?? 0;
}

/** 0 for what only rounding keeps from it. @param {number} x @param {number} near */
function clean(x, near) {
  return Math.abs(x) < 1e-6 * near ? 0 : x;
}
