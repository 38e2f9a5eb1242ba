// Small networks, forward and backward, one example at a time: the layers of backprop_helpers.training, with
// softmax and cross-entropy at the end. Arrays are { shape, data } without the axis of the examples; numbers
// are doubles, in which JavaScript computes anyway.

import { decodeBase64, makeArray, offset, sizeOf } from "./arrays.js";
import { asPair, convGeometry, poolBackward, poolForward, poolGeometry, walkWindows } from "./products.js";

// What Python's `network_json` has written → { inputShape, layers, classes }.
export function decodeNetwork(json) {
  return buildNetwork(json, decodeFloat16(decodeBase64(json.parameters)));
}

// Little-endian float16: a sign, five bits of exponent, ten of fraction.
export function decodeFloat16(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const values = new Float64Array(bytes.byteLength / 2);
  for (let n = 0; n < values.length; n++) {
    const bits = view.getUint16(2 * n, true);
    const [exponent, fraction] = [(bits >> 10) & 31, bits & 1023];
    const whole = exponent === 31 ? (fraction ? NaN : Infinity) : exponent ? 1024 + fraction : fraction;
    values[n] = (bits >> 15 ? -whole : whole) * 2 ** (Math.max(exponent, 1) - 25);
  }
  return values;
}

// The architecture { input_shape, layers } with parameters from one vector, in which every layer's w comes
// before its b. A layer is { name, type, shape of its output, … } with a geometry where products.js has one.
export function buildNetwork({ input_shape: inputShape, layers: entries }, vector) {
  let [shape, start] = [inputShape, 0];
  const take = (shape) => makeArray(shape, vector.subarray(start, (start += sizeOf(shape))));
  const layers = entries.map((entry) => {
    const layer = { ...entry, shape, ...LAYER_KINDS[entry.type].build(entry, shape) };
    if (layer.weightShape) {
      [layer.w, layer.b] = [take(layer.weightShape), take(layer.weightShape.slice(-1))];
      layer.turned = transposed(layer.w);
    }
    shape = layer.shape;
    return layer;
  });
  return { inputShape, layers, classes: shape[0] };
}

// → { activations, caches, probabilities }: activations by name, from "input" on, in forward order.
export function forwardNetwork(network, image) {
  const [activations, caches] = [{ input: image }, {}];
  let x = image;
  for (const layer of network.layers) {
    const { out, cache } = LAYER_KINDS[layer.type].forward(layer, x);
    caches[layer.name] = cache ?? x;
    activations[layer.name] = x = out;
  }
  return { activations, caches, probabilities: softmaxOf(x.data) };
}

// → { loss, gradients }: J = −log ŷ[label], and dJ by the same names and shapes as the run's activations.
export function backwardNetwork(network, run, label) {
  const logits = run.activations[network.layers.at(-1).name];
  const top = makeArray(logits.shape, run.probabilities.map((p, k) => p - (k === label ? 1 : 0)));
  const backwards = sendBack(network, run, network.layers.length, 0, top);
  const names = Object.keys(run.activations);
  return {
    loss: logSumExp(logits.data) - logits.data[label],
    gradients: Object.fromEntries(names.map((name, n) => [name, backwards[n]])),
  };
}

// The gradients at the outputs number stop, …, start (0 is the input), given the one at `start`.
function sendBack(network, run, start, stop, gradient) {
  const gradients = Array(start + 1);
  gradients[start] = gradient;
  for (let n = start; n > stop; n--) {
    const layer = network.layers[n - 1];
    gradients[n - 1] = LAYER_KINDS[layer.type].backward(layer, gradients[n], run.caches[layer.name]);
  }
  return gradients;
}

export function softmaxOf(logits) {
  const largest = logits.reduce((a, b) => Math.max(a, b));
  const exponentials = logits.map((z) => Math.exp(z - largest));
  const total = exponentials.reduce((a, b) => a + b);
  return exponentials.map((e) => e / total);
}

// log Σ exp z: the logarithm of a sum of at least 1, and the maximum that was taken out.
function logSumExp(logits) {
  const largest = logits.reduce((a, b) => Math.max(a, b));
  return largest + Math.log(logits.reduce((total, z) => total + Math.exp(z - largest), 0));
}

function mapped(array, f) {
  return makeArray(array.shape, array.data.map(f));
}

function letsThrough(z) {
  return z > 0 || Number.isNaN(z);
}

function buildPool({ size, stride, type }, x) {
  const geometry = poolGeometry({ x, size, stride, mode: type === "MaxPool" ? "max" : "average" });
  return { geometry, shape: geometry.z };
}

const POOLING = {
  build: buildPool,
  forward: ({ geometry }, x) => {
    const { z, winners } = poolForward(geometry, x);
    return { out: z, cache: { winners } };
  },
  backward: ({ geometry }, dout, { winners }) => poolBackward(geometry, dout, winners).dx,
};

// build(entry, input's shape): what the layer knows before it runs; `weightShape` is that of its w, if it has
// one. forward(layer, x) → { out, cache }, the cache being x where none is given. backward(layer, dout, cache)
// → dx.
const LAYER_KINDS = {
  Standardize: {
    build: () => ({}),
    forward: ({ mean, std }, x) => ({ out: mapped(x, (value) => (value - mean) / std) }),
    backward: ({ std }, dout) => mapped(dout, (value) => value / std),
  },
  ReLU: {
    build: () => ({}),
    forward: (_, x) => ({ out: mapped(x, (z) => (letsThrough(z) ? z : 0)) }),
    backward: (_, dout, x) => mapped(dout, (value, n) => (letsThrough(x.data[n]) ? value : 0)),
  },
  MaxPool: POOLING,
  AveragePool: POOLING,
  Flatten: {
    build: (_, shape) => ({ shape: [sizeOf(shape)], inputShape: shape }),
    forward: ({ shape }, x) => ({ out: makeArray(shape, x.data) }),
    backward: ({ inputShape }, dout) => makeArray(inputShape, dout.data),
  },
  FullyConnected: {
    build: ({ units }, shape) => ({ shape: [units], weightShape: [shape[0], units] }),
    forward: ({ w, b, shape }, x) => ({ out: makeArray(shape, plusBias(matrixProduct(x.data, w), b)) }),
    backward: ({ turned }, dout) => makeArray(turned.shape.slice(1), matrixProduct(dout.data, turned)),
  },
  Conv: {
    build: ({ size, filters, stride, padding, dilation }, x) => {
      const geometry = convGeometry({ x, w: [...asPair(size), x[2], filters], stride, padding, dilation });
      return { geometry, shape: geometry.z, weightShape: geometry.w };
    },
    forward: ({ geometry, w, b, shape }, x) =>
      ({ out: makeArray(shape, plusBias(matrixProduct(patchesOf(geometry, x), w), b)) }),
    backward: ({ geometry, turned }, dout) => pressOnto(geometry, matrixProduct(dout.data, turned)),
  },
};

// w, its last axis the columns of a matrix, with rows and columns exchanged.
function transposed({ shape, data }) {
  const columns = shape.at(-1);
  const rows = data.length / columns;
  const turned = makeArray([columns, rows]);
  for (let n = 0; n < data.length; n++) turned.data[(n % columns) * rows + Math.floor(n / columns)] = data[n];
  return turned;
}

function plusBias(rows, b) {
  for (let n = 0; n < rows.length; n++) rows[n] += b.data[n % b.data.length];
  return rows;
}

// P, the pixels under every window as one row, (H_out·W_out, F_h·F_w·C): lesson 05's im2col.
function patchesOf(geometry, x) {
  const { w: [F_h, F_w, C, K], z: [H_out, W_out] } = geometry;
  const [width, data] = [F_h * F_w * C, x.data];
  const rows = new Float64Array(H_out * W_out * width);
  walkWindows(geometry, (output, pixel, place) => {
    if (pixel < 0) return;
    const start = (output * width + place) / K;
    for (let c = 0; c < C; c++) rows[start + c] = data[pixel + c];
  });
  return rows;
}

// Every entry of a matrix like P added onto the pixel it was read from: col2im.
function pressOnto(geometry, rows) {
  const [F_h, F_w, C, K] = geometry.w;
  const [width, dx] = [F_h * F_w * C, makeArray(geometry.x)];
  walkWindows(geometry, (output, pixel, place) => {
    if (pixel < 0) return;
    const start = (output * width + place) / K;
    for (let c = 0; c < C; c++) dx.data[pixel + c] += rows[start + c];
  });
  return dx;
}

// A·B, with B's last axis as its columns; four columns at a time, so that sums stay in registers.
function matrixProduct(a, { shape, data: b }) {
  const columns = shape.at(-1);
  const inner = b.length / columns;
  const product = new Float64Array((a.length / inner) * columns);
  for (let row = 0, start = 0; row < a.length; row += inner, start += columns) {
    let k = 0;
    for (; k + 4 <= columns; k += 4) {
      let [sum0, sum1, sum2, sum3] = [0, 0, 0, 0];
      for (let n = 0, place = k; n < inner; n++, place += columns) {
        const value = a[row + n];
        sum0 += value * b[place];
        sum1 += value * b[place + 1];
        sum2 += value * b[place + 2];
        sum3 += value * b[place + 3];
      }
      product[start + k] = sum0;
      product[start + k + 1] = sum1;
      product[start + k + 2] = sum2;
      product[start + k + 3] = sum3;
    }
    for (; k < columns; k++) {
      for (let n = 0; n < inner; n++) product[start + k] += a[row + n] * b[n * columns + k];
    }
  }
  return product;
}

// What a cell of a network sees, and what it sends back: views/stage/receptive_field.py in the page.

// How many layers lead to this one: 0 for "input".
export const positionOf = ({ layers }, name) => 1 + layers.findIndex((layer) => layer.name === name);

// The input's { rows, columns, channels } that a cell of the layer `name` depends on, ascending; a dilated
// convolution leaves gaps. A vector has one row and one channel. It asks no weights.
export function receptiveField(network, name, cell) {
  let seen = cell.map((index) => [index]);
  for (let n = positionOf(network, name); n > 0; n--) {
    seen = seenBy(network.layers[n - 1], seen, n > 1 ? network.layers[n - 2].shape : network.inputShape);
  }
  const [rows, columns, channels] = seen.length === 1 ? [[0], seen[0], [0]] : seen;
  return { rows, columns, channels };
}

// What one cell adds to the gradient at an earlier layer: its own gradient, of `backwardNetwork`, times the slopes.
// Added up over a layer's cells it is the gradient at the earlier layer.
export function sentBack(network, run, gradients, name, cell, to) {
  const stop = positionOf(network, to);
  const alone = makeArray(gradients[name].shape);
  const place = offset(alone.shape, cell);
  alone.data[place] = gradients[name].data[place];
  return sendBack(network, run, positionOf(network, name), stop, alone)[stop];
}

// The index sets of a layer's input that the index sets of its output depend on.
function seenBy({ type, geometry }, seen, shapeIn) {
  const all = (n) => Array.from({ length: n }, (_, i) => i);
  if (type === "Conv") return [...underWindows(geometry, seen), all(shapeIn[2])];
  if (geometry) return [...underWindows(geometry, seen), seen[2]];
  if (type === "FullyConnected") return [all(shapeIn[0])];
  if (type !== "Flatten") return seen;
  return shapeIn.map((n, axis) => {
    const step = sizeOf(shapeIn.slice(axis + 1));
    return ascending(seen[0].map((place) => Math.floor(place / step) % n));
  });
}

// The rows and the columns under the windows that give the outputs `seen`.
function underWindows({ x, w, stride, padding, dilation }, seen) {
  return [0, 1].map((axis) => {
    const indices = seen[axis].flatMap((output) => Array.from({ length: w[axis] }, (_, place) =>
      output * stride[axis] + place * dilation[axis] - padding[2 * axis]));
    return ascending(indices.filter((i) => 0 <= i && i < x[axis]));
  });
}

function ascending(indices) {
  return [...new Set(indices)].sort((a, b) => a - b);
}
