/** Where every start of a grid ends: a short form of `ganfield.basins`. */

/** @typedef {import("../model.js").Bounds} Bounds */
/** @typedef {import("../model.js").Point} Point */
/** @typedef {import("./runs.js").Motion} Motion */

export const CYCLING = -1;
export const DIVERGED = -2;
export const UNDECIDED = -3;

const STEPS = 1000;
const TOLERANCE = 1e-3; // As a share of the diagonal.
const STEADY = 0.01;
const ESCAPE = 10; // Half diagonals from the middle.

/**
 * @typedef {object} Basins
 * @property {number} count starts along each side, each in the middle of its cell
 * @property {Bounds} bounds
 * @property {Int16Array} outcomes rows from below; the attractor's place, or one of the above
 * @property {Point[]} attractors the most reached first
 */

/** @typedef {{outcome: number, end: Point}} Ending */

/**
 * Run from every start; yields now and then, for others to come to their turn.
 *
 * A start has converged if over the second half of the steps' second half it keeps within a
 * thousandth of the diagonal, and its point attracts if it takes back what is pushed away a little. It
 * cycles if it turns at least twice in each of these halves while its mean distance from their middle
 * stays within a hundredth.
 *
 * @param {Motion} motion
 * @param {Bounds} bounds
 * @param {number} count
 * @returns {Generator<void, Basins>}
 */
export function* basins(motion, bounds, count) {
  const [[left, right], [bottom, top]] = bounds;
  const outcomes = new Int16Array(count * count);
  const slack = TOLERANCE * Math.hypot(right - left, top - bottom);
  /** @type {{point: Point, hits: number, members: number[]}[]} */
  const rests = [];
  for (let index = 0; index < count * count; index++) {
    const x = left + (((index % count) + 0.5) / count) * (right - left);
    const y = bottom + ((Math.floor(index / count) + 0.5) / count) * (top - bottom);
    const { outcome, end } = endOf([x, y], motion, bounds, slack);
    outcomes[index] = outcome;
    if (outcome === 0) {
      let rest = rests.find(({ point }) => apart(point, end) <= 5 * slack);
      if (!rest) rests.push((rest = { point: end, hits: 0, members: [] }));
      rest.hits++;
      rest.members.push(index);
    }
    if (index % 8 === 7) yield;
  }
  rests.sort((one, other) => other.hits - one.hits);
  /** @type {Point[]} */
  const attractors = [];
  for (const { point, members } of rests) {
    const attracts = takesBack(point, motion, bounds, slack);
    if (attracts) attractors.push(point);
    for (const index of members) outcomes[index] = attracts ? attractors.length - 1 : UNDECIDED;
    yield;
  }
  return { count, bounds, outcomes, attractors };
}

/** @param {Point} one @param {Point} other */
const apart = (one, other) => Math.hypot(one[0] - other[0], one[1] - other[1]);

/** @param {Point} point @param {Motion} motion @param {Bounds} bounds @param {number} slack */
function takesBack(point, motion, bounds, slack) {
  const push = 5 * slack;
  return [
    [1, 0],
    [-1, 0],
    [0, 1],
    [0, -1],
  ].every(([p, q]) => {
    const { outcome, end } = endOf(
      [point[0] + push * p, point[1] + push * q],
      motion,
      bounds,
      slack,
    );
    return outcome === 0 && apart(end, point) <= push / 2;
  });
}

/** @param {Point} start @param {Motion} motion @param {Bounds} bounds @param {number} slack @returns {Ending} */
function endOf(start, { method, field, options }, [[left, right], [bottom, top]], slack) {
  const middle = [(left + right) / 2, (bottom + top) / 2];
  const reach = (ESCAPE * Math.hypot(right - left, top - bottom)) / 2;
  const half = STEPS / 4;
  const windows = [watch(), watch()];
  let state = method.init(field, start, options);
  let still = 0;
  for (let step = 0; step < STEPS; step++) {
    const [x, y] = [state[0], state[1]];
    state = method.step(field, state, options);
    const [u, w] = [state[0], state[1]];
    if (!(Math.hypot(u - middle[0], w - middle[1]) <= reach))
      return { outcome: DIVERGED, end: [u, w] };
    // What has not moved at all for a while will not.
    still = Math.abs(u - x) + Math.abs(w - y) < 1e-9 * slack ? still + 1 : 0;
    if (still > 20) return { outcome: 0, end: [u, w] };
    if (step >= 2 * half) add(windows[step >= 3 * half ? 1 : 0], x, y, u - x, w - y);
  }
  const [before, after] = windows.map(radiusOf);
  /** @type {Point} */
  const end = [state[0], state[1]];
  if (after <= slack) return { outcome: 0, end };
  const steady = Math.abs(after - before) <= STEADY * after;
  const turns = Math.min(...windows.map(({ turned }) => Math.abs(turned) / (2 * Math.PI)));
  const flips = Math.min(...windows.map(({ bent }) => bent)) / (half - 1) > 0.95 * Math.PI;
  return { outcome: steady && (turns >= 2 || flips) ? CYCLING : UNDECIDED, end };
}

/** Sums over a window. @typedef {ReturnType<typeof watch>} Watch */

function watch() {
  return {
    steps: 0,
    weight: 0,
    x: 0,
    y: 0,
    xx: 0,
    turned: 0,
    bent: 0,
    last: [0, 0],
    origin: [0, 0],
  };
}

/** @param {Watch} w @param {number} x @param {number} y @param {number} p @param {number} q */
function add(w, x, y, p, q) {
  if (w.steps === 0) w.origin = [x, y];
  const [u, v] = [x - w.origin[0], y - w.origin[1]];
  // Weighted (Hann), so that a part of a turn does not count much.
  const weight = 1 - Math.cos((2 * Math.PI * ++w.steps) / (STEPS / 4 + 1));
  w.weight += weight;
  w.x += weight * u;
  w.y += weight * v;
  w.xx += weight * (u * u + v * v);
  const angle = Math.atan2(w.last[0] * q - w.last[1] * p, w.last[0] * p + w.last[1] * q);
  w.turned += angle;
  w.bent += Math.abs(angle);
  w.last = [p, q];
}

/** @param {Watch} w */
function radiusOf({ weight, x, y, xx }) {
  return Math.sqrt(Math.max(0, xx / weight - (x / weight) ** 2 - (y / weight) ** 2));
}
