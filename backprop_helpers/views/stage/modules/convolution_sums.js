// Which cells take part in what is pointed at, in every grid; and the sum that belongs to it, in words and numbers.

import { at, distinct, indicesOf, makeArray, offset } from "./arrays.js";
import { GRIDS, gridsShown } from "./convolution.js";
import { gathered, once, placeOf } from "./convolution_state.js";
import { paintBadge, paintMarks, paintVeil } from "./grid.js";
import { written } from "./page.js";
import { convProducts, spanOf, windowsOver } from "./products.js";
import { bracketed, sumOfProducts } from "./sum.js";

const ROLES = { x: "input", w: "weight", b: "bias", z: "output", t: "weight" };
const WORDS = { here: "looked at", input: "pixels", weight: "weights", output: "outputs", bias: "bias" }; // of the legend
// The grids in which the products of a cell are marked, and the factors that its sum multiplies.
const PARTS = {
  z: "x w b dz t", x: "z w dx t", w: "x z dw wbar t", b: "z db", dx: "dz w x wbar sit d t", dw: "x dz w t", db: "dz b",
  dz: "w x z dx dw db d t", t: "x w z dx dz", sit: "w dz dx",
};
const MULTIPLIED = { z: ["x", "w"], x: ["x", "w"], w: ["x", "w"], dx: ["dz", "w"], dw: ["x", "dz"], db: ["dz"], dz: ["dz", "w"] };

const plural = (n, word) => `${n} ${word}${n === 1 ? "" : "s"}`;

const pixelOf = ({ geometry: { x } }, index) => index[0] * x[1] + index[1];

// Where a product lies in a grid.
function cellIn(model, grid, { x, w, z }) {
  if (grid === "d") return [...spreadOf(model).placed(z), z[2]];
  if (grid === "t") return [placeOf(model, z), pixelOf(model, x)];
  if (grid === "sit") return turnedIndex(model, w).slice(0, 2);
  if (grid === "wbar") return turnedIndex(model, w);
  return { x, w, z, b: [z[2]] }[GRIDS[grid][0]];
}

// All that a drawing shows of what is pointed at: marks, frames, what a reading lays out.
export function pointedAt(spot, state, model, { arrived, window }) {
  const looked = lookedAt(spot, state, model, arrived);
  const pixel = [state.pointed, state.held].find((one) => one?.array === "dx")?.index;
  const [marks, frames] = [marksOf(looked, model), framesOf(state, model, { looked, window })];
  const used = new Set(gridsShown(state).flatMap((name) => [...(marks[name] ?? []).filter(({ cells }) => cells.length), ...(frames[name] ?? [])]).map(({ role }) => role));
  return {
    looked, marks, frames, legend: Object.entries(WORDS).filter(([role]) => used.has(role)), over: { fade: paintVeil, badge: paintBadge, marker: paintMarks },
    content: (name) => (name !== "sit" || pixel) && readingContent(name, pixel, state, model),
  };
}

// What is pointed at (spot), the cell that it stands for (null: a zero of D), its products in the slices that are shown,
// and all others; of a gradient only what has arrived.
export function lookedAt(spot, state, model, arrived) {
  if (!spot) return null;
  const { geometry } = model;
  let { array, index } = spot;
  if (array === "wbar") [array, index] = ["w", turnedIndex(model, index)];
  if (array === "d") [array, index] = ["dz", [...spreadOf(model).source(...index), index[2]]];
  const zero = spot.array === "d" && !index.every((n, axis) => Number.isInteger(n) && n >= 0 && n < geometry.z[axis]);
  if (zero) return { spot, array: null, products: [], others: [] };
  let all;
  if (array === "t") all = convProducts(geometry, "z", [...outputOf(model, index[0]), state.filter]);
  else if (array === "sit") all = state.held?.array === "dx" ? convProducts(geometry, "x", state.held.index) : [];
  else all = convProducts(geometry, GRIDS[array][0], index);
  if (array === "t" || array === "sit") all = all.filter((product) => String(cellIn(model, array, product)) === String(index));
  if (["dx", "dw", "db"].includes(array) && arrived.done) all = all.filter(({ z }) => arrived.done[placeOf(model, z)]);
  if (array === "x" || array === "dx") all.sort(({ z: a }, { z: b }) => a[0] - b[0] || a[1] - b[1] || a[2] - b[2]);
  const seen = ({ x, z }) => z[2] === state.filter && (!x || x[2] === state.channel);
  return { spot, array, index, products: all.filter(seen), others: all.filter((product) => !seen(product)) };
}

// { grid: [mark, …] }. Products are numbered where each has a cell of its own.
function marksOf(looked, model) {
  if (!looked) return {};
  const { spot, array, index, products } = looked;
  const marks = { [spot.array]: [{ role: "here", cells: [spot.index] }] };
  if (array && array !== spot.array) marks[array] = [{ role: ROLES[GRIDS[array][0]], cells: [index] }];
  for (const grid of PARTS[array]?.split(" ") ?? []) {
    if (marks[grid]) continue;
    const there = grid === "t" ? products.filter(({ x, inside }) => x && inside) : products.filter(({ x }) => x || !/[xwt]/.test(grid));
    const cells = distinct(there.map((product) => cellIn(model, grid, product)));
    const numbered = cells.length === products.length && cells.length > 1 && cells.length <= 25 && array !== "dz" && grid !== "t";
    marks[grid] = [{ role: ROLES[GRIDS[grid][0]], cells, badges: numbered ? cells.map((_, n) => String(n + 1)) : undefined }];
  }
  return marks;
}

// "dX[1, 2]": the channel and the filter only where there are several.
function nameOf(array, index, { C, K }) {
  const [kind, letter] = GRIDS[array];
  const deep = { x: [C], w: [C, K], z: [K] }[kind];
  const shown = kind === "b" ? (K > 1 ? index : []) : [...index.slice(0, 2), ...index.slice(2).filter((_, n) => deep[n] > 1)];
  return shown.length ? `${letter}[${shown.join(", ")}]` : letter;
}

// The factors of a product as the sum of `array` writes them: { value, role, cell }.
function factorsOf(array, product, model) {
  return MULTIPLIED[array].map((name) => {
    const [kind] = GRIDS[name];
    return { value: kind === "x" && !product.inside ? 0 : at(model[name], product[kind]), role: ROLES[kind], cell: [name, product[kind]] };
  });
}

const productOf = (array, product, model) => factorsOf(array, product, model).reduce((result, { value }) => result * value, 1);

const inked = ({ value, role }) => ({ text: bracketed(written(value)), role });

// The lines of the written sum. `shown`: { arrived, step, resting, budget }.
export function linesOf(looked, state, model, shown) {
  const { array, index, products } = looked;
  if (!array) return [[`D[${looked.spot.index.slice(0, 2).join(", ")}] = 0: a zero that was put in`]];
  if (array === "t") return matrixLines(looked, state, model);
  if (array === "sit") return sitLines(looked, state, model);
  const name = nameOf(array, index, model);
  if (array === "x" || array === "w") return forwardLines(looked, name, model, shown);
  if (array === "b") return [[`${name} = `, { text: written(at(model.b, index)), role: "here" }, ` is added to ${plural(products.length, "output")}`]];
  if (array === "dz") return stampLines(looked, name, state, model, shown);
  const { arrived: { done, ...arrived }, step } = shown;
  if (array === "z" && !shown.resting && done && !done[placeOf(model, index)]) return [[`${name}: its turn is still to come`]];
  const line = { name, budget: shown.budget, terms: products.map((product) => factorsOf(array, product, model)), total: at(array === "z" ? model.z : arrived[array], index) };
  if (array === "z") line.terms.unshift([{ value: model.b.data[index[2]], role: "bias", cell: ["b", [index[2]]] }]);
  if (looked.others.length) {
    const value = looked.others.reduce((sum, product) => sum + productOf(array, product, model), 0);
    line.rest = { value, text: array === "z" ? "other channels" : "other filters" };
  }
  if (array !== "dx" || state.reading !== "window" || step < model.count) return [[explained(looked, name, model, step)], sumOfProducts(line)];
  line.terms = windowTerms(index, state, model);
  const zeros = line.terms.length - products.length;
  const words = zeros ? `; ${plural(zeros, "product")} of ${line.terms.length} ${zeros === 1 ? "is" : "are"} with zeros that were put in` : "";
  return [[`${name}: the window of D, times W̄${words}`], sumOfProducts(line)];
}

function explained({ array, products: { length: n } }, name, { K, count }, step) {
  const so = step < count && array !== "z" ? `${name} so far (${step} of ${count} outputs)` : name;
  if (array === "z") return `${name}: its window of X, times W, plus the bias`;
  if (array === "db") return `${so}: every output reads the bias once, so all of dZ is added`;
  if (array === "dw") return `${so}: the pixels this weight met, each times the dZ of its output`;
  if (!n) return step < count ? `${so}: nothing has been sent here yet` : `${name}: no output reads this pixel`;
  return `${so}: ${plural(n, "output")}${K > 1 ? " of this filter" : ""} read${n === 1 ? "s" : ""} this pixel, each sends its dZ times the weight between`;
}

// D's window over the pixel, in its own order, times W̄: the zeros are written too.
function windowTerms([i, j], { channel: c, filter: k }, model) {
  const { w, geometry: { dilation } } = model;
  return indicesOf(w.shape.slice(0, 2)).map(([u, v]) => {
    const [d, weight] = [[i + u * dilation[0], j + v * dilation[1], k], [...turnedIndex(model, [u, v]), c, k]];
    return [{ value: at(spreadOf(model).array, d), role: "output", cell: ["d", d] }, { value: at(w, weight), role: "weight", cell: ["wbar", [u, v, c, k]] }];
  });
}

// "a·b in Z[0, 0], …", as many as the budget has room for.
function listed(products, { budget }, write) {
  const most = Math.max(2, Math.floor(budget / 17));
  const line = products.slice(0, most).flatMap((product, n) => [...(n ? [",  "] : []), ...write(product)]);
  return products.length > most ? [...line, ` and ${products.length - most} more`] : line;
}

function forwardLines({ array, index, products }, name, model, shown) {
  const here = { text: written(at(model[array], index)), role: "here" };
  const own = Number(array === "x");
  if (!products.length) return [[`${name} = `, here, ": no output reads this pixel"]];
  const several = own && model.K > 1 ? " of this filter" : "";
  const line = listed(products, shown, (product) => [here, "·", inked(factorsOf("z", product, model)[own]), ` in ${nameOf("z", product.z, model)}`]);
  return [[`${name} = `, here, ` ${own ? "goes into" : "is used by"} ${plural(products.length, "output")}${several}:`], line];
}

// What one output sends, spelled out where it is little enough.
function stampLines({ index, products }, name, { show }, model, shown) {
  const value = at(model.dz, index);
  const here = inked({ value, role: "output" });
  const parts = show === "weights" ? [] : [`${here.text}·W onto dX`];
  if (show === "all" || show === "weights") parts.push(`${here.text}·(its window of X) onto dW`, `${written(value)} onto db`);
  const line = listed(products, shown, (product) => {
    const [pixel, weight] = factorsOf("z", product, model);
    if (show === "weights") return [here, "·", inked(pixel), ` onto ${nameOf("dw", product.w, model)}`];
    return [here, "·", inked(weight), product.inside ? ` onto ${nameOf("dx", product.x, model)}` : " cut off"];
  });
  return [[`${name} = ${written(value)} comes from above; this output adds ${parts.join(", ")}`], line];
}

function matrixLines({ index: [output, pixel], products: [product] }, { channel, filter }, model) {
  const x = [Math.floor(pixel / model.geometry.x[1]), pixel % model.geometry.x[1], channel];
  const names = `${nameOf("z", [...outputOf(model, output), filter], model)} and ${nameOf("x", x, model)}`;
  const entry = `T[${output}, ${pixel}] = `;
  if (!product) return [[`${entry}0: nothing joins ${names}`]];
  return [[`${entry}${nameOf("w", product.w, model)} = `, { text: written(at(model.w, product.w)), role: "weight" }, `: the weight between ${names}`]];
}

// A cell of the kernel that has come together on a pixel.
function sitLines({ products: [product] }, { held }, model) {
  if (!product) return [[held?.array === "dx" ? "no output lies here for this pixel" : "Click a pixel of dX: the weights that reach it come together here"]];
  const words = `${nameOf("w", product.w, model)} has come from output ${nameOf("dz", product.z, model)}`;
  return [[words], sumOfProducts({ name: "its share", terms: [factorsOf("dx", product, model)], total: productOf("dx", product, model) })];
}

// What the readings of dX lay out: the weights that meet on a pixel, the padded dZ and the turned kernel, the sparse matrix.

// The content of the grids that a reading brings.
function readingContent(name, pixel, state, model) {
  if (name === "sit") return sitContent(pixel, state, model);
  if (name === "wbar") return { array: once(model, "W̄", () => turned(model)) };
  if (name === "d") return { array: spreadOf(model).array, look: spreadOf(model).look };
  const { channel, filter } = state;
  const matrix = once(model, `T ${channel} ${filter}`, () => sparseMatrix(model, channel, filter));
  return { ...matrix, note: "a row for every output, a column for every pixel" };
}

// The weights of a pixel of dX in the places of their outputs, which is the kernel turned.
function sitContent(pixel, { channel, filter }, model) {
  return once(model, `sit ${pixel} ${channel} ${filter}`, () => {
    const array = makeArray(model.w.shape.slice(0, 2));
    const under = new Map();
    for (const [output, place] of windowsOver(model.geometry, pixel)) {
      const there = offset(array.shape, turnedIndex(model, place));
      array.data[there] = at(model.w, [...place, channel, filter]);
      under.set(there, `· ${written(at(model.dz, [...output, filter]))}`);
    }
    return { array, look: (place) => !under.has(place) && "blank", under: (place) => under.get(place), note: `on dX[${pixel.slice(0, 2).join(", ")}]` };
  });
}

// Where the window of an output lies on X.
export function windowOf({ geometry: { w, stride, dilation, padding } }, output, c) {
  const from = output.slice(0, 2).map((n, axis) => n * stride[axis] - padding[2 * axis]);
  return { role: "input", from: [...from, c], size: [0, 1].map((axis) => spanOf(w[axis], dilation[axis])) };
}

function framesOf({ channel, filter }, model, { looked, window }) {
  if (window) return { x: [windowOf(model, window, channel)], dx: [windowOf(model, window, channel)] };
  if (looked?.array !== "dx") return {};
  const [i, j] = looked.index;
  const t = { role: "input", from: [0, i * model.geometry.x[1] + j], size: [model.count, 1] };
  return { d: [{ ...windowOf(model, [0, 0], 0), from: [i, j, filter] }], t: [t] };
}

const spreadOf = (model) => once(model, "D", () => spreadOut(model));

// dZ spread out by the stride, with the zeros around it that make a window of it for every pixel: D.
export function spreadOut({ geometry: { x, w, stride, dilation, padding }, dz }) {
  const reach = [0, 1].map((axis) => dilation[axis] * (w[axis] - 1));
  const source = (i, j) => [i, j].map((n, axis) => (n - reach[axis] + padding[2 * axis]) / stride[axis]);
  const array = gathered(dz, [x[0] + reach[0], x[1] + reach[1]], source);
  const own = gathered({ shape: dz.shape.slice(0, 2), data: new Float64Array(dz.data.length).fill(1) }, array.shape, source);
  const placed = ([i, j]) => [i, j].map((n, axis) => n * stride[axis] + reach[axis] - padding[2 * axis]);
  return { array, source, placed, look: (place) => !own.data[Math.floor(place / w[3])] && "pale" };
}

export const turnedIndex = ({ w: { shape } }, [u, v, ...rest]) => [shape[0] - 1 - u, shape[1] - 1 - v, ...rest];

// W̄[u, v] = W[F_h − 1 − u, F_w − 1 − v].
export const turned = (model) => gathered(model.w, model.w.shape, (...place) => turnedIndex(model, place));

// One row for every output, one column for every pixel, of one channel and one filter: T[output, pixel] = weight.
export function sparseMatrix({ geometry, w, count }, c, k) {
  const [H, W, C] = geometry.x;
  const array = makeArray([count, H * W]);
  const own = new Set();
  for (const [i, j] of indicesOf([H, W])) {
    for (const [output, [u, v]] of windowsOver(geometry, [i, j])) {
      const place = (output[0] * geometry.z[1] + output[1]) * H * W + i * W + j;
      array.data[place] = w.data[((u * w.shape[1] + v) * C + c) * w.shape[3] + k];
      own.add(place);
    }
  }
  return { array, look: (place) => !own.has(place) && "pale" };
}

const outputOf = ({ geometry: { z: [, columns] } }, place) => [Math.floor(place / columns), place % columns];
