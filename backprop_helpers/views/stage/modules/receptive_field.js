// What a cell of a network sees, and what it sends back: views/stage/receptive_field.py in the page.

import { makeArray, offset, sizeOf } from "./arrays.js";
import { sendBack } from "./network_compute.js";

// How many layers lead to this one: 0 for "input".
export function positionOf(network, name) {
  const position = ["input", ...network.layers.map((layer) => layer.name)].indexOf(name);
  if (position < 0) throw new RangeError(`no layer is called ${name}`);
  return position;
}

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

// What one cell adds to the gradient at an earlier layer (by default the one before): its own gradient, of
// `backwardNetwork`, times the slopes. Added up over a layer's cells it is the gradient at the earlier layer.
export function sentBack(network, run, gradients, name, cell, to = null) {
  const start = positionOf(network, name);
  const stop = to === null ? start - 1 : positionOf(network, to);
  if (!(0 <= stop && stop < start)) throw new RangeError(`sentBack: ${to} does not come before ${name}`);
  const alone = makeArray(gradients[name].shape);
  const place = offset(alone.shape, cell);
  alone.data[place] = gradients[name].data[place];
  return sendBack(network, run, start, stop, alone)[stop];
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
