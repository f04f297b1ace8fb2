/** A figure to take away: title, plane, and below it what was chosen. */

import { drawGlyph } from "./glyphs.js";
import { drawGround, drawMarks, planeScale } from "./plane.js";
import { SANS } from "./pen.js";
import { shown } from "./scale.js";
import { isInUse } from "../state.js";

/** @typedef {import("../model.js").Model} Model */
/** @typedef {import("../scene.js").Scene} Scene */
/** @typedef {import("../state.js").Choices} Choices */
/** @typedef {import("./palette.js").Palette} Palette */
/** @typedef {import("./pen.js").Pen} Pen */

const WIDTH = 760;
const HEAD = 64;

/** @param {Choices} choices @returns {[number, number]} */
export function figureSize({ bounds }) {
  const [across, up] = bounds.map(([low, high]) => high - low);
  const shape = Math.max(0.5, Math.min(1.6, up / across));
  return [WIDTH, Math.round(HEAD + 36 + WIDTH * shape)];
}

/**
 * @param {Pen} pen @param {Palette} palette @param {Scene} scene @param {Choices} choices @param {Model} model
 */
export function drawFigure(pen, palette, scene, choices, model) {
  const [width, height] = figureSize(choices);
  pen.fillStyle = palette.paper;
  pen.fillRect(0, 0, width, height);
  const field = model.fields[choices.field];
  pen.fillStyle = palette.ink;
  pen.textBaseline = "top";
  pen.font = `600 20px ${SANS}`;
  const game = model.games[field.game].label;
  const named = game === model.title || model.games.length < 2 ? "" : `, ${game}`;
  pen.fillText(`${model.title}${named}`, 44, 12);
  pen.fillStyle = palette.soft;
  pen.font = `13px ${SANS}`;
  pen.fillText(caption(model, choices), 44, 40);
  // The same drawing as on the page, moved down by the head.
  const scale = planeScale(choices.bounds, width, height - HEAD - 32, 1);
  const lower = {
    ...scale,
    top: scale.top + HEAD,
    y: (/** @type {number} */ value) => scale.y(value) + HEAD,
  };
  drawGround(pen, lower, palette, 1, scene, choices, model);
  drawMarks(pen, lower, palette, 1, scene, choices, { share: 0, probe: null });
  if (choices.layers.equilibria) drawKinds(pen, palette, scene, 44, height - 20);
}

/** What was chosen, in one line. @param {Model} model @param {Choices} choices */
export function caption(model, choices) {
  const method = model.methods[choices.method];
  const settings = model.sliders
    .map((slider, index) => ({ slider, value: choices.options[index] }))
    .filter(({ slider }) => isInUse(model, slider, choices))
    .map(({ slider, value }) => `${slider.label} = ${shown(value, 4)}`);
  const runs = choices.starts.length ? [`${choices.at} steps`] : [];
  const field = model.fields[choices.field].label;
  return [`field ${field}`, `${method.label}, ${method.optimizer}`, ...settings, ...runs].join(
    " · ",
  );
}

/** @param {Pen} pen @param {Palette} palette @param {Scene} scene @param {number} left @param {number} y */
function drawKinds(pen, palette, { equilibria }, left, y) {
  let x = left;
  const drawn = new Set();
  for (const each of equilibria) {
    const name = each.spurious
      ? `spurious ${each.kind === "stable" ? "attractor" : each.kind}`
      : each.kind;
    if (drawn.has(name)) continue;
    drawn.add(name);
    drawGlyph(pen, each, x + 6, y, 5.5, palette);
    pen.fillStyle = palette.soft;
    pen.font = `13px ${SANS}`;
    pen.textBaseline = "middle";
    pen.fillText(name, x + 18, y);
    x += 18 + 8 * name.length + 20;
  }
}
