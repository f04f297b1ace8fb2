/** Axes: a frame, ticks and names. */

import { SANS, SERIF } from "./pen.js";
import { shown, ticks } from "./scale.js";

/** @typedef {import("./pen.js").Pen} Pen */
/** @typedef {import("./palette.js").Palette} Palette */
/** @typedef {import("./scale.js").Scale} Scale */

/**
 * @param {Pen} pen
 * @param {Scale} scale
 * @param {Palette} palette
 * @param {number} unit pixels for a sixteenth of the page's letter size
 * @param {[string, string]} names
 */
export function drawAxes(pen, scale, palette, unit, names) {
  const { left, top, width, height, bounds } = scale;
  const [bottom, right] = [top + height, left + width];
  pen.save();
  pen.strokeStyle = palette.soft;
  pen.lineWidth = unit;
  pen.strokeRect(left, top, width, height);
  pen.fillStyle = palette.soft;
  pen.font = `${12 * unit}px ${SANS}`;
  pen.textAlign = "center";
  pen.textBaseline = "top";
  pen.beginPath();
  for (const value of ticks(...bounds[0], width / (90 * unit))) {
    const x = scale.x(value);
    pen.moveTo(x, bottom);
    pen.lineTo(x, bottom + 4 * unit);
    // The name has the corner.
    if (x < right - 26 * unit) pen.fillText(shown(value), x, bottom + 7 * unit);
  }
  pen.textAlign = "right";
  pen.textBaseline = "middle";
  for (const value of ticks(...bounds[1], height / (70 * unit))) {
    const y = scale.y(value);
    pen.moveTo(left, y);
    pen.lineTo(left - 4 * unit, y);
    if (y > top + 20 * unit) pen.fillText(shown(value), left - 7 * unit, y);
  }
  pen.stroke();
  pen.fillStyle = palette.ink;
  pen.font = `italic ${17 * unit}px ${SERIF}`;
  pen.fillText(names[1], left - 8 * unit, top + 8 * unit);
  pen.textBaseline = "top";
  pen.fillText(names[0], right, bottom + 5 * unit);
  pen.restore();
}

/** The pixels that axes take beside the box. @param {number} unit */
export function margins(unit) {
  return { left: 44 * unit, right: 10 * unit, top: 8 * unit, bottom: 30 * unit };
}
