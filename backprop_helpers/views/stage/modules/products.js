// A linear layer is a list of products, z ← x · w: of pooling and of a fully connected layer; conv_layer.js has those of a
// convolution, and the same verbs.
//
//   pooling          as a convolution with k = c and equal weights ("average"), or one product a window ("max")
//   fully connected  z[m,k] = b[k] + Σ_n x[m,n] · w[n,k]

import { indicesOf, makeArray, sizeOf } from "./arrays.js";
import { asPair, convProducts, countWindows, walkWindows, windowProduct, windowsOver } from "./conv_layer.js";

// x: [H, W, C]; a stride of null is the size; mode "max" or "average". w is [F_h, F_w], a window's places.
export function poolGeometry({ x, size = 2, stride = null, mode = "max" }) {
  const w = asPair(size);
  const geometry = { kind: "pool", x: [...x], w: [...w], stride: asPair(stride ?? w), padding: [0, 0, 0, 0], dilation: [1, 1], mode };
  const count = countWindows(geometry);
  return count && { ...geometry, z: [...count, x[2]] };
}

// x: [M, N], w: [N, K].
export function fcGeometry({ x, w }) {
  if (x[1] !== w[0]) throw new RangeError(`fcGeometry: x has ${x[1]} features but w expects ${w[0]}`);
  return { kind: "fc", x: [...x], w: [...w], z: [x[0], w[1]] };
}

// All the products, output by output: [{ z, x, w, inside }], each an index; `inside` is false where x lies in
// the padding. With the winners of a maximum pooling: one product a window, without them all the candidates.
export function products(geometry, winners = null) {
  return indicesOf(geometry.z).flatMap((index) => productsOf(geometry, "z", index, winners));
}

// The products that one entry of "z", "x", "w" or "b" takes part in: see convProducts.
export function productsOf(geometry, array, index, winners = null) {
  const found = { conv: convProducts, pool: poolProducts, fc: rowProducts }[geometry.kind](geometry, array, index);
  if (!winners) return found;
  const [F_w, [, W_out, C]] = [geometry.w[1], geometry.z];
  return found.filter(({ z, w }) => winners.data[(z[0] * W_out + z[1]) * C + z[2]] === w[0] * F_w + w[1]);
}

function rowProducts({ x: [M, N], w: [, K] }, array, index) {
  const product = (m, n, k) => ({ z: [m, k], x: [m, n], w: [n, k], inside: true });
  const upTo = (n, make) => Array.from({ length: n }, (_, i) => make(i));
  if (array === "z") return upTo(N, (n) => product(index[0], n, index[1]));
  if (array === "x") return upTo(K, (k) => product(index[0], index[1], k));
  if (array === "w") return upTo(M, (m) => product(m, ...index));
  return upTo(M, (m) => ({ z: [m, index[0]], x: null, w: null, inside: true }));
}

function poolProducts(geometry, array, [i, j, c]) {
  const product = (output, place, channel) => ({ ...windowProduct(geometry, output, place, channel, channel), w: place });
  if (array === "z") return indicesOf(geometry.w).map((place) => product([i, j], place, c));
  if (array === "x") return windowsOver(geometry, [i, j]).map(([output, place]) => product(output, place, c));
  return indicesOf(geometry.z).map(([row, column, channel]) => product([row, column], [i, j], channel));
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

// Z = X W + b.
export function fcForward({ x: [M, N], w: [, K], z: shape }, x, w, b) {
  const z = makeArray(shape);
  for (let m = 0; m < M; m++) {
    for (let k = 0; k < K; k++) {
      z.data[m * K + k] = b.data[k];
      for (let n = 0; n < N; n++) z.data[m * K + k] += x.data[m * N + n] * w.data[n * K + k];
    }
  }
  return z;
}

// dX = dZ Wᵀ, dW = Xᵀ dZ, db = Σ_m dZ[m].
export function fcBackward({ x: [M, N], w: [, K] }, dz, x, w) {
  const [dx, dw, db] = [makeArray([M, N]), makeArray([N, K]), makeArray([K])];
  for (let m = 0; m < M; m++) {
    for (let k = 0; k < K; k++) {
      const gradient = dz.data[m * K + k];
      db.data[k] += gradient;
      for (let n = 0; n < N; n++) {
        dx.data[m * N + n] += gradient * w.data[n * K + k];
        dw.data[n * K + k] += gradient * x.data[m * N + n];
      }
    }
  }
  return { dx, dw, db };
}
