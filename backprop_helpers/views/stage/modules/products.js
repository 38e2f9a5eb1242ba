// A linear layer is a list of products, z ← x · w: of pooling and of a fully connected layer; conv_layer.js has those of a
// convolution, and the same verbs.
//
//   pooling          as a convolution with k = c and equal weights ("average"), or one product a window ("max")
//   fully connected  z[m,k] = b[k] + Σ_n x[m,n] · w[n,k]

import { indicesOf, makeArray, sizeOf } from "./arrays.js";
import { asPair, convProducts, convTerms, countWindows, walkWindows, windowProduct, windowsOver } from "./conv_layer.js";

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
