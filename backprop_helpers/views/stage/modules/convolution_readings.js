// What the readings of dX lay out: the weights that meet on a pixel, the padded dZ and the turned kernel, the sparse matrix.

import { at, indicesOf, makeArray, offset } from "./arrays.js";
import { spanOf, windowsOver } from "./conv_layer.js";
import { gathered, once } from "./convolution_state.js";
import { written } from "./page.js";

// The content of the grids that a reading brings.
export function readingContent(name, pixel, state, model) {
  if (name === "sit") return sitContent(pixel, state, model);
  if (name === "wbar") return { array: once(model, "W̄", () => turned(model)) };
  if (name === "d") return { array: spreadOf(model).array, look: spreadOf(model).look };
  const { channel, filter } = state;
  const matrix = once(model, `T ${channel} ${filter}`, () => sparseMatrix(model, channel, filter));
  return { ...matrix, note: "a row for every output, a column for every pixel" };
}

// The weights of a pixel of dX in the places of their outputs, which is the kernel turned.
function sitContent(pixel, { channel, filter }, model) {
  return once(model, `sit ${pixel} ${channel} ${filter}`, () => {
    const array = makeArray(model.w.shape.slice(0, 2));
    const under = new Map();
    for (const [output, place] of windowsOver(model.geometry, pixel)) {
      const there = offset(array.shape, turnedIndex(model, place));
      array.data[there] = at(model.w, [...place, channel, filter]);
      under.set(there, `· ${written(at(model.dz, [...output, filter]))}`);
    }
    return { array, look: (place) => !under.has(place) && "blank", under: (place) => under.get(place), note: `on dX[${pixel.slice(0, 2).join(", ")}]` };
  });
}

// Where the window of an output lies on X.
export function windowOf({ geometry: { w, stride, dilation, padding } }, output, c) {
  const from = output.slice(0, 2).map((n, axis) => n * stride[axis] - padding[2 * axis]);
  return { role: "input", from: [...from, c], size: [0, 1].map((axis) => spanOf(w[axis], dilation[axis])) };
}

export function framesOf({ channel, filter }, model, { looked, window }) {
  if (window) return { x: [windowOf(model, window, channel)], dx: [windowOf(model, window, channel)] };
  if (looked?.array !== "dx") return {};
  const [i, j] = looked.index;
  const t = { role: "input", from: [0, i * model.geometry.x[1] + j], size: [model.count, 1] };
  return { d: [{ ...windowOf(model, [0, 0], 0), from: [i, j, filter] }], t: [t] };
}

export const spreadOf = (model) => once(model, "D", () => spreadOut(model));

// dZ spread out by the stride, with the zeros around it that make a window of it for every pixel: D.
export function spreadOut({ geometry: { x, w, stride, dilation, padding }, dz }) {
  const reach = [0, 1].map((axis) => dilation[axis] * (w[axis] - 1));
  const source = (i, j) => [i, j].map((n, axis) => (n - reach[axis] + padding[2 * axis]) / stride[axis]);
  const array = gathered(dz, [x[0] + reach[0], x[1] + reach[1]], source);
  const own = gathered({ shape: dz.shape.slice(0, 2), data: new Float64Array(dz.data.length).fill(1) }, array.shape, source);
  const placed = ([i, j]) => [i, j].map((n, axis) => n * stride[axis] + reach[axis] - padding[2 * axis]);
  return { array, source, placed, look: (place) => !own.data[Math.floor(place / w[3])] && "pale" };
}

export const turnedIndex = ({ w: { shape } }, [u, v, ...rest]) => [shape[0] - 1 - u, shape[1] - 1 - v, ...rest];

// W̄[u, v] = W[F_h − 1 − u, F_w − 1 − v].
export const turned = (model) => gathered(model.w, model.w.shape, (...place) => turnedIndex(model, place));

// One row for every output, one column for every pixel, of one channel and one filter: T[output, pixel] = weight.
export function sparseMatrix({ geometry, w, count }, c, k) {
  const [H, W, C] = geometry.x;
  const array = makeArray([count, H * W]);
  const own = new Set();
  for (const [i, j] of indicesOf([H, W])) {
    for (const [output, [u, v]] of windowsOver(geometry, [i, j])) {
      const place = (output[0] * geometry.z[1] + output[1]) * H * W + i * W + j;
      array.data[place] = w.data[((u * w.shape[1] + v) * C + c) * w.shape[3] + k];
      own.add(place);
    }
  }
  return { array, look: (place) => !own.has(place) && "pale" };
}

export const outputOf = ({ geometry: { z: [, columns] } }, place) => [Math.floor(place / columns), place % columns];
