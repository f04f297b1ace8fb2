/** The field in the plane: streamlines, nullclines. */

/** @typedef {import("../analysis/grid.js").Grid} Grid */
/** @typedef {import("../analysis/streamlines.js").Streamline} Streamline */
/** @typedef {import("./pen.js").Pen} Pen */
/** @typedef {import("./palette.js").Palette} Palette */
/** @typedef {import("./scale.js").Scale} Scale */

/**
 * Streamlines, coloured by speed, with arrowheads.
 *
 * @param {Pen} pen @param {Scale} scale @param {Palette} palette @param {number} unit
 * @param {Grid} grid @param {Streamline[]} lines
 * @param {boolean} quiet in one soft colour, where the ground has colours of its own
 */
export function drawStreamlines(pen, scale, palette, unit, grid, lines, quiet) {
  const across = scale.width / (grid.count - 1);
  const up = scale.height / (grid.count - 1);
  const bottom = scale.top + scale.height;
  const colors = quiet ? [palette.soft] : palette.speeds;
  /** @type {number[][]} pieces of one colour, as x0, y0, x1, y1 */
  const pieces = colors.map(() => []);
  /** @type {number[][]} */
  const heads = colors.map(() => []);
  for (const { points, speeds } of lines) {
    const last = speeds.length - 1;
    const every = 2 * Math.max(12, Math.round((28 * unit) / Math.hypot(0.2 * across, 0.2 * up)));
    const first = 2 * Math.round((last % every) / 4) || 2;
    // Two steps are one piece.
    for (let k = 0; k < last; k += 2) {
      const end = Math.min(k + 2, last);
      const bin = Math.min(colors.length - 1, Math.floor(speeds[k] ** 0.7 * colors.length));
      const from = [scale.left + points[2 * k] * across, bottom - points[2 * k + 1] * up];
      const to = [scale.left + points[2 * end] * across, bottom - points[2 * end + 1] * up];
      pieces[bin].push(from[0], from[1], to[0], to[1]);
      if ((k - first) % every === 0) heads[bin].push(from[0], from[1], to[0], to[1]);
    }
  }
  pen.save();
  // One pixel is drawn several times as fast as a little more, where no graphics card draws.
  pen.lineWidth = unit;
  pen.globalAlpha = quiet ? 0.6 : 1;
  colors.forEach((color, bin) => {
    strokePieces(pen, color, pieces[bin]);
    pen.fillStyle = color;
    pen.beginPath();
    for (let k = 0; k < heads[bin].length; k += 4) {
      const [x, y, p, q] = heads[bin].slice(k, k + 4);
      arrowhead(pen, x, y, p - x, q - y, 4 * unit);
    }
    if (heads[bin].length) pen.fill();
  });
  pen.restore();
}

/** @param {Pen} pen @param {string} color @param {number[]} pieces */
function strokePieces(pen, color, pieces) {
  if (!pieces.length) return;
  pen.strokeStyle = color;
  pen.beginPath();
  let [x, y] = [NaN, NaN];
  for (let k = 0; k < pieces.length; k += 4) {
    if (pieces[k] !== x || pieces[k + 1] !== y) pen.moveTo(pieces[k], pieces[k + 1]);
    [x, y] = [pieces[k + 2], pieces[k + 3]];
    pen.lineTo(x, y);
  }
  pen.stroke();
}

/** Add a triangle to the path. @param {Pen} pen @param {number} x @param {number} y @param {number} p @param {number} q @param {number} size */
export function arrowhead(pen, x, y, p, q, size) {
  const length = Math.hypot(p, q) || 1;
  const [u, w] = [(p / length) * size, (q / length) * size];
  pen.moveTo(x + 1.3 * u, y + 1.3 * w);
  pen.lineTo(x - u - 0.8 * w, y - w + 0.8 * u);
  pen.lineTo(x - u + 0.8 * w, y - w - 0.8 * u);
  pen.closePath();
}

/** The dashes of θ's nullcline, and of φ's. */
export const DASHES = [
  [9, 5],
  [2, 4],
];

/**
 * @param {Pen} pen @param {Scale} scale @param {Palette} palette @param {number} unit @param {number} count
 * @param {number[][][]} nullclines θ's lines and φ's, in places of the grid
 */
export function drawNullclines(pen, scale, palette, unit, count, nullclines) {
  const across = scale.width / (count - 1);
  const up = scale.height / (count - 1);
  const bottom = scale.top + scale.height;
  pen.save();
  pen.lineWidth = 1.8 * unit;
  pen.strokeStyle = palette.ink;
  pen.globalAlpha = 0.75;
  nullclines.forEach((lines, player) => {
    pen.setLineDash(DASHES[player].map((part) => part * unit));
    pen.beginPath();
    for (const line of lines) {
      pen.moveTo(scale.left + line[0] * across, bottom - line[1] * up);
      for (let k = 2; k < line.length; k += 2) {
        pen.lineTo(scale.left + line[k] * across, bottom - line[k + 1] * up);
      }
    }
    if (lines.length) pen.stroke();
  });
  pen.restore();
}
