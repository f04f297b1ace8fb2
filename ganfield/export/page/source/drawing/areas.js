/** Areas of the plane: basins, and where the field is not finite. */

import { CYCLING, DIVERGED, UNDECIDED } from "../analysis/basins.js";
import { partsOf } from "./palette.js";

/** @typedef {import("../analysis/basins.js").Basins} Basins */
/** @typedef {import("../analysis/grid.js").Grid} Grid */
/** @typedef {import("../model.js").Bounds} Bounds */
/** @typedef {import("./pen.js").Pen} Pen */
/** @typedef {import("./palette.js").Palette} Palette */
/** @typedef {import("./scale.js").Scale} Scale */

/**
 * Each attractor's starts in a colour; hatched where they leave, dotted where nothing is known.
 *
 * @param {Pen} pen @param {Scale} scale @param {Palette} palette @param {Basins} basins
 */
export function drawBasins(pen, scale, palette, { bounds, count, outcomes }) {
  const fills = palette.basins.map(partsOf);
  const [ink, cycle] = [partsOf(palette.ink), partsOf(palette.cycle)];
  const [plain, yellow] = palette.dark ? [110, 90] : [90, 130];
  paintCells(pen, scale, bounds, count, (cell, row, column) => {
    const outcome = outcomes[cell];
    if (outcome >= 0) {
      // After so many attractors the colours come again, striped.
      const striped = outcome >= fills.length && (row + column) % 8 < 3;
      return [fills[outcome % fills.length], striped ? 2 * plain : plain];
    }
    if (outcome === CYCLING) return [cycle, yellow];
    if (outcome === DIVERGED) return [ink, (row + column) % 9 ? 12 : 120];
    if (outcome === UNDECIDED) return [ink, row % 6 || column % 6 ? 40 : 160];
    return [ink, 0];
  });
}

/**
 * Hatch where the field is not finite.
 *
 * @param {Pen} pen @param {Scale} scale @param {Palette} palette @param {Grid} grid
 */
export function drawUndefined(pen, scale, palette, { bounds, count, theta }) {
  if (!theta.some(Number.isNaN)) return;
  const ink = partsOf(palette.ink);
  const [[left, right], [bottom, top]] = bounds;
  const [across, up] = [right - left, top - bottom].map((span) => span / (count - 1) / 2);
  /** @type {Bounds} a point of the grid is in the middle of its cell */
  const cells = [
    [left - across, right + across],
    [bottom - up, top + up],
  ];
  paintCells(pen, scale, cells, count, (cell, row, column) => [
    ink,
    Number.isNaN(theta[cell]) ? ((row + column) % 8 ? 18 : 120) : 0,
  ]);
}

/**
 * Cells in rows from below, each pixel in the colour and with the opacity that it is given.
 *
 * @param {Pen} pen @param {Scale} scale @param {Bounds} bounds @param {number} count
 * @param {(cell: number, row: number, column: number) => [number[], number]} look
 */
function paintCells(pen, scale, [[left, right], [bottom, top]], count, look) {
  const [x, y] = [scale.x(left), scale.y(top)];
  const [width, height] = [Math.round(scale.x(right) - x), Math.round(scale.y(bottom) - y)];
  if (!(width > 0 && height > 0 && width * height < 4e7)) return;
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [width, height];
  const context = canvas.getContext("2d");
  if (!context) return;
  const { data } = new ImageData(width, height);
  for (let row = 0, at = 0; row < height; row++) {
    const first = (count - 1 - Math.floor((row * count) / height)) * count;
    for (let column = 0; column < width; column++, at += 4) {
      const [fill, opacity] = look(first + Math.floor((column * count) / width), row, column);
      data[at] = fill[0];
      data[at + 1] = fill[1];
      data[at + 2] = fill[2];
      data[at + 3] = opacity;
    }
  }
  context.putImageData(new ImageData(data, width), 0, 0);
  pen.picture(canvas, x, y, width, height);
}
