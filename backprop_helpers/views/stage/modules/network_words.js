// What is written about a cell of a network: its own sum, the sum of its gradient, what it sees and what it sends back.
// Every sum is the one that was computed, its largest products first and the others together, so that it adds up.

import { at, offset } from "./arrays.js";
import { brief } from "./numbers.js";
import { productsOf } from "./products.js";
import { written } from "./page.js";
import { positionOf } from "./receptive_field.js";
import { sumOfProducts } from "./sum.js";

const TERMS_SHOWN = 4; // products of a sum

export const cellName = (name, index) => `${name}[${index.join(", ")}]`;
const gradientName = (name, index) => `∂J/∂${cellName(name, index)}`;

const four = (value) => brief(value, 4);

// terms: pairs of factors; alone: a bias.
function shortSum(name, terms, total, shown, alone = []) {
  const product = (factors) => factors.reduce((a, { value }) => a * value, 1);
  const sorted = terms.map((factors) => [Math.abs(product(factors)), factors]).filter(([size]) => size > 0 || Number.isNaN(size));
  sorted.sort(([a], [b]) => b - a);
  const kept = [...sorted.slice(0, sorted.length - shown === 1 ? shown + 1 : shown).map(([, factors]) => factors), ...alone];
  const others = sorted.length + alone.length - kept.length;
  const unit = unitOf(total, kept);
  if (unit < 1) for (const factors of kept) factors.at(-1).value /= unit;
  total /= unit;
  const rest = others > 0 ? { value: total - kept.reduce((sum, factors) => sum + product(factors), 0), text: `${others} smaller` } : null;
  const parts = sumOfProducts({ name, terms: kept, total, rest, budget: Infinity });
  return unit < 1 ? [parts[0], ` in ${brief(unit, 1).replace("1·", "")}`, ...parts.slice(1)] : parts;
}

// Tiny gradients are counted in a power of ten: with a few decimals the sum still adds up.
function unitOf(total, kept) {
  const gradients = kept.filter((factors) => factors.at(-1).role === "output").map((factors) => Math.abs(factors.at(-1).value));
  const most = Math.max(Math.abs(total), ...gradients);
  return gradients.length && most > 0 && most < 0.01 ? 10 ** Math.floor(Math.log10(most)) : 1;
}

const pair = (first, second) => [{ value: first, role: "input" }, { value: second, role: "weight" }];

// Forward: how the cell came about, from the layer right before it.
const VALUE_LINES = {
  Conv: (name, { geometry, w, b }, x, index, value, shown) => shortSum(
    name, productsOf(geometry, "z", index).filter(({ inside }) => inside).map((term) => pair(at(x, term.x), at(w, term.w))), value, shown,
    [[{ value: b.data[index[2]], role: "bias" }]],
  ),
  FullyConnected: (name, { w, b }, x, [k], value, shown) => shortSum(
    name, Array.from(x.data, (pixel, n) => pair(pixel, at(w, [n, k]))), value, shown, [[{ value: b.data[k], role: "bias" }]],
  ),
  ReLU: (name, _, x, index, value) => {
    const z = at(x, index);
    return [{ text: name, role: "here" }, ` = max(0, ${four(z)}) = `, { text: four(value), role: "here" }, z > 0 ? ": open" : ": closed"];
  },
  MaxPool: (name, { geometry }, x, index, value) => [
    { text: name, role: "here" }, ` = max(${productsOf(geometry, "z", index).map((term) => four(at(x, term.x))).join(", ")}) = `, { text: four(value), role: "here" },
  ],
  AveragePool: (name, { geometry }, x, index, value, shown) => {
    const share = 1 / (geometry.w[0] * geometry.w[1]);
    return shortSum(name, productsOf(geometry, "z", index).map((term) => pair(at(x, term.x), share)), value, shown);
  },
};

// Backward: which cells of the next layer the gradient comes from.
const GRADIENT_LINES = {
  Conv: (name, layer, gradient, index, own, total, shown) => shortSum(
    name, productsOf(layer.geometry, "x", index).map(({ z, w }) => [{ value: at(layer.w, w), role: "weight" }, { value: at(gradient, z), role: "output" }]), total, shown,
  ),
  FullyConnected: (name, layer, gradient, [n], own, total, shown) => shortSum(
    name, Array.from(gradient.data, (dz, k) => [{ value: at(layer.w, [n, k]), role: "weight" }, { value: dz, role: "output" }]), total, shown,
  ),
  ReLU: (name, layer, gradient, index, own, total) => (own > 0 || Number.isNaN(own)
    ? passed(name, total, `, all of ${gradientName(layer.name, index)}: ${layer.name} is open here, its slope is 1`)
    : passed(name, total, closedWords(layer.name, index, at(gradient, index)))),
  MaxPool: (name, layer, gradient, index, own, total, shown, { caches }) => {
    const over = productsOf(layer.geometry, "x", index).map(({ z }) => z);
    const won = productsOf(layer.geometry, "x", index, caches[layer.name].winners).map(({ z }) => z);
    if (!over.length) return passed(name, total, `: no window of ${layer.name} reads it`);
    if (!won.length) return passed(name, total, `: it is not the largest of its window in ${layer.name}`);
    return passed(name, total, `, from ${won.map((z) => gradientName(layer.name, z)).join(" and ")}: the largest of its window takes all`);
  },
  AveragePool: (name, layer, gradient, index, own, total, shown) => {
    const share = 1 / (layer.geometry.w[0] * layer.geometry.w[1]);
    const terms = productsOf(layer.geometry, "x", index).map(({ z }) => [{ value: share, role: "weight" }, { value: at(gradient, z), role: "output" }]);
    return shortSum(name, terms, total, shown);
  },
  Standardize: (name, layer, gradient, index, own, total) => passed(name, total, ` = ${four(at(gradient, index))} / ${four(layer.std)}, the gradient after ${layer.name}`),
};

const closedWords = (name, index, above) => `: ${name} is closed here, its slope is 0${above ? `; ${gradientName(name, index)} = ${four(above)} ends there` : ""}`;

const passed = (name, total, words) => [{ text: name, role: "here" }, " = ", { text: four(total), role: "output" }, words];

// Flattening only renumbers: the layer after it is the next.
function nextOf({ network: { layers } }, name, index) {
  const position = positionOf({ layers }, name);
  const flat = layers[position]?.type === "Flatten";
  const shape = position ? layers[position - 1].shape : null;
  return flat ? { position: position + 1, index: [offset(shape, index)] } : { position, index };
}

export function forwardLine({ network, run, narrow }, { name, index }) {
  const position = positionOf(network, name);
  const value = at(run.activations[name], index);
  const layer = network.layers[position - 1];
  const before = position > 1 ? network.layers[position - 2].name : "input";
  const write = position && run.caches && VALUE_LINES[layer.type];
  if (write) return write(cellName(name, index), layer, run.activations[before], index, value, narrow ? 2 : TERMS_SHOWN);
  return [{ text: cellName(name, index), role: "here" }, ` = ${four(value)}`];
}

export function backwardLine(stage, { name, index }) {
  const { network, run, back: { gradients }, probabilities, target, narrow } = stage;
  const total = at(gradients[name], index);
  const label = gradientName(name, index);
  const { position, index: there } = nextOf(stage, name, index);
  const layer = network.layers[position];
  if (!layer) {
    const hit = index[0] === target ? 1 : 0;
    return [{ text: label, role: "here" }, ` = ŷ − y = ${four(probabilities[index[0]])} − ${hit} = `, { text: four(total), role: "output" }];
  }
  const write = run.caches && GRADIENT_LINES[layer.type];
  if (!write) return [{ text: label, role: "here" }, " = ", { text: four(total), role: "output" }];
  return write(label, layer, gradients[layer.name], there, at(run.activations[name], index), total, narrow ? 2 : TERMS_SHOWN, run);
}

export function filterLines({ name, index }, w, dw) {
  return [
    [{ text: cellName(name, index), role: "weight" }, ` = ${four(at(w, index))}`],
    [`∂J/∂${cellName(name, index)} = `, { text: four(at(dw, index)), role: "output" }, "  added up over every place where the filter lay"],
  ];
}

// "rows 3–7, columns 5–9"
function spanOf2(indices) {
  if (indices.length === 1) return `${indices[0]}`;
  const [first, last] = [indices[0], indices.at(-1)];
  return indices.length === last - first + 1 ? `${first}–${last}` : `${indices.length} from ${first} to ${last}`;
}

export function seenAndSent({ name }, field, before, sent, gradient) {
  const parts = [];
  if (field && name !== "input") {
    const vector = field.rows.length === 1 && field.channels.length === 1 && field.rows[0] === 0;
    parts.push("Sees ", { text: vector ? `inputs ${spanOf2(field.columns)}` : `rows ${spanOf2(field.rows)}, columns ${spanOf2(field.columns)}`, role: "input" }, ". ");
  }
  if (before === null) return [...parts, "These are the pixels: nothing lies further back."];
  if (gradient === 0) return [...parts, `Sends nothing back to ${before}: its own gradient is 0.`];
  if (!sent) return parts;
  let [more, less, most] = [0, 0, 0];
  sent.data.forEach((value, n) => {
    more += value > 0;
    less += value < 0;
    if (Math.abs(value) > Math.abs(sent.data[most])) most = n;
  });
  if (Number.isNaN(gradient)) return [...parts, `Sends NaN back to ${before}.`];
  if (!more && !less) return [...parts, `Sends nothing back to ${before}: every slope is 0, the way is closed.`];
  const place = sent.shape.map((n, axis) => Math.floor(most / sent.shape.slice(axis + 1).reduce((a, b) => a * b, 1)) % n);
  const [value, slope] = [brief(sent.data[most]), brief(sent.data[most] / gradient)];
  if (more + less === 1) return [...parts, `Sends ${value} back to ${cellName(before, place)}, through a slope of ${slope}.`];
  const cells = (count) => `${count.toLocaleString("en")} cell${count === 1 ? "" : "s"}`;
  const counts = [more && `+ to ${cells(more)}`, less && `− to ${cells(less)}`].filter(Boolean).join(", ");
  return [...parts, `Sends back to ${before}: ${counts}; the most, ${value}, to [${place.join(", ")}].`];
}
