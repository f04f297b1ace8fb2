/** Eigenvalues of small real matrices. */

/** @typedef {{re: number, im: number}} Complex */

/**
 * The eigenvalues of a real matrix, those with the largest real part first.
 *
 * @param {ArrayLike<number>} matrix size × size, row by row
 * @returns {Complex[]} none where an entry is not finite
 */
export function eigenvalues(matrix) {
  const entries = Array.from(matrix);
  if (!entries.every(Number.isFinite)) return [];
  const size = Math.round(Math.sqrt(entries.length));
  const values = size === 2 ? ofTwo(entries) : ofMany(entries, size);
  return values.sort((one, other) => other.re - one.re || other.im - one.im);
}

/** @param {Complex[]} values @returns {number} the largest |λ|, NaN of none */
export function spectralRadius(values) {
  return values.length ? Math.max(...values.map(({ re, im }) => Math.hypot(re, im))) : NaN;
}

/** @param {number[]} matrix @returns {Complex[]} */
function ofTwo([a, b, c, d]) {
  const middle = (a + d) / 2;
  const square = ((a - d) / 2) ** 2 + b * c;
  const root = Math.sqrt(Math.abs(square));
  return square < 0
    ? [
        { re: middle, im: root },
        { re: middle, im: -root },
      ]
    : [
        { re: middle + root, im: 0 },
        { re: middle - root, im: 0 },
      ];
}

/**
 * The complex QR algorithm with Wilkinson's shifts, on the matrix's Hessenberg form.
 *
 * @param {number[]} entries
 * @param {number} size
 * @returns {Complex[]}
 */
function ofMany(entries, size) {
  const re = hessenberg(entries, size);
  const im = new Float64Array(size * size);
  const norm = Math.hypot(...re) || 1;
  /** @type {Complex[]} */
  const values = [];
  let last = size - 1;
  for (let turn = 0; last >= 0 && turn < 100 * size; turn++) {
    let first = last;
    while (first > 0) {
      const below = first * size + first - 1;
      const [here, before] = [first * size + first, (first - 1) * (size + 1)];
      const beside = Math.hypot(re[here], im[here]) + Math.hypot(re[before], im[before]);
      if (Math.hypot(re[below], im[below]) <= 2e-16 * (beside || norm)) break;
      first--;
    }
    const corner = last * (size + 1);
    if (first === last) {
      const real = Math.abs(im[corner]) <= 1e-13 * norm;
      values.push({ re: re[corner], im: real ? 0 : im[corner] });
      last--;
      turn = 0;
    } else if (turn % 10 === 9) {
      // What does not converge goes round: a shift from outside breaks the circle.
      const below = corner - 1;
      step(re, im, size, first, last, Math.hypot(re[below], im[below]), 0.3 * norm);
    } else {
      const shift = wilkinson(re, im, size, last);
      step(re, im, size, first, last, shift.re, shift.im);
    }
  }
  return values;
}

/** @param {number[]} entries @param {number} size @returns {Float64Array} similar, 0 below the first subdiagonal */
function hessenberg(entries, size) {
  const h = Float64Array.from(entries);
  for (let m = 1; m < size - 1; m++) {
    let pivot = m;
    for (let i = m + 1; i < size; i++) {
      if (Math.abs(h[i * size + m - 1]) > Math.abs(h[pivot * size + m - 1])) pivot = i;
    }
    if (h[pivot * size + m - 1] === 0) continue;
    if (pivot !== m) {
      for (let k = 0; k < size; k++) swap(h, pivot * size + k, m * size + k);
      for (let k = 0; k < size; k++) swap(h, k * size + pivot, k * size + m);
    }
    for (let i = m + 1; i < size; i++) {
      const factor = h[i * size + m - 1] / h[m * size + m - 1];
      if (factor === 0) continue;
      for (let k = 0; k < size; k++) h[i * size + k] -= factor * h[m * size + k];
      for (let k = 0; k < size; k++) h[k * size + m] += factor * h[k * size + i];
      h[i * size + m - 1] = 0;
    }
  }
  return h;
}

/** @param {Float64Array} array @param {number} i @param {number} j */
function swap(array, i, j) {
  [array[i], array[j]] = [array[j], array[i]];
}

/**
 * The eigenvalue of the last two rows and columns that is nearest to the corner.
 *
 * @param {Float64Array} re @param {Float64Array} im @param {number} size @param {number} last
 * @returns {Complex}
 */
function wilkinson(re, im, size, last) {
  const d = last * (size + 1);
  const [a, b, c] = [d - size - 1, d - size, d - 1];
  const half = { re: (re[a] - re[d]) / 2, im: (im[a] - im[d]) / 2 };
  const square = {
    re: half.re ** 2 - half.im ** 2 + re[b] * re[c] - im[b] * im[c],
    im: 2 * half.re * half.im + re[b] * im[c] + im[b] * re[c],
  };
  const size2 = Math.hypot(square.re, square.im);
  const root = {
    re: Math.sqrt(Math.max(0, (size2 + square.re) / 2)),
    im: Math.sign(square.im || 1) * Math.sqrt(Math.max(0, (size2 - square.re) / 2)),
  };
  const sign = half.re * root.re + half.im * root.im > 0 ? -1 : 1;
  return { re: re[d] + half.re + sign * root.re, im: im[d] + half.im + sign * root.im };
}

/**
 * One QR step of the rows and columns from first to last, in place: H − s = QR, H ← RQ + s.
 *
 * @param {Float64Array} re @param {Float64Array} im @param {number} size
 * @param {number} first @param {number} last @param {number} shiftRe @param {number} shiftIm
 */
function step(re, im, size, first, last, shiftRe, shiftIm) {
  for (let k = first; k <= last; k++) {
    re[k * (size + 1)] -= shiftRe;
    im[k * (size + 1)] -= shiftIm;
  }
  const turns = [];
  for (let k = first; k < last; k++) {
    const [top, low] = [k * (size + 1), (k + 1) * size + k];
    const length = Math.hypot(re[top], im[top], re[low], im[low]) || 1;
    const turn = [re[top] / length, im[top] / length, re[low] / length, im[low] / length];
    if (!turn.some(Boolean)) turn[0] = 1;
    turns.push(turn);
    const [cr, ci, sr, si] = turn;
    for (let j = k; j <= last; j++) {
      const [p, q] = [k * size + j, (k + 1) * size + j];
      const [pr, pi, qr, qi] = [re[p], im[p], re[q], im[q]];
      re[p] = cr * pr + ci * pi + sr * qr + si * qi;
      im[p] = cr * pi - ci * pr + sr * qi - si * qr;
      re[q] = cr * qr - ci * qi - sr * pr + si * pi;
      im[q] = cr * qi + ci * qr - sr * pi - si * pr;
    }
  }
  for (let k = first; k < last; k++) {
    const [cr, ci, sr, si] = turns[k - first];
    for (let i = first; i <= Math.min(k + 2, last); i++) {
      const [p, q] = [i * size + k, i * size + k + 1];
      const [pr, pi, qr, qi] = [re[p], im[p], re[q], im[q]];
      re[p] = cr * pr - ci * pi + sr * qr - si * qi;
      im[p] = cr * pi + ci * pr + sr * qi + si * qr;
      re[q] = cr * qr + ci * qi - sr * pr - si * pi;
      im[q] = cr * qi - ci * qr - sr * pi + si * pr;
    }
  }
  for (let k = first; k <= last; k++) {
    re[k * (size + 1)] += shiftRe;
    im[k * (size + 1)] += shiftIm;
  }
}
