/** A method's step as a map of its whole state, and its derivative. */

/** @typedef {import("../model.js").Field} Field */
/** @typedef {import("../model.js").Method} Method */
/** @typedef {import("../model.js").Numbers} Numbers */
/** @typedef {import("../model.js").Options} Options */
/** @typedef {import("../model.js").Point} Point */

/**
 * The derivative F′ of one step at a point, with the memory of a step there.
 *
 * A method's first step may be another than all later ones: optimistic steps have no past yet.
 *
 * @param {Method} method
 * @param {Field} field
 * @param {Point} point
 * @param {Options} options
 * @returns {Numbers} size × size, row by row; NaN where the step has no derivative
 */
export function stepJacobian(method, field, point, options) {
  const state = Float64Array.from(method.step(field, method.init(field, point, options), options));
  state.set(point);
  if (method.jacobian) {
    return method.jacobian(field, state, options) ?? new Float64Array(state.length ** 2).fill(NaN);
  }
  return differences((at) => method.step(field, at, options), state);
}

/**
 * Central differences, whose error is some 1e-9 of the map's third derivatives.
 *
 * @param {(state: Numbers) => Numbers} map
 * @param {Numbers} state
 */
function differences(map, state) {
  const size = state.length;
  const matrix = new Float64Array(size * size);
  for (let column = 0; column < size; column++) {
    const distance = 6e-6 * (1 + Math.abs(state[column]));
    const [ahead, behind] = [1, -1].map((sign) => {
      const moved = Float64Array.from(state);
      moved[column] += sign * distance;
      return map(moved);
    });
    for (let row = 0; row < size; row++) {
      matrix[row * size + column] = (ahead[row] - behind[row]) / (2 * distance);
    }
  }
  return matrix;
}
