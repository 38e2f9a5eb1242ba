// What flies in a convolution's stage: an output's stamp, a window on its way to dW or to Z, weights to the pixel one sits on.

import { at } from "./arrays.js";
import { turnedIndex } from "./convolution_marks.js";
import { boxOf } from "./grid_places.js";
import { productsOf } from "./products.js";

const single = (from, to, value, scale, role) => ({ from, to, role, value, scale });

// The output [i, j] goes: its kernel times dZ onto dX; or its window times dZ onto dW; or its window into Z.
export function stampFlights(stage, output) {
  const { state, model, grids } = stage;
  const { channel: c, filter: k, show } = state;
  const { value, gradient } = model.scales;
  const products = productsOf(model.geometry, "z", [...output, k]).filter(({ x }) => x[2] === c);
  const dz = at(model.dz, [...output, k]);
  return products.map(({ x, w, z, inside }) => {
    const pixel = inside ? at(model.x, x) : 0;
    if (show === "forward") return single(boxOf(grids.x, x), boxOf(grids.z, z), pixel, value, "input");
    if (show === "weights") return single(boxOf(grids.x, x), boxOf(grids.dw, w), pixel * dz, gradient, "weight");
    const start = boxOf(grids.dz, z);
    const side = start && start.side * 0.6;
    const from = start && { x: start.x + w[1] * side, y: start.y + w[0] * side, side };
    return single(from, boxOf(grids.dx, x), stampOf(model, output, w, c), gradient, "weight");
  });
}

// Σ_k dZ[i′, j′, k]·W[u, v, c, k]: what lands on one pixel.
function stampOf({ dz, w, K }, output, [u, v], c) {
  let sum = 0;
  for (let k = 0; k < K; k += 1) sum += at(dz, [...output, k]) * at(w, [u, v, c, k]);
  return sum;
}

export function walkFlights({ state, model, grids }, pixel) {
  return productsOf(model.geometry, "x", pixel).filter(({ w }) => w[3] === state.filter).map(({ w }) =>
    single(boxOf(grids.w, w), boxOf(grids.sit, turnedIndex(model, w.slice(0, 2))), at(model.w, w), model.scales.weight, "weight"));
}
