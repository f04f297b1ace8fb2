/** The small plots beside the plane: eigenvalues, and norms over steps. */

import { shownStep } from "../analysis/runs.js";
import { SANS } from "./pen.js";
import { roundLimit, scaleOf, shown, ticks } from "./scale.js";

/** @typedef {import("../analysis/eigenvalues.js").Complex} Complex */
/** @typedef {import("../analysis/runs.js").Run} Run */
/** @typedef {import("../model.js").Bounds} Bounds */
/** @typedef {import("./pen.js").Pen} Pen */
/** @typedef {import("./palette.js").Palette} Palette */
/** @typedef {import("./scale.js").Scale} Scale */

/**
 * Eigenvalues of v′ and w′, with what simultaneous steps of size h forgive shaded: |1 + hλ| < 1.
 *
 * @param {Pen} pen @param {number} width @param {number} height @param {Palette} palette @param {number} unit
 * @param {{original: Complex[], field: Complex[], step: number | null}} spectra
 */
export function drawFieldSpectrum(pen, width, height, palette, unit, { original, field, step }) {
  const limit = roundLimit(1.15 * Math.max(...[...original, ...field].flatMap(sizes), 0.3));
  const scale = complexPlane(pen, width, height, palette, unit, limit, 0);
  if (step) {
    pen.save();
    pen.clipTo(scale.left, scale.top, scale.width, scale.height);
    const radius = scale.x(1 / step) - scale.x(0);
    circle(pen, scale.x(-1 / step), scale.y(0), Math.min(radius, 1e6), palette, unit);
    pen.restore();
  }
  drawValues(pen, scale, original, palette, unit, { color: palette.soft, filled: false });
  drawValues(pen, scale, field, palette, unit, { color: palette.accent, filled: true });
}

/**
 * Eigenvalues of the update map against the unit circle.
 *
 * @param {Pen} pen @param {number} width @param {number} height @param {Palette} palette @param {number} unit
 * @param {Complex[]} values
 */
export function drawMapSpectrum(pen, width, height, palette, unit, values) {
  const limit = roundLimit(1.08 * Math.max(...values.flatMap(sizes), 1.1));
  const scale = complexPlane(pen, width, height, palette, unit, limit, 0);
  pen.save();
  pen.clipTo(scale.left, scale.top, scale.width, scale.height);
  circle(pen, scale.x(0), scale.y(0), scale.x(1) - scale.x(0), palette, unit);
  pen.restore();
  const outside = values.filter(({ re, im }) => Math.hypot(re, im) > 1 + 1e-9);
  const inside = values.filter((value) => !outside.includes(value));
  drawValues(pen, scale, inside, palette, unit, { color: palette.accent, filled: true });
  drawValues(pen, scale, outside, palette, unit, { color: palette.spurious, filled: true });
}

/** @param {Complex} value */
const sizes = ({ re, im }) => [Math.abs(re), Math.abs(im)];

/** @param {Pen} pen @param {number} x @param {number} y @param {number} radius @param {Palette} palette @param {number} unit */
function circle(pen, x, y, radius, palette, unit) {
  pen.beginPath();
  pen.arc(x, y, radius, 0, 2 * Math.PI);
  pen.fillStyle = palette.veil;
  pen.fill();
  pen.strokeStyle = palette.soft;
  pen.lineWidth = 1.2 * unit;
  pen.stroke();
}

/**
 * @param {Pen} pen @param {number} width @param {number} height @param {Palette} palette @param {number} unit
 * @param {number} limit that the shorter side holds, either way @param {number} middle of the real axis
 * @returns {Scale}
 */
function complexPlane(pen, width, height, palette, unit, limit, middle) {
  const [pad, low] = [4 * unit, 18 * unit];
  const [w, h] = [width - 2 * pad, height - pad - low];
  const across = (limit * w) / Math.min(w, h);
  const up = (limit * h) / Math.min(w, h);
  const scale = scaleOf(
    [
      [middle - across, middle + across],
      [-up, up],
    ],
    pad,
    pad,
    w,
    h,
  );
  pen.save();
  pen.strokeStyle = palette.faint;
  pen.lineWidth = unit;
  pen.strokeRect(pad, pad, w, h);
  pen.beginPath();
  pen.moveTo(scale.x(0), pad);
  pen.lineTo(scale.x(0), pad + h);
  pen.moveTo(pad, scale.y(0));
  pen.lineTo(pad + w, scale.y(0));
  pen.stroke();
  pen.fillStyle = palette.soft;
  pen.font = `${11 * unit}px ${SANS}`;
  pen.textAlign = "center";
  pen.textBaseline = "top";
  for (const value of ticks(middle - across, middle + across, w / (64 * unit))) {
    const x = scale.x(value);
    if (x < pad + 12 * unit || x > pad + w - 30 * unit) continue;
    pen.fillText(shown(value), x, pad + h + 4 * unit);
  }
  pen.textAlign = "right";
  pen.fillText("Re", pad + w, pad + h + 4 * unit);
  pen.textBaseline = "middle";
  for (const value of ticks(-up, up, h / (44 * unit))) {
    const y = scale.y(value);
    if (value === 0 || y < pad + 16 * unit || y > pad + h - 8 * unit) continue;
    pen.fillText(`${shown(value)}i`, pad + w - 4 * unit, y);
  }
  pen.fillText("Im", pad + w - 4 * unit, pad + 8 * unit);
  pen.restore();
  return scale;
}

/**
 * @param {Pen} pen @param {Scale} scale @param {Complex[]} values @param {Palette} palette @param {number} unit
 * @param {{color: string, filled: boolean}} look
 */
function drawValues(pen, scale, values, palette, unit, { color, filled }) {
  pen.save();
  for (const { re, im } of values) {
    pen.beginPath();
    pen.arc(scale.x(re), scale.y(im), (filled ? 4.5 : 6.5) * unit, 0, 2 * Math.PI);
    pen.fillStyle = color;
    if (filled) pen.fill();
    pen.strokeStyle = filled ? palette.paper : color;
    pen.lineWidth = (filled ? 1 : 2) * unit;
    pen.stroke();
  }
  pen.restore();
}

const FLOOR = 1e-16;

/**
 * ‖v‖ over steps, on a logarithmic axis.
 *
 * @param {Pen} pen @param {number} width @param {number} height @param {Palette} palette @param {number} unit
 * @param {Run[]} runs @param {number} steps that the axis holds
 */
export function drawNorms(pen, width, height, palette, unit, runs, steps) {
  const values = runs.flatMap((run) => run.norms.slice(0, shownStep(run) + 1));
  const positive = values.filter((value) => value > FLOOR && value < Infinity);
  const low = Math.floor(Math.log10(positive.length ? Math.min(...minMax(positive)) : 0.1));
  const high = Math.ceil(Math.log10(positive.length ? Math.max(...minMax(positive)) : 1) + 1e-9);
  const [left, top, bottom] = [34 * unit, 6 * unit, 20 * unit];
  /** @type {Bounds} */
  const bounds = [
    [0, steps],
    [low, Math.max(high, low + 1)],
  ];
  const scale = scaleOf(bounds, left, top, width - left - 10 * unit, height - top - bottom);
  pen.save();
  pen.font = `${11 * unit}px ${SANS}`;
  pen.fillStyle = palette.soft;
  pen.strokeStyle = palette.faint;
  pen.lineWidth = unit;
  pen.textBaseline = "middle";
  pen.textAlign = "right";
  pen.beginPath();
  for (const power of ticks(...bounds[1], scale.height / (26 * unit))) {
    if (!Number.isInteger(power)) continue;
    const y = scale.y(power);
    pen.moveTo(scale.left, y);
    pen.lineTo(scale.left + scale.width, y);
    pen.fillText(powerOfTen(power), scale.left - 5 * unit, y);
  }
  pen.stroke();
  pen.textAlign = "center";
  pen.textBaseline = "top";
  for (const step of ticks(0, steps, scale.width / (70 * unit))) {
    if (Number.isInteger(step))
      pen.fillText(String(step), scale.x(step), height - bottom + 6 * unit);
  }
  if (!runs.length) {
    pen.fillText("no runs yet", scale.left + scale.width / 2, scale.top + scale.height / 2);
  }
  pen.lineWidth = 2 * unit;
  pen.lineJoin = "round";
  runs.forEach((run, index) => {
    pen.strokeStyle = palette.runs[index % palette.runs.length];
    pen.beginPath();
    let pendown = false;
    for (let step = 0; step <= shownStep(run); step++) {
      const y = scale.y(Math.max(Math.log10(run.norms[step]), low));
      if (pendown) pen.lineTo(scale.x(step), y);
      else pen.moveTo(scale.x(step), y);
      pendown = true;
    }
    pen.stroke();
  });
  pen.restore();
}

/** @param {number[]} values */
function minMax(values) {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return [low, high];
}

/** @param {number} power */
function powerOfTen(power) {
  if (power >= -2 && power <= 3) return String(Number((10 ** power).toPrecision(1)));
  const raised = String(power).replace(/./g, (digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[Number(digit)] ?? "⁻");
  return `10${raised}`;
}
