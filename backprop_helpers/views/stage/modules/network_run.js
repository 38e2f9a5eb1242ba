// What a network's stage computes: weights that have come, an image's way through them and back, the numbers of large cells.

import { makeArray, sizeOf } from "./arrays.js";
import { inkOn } from "./colors.js";
import { setOption } from "./network.js";
import { backwardNetwork, buildNetwork, decodeFloat16, forwardNetwork, softmaxOf } from "./network_compute.js";
import { cellOfPanel, shapeOf, unravelled } from "./network_maps.js";
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
  if (described.python) return void runByPython(stage);
  const run = forwardNetwork(network, image);
  stage.probabilities = run.probabilities;
  stage.target = targetOf(stage);
  Object.assign(stage, { run, back: backwardNetwork(network, run, stage.target) });
  if (stage.w) filterGradient(stage);
}

// A layer that only Python knows: it answers with all maps, activations first, in the order of the layers.
async function runByPython(stage) {
  const { described, version, link, image, step, asked, label } = stage;
  try {
    const bytes = await link.ask({ ask: "run", step, label: asked === "true" && label !== null ? String(label) : asked === "true" ? "prediction" : asked }, [Float32Array.from(image.data).buffer]);
    if (!bytes || stage.version !== version) return;
    const values = Float64Array.from(new Float32Array(bytes));
    let start = 0;
    const take = () => Object.fromEntries(["input", ...described.layers.map(({ name }) => name)].map((name) => {
      const shape = shapeOf(described, name);
      return [name, makeArray(shape, values.slice(start, (start += sizeOf(shape))))];
    }));
    const [activations, gradients] = [take(), take()];
    stage.probabilities = softmaxOf(activations[described.layers.at(-1).name].data);
    stage.target = values[start];
    Object.assign(stage, { run: { activations, caches: null }, back: { gradients, loss: values[start + 1] }, message: "" });
  } catch (error) {
    stage.message = error.message;
  }
  stage.frame.request();
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

// From image to image of a kind.

const SEARCH = 30; // ms of a search for misread images between two frames

// by: 1 or −1; 0 stays where it is of the kind.
export function searchImage(stage, by) {
  if (by || !isAmong(stage, stage.index)) return stepTo(stage, by || 1);
}

function isAmong({ among, source, network: net }, n) {
  const image = source.images.get(n);
  if (among === "any" || !image) return true;
  if (among !== "misread") return image.label === Number(among);
  const scores = forwardNetwork(net, image.image()).probabilities;
  return scores.indexOf(scores.reduce((a, b) => Math.max(a, b))) !== image.label;
}

// The next image of its kind, going round; a search for misread ones lets the page draw between.
async function stepTo(stage, by) {
  const { source, options, among } = stage;
  const search = (stage.search = {});
  if (options.pixels.count > source.images.size && !(await source.digits())) stage.message = "This page has these images alone.";
  const known = [...source.images.keys()].sort((a, b) => a - b);
  let place = known.indexOf(stage.index);
  let pause = performance.now() + SEARCH;
  const wrong = among === "misread" && stage.described.python ? await misreadByPython(stage) : null;
  for (let tried = 1; tried <= known.length; tried += 1) {
    place = (place + by + known.length) % known.length;
    if (wrong ? wrong[known[place]] : isAmong(stage, known[place])) {
      stage.message = "";
      return setOption(stage, { index: known[place] });
    }
    if (performance.now() < pause) continue;
    stage.message = `Searching: ${tried.toLocaleString("en")} of ${known.length.toLocaleString("en")} images …`;
    stage.frame.request();
    await new Promise((resolve) => setTimeout(resolve));
    if (stage.search !== search) return;
    pause = performance.now() + SEARCH;
  }
  stage.message = among === "misread" ? "The network misreads none of these images." : "There is no such image.";
  stage.frame.request();
}

const misreadByPython = async ({ link, step }) => new Uint8Array(await link.ask({ ask: "misread", step }));
