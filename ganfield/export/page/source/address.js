/** The choices as the part of an address behind #, and back. */

import { LAYERS, PACES, THEMES } from "./state.js";

/** @typedef {import("./model.js").Model} Model */
/** @typedef {import("./model.js").Point} Point */
/** @typedef {import("./state.js").Choices} Choices */

const MOST_STEPS = 10_000;
const MOST_STARTS = 100;

/** @param {Model} model @param {Choices} choices @returns {string} without the # */
export function addressOf(model, choices) {
  const field = model.fields[choices.field];
  const method = model.methods[choices.method];
  /** @type {[string, string][]} */
  const parts = [
    ["game", model.games[field.game].name],
    ["field", field.name],
    ["method", method.name],
    ["optimizer", method.optimizer],
    ...model.sliders.map(
      (_, index) =>
        /** @type {[string, string]} */ ([keyOf(model, index), String(choices.options[index])]),
    ),
    ["bounds", choices.bounds.flat().map(rounded).join(",")],
    ["starts", choices.starts.map((start) => start.map(rounded).join(",")).join(";")],
    ["steps", String(choices.steps)],
    ["at", String(choices.at)],
    ["pace", choices.pace],
    ["show", LAYERS.filter((layer) => choices.layers[layer]).join(",")],
    ["probe", choices.probe.map(rounded).join(",")],
    ["theme", choices.theme],
  ];
  return parts.map(([name, value]) => `${encodeURIComponent(name)}=${quoted(value)}`).join("&");
}

/**
 * @param {Model} model
 * @param {string} address with or without the #; what it does not say, or says wrongly, stays as it is
 * @param {Choices} choices
 * @returns {Choices}
 */
export function choicesFrom(model, address, choices) {
  const parts = new Map(
    address
      .replace(/^#/, "")
      .split("&")
      .map((part) => /** @type {[string, string]} */ (part.split("=").map(unquoted))),
  );
  const read = { ...choices };
  /** @param {string} name @param {number} count */
  const numbers = (name, count) => numbersIn(parts.get(name) ?? "", count);

  const game = model.games.findIndex(({ name }) => name === parts.get("game"));
  const ofGame = game < 0 ? model.fields[choices.field].game : game;
  const field = model.fields.findIndex(
    (each) => each.game === ofGame && each.name === (parts.get("field") ?? "v"),
  );
  if (field >= 0) read.field = field;
  const sameMethod = model.methods.filter(({ name }) => name === parts.get("method"));
  const method = sameMethod.find(({ optimizer }) => optimizer === parts.get("optimizer"));
  if (sameMethod.length) read.method = model.methods.indexOf(method ?? sameMethod[0]);

  read.options = choices.options.map((value, index) => {
    // The bare name, as a person writes it, is that of all who share it.
    const bare = numbers(model.sliders[index].name, 1);
    const [given] = numbers(keyOf(model, index), 1) ?? bare ?? [value];
    return given;
  });
  const box = numbers("bounds", 4);
  if (box && box[0] < box[1] && box[2] < box[3]) {
    read.bounds = [
      [box[0], box[1]],
      [box[2], box[3]],
    ];
  }
  const starts = (parts.get("starts") ?? "").split(";").map((text) => numbersIn(text, 2));
  if (parts.has("starts")) {
    read.starts = /** @type {Point[]} */ (starts.filter(Boolean).slice(0, MOST_STARTS));
  }
  const [steps] = numbers("steps", 1) ?? [read.steps];
  read.steps = Math.max(1, Math.min(MOST_STEPS, Math.round(steps)));
  const [at] = numbers("at", 1) ?? [read.at];
  read.at = Math.max(0, Math.min(read.steps, Math.round(at)));
  read.pace = PACES.find((pace) => pace === parts.get("pace")) ?? read.pace;
  read.theme = THEMES.find((theme) => theme === parts.get("theme")) ?? read.theme;
  const show = parts.get("show")?.split(",");
  if (show) {
    read.layers = { ...read.layers };
    for (const layer of LAYERS) read.layers[layer] = show.includes(layer);
  }
  const probe = numbers("probe", 2);
  if (probe) read.probe = [probe[0], probe[1]];
  return read;
}

/** A slider's name, with its owner's before it where two sliders share it. @param {Model} model @param {number} index */
function keyOf({ sliders }, index) {
  const { name, owner } = sliders[index];
  const shared = sliders.filter((slider) => slider.name === name).length > 1;
  return shared && owner ? `${owner}.${name}` : name;
}

/** @param {string} text @param {number} count @returns {number[] | null} */
function numbersIn(text, count) {
  const numbers = text.split(",").map((part) => (part.trim() ? Number(part) : NaN));
  return numbers.length === count && numbers.every(Number.isFinite) ? numbers : null;
}

/** @param {number} value */
const rounded = (value) => String(Number(value.toPrecision(12)));

/** Commas and semicolons are legible, and allowed behind a #. @param {string} text */
const quoted = (text) => encodeURIComponent(text).replace(/%2C/g, ",").replace(/%3B/g, ";");

/** @param {string} text */
function unquoted(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
