// What a convolution's stage knows: the learner's numbers, the setting and which values of it are legal, and all that
// follows from them. Nothing here draws.

import { indicesOf, makeArray, sizeOf } from "./arrays.js";
import { kindScale } from "./colors.js";
import { asPair, convBackward, convForward, convGeometry, resolvePadding, spanOf } from "./products.js";

// Invented, and without symmetry at any size: no entry is its own partner under a turn or a transposition.
export const INVENTED_KERNEL = [[1, 2, 5, -3, 2], [3, -1, -3, 5, -2], [-4, -5, 4, 6, 2], [-5, 4, -4, -3, 6], [4, 3, 6, -2, 4]];
const INVENTED = {
  w: ([u, v, c, k]) => INVENTED_KERNEL[(u + 2 * c + 3 * k) % 5][(v + c + 2 * k) % 5],
  dz: ([i, j, k]) => [1, -1, 2, -2, 1, 3, -3][(5 * i + 3 * j + i * j + 2 * k) % 7],
};

// Other rows and columns: at [i, j] the numbers that `array` has at source(i, j), elsewhere those of `result`.
export function gathered(array, [rows, columns], source, result = makeArray([rows, columns, ...array.shape.slice(2)])) {
  const [H, W] = array.shape;
  const depth = sizeOf(array.shape.slice(2));
  for (let n = 0; n < rows * columns; n += 1) {
    const [r, c] = source(Math.floor(n / columns), n % columns);
    const inside = r >= 0 && r < H && c >= 0 && c < W && Number.isInteger(r) && Number.isInteger(c);
    if (inside) result.data.set(array.data.subarray((r * W + c) * depth, (r * W + c + 1) * depth), n * depth);
  }
  return result;
}

const moved = (array, size, down = 0, right = 0) => gathered(array, size, (i, j) => [i - down, j - right]);

// `held`, `pointed`: { array, index } or null. `store`: the numbers at the largest sizes that can be set, so that a
// smaller kernel forgets nothing; those beyond the given ones are invented.
export function startOf({ arrays, options }) {
  const state = {
    kernel: arrays.w.shape.slice(0, 2), stride: asPair(options.stride ?? 1), dilation: asPair(options.dilation ?? 1),
    padding: options.padding === "same" ? "same" : resolvePadding(options.padding ?? 0), axes: "both",
    show: options.show ?? "all", reading: options.reading ?? "stamps", channel: options.channel ?? 0, filter: options.filter ?? 0,
    step: options.step ?? null, order: [], pointed: null, held: null,
  };
  const most = (name, cap) => Math.max(cap, ...(state[name] === "same" ? [] : state[name]));
  state.caps = { kernel: most("kernel", 5), stride: most("stride", 4), padding: most("padding", 4), dilation: most("dilation", 3) };
  storeArrays(state, arrays);
  return state;
}

export function storeArrays(state, arrays) {
  const [{ x, w }, { kernel, padding }] = [arrays, state.caps];
  const [C, K] = w.shape.slice(2);
  const grown = (name, shape) => {
    const given = arrays[name] ?? makeArray([0, 0, ...shape.slice(2)]);
    return gathered(given, shape, (i, j) => [i, j], makeArray(shape, indicesOf(shape).map(INVENTED[name])));
  };
  state.given = { w: w.shape, dz: arrays.dz?.shape ?? [Infinity, Infinity] };
  state.kernel = w.shape.slice(0, 2);
  const outputs = [0, 1].map((axis) => x.shape[axis] + 2 * padding);
  state.store = { ...arrays, w: grown("w", [kernel, kernel, C, K]), dz: grown("dz", [...outputs, K]) };
}

// [low, high] of a setting on each axis, all others as they are: the window always fits.
export function legalRanges({ kernel, stride, dilation, padding, caps, store: { x } }, name) {
  return [0, 1].map((axis) => {
    const [F, d, size] = [kernel[axis], dilation[axis], x.shape[axis]];
    const free = size + (padding === "same" ? Infinity : padding[2 * axis] + padding[2 * axis + 1]);
    if (name === "kernel") return [1, Math.min(caps.kernel, Math.floor((free - 1) / d) + 1)];
    if (name === "dilation") return [1, F === 1 ? caps.dilation : Math.min(caps.dilation, Math.floor((free - 1) / (F - 1)))];
    if (name === "stride") return [1, Math.max(stride[axis], Math.min(caps.stride, size))];
    const least = Math.max(0, Math.ceil((spanOf(F, d) - size) / 2));
    return [least, Math.max(least, caps.padding)];
  });
}

// Everything that follows from the setting and the numbers.
export function computed({ store: { x, w: allWeights, b, dz: allGradients }, kernel, stride, dilation, padding }) {
  const [H, W, C] = x.shape;
  const w = moved(allWeights, kernel);
  const geometry = convGeometry({ x: x.shape, w: w.shape, stride, padding, dilation });
  const [top, bottom, left, right] = geometry.padding;
  const size = [H + top + bottom, W + left + right];
  const model = {
    geometry, x, w, b, C, K: w.shape[3], dz: moved(allGradients, geometry.z), count: geometry.z[0] * geometry.z[1],
    padded: { ...geometry, x: [...size, C], padding: [0, 0, 0, 0] }, xPadded: moved(x, size, top, left), cache: new Map(),
  };
  model.z = convForward(model.padded, model.xPadded, w, b);
  model.whole = backwardOf(model);
  model.scales = {
    value: kindScale([x, model.z], "value"), weight: kindScale([w, b], "weight"),
    gradient: kindScale([model.dz, model.whole.dx, model.whole.dw, model.whole.db], "gradient"),
  };
  return model;
}

// What follows from a model alone is made once.
export function once({ cache }, key, make) {
  if (!cache.has(key)) cache.set(key, make());
  return cache.get(key);
}

// dX, what a stamp presses beside the image (dX with its padding still on), dW and db; of the outputs that are `done`.
function backwardOf({ geometry: { x, padding, z: [, , K] }, padded, xPadded, w, dz }, done = null) {
  const { dx, dw, db } = convBackward(padded, dz, xPadded, w, done ? (n) => done[n / K] : undefined);
  return { done, dx: moved(dx, x, -padding[0], -padding[2]), dxPadded: dx, dw, db };
}

export const placeOf = ({ geometry: { z: [, columns] } }, [i, j]) => i * columns + j;

export const stepNow = ({ step }, { count }) => Math.min(step ?? count, count);

// A convolution's gradients after some of its outputs have been pressed.

// The outputs [i′, j′] in the order of the learner, those never asked for in the order of the page.
export function orderOf({ order }, { geometry: { z } }) {
  const chosen = order.filter(([i, j]) => i < z[0] && j < z[1]);
  return [...chosen, ...indicesOf(z.slice(0, 2)).filter((output) => !chosen.some((one) => String(one) === String(output)))];
}

// What has arrived after the first `step` outputs of the order; how the outputs look then.
export function afterSteps(model, order, step) {
  const { K } = model;
  if (step >= model.count) return model.whole;
  const done = new Uint8Array(model.count);
  for (const output of order.slice(0, step)) done[placeOf(model, output)] = 1;
  const gone = (place) => done[Math.floor(place / K)];
  return { ...backwardOf(model, done), blank: (place) => !gone(place) && "blank", pale: (place) => gone(place) && "pale" };
}

// The same, made once for a model.
export function pressed(state, model, step) {
  const order = once(model, `order ${state.order}`, () => orderOf(state, model));
  return { order, arrived: once(model, `${step} of ${state.order}`, () => afterSteps(model, order, step)) };
}
