/** Pointer, wheel and keys in the plane: look, start runs, move, zoom. */

import { byId } from "./dom.js";

/** @typedef {import("../drawing/scale.js").Scale} Scale */
/** @typedef {import("../model.js").Bounds} Bounds */
/** @typedef {import("../model.js").Point} Point */
/** @typedef {import("../state.js").Store} Store */

const STILL = 6; // Pixels that a click may move.

/**
 * @param {Store} store
 * @param {Bounds} home the bounds to come back to
 * @param {() => Scale} scaleNow
 * @param {{look: (point: Point) => void, start: (point: Point, keyboard: boolean) => void, tell: () => void}} act
 */
export function setUpPointer(store, home, scaleNow, act) {
  const plane = byId("plane", HTMLElement);
  /** @type {Map<number, [number, number]>} */
  const down = new Map();
  let travelled = 0;

  /** @param {MouseEvent} event @returns {[number, number]} */
  const placeOf = (event) => {
    const box = plane.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  /** @param {[number, number]} place */
  const isInside = ([x, y]) => {
    const { left, top, width, height } = scaleNow();
    return x >= left && x <= left + width && y >= top && y <= top + height;
  };

  plane.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || !isInside(placeOf(event))) return;
    plane.setPointerCapture(event.pointerId);
    if (!down.size) travelled = 0;
    down.set(event.pointerId, placeOf(event));
    // Two fingers are no click.
    if (down.size > 1) travelled = Infinity;
  });
  plane.addEventListener("pointermove", (event) => {
    const place = placeOf(event);
    const before = down.get(event.pointerId);
    if (!before) {
      if (event.pointerType !== "touch" && isInside(place)) act.look(scaleNow().inverse(...place));
      return;
    }
    const [p, q] = [place[0] - before[0], place[1] - before[1]];
    if (travelled < STILL) {
      travelled = Math.max(travelled, Math.hypot(p, q));
      if (travelled < STILL) return;
    }
    if (down.size === 2) {
      const [other] = [...down].filter(([id]) => id !== event.pointerId).map(([, at]) => at);
      const factor = distance(before, other) / Math.max(1, distance(place, other));
      store.change({ bounds: zoomed(scaleNow(), factor, other) });
    } else if (event.pointerType === "touch") {
      if (isInside(place)) act.look(scaleNow().inverse(...place));
    } else {
      store.change({ bounds: moved(scaleNow(), p, q) });
    }
    down.set(event.pointerId, place);
  });
  const up = (/** @type {PointerEvent} */ event) => {
    if (!down.delete(event.pointerId) || event.type === "pointercancel" || travelled >= STILL)
      return;
    const point = scaleNow().inverse(...placeOf(event));
    act.look(point);
    act.start(point, false);
  };
  plane.addEventListener("pointerup", up);
  plane.addEventListener("pointercancel", up);
  plane.addEventListener(
    "wheel",
    (event) => {
      // Where the page itself scrolls, the wheel is its own, but for pinches, which come with Ctrl.
      const page = document.documentElement;
      if (page.scrollHeight > page.clientHeight + 1 && !event.ctrlKey) return;
      event.preventDefault();
      const turn = Math.max(-100, Math.min(100, event.deltaY * (event.deltaMode ? 30 : 1)));
      store.change({ bounds: zoomed(scaleNow(), Math.exp(turn / 400), placeOf(event)) });
    },
    { passive: false },
  );

  /** @param {number} factor */
  const zoom = (factor) => {
    const { left, top, width, height } = scaleNow();
    store.change({ bounds: zoomed(scaleNow(), factor, [left + width / 2, top + height / 2]) });
  };
  byId("zoom-in", HTMLButtonElement).addEventListener("click", () => zoom(1 / 1.4));
  byId("zoom-out", HTMLButtonElement).addEventListener("click", () => zoom(1.4));
  byId("zoom-home", HTMLButtonElement).addEventListener("click", () =>
    store.change({ bounds: home }),
  );

  plane.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target !== plane) return;
    const [[left, right], [bottom, top]] = store.choices.bounds;
    const share = event.shiftKey ? 1 / 400 : 1 / 40;
    const [across, above] = [share * (right - left), share * (top - bottom)];
    const [x, y] = store.choices.probe;
    /** @type {Record<string, () => void>} */
    const keys = {
      ArrowLeft: () => act.look([Math.max(left, x - across), y]),
      ArrowRight: () => act.look([Math.min(right, x + across), y]),
      ArrowDown: () => act.look([x, Math.max(bottom, y - above)]),
      ArrowUp: () => act.look([x, Math.min(top, y + above)]),
      Enter: () => act.start(store.choices.probe, true),
      "+": () => zoom(1 / 1.4),
      "=": () => zoom(1 / 1.4),
      "-": () => zoom(1.4),
      0: () => store.change({ bounds: home }),
    };
    const does = keys[event.key];
    if (!does) return;
    event.preventDefault();
    does();
    act.tell();
  });
}

/** @param {[number, number]} one @param {[number, number]} other */
const distance = (one, other) => Math.hypot(one[0] - other[0], one[1] - other[1]);

/** The bounds after a move by so many pixels. @param {Scale} scale @param {number} p @param {number} q @returns {Bounds} */
function moved({ bounds, width, height }, p, q) {
  const [[left, right], [bottom, top]] = bounds;
  const [x, y] = [(p / width) * (right - left), (q / height) * (top - bottom)];
  return [
    [left - x, right - x],
    [bottom + y, top + y],
  ];
}

/** The bounds after a zoom about a place. @param {Scale} scale @param {number} factor @param {[number, number]} place @returns {Bounds} */
function zoomed({ bounds, inverse }, factor, place) {
  const [x, y] = inverse(...place);
  const [[left, right], [bottom, top]] = bounds;
  const width = (right - left) * factor;
  const size = 1 + Math.abs(x) + Math.abs(y);
  if (!(width > 1e-6 * size && width < 1e6)) return bounds;
  return [
    [x - (x - left) * factor, x + (right - x) * factor],
    [y - (y - bottom) * factor, y + (top - y) * factor],
  ];
}
