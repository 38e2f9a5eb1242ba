// A linear layer of one example is a list of products, z ← x · w: which there are, and their sums.
//
//   convolution      z[i′,j′,k] = b[k] + Σ_uvc x[i′·s_h + u·d_h − p_top, j′·s_w + v·d_w − p_left, c] · w[u,v,c,k]
//   pooling          as a convolution with k = c and equal weights ("average"), or one product a window ("max")
//   fully connected  z[m,k] = b[k] + Σ_n x[m,n] · w[n,k]
//
// Grouped by z the list gives Z; times dz, grouped by w it gives dW, grouped by x it gives dX.

import { indicesOf, makeArray, sizeOf } from "./arrays.js";

export const asPair = (value) => (Array.isArray(value) ? value : [value, value]);

// The pixels from the first to the last that a window reads.
export const spanOf = (size, dilation) => dilation * (size - 1) + 1;

// The zeros [top, bottom, left, right] that `padding` stands for: an integer, [rows, columns], all four, "same" or
// "valid". Of an odd total of "same" the extra one comes after.
export function resolvePadding(padding, { x, w, stride, dilation } = {}) {
  if (padding !== "same") {
    const all = asPair(padding === "valid" ? 0 : padding);
    return all.length === 4 ? [...all] : [all[0], all[0], all[1], all[1]];
  }
  return [0, 1].flatMap((axis) => {
    const read = (Math.ceil(x[axis] / stride[axis]) - 1) * stride[axis] + spanOf(w[axis], dilation[axis]);
    const total = Math.max(read - x[axis], 0);
    return [Math.floor(total / 2), Math.ceil(total / 2)];
  });
}

// How many windows fit, [H_out, W_out]; null where none does.
function countWindows({ x, w, stride, padding, dilation }) {
  const counts = [0, 1].map((axis) => {
    const padded = x[axis] + padding[2 * axis] + padding[2 * axis + 1];
    return Math.floor((padded - spanOf(w[axis], dilation[axis])) / stride[axis]) + 1;
  });
  return Math.min(...counts) > 0 ? counts : null;
}

// x: [H, W, C], w: [F_h, F_w, C, K]; null where the kernel does not fit.
export function convGeometry({ x, w, stride = 1, padding = 0, dilation = 1 }) {
  const geometry = { kind: "conv", x: [...x], w: [...w], stride: asPair(stride), dilation: asPair(dilation) };
  geometry.padding = resolvePadding(padding, geometry);
  const count = countWindows(geometry);
  return count && { ...geometry, z: [...count, w[3]] };
}

// The products that one output adds up, in the order of the formula's sum: [{ z, x, w, inside }], each an index; `inside`
// is false where x lies in the padding.
function convTerms(geometry, [i, j, k]) {
  return indicesOf(geometry.w.slice(0, 3)).map(([u, v, c]) => windowProduct(geometry, [i, j], [u, v], c, k));
}

// The products that one entry of "z", "x", "w" or "b" takes part in; x and w of a bias are null.
export function convProducts(geometry, array, index) {
  const [i, j, c, k] = index;
  const outputs = () => indicesOf(geometry.z.slice(0, 2));
  if (array === "z") return convTerms(geometry, index);
  if (array === "w") return outputs().map((output) => windowProduct(geometry, output, [i, j], c, k));
  if (array === "b") return outputs().map((output) => ({ z: [...output, i], x: null, w: null, inside: true }));
  return windowsOver(geometry, [i, j]).flatMap(([output, place]) => indicesOf([geometry.w[3]]).map(([filter]) => windowProduct(geometry, output, place, c, filter)));
}

function windowProduct({ x: [H, W], stride, padding, dilation }, output, [u, v], c, k) {
  const i = output[0] * stride[0] + u * dilation[0] - padding[0];
  const j = output[1] * stride[1] + v * dilation[1] - padding[2];
  return { z: [...output, k], x: [i, j, c], w: [u, v, c, k], inside: 0 <= i && i < H && 0 <= j && j < W };
}

// The pairs [(i′, j′), (u, v)] that read the pixel (i, j): i′ = (i + p_top − u·d_h)/s_h, whole and in range.
export function windowsOver({ w, z, stride, padding, dilation }, pixel) {
  return indicesOf([w[0], w[1]]).flatMap((place) => {
    const output = [0, 1].map((axis) => (pixel[axis] + padding[2 * axis] - place[axis] * dilation[axis]) / stride[axis]);
    return output.every((n, axis) => Number.isInteger(n) && 0 <= n && n < z[axis]) ? [[output, place]] : [];
  });
}

// Calls visit(output, pixel, place) for every window and every place in it: where their first channels lie in z, in x
// (−1 in the padding) and in w.
export function walkWindows({ x: [H, W, C], w: [F_h, F_w, ...rest], z: [H_out, W_out, K], stride, padding, dilation }, visit) {
  for (let output = 0; output < H_out * W_out; output++) {
    const [top, left] = [Math.floor(output / W_out) * stride[0] - padding[0], (output % W_out) * stride[1] - padding[2]];
    for (let place = 0; place < F_h * F_w; place++) {
      const i = top + Math.floor(place / F_w) * dilation[0];
      const j = left + (place % F_w) * dilation[1];
      visit(output * K, 0 <= i && i < H && 0 <= j && j < W ? (i * W + j) * C : -1, place * sizeOf(rest));
    }
  }
}

// z = b + Σ x·w. In the padding x is 0, and 0·NaN is NaN, as in layers.
export function convForward(geometry, x, w, b) {
  const [, , C, K] = geometry.w;
  const z = makeArray(geometry.z, new Float64Array(geometry.z[0] * geometry.z[1] * K).map((_, n) => b.data[n % K]));
  walkWindows(geometry, (output, pixel, place) => {
    for (let c = 0; c < C; c++) {
      const value = pixel < 0 ? 0 : x.data[pixel + c];
      for (let k = 0; k < K; k++) z.data[output + k] += value * w.data[place + c * K + k];
    }
  });
  return z;
}

// dX = Σ dz·w, dW = Σ x·dz, db = Σ dz, of all outputs or of those that counts(n) says: where their row of z begins.
export function convBackward(geometry, dz, x, w, counts = () => true) {
  const [, , C, K] = geometry.w;
  const [dx, dw, db] = [makeArray(geometry.x), makeArray(geometry.w), makeArray([K])];
  dz.data.forEach((gradient, n) => counts(n - (n % K)) && (db.data[n % K] += gradient));
  walkWindows(geometry, (output, pixel, place) => {
    for (let c = 0; c < C && counts(output); c++) {
      const value = pixel < 0 ? 0 : x.data[pixel + c];
      let stamp = 0;
      for (let k = 0; k < K; k++) {
        const weight = place + c * K + k;
        dw.data[weight] += value * dz.data[output + k];
        stamp += dz.data[output + k] * w.data[weight];
      }
      if (pixel >= 0) dx.data[pixel + c] += stamp;
    }
  });
  return { dx, dw, db };
}

// x: [H, W, C]; a stride of null is the size; mode "max" or "average". w is [F_h, F_w], a window's places.
export function poolGeometry({ x, size = 2, stride = null, mode = "max" }) {
  const w = asPair(size);
  const geometry = { kind: "pool", x: [...x], w: [...w], stride: asPair(stride ?? w), padding: [0, 0, 0, 0], dilation: [1, 1], mode };
  const count = countWindows(geometry);
  return count && { ...geometry, z: [...count, x[2]] };
}

// x: [M, N], w: [N, K].
export const fcGeometry = ({ x, w }) => ({ kind: "fc", x: [...x], w: [...w], z: [x[0], w[1]] });

// The products that one output adds up, [{ z, x, w, inside }], each an index; `inside` is false where x lies in the padding.
// Of a maximum all the candidates.
export const termsOf = (geometry, output) => TERMS[geometry.kind](geometry, output);

const TERMS = {
  conv: convTerms,
  pool: (geometry, [i, j, c]) => indicesOf(geometry.w).map((place) => poolProduct(geometry, [i, j], place, c)),
  fc: ({ x: [, N] }, [m, k]) => indicesOf([N]).map(([n]) => rowProduct(m, n, k)),
};

const rowProduct = (m, n, k) => ({ z: [m, k], x: [m, n], w: [n, k], inside: true });
const poolProduct = (geometry, output, place, c) => ({ ...windowProduct(geometry, output, place, c, c), w: place });

// The products that one entry of "z", "x", "w" or "b" takes part in: see convProducts. With the winners of a maximum
// pooling: one product a window.
export function productsOf(geometry, array, index, winners = null) {
  const found = array === "z" ? termsOf(geometry, index) : { conv: convProducts, pool: poolProducts, fc: rowProducts }[geometry.kind](geometry, array, index);
  if (!winners) return found;
  const [F_w, [, W_out, C]] = [geometry.w[1], geometry.z];
  return found.filter(({ z, w }) => winners.data[(z[0] * W_out + z[1]) * C + z[2]] === w[0] * F_w + w[1]);
}

function rowProducts({ x: [M], w: [, K] }, array, index) {
  if (array === "x") return indicesOf([K]).map(([k]) => rowProduct(...index, k));
  if (array === "w") return indicesOf([M]).map(([m]) => rowProduct(m, ...index));
  return indicesOf([M]).map(([m]) => ({ z: [m, index[0]], x: null, w: null, inside: true }));
}

function poolProducts(geometry, array, [i, j, c]) {
  if (array === "x") return windowsOver(geometry, [i, j]).map(([output, place]) => poolProduct(geometry, output, place, c));
  return indicesOf(geometry.z).map(([row, column, channel]) => poolProduct(geometry, [row, column], [i, j], channel));
}

// → { z, winners }: for "max" the place u·F_w + v that won each window (of equal pixels the first, a NaN
// before all numbers), for "average" null.
export function poolForward(geometry, x) {
  const z = makeArray(geometry.z);
  const C = geometry.x[2];
  const places = sizeOf(geometry.w);
  if (geometry.mode === "average") {
    walkWindows(geometry, (output, pixel) => {
      for (let c = 0; c < C; c++) z.data[output + c] += x.data[pixel + c];
    });
    z.data.forEach((total, n) => { z.data[n] = total / places; });
    return { z, winners: null };
  }
  const winners = makeArray(geometry.z);
  walkWindows(geometry, (output, pixel, place) => {
    for (let c = 0; c < C; c++) {
      const [best, value] = [z.data[output + c], x.data[pixel + c]];
      if (place > 0 && (value <= best || Number.isNaN(best))) continue;
      z.data[output + c] = value;
      winners.data[output + c] = place;
    }
  });
  return { z, winners };
}

// → { dx }: each window hands its gradient to its winner, or shares it out equally.
export function poolBackward(geometry, dz, winners) {
  const dx = makeArray(geometry.x);
  const C = geometry.x[2];
  const places = sizeOf(geometry.w);
  walkWindows(geometry, (output, pixel, place) => {
    for (let c = 0; c < C; c++) {
      const gradient = dz.data[output + c];
      if (!winners) dx.data[pixel + c] += gradient / places;
      else if (winners.data[output + c] === place) dx.data[pixel + c] += gradient;
    }
  });
  return { dx };
}
