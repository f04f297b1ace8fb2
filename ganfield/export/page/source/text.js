/** What the page says: one sentence wherever a student would ask. */

/** @typedef {import("./analysis/classify.js").Equilibrium} Equilibrium */
/** @typedef {import("./state.js").Layer} Layer */

/** Explanations, by the id of what they explain. */
export const WHY = {
  game: "The game says what each player loses; each moves to lose less.",
  field:
    "The field is the direction in which both players move at once; v is the game's own, and the others are made from it.",
  method: "The method says at which points a step looks at the field before it moves.",
  optimizer:
    "The optimizer turns the field's value into a step: sgd multiplies it by h, others remember earlier values.",
  bounds: "Scroll, pinch or press + and − to zoom, and drag to move the plane.",
  runs: "A run repeats the step from where you clicked; change a setting and the same runs are taken anew.",
  spectrum:
    "Eigenvalues λ of the field's derivative: near an equilibrium the flow is drawn in where every Re λ is negative, and turns where Im λ is not 0.",
  map: "Eigenvalues of one step's derivative F′: near an equilibrium runs come back where all lie inside the unit circle.",
  norms:
    "The size of the game's own field along each run: it goes to 0 where the run finds an equilibrium of the game.",
  equilibria:
    "An equilibrium is a point where the field is zero; a star marks a spurious one, which the game itself does not have or repels from.",
  copies: "The link brings back this view; the program makes the same figure with ganfield.",
};

/** @type {Record<Layer, {label: string, why: string}>} */
export const LAYER_TEXT = {
  streamlines: {
    label: "Streamlines",
    why: "Curves that follow the field, coloured by its speed.",
  },
  nullclines: {
    label: "Nullclines",
    why: "Where θ stands still (dashes) and where φ does (dots); they cross at equilibria.",
  },
  equilibria: {
    label: "Equilibria",
    why: "Points where the field is zero, a shape for each kind.",
  },
  basins: {
    label: "Basins",
    why: "Each start in the colour of the point where its run ends; hatched where it runs away, yellow where it circles, dotted where 1000 steps do not tell.",
  },
  cloud: {
    label: "500 points",
    why: "Points from all over the plane that move by the method's steps, each begun anew after a while.",
  },
};

/** @type {Record<Equilibrium["kind"], string>} */
export const KIND_TEXT = {
  stable: "stable: every eigenvalue has a negative real part",
  unstable: "unstable: every eigenvalue has a positive real part",
  saddle: "saddle: drawn in along some directions, pushed away along others",
  centre: "centre: the linear field circles round it for ever",
  undecided: "undecided: eigenvalues with real part 0, or a kink, do not tell",
  none: "no equilibrium",
};

/** @param {Equilibrium["kind"]} kind of a spurious equilibrium */
export function spuriousText(kind) {
  return `spurious${kind === "stable" ? " attractor" : ""}: the game itself does not attract to this point`;
}

/**
 * What the spectral radius of a step says.
 *
 * @param {number} radius @param {boolean} atRest at an equilibrium @param {string} optimizer
 */
export function radiusText(radius, atRest, optimizer) {
  if (Number.isNaN(radius)) {
    return atRest && optimizer !== "sgd"
      ? "No derivative here: the optimizer divides by a mean size of the field, which is 0."
      : "The step has no derivative here.";
  }
  if (!atRest) return "No equilibrium here: this is what one step does to small differences.";
  if (Math.abs(radius - 1) < 1e-6) return "On the circle: the derivative alone does not tell.";
  return radius < 1
    ? "Inside the circle: runs that start nearby come back."
    : "Outside the circle: runs that start nearby leave.";
}

export const KEYS = [
  ["Space", "play or pause"],
  [", and .", "a step back, a step on"],
  ["1 … 9", "choose a field"],
  ["⌫", "take back the last run"],
  ["In the plane: arrows", "move the point that is looked at (with Shift: less)"],
  ["Enter", "start a run there"],
  ["+ − 0", "zoom in, out, back"],
];
