/** A field on a regular grid: what streamlines and nullclines are drawn from. */

/** @typedef {import("../model.js").Bounds} Bounds */
/** @typedef {import("../model.js").Field} Field */
/** @typedef {import("../model.js").Options} Options */

/**
 * @typedef {object} Grid rows along φ from below, each along θ; NaN where the field is not finite
 * @property {number} count points along each side
 * @property {Bounds} bounds
 * @property {Float64Array} theta the field's first part
 * @property {Float64Array} phi its second
 * @property {number} fastest the largest speed
 */

/** @param {Field} field @param {Options} options @param {Bounds} bounds @param {number} count @returns {Grid} */
export function sample(field, options, bounds, count) {
  const theta = new Float64Array(count * count);
  const phi = new Float64Array(count * count);
  const [[left, right], [bottom, top]] = bounds;
  const [across, up] = [(right - left) / (count - 1), (top - bottom) / (count - 1)];
  let fastest = 0;
  const x = [0, 0];
  for (let row = 0, index = 0; row < count; row++) {
    x[1] = bottom + row * up;
    for (let column = 0; column < count; column++, index++) {
      x[0] = left + column * across;
      const value = field.value(x, options);
      const speed = Math.sqrt(value[0] * value[0] + value[1] * value[1]);
      const finite = speed < Infinity;
      theta[index] = finite ? value[0] : NaN;
      phi[index] = finite ? value[1] : NaN;
      if (speed > fastest && finite) fastest = speed;
    }
  }
  return { count, bounds, theta, phi, fastest };
}

/**
 * The field between the grid's points, by its four neighbours.
 *
 * @param {Grid} grid
 * @param {number} column a place in the grid, from 0 to count − 1
 * @param {number} row
 * @param {Float64Array} into two numbers; NaN outside
 */
export function between({ count, theta, phi }, column, row, into) {
  if (!(column >= 0 && row >= 0 && column <= count - 1 && row <= count - 1)) {
    into[0] = into[1] = NaN;
    return;
  }
  const [left, below] = [
    Math.min(Math.floor(column), count - 2),
    Math.min(Math.floor(row), count - 2),
  ];
  const [s, t] = [column - left, row - below];
  const at = below * count + left;
  const [p, q, r, u] = [(1 - s) * (1 - t), s * (1 - t), (1 - s) * t, s * t];
  into[0] = p * theta[at] + q * theta[at + 1] + r * theta[at + count] + u * theta[at + count + 1];
  into[1] = p * phi[at] + q * phi[at + 1] + r * phi[at + count] + u * phi[at + count + 1];
}
