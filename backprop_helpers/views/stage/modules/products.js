// A linear layer is a list of products, z ← x · w: which triples there are, and their sums.
//
//   convolution      z[i′,j′,k] = b[k] + Σ_uvc x[i′·s_h + u·d_h − p_top, j′·s_w + v·d_w − p_left, c] · w[u,v,c,k]
//   pooling          the same with k = c and equal weights ("average"), or one product a window ("max")
//   fully connected  z[m,k] = b[k] + Σ_n x[m,n] · w[n,k]
//
// Grouped by z the list gives Z; times dz, grouped by w it gives dW, grouped by x it gives dX.

import { indicesOf, makeArray, sizeOf } from "./arrays.js";

export function asPair(value) {
  return Array.isArray(value) ? value : [value, value];
}

// The pixels from the first to the last that a window reads: d·(F − 1) + 1.
export function spanOf(size, dilation) {
  return dilation * (size - 1) + 1;
}

// The zeros [top, bottom, left, right] that `padding` stands for: an integer, [rows, columns], all four, "same"
// or "valid". Of an odd total of "same" the extra one comes after.
export function resolvePadding(padding, { size, kernel, stride = 1, dilation = 1 }) {
  if (padding === "valid") return [0, 0, 0, 0];
  if (padding === "same") {
    const [steps, gaps] = [asPair(stride), asPair(dilation)];
    return [0, 1].flatMap((axis) => {
      const count = Math.ceil(size[axis] / steps[axis]);
      const total = Math.max((count - 1) * steps[axis] + spanOf(kernel[axis], gaps[axis]) - size[axis], 0);
      return [Math.floor(total / 2), Math.ceil(total / 2)];
    });
  }
  if (Array.isArray(padding) && padding.length === 4) return [...padding];
  const [rows, columns] = asPair(padding);
  return [rows, rows, columns, columns];
}

// How many windows fit, [H_out, W_out]; null where none does.
function countWindows(size, kernel, stride, padding, dilation) {
  const counts = [0, 1].map((axis) => {
    const padded = size[axis] + padding[2 * axis] + padding[2 * axis + 1];
    return Math.floor((padded - spanOf(kernel[axis], dilation[axis])) / stride[axis]) + 1;
  });
  return Math.min(...counts) > 0 ? counts : null;
}

// x: [H, W, C], w: [F_h, F_w, C, K]; null where the kernel does not fit.
export function convGeometry({ x, w, stride = 1, padding = 0, dilation = 1 }) {
  if (x[2] !== w[2]) throw new RangeError(`convGeometry: x has ${x[2]} channels but w expects ${w[2]}`);
  [stride, dilation] = [asPair(stride), asPair(dilation)];
  padding = resolvePadding(padding, { size: x, kernel: w, stride, dilation });
  const count = countWindows(x, w, stride, padding, dilation);
  return count && { kind: "conv", x: [...x], w: [...w], z: [...count, w[3]], stride, padding, dilation };
}

// x: [H, W, C]; a stride of null is the size; mode "max" or "average". w is [F_h, F_w], a window's places.
export function poolGeometry({ x, size = 2, stride = null, mode = "max" }) {
  const w = asPair(size);
  stride = asPair(stride ?? w);
  const [padding, dilation] = [[0, 0, 0, 0], [1, 1]];
  const count = countWindows(x, w, stride, padding, dilation);
  const z = count && [...count, x[2]];
  return count && { kind: "pool", x: [...x], w: [...w], z, stride, padding, dilation, mode };
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

// The products that one entry of "z", "x", "w" or "b" takes part in, in the order of the formula's sum. A bias
// goes into its outputs, and x and w are null there.
export function productsOf(geometry, array, index, winners = null) {
  const find = geometry.kind === "fc" ? rowProducts : windowProducts;
  const found = find(geometry, array, index);
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
  return upTo(M, (m) => biasProduct([m, index[0]]));
}

function biasProduct(z) {
  return { z, x: null, w: null, inside: true };
}

function windowProducts(geometry, array, index) {
  const { kind, w: [F_h, F_w, C, K], z: [H_out, W_out] } = geometry;
  const channels = (k) => (kind === "conv" ? indicesOf([C]) : [[k]]);
  const filters = (c) => (kind === "conv" ? indicesOf([K]) : [[c]]);
  const [i, j, last] = index;
  if (array === "z") {
    return indicesOf([F_h, F_w]).flatMap((place) =>
      channels(last).map(([c]) => windowProduct(geometry, [i, j], place, c, last)));
  }
  if (array === "x") {
    return windowsOver(geometry, [i, j]).flatMap(([output, place]) =>
      filters(last).map(([k]) => windowProduct(geometry, output, place, last, k)));
  }
  const outputs = indicesOf([H_out, W_out]);
  if (array === "b") return outputs.map((output) => biasProduct([...output, index[0]]));
  const pairs = kind === "conv" ? [index.slice(2)] : indicesOf([geometry.x[2]]).map(([c]) => [c, c]);
  return outputs.flatMap((output) => pairs.map(([c, k]) => windowProduct(geometry, output, [i, j], c, k)));
}

function windowProduct({ kind, x: [H, W], stride, padding, dilation }, output, [u, v], c, k) {
  const i = output[0] * stride[0] + u * dilation[0] - padding[0];
  const j = output[1] * stride[1] + v * dilation[1] - padding[2];
  const w = kind === "conv" ? [u, v, c, k] : [u, v];
  return { z: [...output, k], x: [i, j, c], w, inside: 0 <= i && i < H && 0 <= j && j < W };
}

// The pairs [(i′, j′), (u, v)] that read the pixel (i, j): i′ = (i + p_top − u·d_h)/s_h, whole and in range.
export function windowsOver({ w, z, stride, padding, dilation }, pixel) {
  return indicesOf([w[0], w[1]]).flatMap((place) => {
    const output = [0, 1].map((axis) =>
      (pixel[axis] + padding[2 * axis] - place[axis] * dilation[axis]) / stride[axis]);
    const fits = output.every((n, axis) => Number.isInteger(n) && 0 <= n && n < z[axis]);
    return fits ? [[output, place]] : [];
  });
}

// Calls visit(output, pixel, place) for every window and every place in it: where their first channels lie in
// z, in x (−1 in the padding) and in w.
export function walkWindows(geometry, visit) {
  const { x: [H, W, C], w: [F_h, F_w, ...rest], z: [H_out, W_out, K], stride, padding, dilation } = geometry;
  const depth = sizeOf(rest);
  for (let output = 0; output < H_out * W_out; output++) {
    const [top, left] = [Math.floor(output / W_out) * stride[0], (output % W_out) * stride[1]];
    for (let place = 0; place < F_h * F_w; place++) {
      const i = top + Math.floor(place / F_w) * dilation[0] - padding[0];
      const j = left + (place % F_w) * dilation[1] - padding[2];
      const inside = 0 <= i && i < H && 0 <= j && j < W;
      visit(output * K, inside ? (i * W + j) * C : -1, place * depth);
    }
  }
}

// z = b + Σ x·w. In the padding x is 0, and 0·NaN is NaN, as in layers.
export function convForward(geometry, x, w, b) {
  const [, , C, K] = geometry.w;
  const z = makeArray(geometry.z);
  for (let n = 0; n < z.data.length; n++) z.data[n] = b.data[n % K];
  walkWindows(geometry, (output, pixel, place) => {
    for (let c = 0; c < C; c++) {
      const value = pixel < 0 ? 0 : x.data[pixel + c];
      for (let k = 0; k < K; k++) z.data[output + k] += value * w.data[place + c * K + k];
    }
  });
  return z;
}

// dX = Σ dz·w, dW = Σ x·dz, db = Σ dz: the products of the forward pass, grouped by x, by w and by b.
export function convBackward(geometry, dz, x, w) {
  const [, , C, K] = geometry.w;
  const [dx, dw, db] = [makeArray(geometry.x), makeArray(geometry.w), makeArray([K])];
  for (let n = 0; n < dz.data.length; n++) db.data[n % K] += dz.data[n];
  walkWindows(geometry, (output, pixel, place) => {
    for (let c = 0; c < C; c++) {
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
