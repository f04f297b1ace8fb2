/** The page: what is chosen leads to what is shown, a frame at a time. */

import { addressOf, choicesFrom } from "./address.js";
import { drift, remake } from "./analysis/cloud.js";
import { HAS_ADDRESS, setUpCopies } from "./controls/copies.js";
import { byId } from "./controls/dom.js";
import { setUpKeys } from "./controls/keys.js";
import { setUpLayers } from "./controls/layers.js";
import {
  equilibriumAt,
  showEquilibria,
  showNorms,
  showSpectra,
  sized,
  sizeOf,
  forgetSizes,
} from "./controls/looks.js";
import { explain, setUpMenus } from "./controls/menus.js";
import { setUpPointer } from "./controls/pointer.js";
import { setUpSliders } from "./controls/sliders.js";
import { setUpTransport } from "./controls/transport.js";
import { drawGround, drawMarks, planeScale } from "./drawing/plane.js";
import { shown } from "./drawing/scale.js";
import {
  createScene,
  extendRuns,
  updateCloud,
  updateEquilibria,
  updateGrid,
  updateRuns,
} from "./scene.js";
import { createStore, firstChoices, motionOf } from "./state.js";
import { WHY } from "./text.js";
import { setUpTheme } from "./theme.js";
import { hire } from "./worker.js";

/** @typedef {import("./model.js").Model} Model */
/** @typedef {import("./model.js").Point} Point */
/** @typedef {keyof import("./state.js").Choices} ChoiceName */

const STEPS_A_SECOND = { slow: 3, normal: 40, fast: 400 };
const CLOUD_STEPS = { slow: 3, normal: 60, fast: 120 };
const SNAP = 10; // Pixels from which an equilibrium is meant.
const WORDS = 60; // Milliseconds between changes of what is written.
const IDLE = 160; // Milliseconds without a change after which all equilibria are sought.

/** @param {Model} model */
export function startPage(model) {
  const first = firstChoices(model);
  const store = createStore(HAS_ADDRESS ? choicesFrom(model, location.hash, first) : first);
  const scene = createScene(model, store.choices);
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  document.title = model.title;
  byId("title", HTMLElement).textContent = model.title;

  let before = 0;
  /** What is out of date. */
  const stale = { ground: true, marks: true, spectra: true, norms: true, list: true, words: true };
  let asked = false;
  const ask = () => {
    if (!asked) requestAnimationFrame(frame);
    asked = true;
  };
  const restAll = () => {
    for (const name of /** @type {(keyof typeof stale)[]} */ (Object.keys(stale)))
      stale[name] = true;
    ask();
  };

  const theme = setUpTheme(store, restAll);
  const player = setUpTransport(store, (jump) => {
    if (jump) for (const run of scene.runs) run.age = store.choices.at;
    before = performance.now();
    stale.marks = stale.norms = true;
    ask();
  });
  setUpMenus(model, store);
  setUpSliders(model, store);
  setUpLayers(model, store);
  setUpKeys(model, store, player);
  setUpCopies(model, store, scene, theme.palette, tell);
  for (const [id, about] of [
    ["runs", "a run"],
    ["spectrum", "this plot"],
    ["map", "the update map"],
    ["norms", "this plot"],
    ["equilibria", "an equilibrium"],
    ["copies", "to copy"],
  ]) {
    explain(id, about, WHY[/** @type {keyof typeof WHY} */ (id)]);
  }

  const plane = byId("plane", HTMLElement);
  const [ground, marks] = ["ground", "marks"].map((id) => byId(id, HTMLCanvasElement));
  let rem = 0;
  const unit = () =>
    (rem ||= Number.parseFloat(getComputedStyle(document.documentElement).fontSize)) / 16;
  const scaleNow = () => planeScale(store.choices.bounds, ...sizeOf(plane), unit());

  setUpPointer(store, model.bounds, scaleNow, {
    look(point) {
      const scale = scaleNow();
      const near = scene.equilibria.find(
        (each) =>
          Math.hypot(
            scale.x(each.point[0]) - scale.x(point[0]),
            scale.y(each.point[1]) - scale.y(point[1]),
          ) <=
          SNAP * unit(),
      );
      store.change({ probe: near ? near.point : point });
    },
    start(point) {
      store.change({ starts: [...store.choices.starts, point] });
      // A run that comes later catches up with the others.
      if (still.matches) player.show(store.choices.steps);
      else player.resume();
    },
    tell() {
      const { probe } = store.choices;
      const [theta, phi] = model.parameters;
      const kind = equilibriumAt(scene, store.choices)?.kind ?? "";
      say(`${theta} ${shown(probe[0])}, ${phi} ${shown(probe[1])} ${kind}`);
    },
  });

  const deliver = hire(model, ({ job, basins, done }) => {
    if (job !== order || !store.choices.layers.basins) return;
    scene.basins = basins;
    plane.dataset.basins = done ? "done" : "rough";
    stale.ground = true;
    ask();
  });
  let order = 0;
  /** A map that is out of date is not shown, and a new one ordered. */
  const orderBasins = () => {
    order++;
    if (!store.choices.layers.basins) scene.basins = null;
    else deliver({ job: order, choices: store.choices });
    plane.dataset.basins = store.choices.layers.basins ? "ordered" : "";
  };

  let lastChange = 0;
  let later = 0;
  const seekLater = () => {
    clearTimeout(later);
    later = window.setTimeout(() => {
      updateEquilibria(scene, model, store.choices, false);
      stale.list = stale.marks = stale.spectra = true;
      ask();
    }, IDLE);
  };

  store.listen((choices, changed) => {
    /** @param {ChoiceName[]} names */
    const any = (...names) => names.some((name) => changed.has(name));
    if (any("field", "options", "bounds", "layers")) stale.ground = true;
    if (any("field", "options", "bounds")) {
      lastChange = performance.now();
      fieldChanged = true;
      seekLater();
    }
    if (any("field", "options", "method", "starts")) {
      updateRuns(scene, model, choices, any("field", "options", "method"));
    }
    if (any("field", "method") && scene.cloud) remake(scene.cloud, motionOf(model, choices));
    if (any("layers")) updateCloud(scene, model, choices);
    if (any("field", "options", "method", "bounds") ? choices.layers.basins : any("layers"))
      orderBasins();
    stale.marks = true;
    stale.norms ||= any("field", "options", "method", "starts", "at", "steps");
    stale.spectra ||= any("field", "options", "method", "probe");
    if (any("field", "options", "bounds")) stale.list = true;
    keepAddress();
    ask();
  });
  let fieldChanged = true;

  let addressTimer = 0;
  // Browsers allow so many changes of the address in a while.
  function keepAddress() {
    if (!HAS_ADDRESS) return;
    clearTimeout(addressTimer);
    addressTimer = window.setTimeout(() => {
      history.replaceState(null, "", `#${addressOf(model, store.choices)}`);
    }, 300);
  }
  addEventListener("hashchange", () => {
    store.change(choicesFrom(model, location.hash, firstChoices(model)));
    player.show(store.choices.at);
  });

  let [owed, owedCloud] = [0, 0];
  /** Let runs and cloud come on by the time that has passed. @param {number} now */
  function move(now) {
    const passed = Math.min(100, Math.max(0, now - before)) / 1000;
    before = now;
    const { pace, layers } = store.choices;
    if (player.playing) {
      owed += passed * STEPS_A_SECOND[pace];
      for (; owed >= 1; owed--) step();
    } else {
      owed = 0;
    }
    if (layers.cloud && scene.cloud) {
      if (!still.matches) owedCloud += passed * CLOUD_STEPS[pace];
      const motion = motionOf(model, store.choices);
      for (owedCloud = Math.min(owedCloud, 4); owedCloud >= 1; owedCloud--) {
        drift(scene.cloud, store.choices.bounds, motion);
      }
    }
  }

  /** One step of all runs; those that came later catch up when the others are at the end. */
  function step() {
    const { at, steps } = store.choices;
    if (at < steps) store.change({ at: at + 1 });
    for (const run of scene.runs) run.age = Math.min(run.age + 1, store.choices.at);
    if (at >= steps && scene.runs.every(({ age }) => age >= steps)) player.pause();
    stale.norms = stale.marks = true;
  }

  let lastWords = 0;
  let [readout, spectra] = [() => {}, () => {}];

  /** @param {number} now */
  function frame(now) {
    asked = false;
    const palette = theme.palette();
    const size = unit();
    move(now);
    if (!extendRuns(scene, model, store.choices, performance.now() + 8)) {
      stale.marks = stale.norms = true;
      ask();
    }
    const scale = scaleNow();
    if (stale.ground) {
      plane.style.setProperty("--box-top", `${scale.top}px`);
      const right = sizeOf(plane)[0] - scale.left - scale.width;
      plane.style.setProperty("--box-right", `${right}px`);
      if (fieldChanged || store.choices.layers.nullclines) {
        updateGrid(scene, model, store.choices);
        if (fieldChanged) updateEquilibria(scene, model, store.choices, true);
        fieldChanged = false;
      }
      const pen = sized(ground, ...sizeOf(plane));
      if (pen) drawGround(pen, scale, palette, size, scene, store.choices, model);
    }
    if (stale.marks || scene.cloud) {
      const pen = sized(marks, ...sizeOf(plane));
      const { field, options } = motionOf(model, store.choices);
      const probe = equilibriumAt(scene, store.choices)?.point ?? store.choices.probe;
      const value = field.value(probe, options);
      // In slow motion points glide, so that the eye can follow.
      const share = player.playing && store.choices.pace === "slow" && !still.matches ? owed : 0;
      if (pen) {
        drawMarks(pen, scale, palette, size, scene, store.choices, { share, probe: value });
      }
      readout = () => {
        const speed = shown(Math.hypot(value[0], value[1]));
        const [theta, phi] = model.parameters;
        byId("readout", HTMLElement).textContent =
          `${theta} = ${shown(probe[0])}   ${phi} = ${shown(probe[1])}   ‖${field.label}‖ = ${speed}`;
      };
      stale.words = true;
    }
    if (stale.spectra) {
      spectra = showSpectra(scene, model, store.choices, palette, size);
      stale.words = true;
    }
    if (stale.norms) showNorms(scene, store.choices, palette, size);
    if (stale.list && now - lastChange > IDLE / 2) {
      showEquilibria(scene, store, palette, size);
      stale.list = false;
    }
    stale.ground = stale.marks = stale.spectra = stale.norms = false;
    // Words are read, not watched: to write them in every frame would cost the frame rate.
    if (stale.words && now - lastWords < WORDS) {
      ask();
    } else if (stale.words) {
      readout();
      spectra();
      stale.words = false;
      lastWords = now;
    }
    if (player.playing || (scene.cloud && !still.matches)) ask();
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

  const resized = new ResizeObserver(() => {
    forgetSizes();
    rem = 0;
    restAll();
  });
  for (const id of ["page", "plane", "spectrum"]) resized.observe(byId(id, HTMLElement));
  updateRuns(scene, model, store.choices, true);
  for (const run of scene.runs) run.age = store.choices.at;
  updateCloud(scene, model, store.choices);
  if (store.choices.layers.basins) orderBasins();
  seekLater();
  ask();
  // What tests and the curious read back.
  Object.assign(globalThis, { ganfield: { store, scene, player, scaleNow } });
}
