/** Play, pause, step, slow motion: how far the runs are shown. */

import { PACES } from "../state.js";
import { byId } from "./dom.js";

/** @typedef {import("../state.js").Store} Store */

/**
 * @typedef {object} Player
 * @property {boolean} playing
 * @property {() => void} play from the beginning, where all are at the end
 * @property {() => void} resume from where each run is
 * @property {() => void} pause
 * @property {(step: number) => void} show all runs at a step
 */

/**
 * @param {Store} store
 * @param {(jump: boolean) => void} changed told when playing begins or ends, and whether all runs are to be
 *   shown at the step
 * @returns {Player}
 */
export function setUpTransport(store, changed) {
  const [play, back, step, first, last] = ["play", "back", "step", "first", "last"].map((id) =>
    byId(id, HTMLButtonElement),
  );
  const scrub = byId("scrub", HTMLInputElement);
  const steps = byId("steps", HTMLInputElement);
  const pace = byId("pace", HTMLSelectElement);

  /** @type {Player} */
  const player = {
    playing: false,
    play() {
      if (!store.choices.starts.length) return;
      const again = store.choices.at >= store.choices.steps;
      if (again) store.change({ at: 0 });
      set(true, again);
    },
    resume: () => set(true, false),
    pause: () => set(false, false),
    show(at) {
      store.change({ at: Math.max(0, Math.min(store.choices.steps, Math.round(at))) });
      set(false, true);
    },
  };

  /** @param {boolean} playing @param {boolean} jump */
  const set = (playing, jump) => {
    player.playing = playing;
    show();
    changed(jump);
  };

  const show = () => {
    const { choices } = store;
    scrub.max = String(choices.steps);
    scrub.value = String(choices.at);
    scrub.style.setProperty("--share", `${(100 * choices.at) / choices.steps}%`);
    scrub.setAttribute("aria-valuetext", `step ${choices.at} of ${choices.steps}`);
    byId("at", HTMLElement).textContent = String(choices.at);
    if (document.activeElement !== steps) steps.value = String(choices.steps);
    pace.value = choices.pace;
    play.classList.toggle("playing", player.playing);
    play.setAttribute("aria-label", player.playing ? "Pause" : "Play");
    for (const id of ["undo", "clear"]) {
      byId(id, HTMLButtonElement).disabled = !choices.starts.length;
    }
  };

  play.addEventListener("click", () => (player.playing ? player.pause() : player.play()));
  back.addEventListener("click", () => player.show(store.choices.at - 1));
  step.addEventListener("click", () => player.show(store.choices.at + 1));
  first.addEventListener("click", () => player.show(0));
  last.addEventListener("click", () => player.show(store.choices.steps));
  scrub.addEventListener("input", () => player.show(scrub.valueAsNumber));
  steps.addEventListener("change", () => {
    const count = Math.round(steps.valueAsNumber);
    const held = count >= 1 ? Math.min(count, 10_000) : store.choices.steps;
    store.change({ steps: held, at: Math.min(store.choices.at, held) });
    steps.value = String(held);
  });
  pace.addEventListener("change", () => {
    store.change({ pace: PACES.find((each) => each === pace.value) ?? "normal" });
  });
  byId("undo", HTMLButtonElement).addEventListener("click", () => {
    store.change({ starts: store.choices.starts.slice(0, -1) });
  });
  byId("clear", HTMLButtonElement).addEventListener("click", () => {
    store.change({ starts: [], at: 0 });
    player.pause();
  });
  store.listen((_, names) => {
    if (["at", "steps", "pace", "starts"].some((name) => names.has(/** @type {"at"} */ (name))))
      show();
  });
  show();
  return player;
}
