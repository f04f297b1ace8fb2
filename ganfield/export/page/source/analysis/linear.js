/** Matrices of two rows, [a, b, c, d] row by row. */

/** @typedef {import("../model.js").Point} Point */

/**
 * The largest singular value: S = ‖M‖²_F, D = det M, σ² = (S + √(S² − 4D²)) / 2.
 *
 * @param {ArrayLike<number>} matrix
 */
export function spectralNorm(matrix) {
  const [a, b, c, d] = Array.from(matrix);
  const square = a * a + b * b + c * c + d * d;
  const determinant = a * d - b * c;
  const root = Math.sqrt(Math.max(0, square * square - 4 * determinant * determinant));
  return Math.sqrt((square + root) / 2);
}

/**
 * The shortest x that comes nearest to Mx = right, where singular values below a billionth count as
 * zero: x = (MᵀM + μI)⁻¹Mᵀ right in its limit.
 *
 * @param {ArrayLike<number>} matrix
 * @param {number} p
 * @param {number} q the right side
 * @returns {Point}
 */
export function leastSquares(matrix, p, q) {
  const [a, b, c, d] = Array.from(matrix);
  const determinant = a * d - b * c;
  const size = spectralNorm(matrix);
  if (size === 0) return [0, 0];
  if (Math.abs(determinant) > 1e-9 * size * size) {
    return [(d * p - b * q) / determinant, (a * q - c * p) / determinant];
  }
  // Of rank one the pseudoinverse is Mᵀ / ‖M‖²_F.
  const square = a * a + b * b + c * c + d * d;
  return [(a * p + c * q) / square, (b * p + d * q) / square];
}
