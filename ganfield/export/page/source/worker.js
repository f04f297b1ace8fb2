/** Basins in a worker, so that everything else stays responsive. The worker runs this page's own script. */

import { basins } from "./analysis/basins.js";
import { motionOf } from "./state.js";

/** @typedef {import("./analysis/basins.js").Basins} Basins */
/** @typedef {import("./model.js").Model} Model */
/** @typedef {import("./state.js").Choices} Choices */
/** @typedef {{job: number, choices: Choices}} Order */
/** @typedef {{job: number, basins: Basins, done: boolean}} Delivery */

const COUNTS = [20, 60, 150]; // Starts along each side: a rough map at once, a fine one later.
const SLICE = 25; // Milliseconds until the next order is listened to.

/**
 * Work off orders; a newer one ends an older one, but for its rough map.
 *
 * @param {Model} model
 * @param {(delivery: Delivery) => void} deliver
 * @returns {(order: Order) => void}
 */
export function basinsAtWork(model, deliver) {
  let newest = 0;
  let busy = Promise.resolve();

  /** @param {Order} order */
  async function work({ job, choices }) {
    for (const [index, count] of COUNTS.entries()) {
      const search = basins(motionOf(model, choices), choices.bounds, count);
      let since = performance.now();
      let next = search.next();
      while (!next.done) {
        if (performance.now() - since > SLICE) {
          await new Promise((resolve) => setTimeout(resolve));
          since = performance.now();
        }
        if (index > 0 && job !== newest) return;
        next = search.next();
      }
      deliver({ job, basins: next.value, done: index === COUNTS.length - 1 });
    }
  }

  return (order) => {
    newest = order.job;
    busy = busy.then(() => (order.job === newest ? work(order) : undefined));
  };
}

/** What the script does in a worker. @param {Model} model */
export function serve(model) {
  const work = basinsAtWork(model, (delivery) => postMessage(delivery));
  addEventListener("message", ({ data }) => work(data));
}

/**
 * A worker made of this page's script; where a browser allows none, the work is done here in slices.
 *
 * @param {Model} model
 * @param {(delivery: Delivery) => void} deliver
 * @returns {(order: Order) => void}
 */
export function hire(model, deliver) {
  const here = basinsAtWork(model, deliver);
  let give = here;
  try {
    const text = document.querySelector("script[type=module]")?.textContent ?? "";
    // No module: of those Chromium allows none to a page that is opened from a file.
    const script = new Blob(['"use strict";', text], { type: "text/javascript" });
    const worker = new Worker(URL.createObjectURL(script));
    /** @type {Order | null} */
    let last = null;
    worker.addEventListener("message", ({ data }) => deliver(data));
    worker.addEventListener("error", (event) => {
      event.preventDefault();
      give = here;
      if (last) here(last);
    });
    give = (order) => {
      last = order;
      worker.postMessage(order);
    };
  } catch {
    give = here;
  }
  return (order) => give(order);
}
