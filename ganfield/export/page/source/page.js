/** The page: its parts, and what a change of the choices makes anew. */

import { addressOf, choicesFrom } from "./address.js";
import { remake } from "./analysis/cloud.js";
import { createClock } from "./clock.js";
import { HAS_ADDRESS, setUpCopies } from "./controls/copies.js";
import { byId } from "./controls/dom.js";
import { setUpKeys } from "./controls/keys.js";
import { setUpLayers } from "./controls/layers.js";
import { equilibriumAt } from "./controls/looks.js";
import { explain, setUpMenus } from "./controls/menus.js";
import { setUpPointer } from "./controls/pointer.js";
import { setUpSliders } from "./controls/sliders.js";
import { setUpTransport } from "./controls/transport.js";
import { shown } from "./drawing/scale.js";
import { createFrames } from "./frames.js";
import { createScene, updateCloud, updateRuns } from "./scene.js";
import { createStore, firstChoices, motionOf } from "./state.js";
import { WHY } from "./text.js";
import { setUpTheme } from "./theme.js";
import { hire } from "./worker.js";

/** @typedef {import("./frames.js").Frames} Frames */
/** @typedef {import("./model.js").Model} Model */
/** @typedef {import("./model.js").Point} Point */
/** @typedef {import("./scene.js").Scene} Scene */
/** @typedef {import("./state.js").Store} Store */
/** @typedef {keyof import("./state.js").Choices} ChoiceName */

const SNAP = 10; // Pixels from which an equilibrium is meant.

/** @param {Model} model */
export function startPage(model) {
  const first = firstChoices(model);
  const store = createStore(HAS_ADDRESS ? choicesFrom(model, location.hash, first) : first);
  const scene = createScene(model, store.choices);
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  document.title = model.title;
  byId("title", HTMLElement).textContent = model.title;

  const theme = setUpTheme(store, () => frames.renewAll());
  const frames = createFrames(model, store, scene, theme.palette);
  const player = setUpTransport(store, (jump) => {
    if (jump) for (const run of scene.runs) run.age = store.choices.at;
    clock.restart();
    frames.renew("marks", "norms");
  });
  const clock = createClock(model, store, scene, player, () => still.matches);
  const orderBasins = setUpBasins(model, store, scene, frames);

  store.listen((choices, changed) => {
    /** @param {ChoiceName[]} names */
    const any = (...names) => names.some((name) => changed.has(name));
    const motion = any("field", "options", "method");
    frames.renew("marks", "words");
    if (any("field", "options", "bounds", "layers")) frames.renew("field");
    if (motion || any("starts")) updateRuns(scene, model, choices, motion);
    if (motion || any("starts", "at", "steps")) frames.renew("norms");
    if (motion || any("probe")) frames.renew("spectra");
    if (any("field", "method") && scene.cloud) remake(scene.cloud, motionOf(model, choices));
    if (any("layers")) updateCloud(scene, model, choices);
    if (any("layers") || ((motion || any("bounds")) && choices.layers.basins)) orderBasins();
    if (any("theme")) frames.renewAll();
  });

  setUpMenus(model, store);
  setUpSliders(model, store);
  setUpLayers(model, store);
  setUpKeys(model, store, player);
  setUpCopies(model, store, scene, theme.palette, tell);
  setUpPointer(store, model.bounds, frames.scaleNow, {
    look: (point) => store.change({ probe: near(scene, frames, point) }),
    start(point) {
      store.change({ starts: [...store.choices.starts, point] });
      if (still.matches) player.show(store.choices.steps);
      else player.resume();
    },
    tell() {
      const [theta, phi] = model.parameters;
      const [x, y] = store.choices.probe;
      const kind = equilibriumAt(scene, store.choices)?.kind ?? "";
      say(`${theta} ${shown(x)}, ${phi} ${shown(y)} ${kind}`);
    },
  });
  for (const [id, about] of /** @type {[keyof typeof WHY, string][]} */ ([
    ["runs", "a run"],
    ["spectrum", "this plot"],
    ["map", "the update map"],
    ["norms", "this plot"],
    ["equilibria", "an equilibrium"],
    ["copies", "there to copy"],
  ])) {
    explain(id, about, WHY[id]);
  }

  keepAddress(model, store, () => player.show(store.choices.at));
  updateRuns(scene, model, store.choices, true);
  for (const run of scene.runs) run.age = store.choices.at;
  updateCloud(scene, model, store.choices);
  if (store.choices.layers.basins) orderBasins();
  frames.begin(clock);
  // What tests and the curious read back.
  Object.assign(globalThis, { ganfield: { store, scene, player, scaleNow: frames.scaleNow } });
}

/** A point, or the equilibrium that is meant by it. @param {Scene} scene @param {Frames} frames @param {Point} point @returns {Point} */
function near({ equilibria }, { scaleNow, unit }, [x, y]) {
  const scale = scaleNow();
  const meant = equilibria.find(({ point: [p, q] }) => {
    return Math.hypot(scale.x(p) - scale.x(x), scale.y(q) - scale.y(y)) <= SNAP * unit();
  });
  return meant ? meant.point : [x, y];
}

/**
 * Basins are ordered from a worker; what it delivers for choices that have changed is not shown.
 *
 * @param {Model} model @param {Store} store @param {Scene} scene changed @param {Frames} frames
 * @returns {() => void} orders them
 */
function setUpBasins(model, store, scene, frames) {
  const plane = byId("plane", HTMLElement);
  let job = 0;
  /** @type {ReturnType<typeof hire> | null} */
  let order = null;
  return () => {
    job++;
    const { choices } = store;
    plane.dataset.basins = choices.layers.basins ? "ordered" : "";
    if (!choices.layers.basins) {
      scene.basins = null;
      return;
    }
    order ??= hire(model, (delivery) => {
      if (delivery.job !== job || !store.choices.layers.basins) return;
      scene.basins = delivery.basins;
      plane.dataset.basins = delivery.done ? "done" : "rough";
      frames.renew("ground");
    });
    order({ job, choices });
  };
}

/** Keep the choices in the address, and read them from one that is pasted. @param {Model} model @param {Store} store @param {() => void} read */
function keepAddress(model, store, read) {
  if (!HAS_ADDRESS) return;
  let timer = 0;
  store.listen(() => {
    // Browsers allow so many changes of the address in a while.
    clearTimeout(timer);
    timer = window.setTimeout(() => {
      history.replaceState(null, "", `#${addressOf(model, store.choices)}`);
    }, 300);
  });
  addEventListener("hashchange", () => {
    store.change(choicesFrom(model, location.hash, firstChoices(model)));
    read();
  });
}

/** @param {string} text for those who hear the page */
function say(text) {
  byId("live", HTMLElement).textContent = text;
}

let toastTimer = 0;

/** @param {string} text for all, for a while */
function tell(text) {
  say(text);
  const toast = byId("toast", HTMLElement);
  toast.textContent = text;
  toast.classList.add("shown");
  clearTimeout(toastTimer);
  toastTimer = window.setTimeout(() => toast.classList.remove("shown"), 1800);
}
