/** The page's analysis against closed forms. */

import assert from "node:assert/strict";
import test from "node:test";
import {
  addressOf,
  choicesFrom,
} from "../../../ganfield/export/page/source/address.js";
import {
  basins,
  CYCLING,
  DIVERGED,
} from "../../../ganfield/export/page/source/analysis/basins.js";
import { classify } from "../../../ganfield/export/page/source/analysis/classify.js";
import { zeroLines } from "../../../ganfield/export/page/source/analysis/contours.js";
import {
  eigenvalues,
  spectralRadius,
} from "../../../ganfield/export/page/source/analysis/eigenvalues.js";
import {
  findZeros,
  startsOf,
} from "../../../ganfield/export/page/source/analysis/equilibria.js";
import { sample } from "../../../ganfield/export/page/source/analysis/grid.js";
import {
  leastSquares,
  spectralNorm,
} from "../../../ganfield/export/page/source/analysis/linear.js";
import {
  begin,
  extend,
} from "../../../ganfield/export/page/source/analysis/runs.js";
import { streamlines } from "../../../ganfield/export/page/source/analysis/streamlines.js";
import { stepJacobian } from "../../../ganfield/export/page/source/analysis/update_map.js";
import {
  firstChoices,
  isInUse,
} from "../../../ganfield/export/page/source/state.js";
import { dirac, lattice } from "./mock.js";

/** @typedef {import("../../../ganfield/export/page/source/model.js").Bounds} Bounds */
/** @typedef {import("../../../ganfield/export/page/source/model.js").Field} Field */
/** @typedef {import("../../../ganfield/export/page/source/model.js").Method} Method */

/** @type {Bounds} */
const BOX = [
  [-2, 2],
  [-2, 2],
];

/** @param {number} value @param {number} expected @param {number} [tolerance] */
function near(value, expected, tolerance = 1e-12) {
  assert.ok(
    Math.abs(value - expected) <= tolerance,
    `${value} is not ${expected}`,
  );
}

/** @param {Field["value"]} value @param {Field["jacobian"]} jacobian @returns {Field} */
const fieldOf = (value, jacobian) => ({
  game: 0,
  name: "v",
  label: "v",
  formula: "",
  doc: "",
  value,
  jacobian,
});

/** @param {import("../../../ganfield/export/page/source/model.js").Model} model @param {string} name @param {string} optimizer */
function methodOf(model, name, optimizer) {
  const method = model.methods.find(
    (each) => each.name === name && each.optimizer === optimizer,
  );
  assert.ok(method);
  return method;
}

/** @param {Field} field @param {import("../../../ganfield/export/page/source/model.js").Options} options @param {Bounds} bounds */
function zerosOf(field, options, bounds) {
  const grid = sample(field, options, bounds, 65);
  return findZeros(field, options, grid, startsOf(grid, 12));
}

test("eigenvalues of companion matrices are the roots of their polynomials", () => {
  // (x − 1)(x − 2)(x − 3)(x² + 1), whose coefficients are below.
  const companion = [
    [6, -12, 12, -11, 6],
    [1, 0, 0, 0, 0],
    [0, 1, 0, 0, 0],
    [0, 0, 1, 0, 0],
    [0, 0, 0, 1, 0],
  ];
  const values = eigenvalues(companion.flat());
  [
    [3, 0],
    [2, 0],
    [1, 0],
    [0, 1],
    [0, -1],
  ].forEach(([re, im], index) => {
    near(values[index].re, re, 1e-11);
    near(values[index].im, im, 1e-11);
  });
  near(spectralRadius(values), 3, 1e-11);
});

test("a permutation's eigenvalues are the roots of 1, which plain QR steps never find", () => {
  const turn = [0, 0, 0, 1, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0];
  const values = eigenvalues(turn);
  assert.equal(values.length, 4);
  for (const { re, im } of values) near(Math.hypot(re, im), 1, 1e-12);
  near(values[0].re, 1, 1e-12);
  near(values[3].re, -1, 1e-12);
});

test("matrices with zeros, and with what is not finite", () => {
  assert.deepEqual(
    eigenvalues(new Array(9).fill(0)).map(({ re }) => re),
    [0, 0, 0],
  );
  assert.deepEqual(eigenvalues([1, NaN, 0, 1]), []);
  assert.ok(Number.isNaN(spectralRadius([])));
});

test("norms and least squares of a matrix of rank one", () => {
  near(spectralNorm([3, 4, 0, 0]), 5);
  const [x, y] = leastSquares([1, 1, 1, 1], 2, 2);
  near(x, 1);
  near(y, 1);
});

test("the lattice's zeros are the multiples of π, of three kinds", () => {
  const [v] = lattice.fields;
  const options = firstChoices(lattice).options;
  const zeros = zerosOf(v, options, lattice.bounds);
  assert.equal(zeros.length, 9);
  for (const point of zeros) {
    const [k, m] = point.map((x) => Math.round(x / Math.PI));
    near(point[0], k * Math.PI, 1e-9);
    near(point[1], m * Math.PI, 1e-9);
    const { kind, values, spurious } = classify(v, v, point, options);
    const odd = [k, m].filter((place) => place % 2).length;
    assert.equal(kind, ["unstable", "saddle", "stable"][odd]);
    assert.equal(spurious, false);
    if (odd === 2) {
      near(values[0].re, -1, 1e-9);
      near(values[0].im, 0.5, 1e-9);
    }
  }
});

test("too large a γ makes spurious attractors: beyond 1/(1+c²) and 1/√(1+c²)", () => {
  const [v, , w] = lattice.fields;
  const kinds = [0.75, 0.85, 0.93].map((gamma) => {
    const options = [0.1, gamma, 0, 0.5];
    return [
      [0, 0],
      [0, Math.PI],
    ].map((point) => {
      const { kind, spurious } = classify(w, v, [point[0], point[1]], options);
      return `${kind} ${spurious}`;
    });
  });
  // 1/1.25 = 0.8 and 1/√1.25 = 0.894.
  assert.deepEqual(kinds, [
    ["unstable false", "saddle false"],
    ["stable true", "saddle false"],
    ["stable true", "stable true"],
  ]);
});

test("a zero of w where v is not zero is spurious", () => {
  const [v, , w] = lattice.fields;
  const options = [0.1, 1.2, 0, 0.5];
  const invented = zerosOf(w, options, lattice.bounds).filter((point) => {
    const [p, q] = v.value(point, options);
    return Math.hypot(p, q) > 1e-3;
  });
  assert.ok(invented.length >= 4);
  for (const point of invented)
    assert.equal(classify(w, v, point, options).spurious, true);
});

test("centres, kinks, lines of zeros, and fields that die away", () => {
  const turn = fieldOf(
    ([x, y]) => [y, -x],
    () => [0, 1, -1, 0],
  );
  assert.equal(classify(turn, turn, [0, 0], []).kind, "centre");
  const kink = fieldOf(
    ([x, y]) => [-Math.abs(x) - x, -y],
    ([x]) => [x > 0 ? -2 : 0, 0, 0, -1],
  );
  assert.equal(classify(kink, kink, [0, 0], []).kind, "undecided");
  const line = fieldOf(
    ([x]) => [-x, 0],
    () => [-1, 0, 0, 0],
  );
  const zeros = zerosOf(line, [], BOX);
  assert.ok(zeros.length > 5);
  for (const [x] of zeros) near(x, 0, 1e-9);
  const dying = fieldOf(
    ([x, y]) => [Math.exp(-5 * (x + 3)), Math.exp(-5 * (y + 3))],
    ([x, y]) => [
      -5 * Math.exp(-5 * (x + 3)),
      0,
      0,
      -5 * Math.exp(-5 * (y + 3)),
    ],
  );
  assert.deepEqual(zerosOf(dying, [], BOX), []);
});

test("zeros outside of the bounds are not told", () => {
  const [v] = lattice.fields;
  const zeros = zerosOf(v, firstChoices(lattice).options, BOX);
  assert.deepEqual(zeros, [[0, 0]]);
});

test("the derivative of a step, by differences, has the eigenvalues of momentum's recurrence", () => {
  // Of v = −x, momentum's step (x, m) → (x + h(−x + βm), −x + βm): λ² − (1 − h + β)λ + β = 0.
  const [h, beta] = [0.3, 0.4];
  const sink = fieldOf(
    ([x, y]) => [-x, -y],
    () => [-1, 0, 0, -1],
  );
  const method = methodOf(dirac, "simultaneous", "momentum");
  const values = eigenvalues(
    stepJacobian(method, sink, [0.2, 0.1], [h, 0, beta]),
  );
  assert.equal(values.length, 4);
  for (const { re, im } of values) {
    const real = re * re - im * im - (1 - h + beta) * re + beta;
    near(real, 0, 1e-7);
    near(2 * re * im - (1 - h + beta) * im, 0, 1e-7);
  }
});

test("on the bilinear game simultaneous, alternating and extragradient steps have their known ρ", () => {
  const v = dirac.fields[3];
  const h = 0.5;
  const radius = (/** @type {string} */ name) => {
    const method = methodOf(dirac, name, "sgd");
    return spectralRadius(
      eigenvalues(stepJacobian(method, v, [0, 0], [h, 0, 0])),
    );
  };
  near(radius("simultaneous"), Math.sqrt(1 + h * h), 1e-9);
  near(radius("alternating"), 1, 1e-7);
  near(radius("extragradient"), Math.sqrt(1 - h ** 2 + h ** 4), 1e-9);
});

test("a run of the bilinear game grows by √(1 + h²) a step, and stops where numbers end", () => {
  const v = dirac.fields[3];
  const options = [0.5, 0, 0];
  const method = methodOf(dirac, "simultaneous", "sgd");
  const motion = { method, field: v, original: v, options };
  const run = begin([1, 0], motion);
  extend(run, motion, 10, Infinity);
  near(run.norms[10], 1.25 ** 5, 1e-12);
  assert.equal(run.path.length, 22);
  extend(run, motion, 10_000, Infinity);
  assert.ok(run.gone);
  assert.ok(run.path.every(Number.isFinite));
});

test("basins of the lattice are the attractors' own squares, nearly", () => {
  const [v] = lattice.fields;
  const motion = {
    method: methodOf(lattice, "simultaneous", "sgd"),
    field: v,
    original: v,
    options: [0.1, 0, 0, 0],
  };
  // Without coupling the players do not meet: x goes to the odd multiple of π on its side.
  const { outcomes, attractors } = ended(basins(motion, lattice.bounds, 10));
  assert.equal(attractors.length, 4);
  outcomes.forEach((outcome, index) => {
    const [x, y] = [(index % 10) - 4.5, Math.floor(index / 10) - 4.5];
    near(attractors[outcome][0], Math.sign(x) * Math.PI, 1e-6);
    near(attractors[outcome][1], Math.sign(y) * Math.PI, 1e-6);
  });
});

test("what circles, what runs away", () => {
  const v = dirac.fields[3];
  const alternating = methodOf(dirac, "alternating", "sgd");
  const simultaneous = methodOf(dirac, "simultaneous", "sgd");
  const motion = { field: v, original: v, options: [0.5, 0, 0] };
  const circling = ended(basins({ ...motion, method: alternating }, BOX, 4));
  assert.ok(circling.outcomes.every((outcome) => outcome === CYCLING));
  const leaving = ended(basins({ ...motion, method: simultaneous }, BOX, 4));
  assert.ok(leaving.outcomes.every((outcome) => outcome === DIVERGED));
});

/** @template T @param {Generator<void, T>} work @returns {T} */
function ended(work) {
  let next = work.next();
  while (!next.done) next = work.next();
  return next.value;
}

test("a circle's zero line is one ring", () => {
  const count = 41;
  const values = Float64Array.from({ length: count * count }, (_, index) => {
    const [x, y] = [(index % count) - 20, Math.floor(index / count) - 20];
    return x * x + y * y - 100.5;
  });
  const lines = zeroLines(values, count);
  assert.equal(lines.length, 1);
  const [line] = lines;
  assert.deepEqual(line.slice(0, 2), line.slice(-2));
  for (let k = 0; k < line.length; k += 2) {
    near(Math.hypot(line[k] - 20, line[k + 1] - 20), Math.sqrt(100.5), 0.05);
  }
});

test("streamlines of a rotation stay on their circles, and keep apart", () => {
  const turn = fieldOf(
    ([x, y]) => [y, -x],
    () => [0, 1, -1, 0],
  );
  const lines = streamlines(sample(turn, [], BOX, 97), 30);
  assert.ok(lines.length > 10 && lines.length < 200);
  for (const { points } of lines) {
    const radii = [];
    for (let k = 0; k < points.length; k += 2) {
      radii.push(Math.hypot(points[k] - 48, points[k + 1] - 48));
    }
    near(Math.max(...radii), Math.min(...radii), 0.2);
  }
});

test("an address brings back all choices; a wrong one changes nothing", () => {
  const first = firstChoices(lattice);
  const chosen = {
    ...first,
    field: 2,
    method: 4,
    options: [0.25, 1.5, -0.3, 1],
    bounds: /** @type {Bounds} */ ([
      [-1, 2],
      [0, 3.5],
    ]),
    starts: /** @type {[number, number][]} */ ([
      [0.1, 0.2],
      [1, 3],
    ]),
    steps: 77,
    at: 5,
    pace: /** @type {const} */ ("slow"),
    layers: { ...first.layers, basins: true, streamlines: false },
    probe: /** @type {[number, number]} */ ([0.5, 1]),
    theme: /** @type {const} */ ("dark"),
  };
  assert.deepEqual(
    choicesFrom(lattice, `#${addressOf(lattice, chosen)}`, first),
    chosen,
  );
  const wrong =
    "field=w&method=x&gamma=much&bounds=2,1,0,1&starts=1;2,x&steps=-3&at=9&pace=5&probe=%&show";
  const read = choicesFrom(lattice, wrong, first);
  assert.deepEqual(read, { ...first, steps: 1, at: 1, layers: read.layers });
});

test("a bare name in an address is that of all sliders who share it", () => {
  const [step, gamma] = lattice.sliders;
  const shared = {
    ...lattice,
    sliders: [step, gamma, { ...gamma, owner: "drift" }],
  };
  const first = firstChoices(shared);
  assert.deepEqual(choicesFrom(shared, "gamma=2", first).options, [0.1, 2, 2]);
  assert.deepEqual(
    choicesFrom(shared, "gamma=2&drift.gamma=1", first).options,
    [0.1, 2, 1],
  );
  const chosen = { ...first, options: [0.1, 0.3, 0.7] };
  assert.deepEqual(
    choicesFrom(shared, addressOf(shared, chosen), first),
    chosen,
  );
});

test("a slider is in use while its owner is chosen", () => {
  const first = firstChoices(dirac);
  const inUse = (
    /** @type {import("../../../ganfield/export/page/source/state.js").Choices} */ choices,
  ) =>
    dirac.sliders
      .filter((slider) => isInUse(dirac, slider, choices))
      .map(({ name }) => name);
  assert.deepEqual(inUse(first), ["step_size"]);
  assert.deepEqual(inUse({ ...first, field: 2, method: 3 }), [
    "step_size",
    "gamma",
    "decay",
  ]);
});
