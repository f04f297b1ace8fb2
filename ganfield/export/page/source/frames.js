/** Frames: what is out of date is made and drawn anew, and nothing else. */

import { showEquilibria, showNorms, showSpectra, showWords } from "./controls/looks.js";
import { byId } from "./controls/dom.js";
import { forgetSizes, sized, sizeOf } from "./drawing/canvas.js";
import { drawGround, drawMarks, planeScale } from "./drawing/plane.js";
import { extendRuns, updateEquilibria, updateGrid } from "./scene.js";
import { motionOf } from "./state.js";

/** @typedef {import("./drawing/palette.js").Palette} Palette */
/** @typedef {import("./drawing/scale.js").Scale} Scale */
/** @typedef {import("./clock.js").Clock} Clock */
/** @typedef {import("./model.js").Model} Model */
/** @typedef {import("./scene.js").Scene} Scene */
/** @typedef {import("./state.js").Store} Store */

/**
 * What can be out of date: the field on its grid, what is drawn of it, what moves above it, the plots,
 * the list of equilibria, what is written.
 *
 * @typedef {"field" | "ground" | "marks" | "spectra" | "norms" | "list" | "words"} Part
 */

const RUN_TIME = 8; // Milliseconds of a frame for steps of runs.
const IDLE = 160; // Milliseconds without a change after which all equilibria are sought.
const LATE = 22; // Milliseconds between frames that are shown as they come, more than 45 a second.
const WORDS = 60; // Between changes of what is written: words are read, not watched.

/**
 * @typedef {object} Frames
 * @property {(...parts: Part[]) => void} renew draw these in the next frame
 * @property {() => void} renewAll
 * @property {() => Scale} scaleNow
 * @property {() => number} unit pixels for a sixteenth of the page's letter size
 * @property {(clock: Clock) => void} begin
 */

/** @param {Model} model @param {Store} store @param {Scene} scene changed @param {() => Palette} paletteNow @returns {Frames} */
export function createFrames(model, store, scene, paletteNow) {
  const plane = byId("plane", HTMLElement);
  const [ground, marks] = ["ground", "marks"].map((id) => byId(id, HTMLCanvasElement));
  /** @type {Set<Part>} */
  const stale = new Set();
  /** @type {Clock | null} */
  let clock = null;
  let asked = false;
  let [lastWords, lastField, between, later, letters] = [0, 0, 16, 0, 0];

  const ask = () => {
    if (!asked && clock) requestAnimationFrame(frame);
    asked = Boolean(clock);
  };
  /** @param {Part[]} parts */
  const renew = (...parts) => {
    for (const part of parts) stale.add(part);
    if (parts.includes("field")) seekLater();
    ask();
  };
  const renewAll = () => renew("ground", "marks", "spectra", "norms", "list", "words");

  /** While a slider moves, zeros are sought where they were; afterwards everywhere. */
  function seekLater() {
    clearTimeout(later);
    later = window.setTimeout(() => {
      scene.pace = "rest";
      updateGrid(scene, model, store.choices);
      updateEquilibria(scene, model, store.choices, false);
      renew("ground", "list", "marks", "spectra");
    }, IDLE);
  }

  const unit = () =>
    (letters ||= Number.parseFloat(getComputedStyle(document.documentElement).fontSize)) / 16;
  const scaleNow = () => planeScale(store.choices.bounds, ...sizeOf(plane), unit());

  /** @param {number} now */
  function frame(now) {
    asked = false;
    const { choices } = store;
    if (clock?.advance(now)) {
      renew("marks");
      if (scene.runs.length) renew("norms");
    }
    if (!extendRuns(scene, model, store.choices, performance.now() + RUN_TIME)) {
      renew("marks", "norms");
    }
    if (stale.delete("field")) {
      const since = now - lastField;
      lastField = now;
      // Of a slider that moves there are frames one after the other; what is slower is no movement.
      if (since < IDLE) between += (since - between) / 8;
      scene.pace = since > IDLE ? "rest" : between > LATE ? "hurried" : "moving";
      updateGrid(scene, model, choices);
      updateEquilibria(scene, model, choices, true);
      stale.add("ground");
    }
    const [palette, size, scale] = [paletteNow(), unit(), scaleNow()];
    if (stale.delete("ground")) {
      const pen = sized(ground, ...sizeOf(plane));
      if (pen) drawGround(pen, scale, palette, size, scene, choices, model);
      plane.style.setProperty("--box-top", `${scale.top}px`);
      const right = sizeOf(plane)[0] - scale.left - scale.width;
      plane.style.setProperty("--box-right", `${right}px`);
    }
    if (stale.delete("marks")) {
      const { field, options } = motionOf(model, choices);
      const pen = sized(marks, ...sizeOf(plane));
      const probe = field.value(choices.probe, options);
      const share = clock?.share() ?? 0;
      if (pen) drawMarks(pen, scale, palette, size, scene, store.choices, { share, probe });
    }
    if (stale.delete("spectra")) {
      showSpectra(scene, model, choices, palette, size);
      stale.add("words");
    }
    if (stale.delete("norms")) showNorms(scene, store.choices, palette, size);
    if (stale.delete("list")) showEquilibria(scene, store, palette, size);
    if (stale.has("words") && now - lastWords >= WORDS) {
      showWords(scene, model, choices);
      stale.delete("words");
      lastWords = now;
    }
    if (stale.size) ask();
  }

  const resized = new ResizeObserver(() => {
    forgetSizes();
    letters = 0;
    renewAll();
  });
  for (const id of ["page", "plane", "spectrum"]) resized.observe(byId(id, HTMLElement));

  return {
    renew,
    renewAll,
    scaleNow,
    unit,
    begin(started) {
      clock = started;
      renew("field");
      renewAll();
    },
  };
}
