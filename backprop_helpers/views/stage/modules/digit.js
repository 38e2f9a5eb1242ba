// A drawn digit made comparable with MNIST's, in the steps of training/preprocess.py: cut out, scaled into
// 20×20, placed on 28×28 by its centre of mass. Ink is 1, paper is 0.

import { makeArray } from "./arrays.js";

// drawing: (R, C) in [0, 1] → { drawing, box, cropped, scaled, centre, corner, placed, image }, or null while
// nothing is drawn. box is [top, left, bottom, right], the last two excluded; centre the [row, column] in
// `scaled`; corner where `scaled` begins in `placed`; image is `placed` as a network takes it, (28, 28, 1).
export function prepareDigit(drawing, { size = 28, box: longest = 20 } = {}) {
  if (!inkBox(drawing)) return null;
  drawing = withoutSpecks(drawing);
  const box = inkBox(drawing);
  const cropped = cutOut(drawing, box);
  const scaled = scaleToFit(cropped, longest);
  const centre = centreOfMass(scaled);
  // A symmetric drawing's centre lies halfway between two pixels: the last digits must not choose the side.
  const nearest = centre.map((middle) => roundHalfToEven(roundHalfToEven((size / 2 - middle) * 1e6) / 1e6));
  const corner = nearest.map((place, axis) => Math.min(Math.max(place, 0), size - scaled.shape[axis]));
  const placed = makeArray([size, size]);
  scaled.data.forEach((ink, n) => {
    const [i, j] = [Math.floor(n / scaled.shape[1]), n % scaled.shape[1]];
    placed.data[(corner[0] + i) * size + corner[1] + j] = ink;
  });
  const image = makeArray([size, size, 1], placed.data);
  return { drawing, box, cropped, scaled, centre, corner, placed, image };
}

// Of the pieces (neighbours also across corners) those with a twentieth of the largest one's ink: less is a speck.
function withoutSpecks({ shape: [R, C], data }) {
  const [piece, amounts] = [new Int32Array(data.length).fill(-1), []];
  data.forEach((ink, first) => {
    if (!(ink > 0) || piece[first] >= 0) return;
    const waiting = [first];
    piece[first] = amounts.length;
    amounts.push(0);
    while (waiting.length) {
      const n = waiting.pop();
      amounts[amounts.length - 1] += data[n];
      for (let i = Math.max(0, Math.floor(n / C) - 1); i <= Math.min(R - 1, Math.floor(n / C) + 1); i++) {
        for (let j = Math.max(0, (n % C) - 1); j <= Math.min(C - 1, (n % C) + 1); j++) {
          if (data[i * C + j] > 0 && piece[i * C + j] < 0) waiting.push(((piece[i * C + j] = amounts.length - 1), i * C + j));
        }
      }
    }
  });
  const least = 0.05 * Math.max(...amounts);
  return makeArray([R, C], data.map((ink, n) => (piece[n] >= 0 && amounts[piece[n]] >= least ? ink : 0)));
}

// The smallest box with all the ink, or null.
function inkBox({ shape: [R, C], data }) {
  let [top, left, bottom, right] = [R, C, 0, 0];
  data.forEach((ink, n) => {
    if (!(ink > 0)) return;
    const [i, j] = [Math.floor(n / C), n % C];
    [top, left] = [Math.min(top, i), Math.min(left, j)];
    [bottom, right] = [Math.max(bottom, i + 1), Math.max(right, j + 1)];
  });
  return bottom ? [top, left, bottom, right] : null;
}

function cutOut({ shape: [, C], data }, [top, left, bottom, right]) {
  const cropped = makeArray([bottom - top, right - left]);
  for (let i = top; i < bottom; i++) {
    cropped.data.set(data.subarray(i * C + left, i * C + right), (i - top) * (right - left));
  }
  return cropped;
}

// The longer side becomes `longest` pixels, the shorter one keeps the ratio; each axis is resampled by itself.
function scaleToFit(ink, longest) {
  const [R, C] = ink.shape;
  const [rows, columns] = [R, C].map((n) => Math.max(1, roundHalfToEven((n * longest) / Math.max(R, C))));
  const [down, across] = [resamplingWeights(R, rows), resamplingWeights(C, columns)];
  const scaled = makeArray([rows, columns]);
  for (let n = 0; n < rows * columns; n++) {
    let sum = 0;
    for (const [i, weight] of down[Math.floor(n / columns)]) {
      for (const [j, other] of across[n % columns]) sum += weight * ink.data[i * C + j] * other;
    }
    scaled.data[n] = Math.fround(Math.min(Math.max(sum, 0), 1));
  }
  return scaled;
}

// For each output pixel of one axis the inputs it averages, [[index, weight], …], the weights summing to 1.
// Reducing, an input weighs what is covered of it; enlarging, two neighbours weigh by their nearness.
function resamplingWeights(sizeIn, sizeOut) {
  const ratio = sizeIn / sizeOut;
  return Array.from({ length: sizeOut }, (_, output) => {
    const middle = Math.min(Math.max((output + 0.5) * ratio - 0.5, 0), sizeIn - 1);
    const weighed = Array.from({ length: sizeIn }, (_, i) => [i, ratio >= 1
      ? Math.min(i + 1, (output + 1) * ratio) - Math.max(i, output * ratio)
      : 1 - Math.abs(middle - i)]).filter(([, weight]) => weight > 0);
    const total = weighed.reduce((sum, [, weight]) => sum + weight, 0);
    return weighed.map(([i, weight]) => [i, weight / total]);
  });
}

// The [row, column] at which the ink would balance.
function centreOfMass({ shape: [, columns], data }) {
  let [row, column, total] = [0, 0, 0];
  data.forEach((ink, n) => {
    row += ink * Math.floor(n / columns);
    column += ink * (n % columns);
    total += ink;
  });
  return [row / total, column / total];
}

// As NumPy and Python round: halves to the even neighbour.
function roundHalfToEven(value) {
  const rounded = Math.round(value);
  return rounded - value === 0.5 && rounded % 2 ? rounded - 1 : rounded;
}
