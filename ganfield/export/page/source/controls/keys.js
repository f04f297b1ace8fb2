/** Keys that serve everywhere on the page. */

import { KEYS } from "../text.js";
import { byId, element } from "./dom.js";

/** @typedef {import("../model.js").Model} Model */
/** @typedef {import("../state.js").Store} Store */
/** @typedef {import("./transport.js").Player} Player */

/** @param {Model} model @param {Store} store @param {Player} player */
export function setUpKeys(model, store, player) {
  byId("keys", HTMLElement).append(
    ...KEYS.flatMap(([keys, does]) => [element("dt", {}, keys), element("dd", {}, does)]),
  );
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    // Where letters are written, or where a key has a meaning of its own, it is not ours.
    const { target } = event;
    const inControl =
      target instanceof Element &&
      target.closest("input, select, textarea, button, summary, dialog");
    if (inControl) return;
    const { choices } = store;
    /** @type {Record<string, () => void>} */
    const keys = {
      " ": () => (player.playing ? player.pause() : player.play()),
      ".": () => player.show(choices.at + 1),
      ",": () => player.show(choices.at - 1),
      Backspace: () => store.change({ starts: choices.starts.slice(0, -1) }),
    };
    const does = keys[event.key] ?? fieldKey(event.key);
    if (!does) return;
    event.preventDefault();
    does();
  });

  /** @param {string} key */
  function fieldKey(key) {
    const { game } = model.fields[store.choices.field];
    const ofGame = model.fields.filter((each) => each.game === game);
    const field = /^[1-9]$/.test(key) ? ofGame[Number(key) - 1] : undefined;
    return field && (() => store.change({ field: model.fields.indexOf(field) }));
  }
}
