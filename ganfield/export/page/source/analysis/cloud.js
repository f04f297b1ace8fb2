/** A cloud: many points that keep moving by the method's steps, each begun anew after a while. */

/** @typedef {import("../model.js").Bounds} Bounds */
/** @typedef {import("../model.js").Numbers} Numbers */
/** @typedef {import("./runs.js").Motion} Motion */

const TAIL = 8; // Places that are remembered of each.
const SHORTEST_LIFE = 80;

/**
 * @typedef {object} Cloud
 * @property {number} count
 * @property {Numbers[]} states
 * @property {Float64Array} tail of each point the last places, θ and φ, in a ring
 * @property {Uint32Array} lived steps since each began
 * @property {Uint32Array} life after how many it begins anew
 * @property {number} turn
 * @property {() => number} random
 */

export const TAIL_LENGTH = TAIL;

/** @param {number} count @param {Bounds} bounds @param {Motion} motion @returns {Cloud} */
export function scatter(count, bounds, motion) {
  const cloud = {
    count,
    states: new Array(count),
    tail: new Float64Array(2 * TAIL * count),
    lived: new Uint32Array(count),
    life: new Uint32Array(count),
    turn: 0,
    random: randomFrom(1),
  };
  for (let index = 0; index < count; index++) renew(cloud, index, bounds, motion);
  return cloud;
}

/**
 * Move all points by a step.
 *
 * @param {Cloud} cloud changed
 * @param {Bounds} bounds
 * @param {Motion} motion
 */
export function drift(cloud, bounds, motion) {
  const { method, field, options } = motion;
  const [[left, right], [bottom, top]] = bounds;
  const [wide, high] = [right - left, top - bottom];
  cloud.turn = (cloud.turn + 1) % TAIL;
  for (let index = 0; index < cloud.count; index++) {
    const state = method.step(field, cloud.states[index], options);
    const [x, y] = [state[0], state[1]];
    const before = cloud.states[index];
    const moved = Math.abs(x - before[0]) / wide + Math.abs(y - before[1]) / high;
    // What has come to rest has less to show.
    cloud.lived[index] += moved < 2e-3 ? 6 : 1;
    const inside = x > left - wide && x < right + wide && y > bottom - high && y < top + high;
    if (inside && cloud.lived[index] < cloud.life[index]) {
      cloud.states[index] = state;
      const at = 2 * (TAIL * index + cloud.turn);
      cloud.tail[at] = x;
      cloud.tail[at + 1] = y;
    } else {
      renew(cloud, index, bounds, motion);
    }
  }
}

/** Let every point go on from where it is with another method. @param {Cloud} cloud @param {Motion} motion */
export function remake(cloud, { method, field, options }) {
  cloud.states = cloud.states.map((state) => method.init(field, [state[0], state[1]], options));
}

/** @param {Cloud} cloud @param {number} index @param {Bounds} bounds @param {Motion} motion */
function renew(cloud, index, [[left, right], [bottom, top]], { method, field, options }) {
  const x = left + cloud.random() * (right - left);
  const y = bottom + cloud.random() * (top - bottom);
  cloud.states[index] = method.init(field, [x, y], options);
  cloud.lived[index] = 0;
  cloud.life[index] = SHORTEST_LIFE + Math.floor(cloud.random() * 3 * SHORTEST_LIFE);
  for (let place = 0; place < TAIL; place++) {
    cloud.tail[2 * (TAIL * index + place)] = x;
    cloud.tail[2 * (TAIL * index + place) + 1] = y;
  }
}

/** Numbers from 0 to 1 that are the same at every visit (xorshift). @param {number} seed */
function randomFrom(seed) {
  let x = seed * 2654435769;
  return () => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return (x >>> 0) / 4294967296;
  };
}
