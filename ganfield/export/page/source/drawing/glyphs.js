/** A shape for each kind of equilibrium, which says it without colour. */

/** @typedef {import("../analysis/classify.js").Equilibrium} Equilibrium */
/** @typedef {import("./pen.js").Pen} Pen */
/** @typedef {import("./palette.js").Palette} Palette */

/**
 * A filled circle is stable, an open one unstable, a cross a saddle, an open triangle a centre; a star
 * is what the field has and the game has not, filled where the field attracts to it.
 *
 * @param {Pen} pen
 * @param {Pick<Equilibrium, "kind" | "spurious">} equilibrium
 * @param {number} x
 * @param {number} y
 * @param {number} size the radius
 * @param {Palette} palette
 */
export function drawGlyph(pen, { kind, spurious }, x, y, size, palette) {
  const filled = kind === "stable" || (kind === "saddle" && !spurious);
  const color = spurious ? palette.spurious : palette.ink;
  pen.save();
  pen.lineJoin = "round";
  pen.beginPath();
  if (spurious) polygon(pen, x, y, 10, (k) => (k % 2 ? 0.62 : 1.5) * size);
  else if (kind === "saddle") cross(pen, x, y, 1.15 * size);
  else if (kind === "centre") polygon(pen, x, y, 3, () => 1.25 * size);
  else if (kind === "undecided" || kind === "none") polygon(pen, x, y, 4, () => 1.2 * size);
  else pen.arc(x, y, size, 0, 2 * Math.PI);
  // A rim of the ground's colour lifts it off the streamlines.
  pen.strokeStyle = palette.paper;
  pen.lineWidth = 0.9 * size;
  pen.stroke();
  pen.fillStyle = filled ? color : palette.paper;
  pen.fill();
  pen.strokeStyle = spurious && filled ? palette.ink : color;
  pen.lineWidth = (filled ? 0.16 : 0.36) * size;
  pen.stroke();
  pen.restore();
}

/** @param {Pen} pen @param {number} x @param {number} y @param {number} corners @param {(k: number) => number} radius */
function polygon(pen, x, y, corners, radius) {
  for (let k = 0; k < corners; k++) {
    const angle = (2 * Math.PI * k) / corners - Math.PI / 2;
    const [p, q] = [x + radius(k) * Math.cos(angle), y + radius(k) * Math.sin(angle)];
    if (k === 0) pen.moveTo(p, q);
    else pen.lineTo(p, q);
  }
  pen.closePath();
}

/** @param {Pen} pen @param {number} x @param {number} y @param {number} size */
function cross(pen, x, y, size) {
  const [thin, far] = [0.5 * size, size];
  const corners = [
    [0, -thin],
    [thin, -far],
    [far, -thin],
    [thin, 0],
    [far, thin],
    [thin, far],
    [0, thin],
    [-thin, far],
    [-far, thin],
    [-thin, 0],
    [-far, -thin],
    [-thin, -far],
  ];
  corners.forEach(([p, q], k) => (k ? pen.lineTo(x + p, y + q) : pen.moveTo(x + p, y + q)));
  pen.closePath();
}
