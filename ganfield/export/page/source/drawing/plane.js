/** The whole plane, in the order in which its parts lie on one another. */

import { drawAxes, margins } from "./axes.js";
import { drawBasins, drawUndefined } from "./areas.js";
import { drawNullclines, drawStreamlines } from "./field.js";
import { drawGlyph } from "./glyphs.js";
import { drawCloud, drawProbe, drawRun } from "./motion.js";
import { scaleOf } from "./scale.js";
import { streamlines } from "../analysis/streamlines.js";

/** @typedef {import("../model.js").Bounds} Bounds */
/** @typedef {import("../model.js").Model} Model */
/** @typedef {import("../scene.js").Scene} Scene */
/** @typedef {import("../state.js").Choices} Choices */
/** @typedef {import("./palette.js").Palette} Palette */
/** @typedef {import("./pen.js").Pen} Pen */
/** @typedef {import("./scale.js").Scale} Scale */

const APART = 21; // Pixels between streamlines.

/**
 * The box within a canvas that the bounds fill, on one scale unless they are very long.
 *
 * @param {Bounds} bounds @param {number} width @param {number} height @param {number} unit
 * @returns {Scale}
 */
export function planeScale(bounds, width, height, unit) {
  const { left, right, top, bottom } = margins(unit);
  const [across, up] = bounds.map(([low, high]) => high - low);
  let [w, h] = [Math.max(10, width - left - right), Math.max(10, height - top - bottom)];
  const [spareLeft, spareTop] = [w, h];
  if (Math.max(across / up, up / across) <= 4) {
    const pixels = Math.min(w / across, h / up);
    [w, h] = [pixels * across, pixels * up];
  }
  return scaleOf(bounds, left + (spareLeft - w) / 2, top + (spareTop - h) / 2, w, h);
}

/**
 * What changes with the field alone.
 *
 * @param {Pen} pen @param {Scale} scale @param {Palette} palette @param {number} unit
 * @param {Scene} scene @param {Choices} choices @param {Model} model
 */
export function drawGround(pen, scale, palette, unit, scene, { layers }, { parameters }) {
  pen.save();
  pen.fillStyle = palette.paper;
  pen.fillRect(scale.left, scale.top, scale.width, scale.height);
  pen.clipTo(scale.left, scale.top, scale.width, scale.height);
  const basins = layers.basins ? scene.basins : null;
  if (basins) drawBasins(pen, scale, palette, basins);
  drawUndefined(pen, scale, palette, scene.grid);
  if (layers.streamlines) {
    const apart = scene.pace === "hurried" ? 1.5 * APART : APART;
    const side = Math.min(scale.width, scale.height);
    const cells = Math.max(10, Math.min(44, Math.round(side / (apart * unit))));
    const lines = streamlines(scene.grid, cells);
    drawStreamlines(pen, scale, palette, unit, scene.grid, lines, Boolean(basins));
  }
  if (layers.nullclines) {
    drawNullclines(pen, scale, palette, unit, scene.grid.count, scene.nullclines);
  }
  pen.restore();
  drawAxes(pen, scale, palette, unit, parameters);
}

/**
 * What moves, and the marks above it.
 *
 * @param {Pen} pen @param {Scale} scale @param {Palette} palette @param {number} unit
 * @param {Scene} scene @param {Choices} choices
 * @param {{share: number, probe: ArrayLike<number> | null}} now how far points are on their way to the
 *   next step, and the field at the point that is looked at, if that is to be marked
 */
export function drawMarks(pen, scale, palette, unit, scene, { layers, probe }, now) {
  pen.save();
  pen.clipTo(scale.left, scale.top, scale.width, scale.height);
  if (scene.cloud) drawCloud(pen, scale, palette, unit, scene.cloud);
  scene.runs.forEach((run, index) => {
    const color = palette.runs[index % palette.runs.length];
    drawRun(pen, scale, palette, unit, run, color, now.share);
  });
  pen.restore();
  if (layers.equilibria) {
    for (const equilibrium of scene.equilibria) {
      const [x, y] = [scale.x(equilibrium.point[0]), scale.y(equilibrium.point[1])];
      drawGlyph(pen, equilibrium, x, y, 5.5 * unit, palette);
    }
  }
  if (now.probe) drawProbe(pen, scale, palette, unit, probe, now.probe);
}
