/** What moves in the plane: paths, clouds; and the point that is looked at. */

import { TAIL_LENGTH } from "../analysis/cloud.js";
import { shownStep } from "../analysis/runs.js";
import { arrowhead } from "./field.js";

/** @typedef {import("../analysis/cloud.js").Cloud} Cloud */
/** @typedef {import("../analysis/runs.js").Run} Run */
/** @typedef {import("../model.js").Point} Point */
/** @typedef {import("./pen.js").Pen} Pen */
/** @typedef {import("./palette.js").Palette} Palette */
/** @typedef {import("./scale.js").Scale} Scale */

const FAR = 1e5; // Pixels; canvases lose themselves further out.

/**
 * A path from its start, an open ring, to where it is now, a dot; steps that stand apart are dots too.
 *
 * @param {Pen} pen @param {Scale} scale @param {Palette} palette @param {number} unit
 * @param {Run} run @param {string} color
 * @param {number} share how far the point is on its way to the next step, from 0 to 1
 */
export function drawRun(pen, scale, palette, unit, run, color, share) {
  const last = shownStep(run);
  /** @type {number[]} */
  const xs = [];
  /** @type {number[]} */
  const ys = [];
  for (let step = 0; step <= last; step++) {
    xs.push(within(scale.x(run.path[2 * step])));
    ys.push(within(scale.y(run.path[2 * step + 1])));
  }
  if (share > 0 && last + 1 < run.norms.length) {
    const [x, y] = [scale.x(run.path[2 * last + 2]), scale.y(run.path[2 * last + 3])];
    xs.push(within(xs[last] + share * (x - xs[last])));
    ys.push(within(ys[last] + share * (y - ys[last])));
  }
  pen.save();
  pen.lineJoin = "round";
  pen.lineCap = "round";
  for (const [ink, width] of /** @type {[string, number][]} */ ([
    [palette.paper, 5],
    [color, 2.2],
  ])) {
    pen.strokeStyle = ink;
    pen.lineWidth = width * unit;
    pen.beginPath();
    xs.forEach((x, k) => (k ? pen.lineTo(x, ys[k]) : pen.moveTo(x, ys[k])));
    pen.stroke();
  }
  pen.fillStyle = color;
  pen.beginPath();
  for (let k = 1, dotted = 0; k < xs.length && dotted < 4000; k++) {
    if (Math.hypot(xs[k] - xs[k - 1], ys[k] - ys[k - 1]) < 7 * unit) continue;
    pen.moveTo(xs[k] + 2.6 * unit, ys[k]);
    pen.arc(xs[k], ys[k], 2.6 * unit, 0, 2 * Math.PI);
    dotted++;
  }
  pen.fill();
  const end = xs.length - 1;
  dot(pen, xs[0], ys[0], 4 * unit, palette.paper, color, 2 * unit);
  if (end > 0) dot(pen, xs[end], ys[end], 5.5 * unit, color, palette.paper, 1.6 * unit);
  pen.restore();
}

/** @param {number} x */
const within = (x) => Math.max(-FAR, Math.min(FAR, x));

/** @param {Pen} pen @param {number} x @param {number} y @param {number} radius @param {string} fill @param {string} line @param {number} width */
function dot(pen, x, y, radius, fill, line, width) {
  pen.beginPath();
  pen.arc(x, y, radius, 0, 2 * Math.PI);
  pen.fillStyle = fill;
  pen.fill();
  pen.strokeStyle = line;
  pen.lineWidth = width;
  pen.stroke();
}

/**
 * All points of a cloud, with short tails.
 *
 * @param {Pen} pen @param {Scale} scale @param {Palette} palette @param {number} unit @param {Cloud} cloud
 */
export function drawCloud(pen, scale, palette, unit, cloud) {
  pen.save();
  pen.strokeStyle = palette.ink;
  pen.fillStyle = palette.ink;
  pen.lineWidth = unit;
  pen.globalAlpha = 0.6;
  pen.beginPath();
  const { tail, turn, count } = cloud;
  for (let index = 0; index < count; index++) {
    for (let back = 0; back < TAIL_LENGTH; back++) {
      const at = 2 * (TAIL_LENGTH * index + ((turn - back + TAIL_LENGTH) % TAIL_LENGTH));
      const [x, y] = [within(scale.x(tail[at])), within(scale.y(tail[at + 1]))];
      if (back) pen.lineTo(x, y);
      else pen.moveTo(x, y);
    }
  }
  pen.stroke();
  pen.globalAlpha = 0.9;
  const size = 4 * unit;
  for (let index = 0; index < count; index++) {
    const at = 2 * (TAIL_LENGTH * index + turn);
    pen.fillRect(scale.x(tail[at]) - size / 2, scale.y(tail[at + 1]) - size / 2, size, size);
  }
  pen.restore();
}

/**
 * A ring round the point that is looked at, and an arrow along the field.
 *
 * @param {Pen} pen @param {Scale} scale @param {Palette} palette @param {number} unit
 * @param {Point} point @param {ArrayLike<number>} value of the field there
 */
export function drawProbe(pen, scale, palette, unit, point, value) {
  const [x, y] = [scale.x(point[0]), scale.y(point[1])];
  const [p, q] = [scale.x(point[0] + value[0]) - x, scale.y(point[1] + value[1]) - y];
  const length = Math.hypot(p, q);
  const radius = 9 * unit;
  pen.save();
  for (const [ink, width] of /** @type {[string, number][]} */ ([
    [palette.paper, 4.5],
    [palette.ink, 1.6],
  ])) {
    pen.strokeStyle = ink;
    pen.fillStyle = ink;
    pen.lineWidth = width * unit;
    pen.beginPath();
    pen.arc(x, y, radius, 0, 2 * Math.PI);
    pen.stroke();
    if (length > 1e-6 && length < Infinity) {
      const [u, w] = [p / length, q / length];
      const tip = radius + 16 * unit;
      pen.beginPath();
      pen.moveTo(x + radius * u, y + radius * w);
      pen.lineTo(x + tip * u, y + tip * w);
      pen.stroke();
      pen.beginPath();
      arrowhead(pen, x + tip * u, y + tip * w, u, w, (ink === palette.ink ? 4 : 5) * unit);
      pen.fill();
    }
  }
  pen.restore();
}
