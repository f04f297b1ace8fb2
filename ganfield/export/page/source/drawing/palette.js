/** Colours: Okabe and Ito's, which the colour-blind can tell apart, as in ganfield's figures. */

/**
 * @typedef {object} Palette
 * @property {boolean} dark
 * @property {string} paper
 * @property {string} ink
 * @property {string} soft ink for what stands back
 * @property {string} faint lines of axes
 * @property {string} veil shades an area
 * @property {string} accent
 * @property {string} spurious
 * @property {string[]} runs
 * @property {string[]} basins
 * @property {string} cycle
 * @property {string[]} speeds from slow to fast
 */

const VIRIDIS = [
  [68, 1, 84],
  [72, 36, 117],
  [65, 68, 135],
  [53, 95, 141],
  [42, 120, 142],
  [33, 145, 140],
  [34, 168, 132],
  [68, 191, 112],
  [122, 209, 81],
  [189, 223, 38],
  [253, 231, 37],
];

const BINS = 10;

/** Viridis without the end that cannot be seen on the ground. @param {number} slow @param {number} fast */
function speeds(slow, fast) {
  return Array.from({ length: BINS }, (_, bin) => {
    const place = (slow + (bin / (BINS - 1)) * (fast - slow)) * (VIRIDIS.length - 1);
    const low = Math.min(Math.floor(place), VIRIDIS.length - 2);
    const mixed = VIRIDIS[low].map((part, index) =>
      Math.round(part + (place - low) * (VIRIDIS[low + 1][index] - part)),
    );
    return `rgb(${mixed.join(",")})`;
  });
}

const BASINS = ["#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#56B4E9", "#777777"];

/** @type {Palette} */
export const LIGHT = {
  dark: false,
  paper: "#ffffff",
  ink: "#1a1d21",
  soft: "#5a626c",
  faint: "#d5d9de",
  veil: "rgba(26,29,33,0.06)",
  accent: "#0072B2",
  spurious: "#D55E00",
  runs: ["#D55E00", "#0072B2", "#CC79A7", "#E69F00", "#56B4E9", "#000000"],
  basins: BASINS,
  cycle: "#F0E442",
  speeds: speeds(0.72, 0),
};

/** @type {Palette} */
export const DARK = {
  dark: true,
  paper: "#14171c",
  ink: "#e8eaed",
  soft: "#a3abb5",
  faint: "#3a4048",
  veil: "rgba(232,234,237,0.07)",
  accent: "#56B4E9",
  spurious: "#E69F00",
  runs: ["#E69F00", "#56B4E9", "#CC79A7", "#F0E442", "#D55E00", "#FFFFFF"],
  basins: BASINS,
  cycle: "#F0E442",
  speeds: speeds(0.38, 1),
};

/** The three parts of a colour "#rrggbb". @param {string} color */
export function partsOf(color) {
  return [1, 3, 5].map((at) => Number.parseInt(color.slice(at, at + 2), 16));
}
