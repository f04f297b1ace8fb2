/** What a person has chosen. All that is shown follows from it, and the address holds it. */

/** @typedef {import("./model.js").Bounds} Bounds */
/** @typedef {import("./model.js").Field} Field */
/** @typedef {import("./model.js").Method} Method */
/** @typedef {import("./model.js").Model} Model */
/** @typedef {import("./model.js").Point} Point */
/** @typedef {import("./model.js").Slider} Slider */
/** @typedef {import("./analysis/runs.js").Motion} Motion */

export const LAYERS = /** @type {const} */ ([
  "streamlines",
  "nullclines",
  "equilibria",
  "basins",
  "cloud",
]);
export const PACES = /** @type {const} */ (["slow", "normal", "fast"]);
export const THEMES = /** @type {const} */ (["auto", "light", "dark"]);

/** @typedef {(typeof LAYERS)[number]} Layer */
/** @typedef {(typeof PACES)[number]} Pace */
/** @typedef {(typeof THEMES)[number]} Theme */

/**
 * @typedef {object} Choices
 * @property {number} field its place in the model's fields, which tells the game too
 * @property {number} method its place in the model's methods, which tells the optimizer too
 * @property {number[]} options values of the sliders
 * @property {Bounds} bounds what the plane shows
 * @property {Point[]} starts
 * @property {number} steps that a run takes
 * @property {number} at the step that is shown
 * @property {Pace} pace
 * @property {Record<Layer, boolean>} layers
 * @property {Point} probe the point that is looked at
 * @property {Theme} theme
 */

/** @typedef {{readonly choices: Choices, change(changes: Partial<Choices>): void, listen(listener: Listener): void}} Store */
/** @typedef {(choices: Choices, changed: Set<keyof Choices>) => void} Listener */

/** @param {Model} model @returns {Choices} what a page shows at first */
export function firstChoices({ bounds, sliders }) {
  return {
    field: 0,
    method: 0,
    options: sliders.map(({ value }) => value),
    bounds,
    starts: [],
    steps: 200,
    at: 0,
    pace: "normal",
    layers: {
      streamlines: true,
      nullclines: false,
      equilibria: true,
      basins: false,
      cloud: false,
    },
    probe: [(bounds[0][0] + bounds[0][1]) / 2, (bounds[1][0] + bounds[1][1]) / 2],
    theme: "auto",
  };
}

/** @param {Choices} first @returns {Store} */
export function createStore(first) {
  let choices = first;
  /** @type {Listener[]} */
  const listeners = [];
  return {
    get choices() {
      return choices;
    },
    change(changes) {
      const names = /** @type {(keyof Choices)[]} */ (Object.keys(changes));
      const changed = new Set(names.filter((name) => changes[name] !== choices[name]));
      if (!changed.size) return;
      choices = { ...choices, ...changes };
      for (const listener of listeners) listener(choices, changed);
    },
    listen(listener) {
      listeners.push(listener);
    },
  };
}

/** @param {Model} model @param {Choices} choices @returns {Motion} what moves the players */
export function motionOf(model, { field, method, options }) {
  return {
    method: model.methods[method],
    field: model.fields[field],
    original: originalOf(model, field),
    options,
  };
}

/** The v of a field's game. @param {Model} model @param {number} field @returns {Field} */
export function originalOf(model, field) {
  const { game } = model.fields[field];
  const original = model.fields.find((each) => each.game === game && each.name === "v");
  return original ?? model.fields[field];
}

/** Whether a slider's owner is chosen. @param {Model} model @param {Slider} slider @param {Choices} choices */
export function isInUse(model, { of, owner }, choices) {
  if (!owner) return true;
  const field = model.fields[choices.field];
  const method = model.methods[choices.method];
  const chosen = {
    game: model.games[field.game].name,
    transform: field.name,
    method: method.name,
    optimizer: method.optimizer,
  };
  return chosen[of] === owner;
}

/** The step size h, null where the model has no such slider. @param {Model} model @param {Choices} choices */
export function stepSizeOf(model, { options }) {
  const place = model.sliders.findIndex(({ name }) => name === "step_size");
  return place < 0 ? null : options[place];
}
