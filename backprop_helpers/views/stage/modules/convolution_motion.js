// What flies in a convolution's stage: an output's stamp, a window on its way to dW or to Z, weights to the pixel one sits on.

import { at } from "./arrays.js";
import { cellColor } from "./colors.js";
import { turnedIndex } from "./convolution_marks.js";
import { written } from "./numbers.js";
import { productsOf } from "./products.js";

const single = (from, to, value, scale, role, dark) => ({
  from, to, role, cells: [{ row: 0, column: 0, color: cellColor(scale, value, dark), text: written(value) }],
});

// The output [i, j] goes: its kernel times dZ onto dX; or its window times dZ onto dW; or its window into Z.
export function stampFlights(stage, output) {
  const { state, model, grids, frame: { theme: { dark } } } = stage;
  const { channel: c, filter: k, show } = state;
  const { value, gradient } = model.scales;
  const products = productsOf(model.geometry, "z", [...output, k]).filter(({ x }) => x[2] === c);
  const dz = at(model.dz, [...output, k]);
  return products.map(({ x, w, z, inside }) => {
    const pixel = inside ? at(model.x, x) : 0;
    if (show === "forward") return single(grids.x?.box(x), grids.z?.box(z), pixel, value, "input", dark);
    if (show === "weights") return single(grids.x?.box(x), grids.dw?.box(w), pixel * dz, gradient, "weight", dark);
    const start = grids.dz?.box(z);
    const side = start && start.side * 0.6;
    const from = start && { x: start.x + w[1] * side, y: start.y + w[0] * side, side };
    return single(from, grids.dx?.box(x), stampOf(model, output, w, c), gradient, "weight", dark);
  });
}

// Σ_k dZ[i′, j′, k]·W[u, v, c, k]: what lands on one pixel.
function stampOf({ dz, w, K }, output, [u, v], c) {
  let sum = 0;
  for (let k = 0; k < K; k += 1) sum += at(dz, [...output, k]) * at(w, [u, v, c, k]);
  return sum;
}

export function walkFlights({ state, model, grids, frame: { theme: { dark } } }, pixel) {
  return productsOf(model.geometry, "x", pixel).filter(({ w }) => w[3] === state.filter).map(({ w }) =>
    single(grids.w?.box(w), grids.sit?.box(turnedIndex(model, w.slice(0, 2))), at(model.w, w), model.scales.weight, "weight", dark));
}
