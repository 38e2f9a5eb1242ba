// What a convolution's stage knows: the learner's numbers, the setting, which values of it are legal, and all that
// follows from them by products.js. Nothing here draws.

import { makeArray, offset, withNumber } from "./arrays.js";
import { kindScale } from "./colors.js";
import { clamp } from "./page.js";
import { convBackward, convForward, convGeometry, productsOf, resolvePadding, spanOf } from "./products.js";

// Invented, and without symmetry at any size: no entry is its own partner under a turn or a transposition.
export const INVENTED_KERNEL = [[1, 2, 5, -3, 2], [3, -1, -3, 5, -2], [-4, -5, 4, 6, 2], [-5, 4, -4, -3, 6], [4, 3, 6, -2, 4]];
const INVENTED_GRADIENTS = [1, -1, 2, -2, 1, 3, -3];
const CAPS = { kernel: 5, stride: 4, padding: 4, dilation: 3 };

const inventedWeight = ([u, v, c, k]) => INVENTED_KERNEL[(u + 2 * c + 3 * k) % 5][(v + c + 2 * k) % 5];
const inventedGradient = ([i, j, k]) => INVENTED_GRADIENTS[(5 * i + 3 * j + i * j + 2 * k) % 7];

// `array` cut or continued to `shape`; what lies beyond it is invented.
function fittedTo(array, shape, invent) {
  if (array && array.shape.every((n, axis) => n === shape[axis])) return array;
  const fitted = makeArray(shape);
  eachIndex(shape, (index, place) => {
    const own = array && index.every((n, axis) => n < array.shape[axis]);
    fitted.data[place] = own ? array.data[offset(array.shape, index)] : invent(index);
  });
  return fitted;
}

function eachIndex(shape, visit) {
  const index = shape.map(() => 0);
  const size = shape.reduce((product, n) => product * n, 1);
  for (let place = 0; place < size; place += 1) {
    visit(index, place);
    for (let axis = shape.length - 1; axis >= 0 && ++index[axis] === shape[axis]; axis -= 1) index[axis] = 0;
  }
}

// The learner's numbers grow with what is shown, and are never cut: a smaller kernel forgets nothing.
function remembered(store, shown) {
  const shape = shown.shape.map((n, axis) => Math.max(n, store?.shape[axis] ?? 0));
  const all = fittedTo(store, shape, () => 0);
  const kept = all === store ? makeArray(shape, Float64Array.from(store.data)) : all;
  eachIndex(shown.shape, (index, place) => (kept.data[offset(shape, index)] = shown.data[place]));
  return kept;
}

export function startOf({ arrays, options }) {
  const state = {
    store: { ...arrays }, kernel: arrays.w.shape.slice(0, 2),
    stride: pairOf(options.stride ?? 1), dilation: pairOf(options.dilation ?? 1), padding: legalForm(options.padding ?? 0),
    show: options.show ?? "all", reading: options.reading ?? "stamps",
    channel: options.channel ?? 0, filter: options.filter ?? 0, step: options.step ?? null, order: [],
    pointed: null, held: null, apart: false,
  };
  state.caps = {
    kernel: Math.max(CAPS.kernel, ...state.kernel), stride: Math.max(CAPS.stride, ...state.stride),
    padding: Math.max(CAPS.padding, ...(state.padding === "same" ? [0] : state.padding)),
    dilation: Math.max(CAPS.dilation, ...state.dilation),
  };
  state.apart = [state.kernel, state.stride, state.dilation, paddingPair(state)].some(([r, c]) => r !== c);
  return state;
}

export const pairOf = (value) => (Array.isArray(value) ? [...value] : [value, value]);

export function legalForm(padding) {
  if (padding === "same") return padding;
  if (padding === "valid") return [0, 0, 0, 0];
  const all = pairOf(padding);
  return all.length === 4 ? all : [all[0], all[0], all[1], all[1]];
}

// The padding as the stepper holds it: before the rows, before the columns.
export function paddingPair({ padding }) {
  return padding === "same" ? [0, 0] : [padding[0], padding[2]];
}

// [low, high] of a setting on each axis, all others as they are: the window always fits.
export function legalRanges(state, name) {
  const { kernel, stride, dilation, padding, caps, store: { x } } = state;
  const same = padding === "same";
  return [0, 1].map((axis) => {
    const free = x.shape[axis] + (same ? Infinity : padding[2 * axis] + padding[2 * axis + 1]);
    const [F, d] = [kernel[axis], dilation[axis]];
    if (name === "kernel") return [1, Math.min(caps.kernel, Math.floor((free - 1) / d) + 1)];
    if (name === "dilation") return [1, F === 1 ? caps.dilation : Math.min(caps.dilation, Math.floor((free - 1) / (F - 1)))];
    if (name === "stride") return [1, Math.max(stride[axis], Math.min(caps.stride, x.shape[axis]))];
    return [Math.max(0, Math.ceil((spanOf(F, d) - x.shape[axis]) / 2)), caps.padding];
  });
}

export function isLegal(state, name, value) {
  return legalRanges(state, name).every(([low, high], axis) => value[axis] >= low && value[axis] <= high);
}

// Everything that follows from the setting and the numbers.
export function computed(state) {
  const { store, kernel, stride, dilation } = state;
  const [H, W, C] = store.x.shape;
  const K = store.w.shape[3];
  const padding = resolvePadding(state.padding, { size: [H, W], kernel, stride, dilation });
  const geometry = convGeometry({ x: [H, W, C], w: [...kernel, C, K], stride, padding, dilation });
  const x = store.x;
  const w = fittedTo(store.w, geometry.w, inventedWeight);
  const dz = fittedTo(store.dz, geometry.z, inventedGradient);
  const [top, bottom, left, right] = padding;
  const padded = convGeometry({ x: [H + top + bottom, W + left + right, C], w: geometry.w, stride, dilation });
  const model = { geometry, padded, padding, x, w, b: store.b, dz, xPadded: paddedTo(x, padded.x, padding), K, C };
  model.z = convForward(geometry, x, w, store.b);
  model.count = geometry.z[0] * geometry.z[1];
  model.whole = backwardOf(model, dz);
  model.scales = {
    value: kindScale([x, model.z], "value"), weight: kindScale([w, store.b], "weight"),
    gradient: kindScale([dz, model.whole.dx, model.whole.dw, model.whole.db], "gradient"),
  };
  return model;
}

function paddedTo(x, shape, [top, , left]) {
  const padded = makeArray(shape);
  eachIndex(x.shape, ([i, j, c], place) => (padded.data[offset(shape, [i + top, j + left, c])] = x.data[place]));
  return padded;
}

// dX with its padding still on (what a stamp presses beside the image), dX, dW, db.
export function backwardOf({ padded, padding, xPadded, w, x }, dz) {
  const found = convBackward(padded, dz, xPadded, w);
  const dx = makeArray(x.shape);
  eachIndex(x.shape, ([i, j, c], place) => {
    dx.data[place] = found.dx.data[offset(padded.x, [i + padding[0], j + padding[2], c])];
  });
  return { dx, dxPadded: found.dx, dw: found.dw, db: found.db };
}

// The outputs [i′, j′] in the order of the learner, those never asked for in the order of the page.
export function orderOf(state, model) {
  const [, columns] = model.geometry.z;
  const chosen = state.order.filter(([i, j]) => i < model.geometry.z[0] && j < columns);
  const seen = new Set(chosen.map(([i, j]) => i * columns + j));
  const rest = Array.from({ length: model.count }, (_, n) => n).filter((n) => !seen.has(n));
  return [...chosen, ...rest.map((n) => [Math.floor(n / columns), n % columns])];
}

// What has arrived after the first `step` outputs of the order.
export function afterSteps(model, order, step) {
  if (step >= model.count) return { ...model.whole, done: null };
  const [, columns, K] = model.geometry.z;
  const done = new Uint8Array(model.count);
  const dz = makeArray(model.geometry.z);
  for (const [i, j] of order.slice(0, step)) {
    const place = i * columns + j;
    done[place] = 1;
    for (let k = 0; k < K; k += 1) dz.data[place * K + k] = model.dz.data[place * K + k];
  }
  return { ...backwardOf(model, dz), done };
}

// An array with one number changed, kept in the store.
export function changeNumber(state, model, name, index, value) {
  state.store[name] = remembered(state.store[name], withNumber(model[name], index, value));
}

// dZ spread out by the stride, with the zeros around it that make a window of it for every pixel: D.
export function spreadOut(model) {
  const { geometry: { x, w, z, stride, dilation }, padding, dz } = model;
  const before = [0, 1].map((axis) => dilation[axis] * (w[axis] - 1) - padding[2 * axis]);
  const shape = [0, 1].map((axis) => x[axis] + dilation[axis] * (w[axis] - 1));
  const spread = { array: makeArray([...shape, z[2]]), own: new Uint8Array(shape[0] * shape[1]), before };
  for (let i = 0; i < z[0]; i += 1) {
    for (let j = 0; j < z[1]; j += 1) {
      const [r, c] = [i * stride[0] + before[0], j * stride[1] + before[1]];
      if (r < 0 || c < 0 || r >= shape[0] || c >= shape[1]) continue;
      spread.own[r * shape[1] + c] = 1;
      for (let k = 0; k < z[2]; k += 1) spread.array.data[(r * shape[1] + c) * z[2] + k] = dz.data[(i * z[1] + j) * z[2] + k];
    }
  }
  return spread;
}

// W̄[u, v] = W[F_h − 1 − u, F_w − 1 − v].
export function turned({ w }) {
  const { shape: [rows, columns, C, K], data } = w;
  const array = makeArray(w.shape);
  const depth = C * K;
  for (let place = 0; place < rows * columns; place += 1) {
    array.data.set(data.subarray(place * depth, (place + 1) * depth), (rows * columns - 1 - place) * depth);
  }
  return array;
}

// One row for every output, one column for every pixel, of one channel and one filter: T[output, pixel] = weight.
export function sparseMatrix({ geometry, w, count }, c, k) {
  const [H, W] = geometry.x;
  const matrix = makeArray([count, H * W]);
  const weights = [];
  for (let output = 0; output < count; output += 1) {
    const z = [Math.floor(output / geometry.z[1]), output % geometry.z[1], k];
    for (const product of productsOf({ ...geometry, x: [H, W, 1], w: [...geometry.w.slice(0, 2), 1, 1] }, "z", z)) {
      if (!product.inside) continue;
      const [u, v] = product.w;
      matrix.data[output * H * W + product.x[0] * W + product.x[1]] = w.data[offset(w.shape, [u, v, c, k])];
      weights.push([output, product.x[0] * W + product.x[1]]);
    }
  }
  return { array: matrix, weights };
}

export const stepNow = (state, model) => clamp(state.step ?? model.count, 0, model.count);
