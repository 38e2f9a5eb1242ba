// What a network's stage computes: weights that have come, an image's way through them and back, the numbers of large cells.

import { makeArray } from "./arrays.js";
import { inkOn } from "./colors.js";
import { backwardNetwork, buildNetwork, decodeFloat16, forwardNetwork } from "./network_compute.js";
import { cellOfPanel, unravelled } from "./network_maps.js";
import { gridNumbers } from "./page.js";
import { convBackward } from "./products.js";

// { network, steps, bits, weights? } of the options and the numbers of one or more networks → networks, the last ones
// of the steps. A network that only Python knows has no numbers here.
export function networksOf({ network, bits }, bytes) {
  const all = bits === 16 ? decodeFloat16(new Uint8Array(bytes)) : Float64Array.from(new Float32Array(bytes));
  const size = network.parameters;
  return Array.from({ length: all.length / size }, (_, n) => buildNetwork(network, all.subarray(n * size, (n + 1) * size)));
}

function targetOf({ asked, label, probabilities }) {
  const order = [...probabilities.keys()].sort((a, b) => probabilities[b] - probabilities[a]);
  if (asked === "true" && label !== null) return label;
  if (asked === "second") return order[1];
  return asked === "true" || asked === "prediction" ? order[0] : Number(asked);
}

export function runNetwork(stage) {
  const { described, network, image } = stage;
  if (network && !described.python) takeFilters(stage);
  if (!image || !network) return void Object.assign(stage, { run: null, back: null, probabilities: null, target: null });
  if (described.python) return void import("./network_python.js").then(({ runByPython }) => runByPython(stage));
  const run = forwardNetwork(network, image);
  stage.probabilities = run.probabilities;
  stage.target = targetOf(stage);
  Object.assign(stage, { run, back: backwardNetwork(network, run, stage.target) });
  if (stage.w) filterGradient(stage);
}

// The filters of the first layer with weights, from its first channel, and J's gradient at them.
function takeFilters(stage) {
  const layer = stage.network.layers.find(({ w }) => w);
  Object.assign(stage, layer?.w.shape.length === 4 ? { w: layer.w, filters: `${layer.name}.w`, shownW: firstChannel(layer.w) } : { w: null });
}

function firstChannel({ shape: [rows, columns, deep, count], data }) {
  return makeArray([rows, columns, count], Float64Array.from({ length: rows * columns * count }, (_, n) => data[Math.floor(n / count) * deep * count + (n % count)]));
}

function filterGradient(stage) {
  const { network: { layers }, run, back, w } = stage;
  const n = layers.findIndex((layer) => layer.w === w);
  const x = run.activations[n ? layers[n - 1].name : "input"];
  stage.dw = convBackward(layers[n].geometry, back.gradients[layers[n].name], x, w).dw;
  stage.shownDw = firstChannel(stage.dw);
}

// Numbers, where the cells are large enough for them.
export function writeNumbers(context, panel, array, { font, ramps, digit }, ratio, colorAt) {
  const { block, shape, channels } = panel;
  if (panel.color || Math.min(block.side, block.wide) < 22 * ratio) return;
  const places = block.strip ? [...array.data.keys()] : [...array.data.keys()].filter((place) => channels.includes(place % shape[2]));
  const { text, factor } = gridNumbers(places.map((place) => array.data[place]));
  const brief = (value) => (Number.isNaN(value) ? "NaN" : factor && value ? value.toExponential(0).replaceAll("-", "−") : text(value, 1));
  const longest = Math.max(...places.map((place) => brief(array.data[place]).length));
  const size = Math.min(12, (block.wide / ratio - 3) / (longest * digit));
  if (size < 6.5) return;
  context.font = `${size}px ${font}`;
  for (const place of places) {
    const box = cellOfPanel(panel, unravelled(shape, place));
    const value = array.data[place];
    const words = brief(value);
    context.fillStyle = inkOn(colorAt(value, ramps));
    context.fillText(words, (box.x + box.wide / 2) / ratio, (box.y + box.high / 2) / ratio + 1);
  }
}
