/** Where a function on a grid is zero: marching squares, joined to lines. */

/**
 * @param {Float64Array} values rows of `count` numbers
 * @param {number} count
 * @returns {number[][]} lines, each [column, row, column, row, …] in places of the grid
 */
export function zeroLines(values, count) {
  const ends = crossings(values, count);
  /** @type {Set<number>} */
  const used = new Set();
  const lines = [];
  for (const start of ends.keys()) {
    if (used.has(start)) continue;
    used.add(start);
    const [one, other] = ends.get(start) ?? [];
    const ahead = follow(one, ends, used);
    const behind = follow(other, ends, used).reverse();
    const edges = [...behind, start, ...ahead];
    // A ring comes back to where it began.
    if (!behind.length && edges.length > 2 && ends.get(start)?.includes(edges[edges.length - 1])) {
      edges.push(start);
    }
    lines.push(edges.flatMap((edge) => placeOf(edge, values, count)));
  }
  return lines;
}

/** @param {number | undefined} edge @param {Map<number, number[]>} ends @param {Set<number>} used */
function follow(edge, ends, used) {
  const line = [];
  let at = edge;
  while (at !== undefined && !used.has(at)) {
    used.add(at);
    line.push(at);
    at = ends.get(at)?.find((next) => !used.has(next));
  }
  return line;
}

/**
 * Which crossed edges of the grid are joined. Edge 2k goes right from point k, edge 2k + 1 up.
 *
 * @param {Float64Array} values @param {number} count @returns {Map<number, number[]>}
 */
function crossings(values, count) {
  /** @type {Map<number, number[]>} */
  const ends = new Map();
  /** @param {number} one @param {number} other */
  const join = (one, other) => {
    for (const [from, to] of [
      [one, other],
      [other, one],
    ]) {
      const known = ends.get(from);
      if (known) known.push(to);
      else ends.set(from, [to]);
    }
  };
  for (let row = 0; row < count - 1; row++) {
    for (let column = 0; column < count - 1; column++) {
      const k = row * count + column;
      const [a, b, c, d] = [values[k], values[k + 1], values[k + count + 1], values[k + count]];
      const kind = Number(a > 0) + 2 * Number(b > 0) + 4 * Number(c > 0) + 8 * Number(d > 0);
      if (kind === 0 || kind === 15 || Number.isNaN(a + b + c + d)) continue;
      const [low, right, high, left] = [2 * k, 2 * (k + 1) + 1, 2 * (k + count), 2 * k + 1];
      const crossed = [];
      if (a > 0 !== b > 0) crossed.push(low);
      if (b > 0 !== c > 0) crossed.push(right);
      if (c > 0 !== d > 0) crossed.push(high);
      if (d > 0 !== a > 0) crossed.push(left);
      if (crossed.length === 2) {
        join(crossed[0], crossed[1]);
      } else if (a + b + c + d > 0 === a > 0) {
        join(low, right);
        join(high, left);
      } else {
        join(low, left);
        join(right, high);
      }
    }
  }
  return ends;
}

/** @param {number} edge @param {Float64Array} values @param {number} count @returns {[number, number]} */
function placeOf(edge, values, count) {
  const point = edge >> 1;
  const next = edge & 1 ? point + count : point + 1;
  const share = values[point] / (values[point] - values[next]);
  const [column, row] = [point % count, Math.floor(point / count)];
  return edge & 1 ? [column, row + share] : [column + share, row];
}
