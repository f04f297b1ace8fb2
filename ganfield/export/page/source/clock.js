/** Time: how many steps runs and clouds take until the next frame. */

import { drift } from "./analysis/cloud.js";
import { motionOf } from "./state.js";

/** @typedef {import("./model.js").Model} Model */
/** @typedef {import("./scene.js").Scene} Scene */
/** @typedef {import("./state.js").Store} Store */
/** @typedef {import("./controls/transport.js").Player} Player */

const RUN_STEPS = { slow: 3, normal: 40, fast: 400 }; // A second.
const CLOUD_STEPS = { slow: 3, normal: 60, fast: 120 };
const MOST_CLOUD_STEPS = 4; // A frame; a slow machine shows fewer.
const LONGEST = 0.1; // Seconds; after a longer pause nothing is made up for.

/**
 * @typedef {object} Clock
 * @property {(now: number) => boolean} advance whether something has moved
 * @property {() => number} share how far points are on their way to the next step, in slow motion
 * @property {() => void} restart time begins anew
 */

/**
 * @param {Model} model @param {Store} store @param {Scene} scene changed @param {Player} player
 * @param {() => boolean} isStill whether the person wants nothing to move by itself
 * @returns {Clock}
 */
export function createClock(model, store, scene, player, isStill) {
  let before = performance.now();
  let [owed, owedCloud] = [0, 0];

  /** One step of all runs; those that came later catch up when the others are at the end. */
  function step() {
    const { at, steps } = store.choices;
    if (at < steps) store.change({ at: at + 1 });
    for (const run of scene.runs) run.age = Math.min(run.age + 1, store.choices.at);
    if (at >= steps && scene.runs.every(({ age }) => age >= steps)) player.pause();
  }

  return {
    advance(now) {
      const passed = Math.min(LONGEST, Math.max(0, (now - before) / 1000));
      before = now;
      const { pace, bounds } = store.choices;
      const { playing } = player;
      for (owed += playing ? passed * RUN_STEPS[pace] : -owed; owed >= 1; owed--) step();
      if (!scene.cloud || isStill()) return playing;
      owedCloud = Math.min(owedCloud + passed * CLOUD_STEPS[pace], MOST_CLOUD_STEPS);
      const motion = motionOf(model, store.choices);
      for (; owedCloud >= 1; owedCloud--) drift(scene.cloud, bounds, motion);
      return true;
    },
    share: () => (player.playing && store.choices.pace === "slow" && !isStill() ? owed : 0),
    restart() {
      before = performance.now();
    },
  };
}
