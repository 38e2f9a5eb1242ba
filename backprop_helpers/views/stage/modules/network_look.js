// What a network's stage shows of a cell: its sums, what it sees, what it sends back; and where the keyboard goes.

import { at, decodeArray, offset } from "./arrays.js";
import { colorOf, kindScale } from "./colors.js";
import { hold } from "./frame.js";
import { pointAtCell, sameSpot, spotAt } from "./network.js";
import { positionOf, receptiveField, sentBack } from "./network_compute.js";
import { cellOfPanel, columnsOf, unravelled } from "./network_maps.js";
import { brief } from "./page.js";
import { productsOf } from "./products.js";
import { sumOfProducts } from "./sum.js";

// The lines of the sum and the legend; the cells are marked.
export function lookAt(stage, spot) {
  const { run, network: net, back } = stage;
  if (spot.weights) {
    const marked = { name: stage.filters, index: [spot.index[0], spot.index[1], 0, spot.index[2]] };
    markNetwork(stage, spot, { field: null, before: null, sent: null });
    return [filterLines(marked, stage.w, stage.dw), [["here", "the weight, and its gradient"]]];
  }
  const before = beforeOf(stage, spot.name);
  const known = run.caches !== null;
  const gradient = back.gradients[spot.name].data[offset(back.gradients[spot.name].shape, spot.index)];
  const answer = known ? null : answerOfPython(stage, spot, before);
  const field = known ? receptiveField(net, spot.name, spot.index) : answer?.field ?? null;
  const sent = known ? before !== null && gradient !== 0 && sentBack(net, run, back.gradients, spot.name, spot.index, before) : answer?.sent ?? null;
  markNetwork(stage, spot, { field, before, sent: sent || null });
  return [
    [forwardLine(stage, spot), backwardLine(stage, spot), seenAndSent(spot, field, before, sent, gradient)],
    [["here", "the cell, and its gradient"], ["input", "what it sees"], ...(sent ? [["plain", `${before}, below: this cell's share alone`]] : [])],
  ];
}

// The layer in sight that a cell sends its gradient to.
function beforeOf({ described }, name) {
  const names = ["input", ...columnsOf(described).map((layer) => layer.name)];
  return names[names.indexOf(name) - 1] ?? null;
}

// A cell of a network that only Python knows: it is asked once, and drawn when the answer has come.
function answerOfPython(stage, { name, index }, before) {
  const key = JSON.stringify([name, index, stage.version]);
  if (stage.answer?.key === key) return stage.answer;
  const answer = (stage.answer = { key, field: null, sent: null });
  stage.link.ask({ ask: "cell", name, index, before }).then((bytes) => {
    const { field, sent } = JSON.parse(new TextDecoder().decode(bytes));
    Object.assign(answer, { field, sent: sent && decodeArray(sent) });
    stage.frame.request();
  }).catch((error) => ((stage.message = error.message), stage.frame.request()));
  return answer;
}

const firstSpot = ({ panels: [panel] }) => ({ name: panel.name, index: panel.shape.map(() => 0), backward: false, weights: false });

export const focusCell = (stage) => pointAtCell(stage, stage.held ?? firstSpot(stage));

// An arrow goes on until it meets another cell, of the same map or of the next one.
export function pressNetworkKey(stage, event) {
  const [dx, dy] = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] }[event.key] ?? [0, 0];
  const now = stage.pointed ?? stage.held ?? firstSpot(stage);
  if (event.key === "Enter" || event.key === " ") hold(stage, now);
  else if (!dx && !dy) return;
  else {
    const { ratio } = stage.frame.theme;
    const panel = panelOf(stage, now);
    const box = boxOfCell(stage, panel, now.index);
    let [x, y] = [(box.x + box.wide / 2) * ratio, (box.y + box.high / 2) * ratio];
    const { width, height } = stage.canvas;
    for (let next = now; x >= 0 && y >= 0 && x < width && y < height; [x, y] = [x + dx, y + dy]) {
      next = spotAt(stage, x, y);
      if (next && !sameSpot(next, now)) {
        pointAtCell(stage, next);
        break;
      }
    }
  }
  event.preventDefault();
  event.stopPropagation();
}

const panelOf = ({ panels }, spot) => panels.find((panel) => panel.name === spot.name && !!panel.backward === !!spot.backward && !!panel.weights === !!spot.weights
  && (panel.block.strip || panel.color || panel.channels.includes(spot.index[2])));

export function centreOfCell(stage, key, index) {
  const [name, backward] = [key.replace("d ", ""), key.startsWith("d ")];
  const panel = panelOf(stage, { name, index, backward, weights: name.endsWith(".w") });
  const box = panel && boxOfCell(stage, panel, index);
  const { left, top } = stage.frame.field.getBoundingClientRect();
  return box && [left + box.x + box.wide / 2, top + box.y + box.high / 2];
}

function boxOfCell(stage, panel, index) {
  const cell = cellOfPanel(panel, index);
  const { ratio } = stage.frame.theme;
  return cell && { x: cell.x / ratio, y: cell.y / ratio, wide: cell.wide / ratio, high: cell.high / ratio };
}

function strokeAround({ over, theme }, { x, y, wide, high }, role) {
  const dash = { here: [], input: [], weight: [5, 2.5], output: [2, 2] }[role];
  for (const [color, width, lines] of [[`rgb(${theme.paper})`, 3.5, []], [theme.inks[role], 1.8, dash]]) {
    Object.assign(over, { strokeStyle: color, lineWidth: width });
    over.setLineDash(lines);
    over.strokeRect(x - 1, y - 1, wide + 2, high + 2);
  }
  over.setLineDash([]);
}

function markNetwork(stage, spot, { field, before, sent }) {
  const { panels, frame, network, run } = stage;
  const of = (name, backward) => panels.filter((panel) => panel.name === name && !!panel.backward === backward && !panel.weights);
  for (const panel of before === null ? [] : of(before, true)) if (sent) paintSent(stage, panel, sent);
  for (const panel of before === null || !run.caches ? [] : of(before, false)) {
    for (const box of windowBoxes(stage, panel, network.layers[positionOf(network, spot.name) - 1], spot.index)) strokeAround(frame, box, "input");
  }
  if (field && spot.name !== "input") for (const panel of [...of("input", false), ...of("input", true)]) for (const box of fieldBoxes(stage, panel, field)) strokeAround(frame, box, "input");
  for (const panel of panels.filter(({ name }) => name === spot.name)) {
    const box = boxOfCell(stage, panel, spot.index);
    if (box) strokeAround(frame, box, "here");
  }
}

const around = (a, b) => ({ x: a.x, y: a.y, wide: b.x + b.wide - a.x, high: b.y + b.high - a.y });

// One frame a map, from the first to the last pixel seen; a vector has one round all.
function fieldBoxes(stage, panel, { rows, columns, channels }) {
  if (panel.block.strip) return [{ ...around(boxOfCell(stage, panel, unravelled(panel.shape, columns[0])), boxOfCell(stage, panel, unravelled(panel.shape, columns.at(-1)))) }];
  return (panel.color ? [0] : channels.filter((c) => panel.channels.includes(c))).map((c) =>
    around(boxOfCell(stage, panel, [rows[0], columns[0], c]), boxOfCell(stage, panel, [rows.at(-1), columns.at(-1), c])));
}

// What the cell reads in the layer right before it.
function windowBoxes(stage, panel, layer, index) {
  if (layer.type === "ReLU") return [boxOfCell(stage, panel, index)].filter(Boolean);
  if (!layer.geometry || panel.shape.length !== 3) return [];
  const read = productsOf(layer.geometry, "z", index).filter(({ inside }) => inside).map(({ x }) => x);
  const maps = [...new Set(read.map((x) => x[2]))].filter((c) => panel.color || panel.channels.includes(c));
  return (panel.color ? [0] : maps).map((c) => {
    const own = read.filter((x) => x[2] === c);
    return around(boxOfCell(stage, panel, own[0]), boxOfCell(stage, panel, own.at(-1)));
  });
}

// What one cell adds to the gradients before it, in place of what all of them add.
function paintSent(stage, panel, sent) {
  const { frame: { over, theme } } = stage;
  const { ratio } = theme;
  const scale = kindScale([sent], "gradient");
  over.globalAlpha = 0.88;
  over.fillStyle = theme.ground;
  over.fillRect(panel.x / ratio, panel.y / ratio, panel.block.width / ratio, panel.block.height / ratio);
  over.globalAlpha = 1;
  sent.data.forEach((value, place) => {
    const box = value !== 0 && boxOfCell(stage, panel, unravelled(sent.shape, place));
    if (!box) return;
    over.fillStyle = `rgb(${colorOf(scale, value, theme.ramps)})`;
    over.fillRect(box.x, box.y, box.wide, box.high);
  });
}

// What is written about a cell of a network: its own sum, the sum of its gradient, what it sees and what it sends back.
// Every sum is the one that was computed, its largest products first and the others together, so that it adds up.

const TERMS_SHOWN = 4; // products of a sum

const cellName = (name, index) => `${name}[${index.join(", ")}]`;
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

function filterLines({ name, index }, w, dw) {
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

function seenAndSent({ name }, field, before, sent, gradient) {
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
