// Gradient descent of one kernel w on one picture x with half the squared distance to a target:
//
//   J = ½ Σ (z − t)², z = x ⋆ w     dz = z − t     dw[u,v] = Σ x[i′+u, j′+v]·dz[i′,j′]     w ← w − rate·dw
//
// z is linear in w, so J is a bowl: J = J* + ½ (w − w*)ᵀ H (w − w*), and H[p,q] = Σ x·x of the pixels under p and q.

import { makeArray } from "./arrays.js";
import { convForward, walkWindows } from "./products.js";

const NO_BIAS = makeArray([1]);
const STOP = 1e4; // times the first loss: there a path that climbs ends

// One channel, one filter, stride 1, no padding.
function kernelGeometry({ shape: [H, W] }, { shape: [F_h, F_w] }) {
  return { x: [H, W, 1], w: [F_h, F_w, 1, 1], z: [H - F_h + 1, W - F_w + 1, 1], stride: [1, 1], padding: [0, 0, 0, 0], dilation: [1, 1] };
}

export function mapOf(x, w) {
  const geometry = kernelGeometry(x, w);
  return makeArray(geometry.z.slice(0, 2), convForward(geometry, x, w, NO_BIAS).data);
}

// { z, dz, dw, loss }, forward and backward.
export function gradientAt({ x, target }, w) {
  const z = mapOf(x, w);
  const dz = makeArray(z.shape, z.data.map((value, n) => value - target.data[n]));
  const dw = makeArray(w.shape);
  walkWindows(kernelGeometry(x, w), (output, pixel, place) => (dw.data[place] += x.data[pixel] * dz.data[output]));
  return { z, dz, dw, loss: dz.data.reduce((sum, d) => sum + (d * d) / 2, 0) };
}

// The kernel and the loss after 0, 1, … steps; it ends where the loss has grown beyond all measure.
export function pathOf(problem, start, rate, steps) {
  const path = [];
  for (let w = start; path.length <= steps; ) {
    const { loss, dw } = gradientAt(problem, w);
    path.push({ w, loss });
    if (!(loss < STOP * (path[0].loss || 1))) break;
    w = makeArray(w.shape, w.data.map((weight, n) => weight - rate * dw.data[n]));
  }
  return path;
}

// H, as rows.
export function bowlOf(x, w) {
  const count = w.data.length;
  const rows = Array.from({ length: count }, () => new Float64Array(count));
  let pixels = [];
  walkWindows(kernelGeometry(x, w), (_, pixel) => {
    pixels.push(x.data[pixel]);
    if (pixels.length < count) return;
    for (const [p, one] of pixels.entries()) for (const [q, other] of pixels.entries()) rows[p][q] += one * other;
    pixels = [];
  });
  return rows;
}

// The largest rate at which no direction climbs: 2 / the largest eigenvalue of H.
export function largestRate(rows) {
  let [direction, size] = [rows.map((_, n) => 1 + 0.1 * n), 0];
  for (let n = 0; n < 300; n += 1) {
    const next = rows.map((row) => row.reduce((sum, value, q) => sum + value * direction[q], 0));
    size = Math.hypot(...next);
    if (!(size > 0)) return Infinity;
    direction = next.map((value) => value / size);
  }
  return 2 / size;
}

// Of two weights: where the bowl is lowest, its eigenvalues (large, small) and the angle of the first axis, in degrees.
export function bowlAxes([[a, b], [, c]], w, { data: [g, h] }) {
  const [middle, spread] = [(a + c) / 2, Math.hypot((a - c) / 2, b)];
  const determinant = a * c - b * b;
  const lowest = determinant > 1e-9 * (a * c) ? [w.data[0] - (c * g - b * h) / determinant, w.data[1] - (a * h - b * g) / determinant] : null;
  return { lowest, values: [middle + spread, middle - spread], angle: (90 / Math.PI) * Math.atan2(2 * b, a - c) };
}
