/** Runs: the path from a start under the method's steps. A run follows from the choices alone. */

/** @typedef {import("../model.js").Field} Field */
/** @typedef {import("../model.js").Method} Method */
/** @typedef {import("../model.js").Numbers} Numbers */
/** @typedef {import("../model.js").Options} Options */
/** @typedef {import("../model.js").Point} Point */

/** What moves a state. @typedef {{method: Method, field: Field, original: Field, options: Options}} Motion */

/**
 * @typedef {object} Run
 * @property {Point} start
 * @property {Numbers} state after the last step that was taken
 * @property {number[]} path θ, φ, θ, φ, …, the start first
 * @property {number[]} norms ‖v‖ of the original, at each of these
 * @property {boolean} gone whether it met what is not finite; the path ends before
 * @property {number} age how many of its steps are shown
 */

/** @param {Point} start @param {Motion} motion @returns {Run} */
export function begin(start, motion) {
  const state = motion.method.init(motion.field, start, motion.options);
  return { start, state, path: [...start], norms: [normAt(start, motion)], gone: false, age: 0 };
}

/**
 * Take steps until a run has so many, it leaves the numbers, or the time is over.
 *
 * @param {Run} run changed
 * @param {Motion} motion
 * @param {number} steps
 * @param {number} deadline by `performance.now()`
 */
export function extend(run, motion, steps, deadline) {
  const { method, field, options } = motion;
  for (let step = run.norms.length; step <= steps && !run.gone; step++) {
    if (step % 32 === 0 && performance.now() > deadline) return;
    const state = method.step(field, run.state, options);
    if (Math.abs(state[0]) < 1e100 && Math.abs(state[1]) < 1e100) {
      run.state = state;
      run.path.push(state[0], state[1]);
      run.norms.push(normAt(state, motion));
    } else {
      run.gone = true;
    }
  }
}

/** @param {Run} run @returns {number} the last step that can be shown now */
export function shownStep({ age, norms }) {
  return Math.min(age, norms.length - 1);
}

/** @param {Numbers} state @param {Motion} motion */
function normAt(state, { original, options }) {
  const value = original.value(state, options);
  return Math.hypot(value[0], value[1]);
}
