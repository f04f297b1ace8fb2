/** Two games by hand, as ganfield.export would write them: what the page is tested with. */

/** @typedef {import("../../../ganfield/export/page/source/model.js").Model} Model */
/** @typedef {import("../../../ganfield/export/page/source/model.js").Field} Field */
/** @typedef {import("../../../ganfield/export/page/source/model.js").Method} Method */
/** @typedef {import("../../../ganfield/export/page/source/model.js").Options} Options */
/** @typedef {import("../../../ganfield/export/page/source/model.js").State} State */
/** @typedef {(x: State, options: Options) => number[]} Numbers */

// The sliders' places in the options.
const STEP_SIZE = 0;
const GAMMA = 1;
const DECAY = 2;
const COUPLING = 3;

const SLIDERS = /** @type {Model["sliders"]} */ ([
  {
    name: "step_size",
    label: "step size h",
    of: "optimizer",
    min: 0.001,
    max: 1,
    value: 0.1,
    doc: "How far a step goes along the field.",
  },
  {
    name: "gamma",
    label: "γ",
    of: "transform",
    owner: "consensus",
    min: 0,
    max: 3,
    value: 0.5,
    doc: "How much of −∇L is added to v.",
  },
  {
    name: "decay",
    label: "momentum β",
    of: "optimizer",
    owner: "momentum",
    min: -0.9,
    max: 0.99,
    value: 0.5,
  },
]);

/**
 * v, −∇L = −Jᵀv and w = v − γ∇L, from v and its Jacobian; the derivatives of the latter by differences.
 *
 * @param {number} game @param {Numbers} value @param {Numbers} jacobian
 * @returns {Field[]}
 */
function fields(game, value, jacobian) {
  /** @type {Numbers} */
  const descent = (x, options) => {
    const [u, w] = value(x, options);
    const [a, b, c, d] = jacobian(x, options);
    return [-(a * u + c * w), -(b * u + d * w)];
  };
  /** @type {Numbers} */
  const consensus = (x, options) => {
    const [u, w] = value(x, options);
    const [p, q] = descent(x, options);
    return [u + options[GAMMA] * p, w + options[GAMMA] * q];
  };
  return [
    {
      name: "v",
      label: "v",
      formula: "v = −(∂θ lossθ, ∂φ lossφ)",
      doc: "The game's own field.",
      value,
      jacobian,
    },
    {
      name: "descent",
      label: "−∇L",
      formula: "−∇L = −Jᵀv, L = ½‖v‖²",
      doc: "It makes ‖v‖ small, and stops at saddles too.",
      value: descent,
      jacobian: differences(descent),
    },
    {
      name: "consensus",
      label: "w",
      formula: "w = v − γ∇L",
      doc: "Consensus adds the gradient that makes ‖v‖ small.",
      value: consensus,
      jacobian: differences(consensus),
    },
  ].map((field) => ({ game, ...field }));
}

/** @param {Numbers} value @returns {Numbers} */
function differences(value) {
  const h = 1e-5;
  return ([x, y], options) => {
    const [p, q] = [value([x + h, y], options), value([x - h, y], options)];
    const [r, s] = [value([x, y + h], options), value([x, y - h], options)];
    return [p[0] - q[0], r[0] - s[0], p[1] - q[1], r[1] - s[1]].map(
      (part) => part / (2 * h),
    );
  };
}

/** @typedef {(direction: State, memory: State, options: Options) => [number, number]} Update */

/** @type {Record<string, {size: number, update: Update}>} how far to go, and what to remember */
const OPTIMIZERS = {
  sgd: {
    size: 0,
    update: ([u, w], _, options) => [
      options[STEP_SIZE] * u,
      options[STEP_SIZE] * w,
    ],
  },
  momentum: {
    size: 2,
    update: ([u, w], memory, options) => [
      options[STEP_SIZE] * (u + options[DECAY] * memory[0]),
      options[STEP_SIZE] * (w + options[DECAY] * memory[1]),
    ],
  },
};

/** @returns {Method[]} */
function methods() {
  return Object.entries(OPTIMIZERS).flatMap(([optimizer, { size, update }]) => {
    /** @type {(state: State, ahead: [number, number], options: Options) => number[]} */
    const next = (state, [p, q], options) => {
      const moved = [state[0] + p, state[1] + q];
      return size
        ? [...moved, p / options[STEP_SIZE], q / options[STEP_SIZE]]
        : moved;
    };
    const memory = (/** @type {State} */ state) => [state[2], state[3]];
    /** @type {Record<string, Method["step"]>} */
    const steps = {
      simultaneous: (field, state, options) =>
        next(
          state,
          update(field.value(state, options), memory(state), options),
          options,
        ),
      alternating: (field, state, options) => {
        const [, q] = update(
          field.value(state, options),
          memory(state),
          options,
        );
        const between = [state[0], state[1] + q];
        const [p] = update(
          field.value(between, options),
          memory(state),
          options,
        );
        return next(state, [p, q], options);
      },
      extragradient: (field, state, options) => {
        const [p, q] = update(
          field.value(state, options),
          memory(state),
          options,
        );
        const half = [state[0] + p, state[1] + q];
        return next(
          state,
          update(field.value(half, options), memory(state), options),
          options,
        );
      },
    };
    return Object.entries(steps).map(([name, step]) => ({
      name,
      label: name[0].toUpperCase() + name.slice(1),
      optimizer,
      doc: DOCS[name],
      size: 2 + size,
      init: (_, x) => [x[0], x[1], ...new Array(size).fill(0)],
      step,
      jacobian:
        name === "simultaneous" && optimizer === "sgd"
          ? (field, state, options) => {
              const [a, b, c, d] = Array.from(field.jacobian(state, options));
              const h = options[STEP_SIZE];
              return [1 + h * a, h * b, h * c, 1 + h * d];
            }
          : null,
    }));
  });
}

/** @type {Record<string, string>} */
const DOCS = {
  simultaneous: "Both players step from where they both are.",
  alternating: "φ steps first, and θ sees where φ has gone.",
  extragradient:
    "It looks where a step would lead, and steps along the field found there.",
};

/** @param {string} game @param {string} setting */
const programs =
  (game, setting) =>
  (
    /** @type {import("../../../ganfield/export/page/source/model.js").ProgramChoice} */ choice,
  ) =>
    [
      "import ganfield as gf",
      "",
      `v = gf.vector_field(gf.games.${game}(${setting}"${choice.game}"))`,
      `w = gf.consensus(v, gamma=${choice.options[GAMMA]})`,
      `method = gf.${choice.method}(optax.${choice.optimizer}(${choice.options[STEP_SIZE]}))`,
      `starts = ${JSON.stringify(choice.starts)}`,
      `bounds = ${JSON.stringify(choice.bounds)}`,
      "",
    ].join("\n");

/** @param {number} t */
const sigmoid = (t) => 1 / (1 + Math.exp(-t));

/** @type {Model} */
export const dirac = {
  title: "Dirac-GAN",
  parameters: ["θ", "φ"],
  bounds: [
    [-2, 2],
    [-2, 2],
  ],
  sliders: SLIDERS,
  games: [
    {
      name: "standard",
      label: "standard",
      formula: "lossθ = s(−θφ), lossφ = s(θφ) + log 2",
      doc: "The non-saturating losses, s the softplus.",
    },
    {
      name: "wasserstein",
      label: "wasserstein",
      formula: "lossθ = −θφ, lossφ = θφ",
      doc: "The losses of a Wasserstein GAN.",
    },
  ],
  fields: [
    ...fields(
      0,
      ([x, y]) => [sigmoid(-x * y) * y, -sigmoid(x * y) * x],
      ([x, y]) => {
        const s = sigmoid(x * y);
        const slope = s * (1 - s);
        return [
          -slope * y * y,
          1 - s - slope * x * y,
          -s - slope * x * y,
          -slope * x * x,
        ];
      },
    ),
    ...fields(
      1,
      ([x, y]) => [y, -x],
      () => [0, 1, -1, 0],
    ),
  ],
  methods: methods(),
  programs: programs("dirac_gan", "objective="),
};

/** @type {Model} */
export const lattice = {
  title: "Lattice",
  parameters: ["θ", "φ"],
  bounds: [
    [-5, 5],
    [-5, 5],
  ],
  sliders: [
    ...SLIDERS,
    {
      name: "coupling",
      label: "coupling c",
      of: "game",
      owner: "lattice",
      min: 0,
      max: 2,
      value: 0.5,
    },
  ],
  games: [
    {
      name: "lattice",
      label: "lattice",
      formula: "lossθ = cos θ + cθ sin φ, lossφ = cos φ − cφ sin θ",
      doc: "Stable spirals, unstable spirals and saddles in one field.",
    },
  ],
  fields: fields(
    0,
    ([x, y], options) => {
      const c = options[COUPLING];
      return [Math.sin(x) - c * Math.sin(y), c * Math.sin(x) + Math.sin(y)];
    },
    ([x, y], options) => {
      const c = options[COUPLING];
      return [Math.cos(x), -c * Math.cos(y), c * Math.cos(x), Math.cos(y)];
    },
  ),
  methods: methods(),
  programs: programs("lattice", ""),
};
