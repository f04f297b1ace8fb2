/** Copies to take away: a link, pictures, numbers, the program. */

import { addressOf } from "../address.js";
import { shownStep } from "../analysis/runs.js";
import { drawFigure, figureSize } from "../drawing/figure.js";
import { svgPen } from "../drawing/pen.js";
import { byId } from "./dom.js";
import { sized } from "../drawing/canvas.js";

/** @typedef {import("../drawing/palette.js").Palette} Palette */
/** @typedef {import("../model.js").Model} Model */
/** @typedef {import("../scene.js").Scene} Scene */
/** @typedef {import("../state.js").Store} Store */

/** Whether the page has an address of its own: one in a notebook's cell has none. */
export const HAS_ADDRESS = typeof location !== "undefined" && location.protocol !== "about:";

/**
 * @param {Model} model @param {Store} store @param {Scene} scene @param {() => Palette} palette
 * @param {(text: string) => void} tell
 */
export function setUpCopies(model, store, scene, palette, tell) {
  const name = model.title.replace(/[^\p{L}\p{N}]+/gu, "_").replace(/^_|_$/g, "") || "ganfield";
  /** @param {string} id @param {() => void} does */
  const on = (id, does) => byId(id, HTMLButtonElement).addEventListener("click", does);

  byId("copy-link", HTMLButtonElement).hidden = !HAS_ADDRESS;
  on("copy-link", () => {
    const address = `${location.href.split("#")[0]}#${addressOf(model, store.choices)}`;
    copy(address, "Link", tell);
  });
  on("save-png", () => {
    const canvas = document.createElement("canvas");
    const context = sized(canvas, ...sharp(figureSize(store.choices)));
    if (!context) return;
    context.setTransform(SHARP, 0, 0, SHARP, 0, 0);
    drawFigure(context, palette(), scene, store.choices, model);
    canvas.toBlob((blob) => blob && save(blob, `${name}.png`, tell));
  });
  on("save-svg", () => {
    const pen = svgPen(...figureSize(store.choices));
    drawFigure(pen, palette(), scene, store.choices, model);
    save(new Blob([pen.text()], { type: "image/svg+xml" }), `${name}.svg`, tell);
  });
  on("save-csv", () => {
    save(new Blob([table(model, scene)], { type: "text/csv" }), `${name}.csv`, tell);
  });

  const dialog = byId("program", HTMLDialogElement);
  const text = byId("program-text", HTMLElement);
  on("show-program", () => {
    text.textContent = programOf(model, store);
    dialog.showModal();
  });
  on("copy-program", () => copy(text.textContent ?? "", "Program", tell));
  on("close-program", () => dialog.close());
}

const SHARP = 2; // Pixels of a PNG for one of the figure.

/** @param {[number, number]} size @returns {[number, number]} */
const sharp = ([width, height]) => {
  const ratio = SHARP / (devicePixelRatio || 1);
  return [width * ratio, height * ratio];
};

/** The program that makes the same figure. @param {Model} model @param {Store} store */
export function programOf(model, { choices }) {
  const field = model.fields[choices.field];
  const method = model.methods[choices.method];
  return model.programs({
    game: model.games[field.game].name,
    field: field.name,
    method: method.name,
    optimizer: method.optimizer,
    options: [...choices.options],
    bounds: choices.bounds,
    starts: choices.starts,
    steps: choices.at || choices.steps,
  });
}

/** The runs as they are shown, as CSV. @param {Model} model @param {Scene} scene */
export function table({ parameters }, { runs }) {
  const rows = [["run", "step", ...parameters, "norm"].join(",")];
  runs.forEach((run, index) => {
    for (let step = 0; step <= shownStep(run); step++) {
      const [x, y] = run.path.slice(2 * step, 2 * step + 2);
      rows.push([index + 1, step, x, y, run.norms[step]].join(","));
    }
  });
  return `${rows.join("\n")}\n`;
}

/** @param {Blob} blob @param {string} name @param {(text: string) => void} tell */
function save(blob, name, tell) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  tell(`Saved ${name}`);
}

/** @param {string} text @param {string} what @param {(text: string) => void} tell */
async function copy(text, what, tell) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Where the browser gives no access to the clipboard, a selection still does.
    const area = document.createElement("textarea");
    area.value = text;
    area.className = "aside";
    (document.querySelector("dialog[open]") ?? document.body).append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
  tell(`${what} copied`);
}
