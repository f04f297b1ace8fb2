/** Streamlines that keep apart: each stops where another, or itself, has been. */

import { between } from "./grid.js";

/** @typedef {import("./grid.js").Grid} Grid */

/** @typedef {{points: number[], speeds: number[]}} Streamline points in places of the grid, speed as a share of the fastest */

const SHORTEST = 0.06; // Of the side.
const LONGEST = 4;

/**
 * @param {Grid} grid
 * @param {number} cells along each side; a cell is crossed by one line
 * @returns {Streamline[]}
 */
export function streamlines(grid, cells) {
  const { count, fastest } = grid;
  if (!(fastest > 0)) return [];
  const taken = new Uint8Array(cells * cells);
  const scale = (cells - 1e-9) / (count - 1);
  const lines = [];
  for (const cell of coarseToFine(cells)) {
    if (taken[cell]) continue;
    const column = ((cell % cells) + 0.5) / scale;
    const row = (Math.floor(cell / cells) + 0.5) / scale;
    const line = trace(grid, column, row, taken, cells, scale);
    if (line) lines.push(line);
  }
  return lines;
}

/** @type {Map<number, Uint32Array>} */
const orders = new Map();

/**
 * The cells in an order that fills the plane evenly and is always the same, so that lines stay about
 * where they are while a slider moves: an additive recurrence (Roberts, 2018).
 *
 * @param {number} cells @returns {Uint32Array}
 */
function coarseToFine(cells) {
  const known = orders.get(cells);
  if (known) return known;
  const kept = new Set();
  for (let index = 1; kept.size < cells * cells && index < 40 * cells * cells; index++) {
    const column = Math.floor(((0.5 + index * 0.7548776662466927) % 1) * cells);
    const row = Math.floor(((0.5 + index * 0.5698402909980532) % 1) * cells);
    kept.add(row * cells + column);
  }
  const order = Uint32Array.from(kept);
  orders.set(cells, order);
  return order;
}

const here = new Float64Array(2);

/** Make what the field says a direction of the grid, of length 1. @param {Grid} grid */
function direct({ bounds: [[left, right], [bottom, top]] }) {
  here[0] /= right - left;
  here[1] /= top - bottom;
  const length = Math.sqrt(here[0] * here[0] + here[1] * here[1]);
  here[0] /= length;
  here[1] /= length;
}

/**
 * One line through a place, both ways; null (and no cell taken) where it is too short.
 *
 * @param {Grid} grid @param {number} column @param {number} row @param {Uint8Array} taken
 * @param {number} cells @param {number} scale cells for a place of the grid
 * @returns {Streamline | null}
 */
function trace(grid, column, row, taken, cells, scale) {
  /** @type {number[]} */
  const own = [];
  const ahead = go(grid, column, row, 1, taken, cells, scale, own);
  const behind = go(grid, column, row, -1, taken, cells, scale, own);
  const length = (ahead.speeds.length + behind.speeds.length) * stride(scale);
  if (length < SHORTEST * grid.count) {
    for (const cell of own) taken[cell] = 0;
    return null;
  }
  const points = [];
  const speeds = [];
  for (let index = behind.speeds.length - 1; index > 0; index--) {
    points.push(behind.points[2 * index], behind.points[2 * index + 1]);
    speeds.push(behind.speeds[index]);
  }
  for (const value of ahead.points) points.push(value);
  for (const value of ahead.speeds) speeds.push(value);
  return { points, speeds };
}

/** @param {number} scale */
const stride = (scale) => 0.2 / scale;

/**
 * @param {Grid} grid @param {number} column @param {number} row @param {number} sign
 * @param {Uint8Array} taken @param {number} cells @param {number} scale @param {number[]} own
 * @returns {Streamline}
 */
function go(grid, column, row, sign, taken, cells, scale, own) {
  const points = [];
  const speeds = [];
  const most = (LONGEST * grid.count) / stride(scale);
  const length = sign * stride(scale);
  let [x, y] = [column, row];
  let at = -1;
  const start = Math.floor(y * scale) * cells + Math.floor(x * scale);
  for (let turn = 0; turn < most; turn++) {
    between(grid, x, y, here);
    const speed = Math.sqrt(here[0] * here[0] + here[1] * here[1]);
    if (!(speed > 1e-6 * grid.fastest)) break;
    const cell = Math.floor(y * scale) * cells + Math.floor(x * scale);
    if (cell !== at) {
      // The second half begins in the cell that the first has taken.
      if (taken[cell] && !(turn === 0 && cell === start)) break;
      taken[cell] = 1;
      own.push(cell);
      at = cell;
    }
    points.push(x, y);
    speeds.push(speed / grid.fastest);
    // The midpoint rule along the direction; what is not finite ends the line at the next turn.
    direct(grid);
    between(grid, x + (length / 2) * here[0], y + (length / 2) * here[1], here);
    direct(grid);
    x += length * here[0];
    y += length * here[1];
  }
  return { points, speeds };
}
