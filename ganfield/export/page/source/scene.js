/** What follows from the choices: grid, lines, equilibria, runs, cloud. Each is made when it is needed. */

import { classify } from "./analysis/classify.js";
import { scatter } from "./analysis/cloud.js";
import { zeroLines } from "./analysis/contours.js";
import { findZeros, startsOf } from "./analysis/equilibria.js";
import { sample } from "./analysis/grid.js";
import { begin, extend } from "./analysis/runs.js";
import { motionOf } from "./state.js";

/** @typedef {import("./analysis/classify.js").Equilibrium} Equilibrium */
/** @typedef {import("./analysis/basins.js").Basins} Basins */
/** @typedef {import("./analysis/cloud.js").Cloud} Cloud */
/** @typedef {import("./analysis/grid.js").Grid} Grid */
/** @typedef {import("./analysis/runs.js").Run} Run */
/** @typedef {import("./model.js").Model} Model */
/** @typedef {import("./state.js").Choices} Choices */

/**
 * @typedef {object} Scene
 * @property {Grid} grid
 * @property {number[][][]} nullclines
 * @property {Equilibrium[]} equilibria
 * @property {Run[]} runs
 * @property {Cloud | null} cloud
 * @property {Basins | null} basins
 * @property {keyof typeof BUDGETS} pace whether a slider moves, and frames come late
 * @property {number} cost of an evaluation of the field, in milliseconds
 */

const CLOUD = 500;
const COUNTS = [97, 81, 65, 49, 33];
// Milliseconds for a grid: at rest, while a slider moves, and while it moves and frames come late.
const BUDGETS = { rest: 60, moving: 2.5, hurried: 1.2 };
const LATTICE = 12;

/** @param {Model} model @param {Choices} choices @returns {Scene} */
export function createScene(model, choices) {
  const grid = sample(model.fields[choices.field], choices.options, choices.bounds, 33);
  return {
    grid,
    nullclines: [],
    equilibria: [],
    runs: [],
    cloud: null,
    basins: null,
    pace: "rest",
    cost: 0,
  };
}

/**
 * The grid is as fine as a frame's time allows.
 *
 * @param {Scene} scene changed @param {Model} model @param {Choices} choices
 */
export function updateGrid(scene, model, { field, options, bounds, layers }) {
  const count =
    COUNTS.find((each) => each * each * scene.cost <= BUDGETS[scene.pace]) ??
    COUNTS[COUNTS.length - 1];
  const start = performance.now();
  scene.grid = sample(model.fields[field], options, bounds, count);
  const cost = (performance.now() - start) / (count * count);
  scene.cost = scene.cost ? 0.8 * scene.cost + 0.2 * cost : cost;
  const { theta, phi } = scene.grid;
  scene.nullclines = layers.nullclines ? [theta, phi].map((part) => zeroLines(part, count)) : [];
}

/**
 * @param {Scene} scene changed @param {Model} model @param {Choices} choices
 * @param {boolean} quick look only where zeros were, or show on the grid
 */
export function updateEquilibria(scene, model, choices, quick) {
  const { field, original, options } = motionOf(model, choices);
  const known = scene.equilibria.map(({ point }) => point);
  const starts = [...startsOf(scene.grid, quick ? 0 : LATTICE), ...known];
  const zeros = findZeros(field, options, scene.grid, starts);
  scene.equilibria = zeros
    .map((point) => classify(field, original, point, options))
    .filter(({ kind }) => kind !== "none")
    .sort((one, other) => one.point[0] - other.point[0] || one.point[1] - other.point[1]);
}

/**
 * Runs from the starts that are chosen; those that are there already stay.
 *
 * @param {Scene} scene changed @param {Model} model @param {Choices} choices
 * @param {boolean} anew whether something else than the starts has changed
 */
export function updateRuns(scene, model, choices, anew) {
  const motion = motionOf(model, choices);
  scene.runs = choices.starts.map((start) => {
    const known = scene.runs.find((run) => run.start === start);
    if (known && !anew) return known;
    return { ...begin(start, motion), age: known ? known.age : 0 };
  });
}

/**
 * Take the steps that are to be shown, and the next one; those left out for want of time come later.
 *
 * @param {Scene} scene changed @param {Model} model @param {Choices} choices @param {number} deadline
 * @returns {boolean} whether all were taken
 */
export function extendRuns(scene, model, choices, deadline) {
  const motion = motionOf(model, choices);
  for (const run of scene.runs) extend(run, motion, run.age + 1, deadline);
  return scene.runs.every(({ gone, norms, age }) => gone || norms.length > age);
}

/** @param {Scene} scene changed @param {Model} model @param {Choices} choices */
export function updateCloud(scene, model, choices) {
  const { layers, bounds } = choices;
  if (!layers.cloud) scene.cloud = null;
  else scene.cloud ??= scatter(CLOUD, bounds, motionOf(model, choices));
}
