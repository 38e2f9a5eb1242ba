// Which cells take part in what is pointed at, in every grid; and the sum that belongs to it, in words and numbers.
//
//   lookedAt(state, model, shown) → { spot, products, others } or null     spot: { array, index }
//   marksOf(looked, state, model) → { grid name: [mark, …] }
//   linesOf(looked, state, model, budget) → the lines of the written sum

import { at } from "./arrays.js";
import { productsOf } from "./products.js";
import { sumOfProducts } from "./sum.js";
import { written } from "./page.js";

const ROLE_OF = { x: "input", dx: "input", w: "weight", dw: "weight", wbar: "weight", z: "output", dz: "output", b: "bias", db: "bias" };
// What is marked when a cell of this array is looked at: numbered products, or only where the same position lies.
const TAKES_PART = {
  z: { x: "numbered", w: "numbered", b: "each", dz: "same" },
  dz: { w: "each", x: "each", dx: "each", dw: "each", db: "each", z: "same" },
  x: { z: "numbered", w: "numbered", dx: "same" },
  dx: { dz: "numbered", w: "numbered", wbar: "numbered", x: "same" },
  w: { x: "numbered", z: "numbered", dw: "same", wbar: "turned" },
  dw: { x: "numbered", dz: "numbered", w: "same" },
  b: { z: "each", db: "same" },
  db: { dz: "each", b: "same" },
  sit: { w: "each", dz: "each", dx: "each" },
};
export const LETTERS = { x: "X", w: "W", b: "b", z: "Z", dx: "dX", dw: "dW", db: "db", dz: "dZ", d: "D", wbar: "W̄", t: "T", sit: "W̄" };
const GROUP = { z: "z", dz: "z", x: "x", dx: "x", w: "w", dw: "w", b: "b", db: "b" };
const NUMBERED = 25;

const compare = (a, b) => a.z[0] - b.z[0] || a.z[1] - b.z[1] || a.z[2] - b.z[2];

export function turnedIndex({ w }, [u, v, ...rest]) {
  return [w.shape[0] - 1 - u, w.shape[1] - 1 - v, ...rest];
}

// Cells of the grids that only rearrange others stand for cells of those.
function translated(spot, model, spread) {
  if (spot.array === "wbar") return { array: "w", index: turnedIndex(model, spot.index) };
  if (spot.array !== "d") return spot;
  const { stride } = model.geometry;
  const [i, j] = [0, 1].map((axis) => (spot.index[axis] - spread.before[axis]) / stride[axis]);
  const own = spread.own[spot.index[0] * spread.array.shape[1] + spot.index[1]];
  return own ? { array: "dz", index: [i, j, spot.index[2]] } : null;
}

export function lookedAt(spot, state, model, { arrived, spread }) {
  if (spot?.array === "sit") return sittingAt(spot, state, model);
  const meant = spot && translated(spot, model, spread);
  if (!spot) return null;
  if (!meant || !GROUP[meant.array]) return { spot, meant, products: [], others: [] };
  const done = ({ z }) => !arrived.done || arrived.done[z[0] * model.geometry.z[1] + z[1]];
  const sums = ["dx", "dw", "db"].includes(meant.array);
  const all = productsOf(model.geometry, GROUP[meant.array], meant.index).filter((product) => !sums || done(product));
  if (GROUP[meant.array] === "x") all.sort(compare);
  const seen = ({ x, w, z }) => z[2] === state.filter && (!w || w[2] === state.channel) && (!x || x[2] === state.channel);
  return { spot, meant, products: all.filter(seen), others: all.filter((product) => !seen(product)) };
}

// Looked at in the kernel that has come together on the held pixel of dX.
function sittingAt(spot, state, model) {
  const pixel = state.held?.array === "dx" ? state.held.index : null;
  const place = turnedIndex(model, spot.index);
  const all = pixel ? productsOf(model.geometry, "x", pixel) : [];
  const product = all.find(({ w, z }) => w[0] === place[0] && w[1] === place[1] && z[2] === state.filter);
  return { spot, meant: { array: "sit", index: spot.index, pixel }, product, products: product ? [product] : [], others: [] };
}

const cellOf = (name, { x, w, z }) => ({ x, dx: x, w, dw: w, z, dz: z, b: [z[2]], db: [z[2]] })[name];

export function marksOf(looked, model) {
  const marks = {};
  if (!looked) return marks;
  const { spot, meant, products } = looked;
  marks[spot.array] = [{ role: "here", cells: [spot.index] }];
  if (!meant) return marks;
  if (meant !== spot && meant.array !== "sit") marks[meant.array] = [{ role: ROLE_OF[meant.array], cells: [meant.index] }];
  for (const [name, how] of Object.entries(TAKES_PART[meant.array] ?? {})) {
    if (name === spot.array) continue;
    marks[name] = [markOf(name, how, meant, products, model), ...(marks[name] ?? [])];
  }
  return marks;
}

function markOf(name, how, meant, products, model) {
  const role = ROLE_OF[name];
  if (how === "same") return { role, cells: [meant.index] };
  if (how === "turned") return { role, cells: [turnedIndex(model, meant.index)] };
  const own = name === "wbar" ? "w" : name;
  const each = products.map((product) => cellOf(own, product)).filter(Boolean);
  const cells = how === "numbered" ? each : [...new Map(each.map((cell) => [cell.join(), cell])).values()];
  const badges = how === "numbered" && cells.length > 1 && cells.length <= NUMBERED ? cells.map((_, n) => String(n + 1)) : undefined;
  return { role, cells: name === "wbar" ? cells.map((cell) => turnedIndex(model, cell)) : cells, badges };
}

// "dX[1, 2]": the channel and the filter only where there are several.
export function nameOf(array, index, { C, K }) {
  const [image, kernel] = [C > 1, K > 1];
  const keep = { x: [image], w: [image, kernel], z: [kernel] }[GROUP[array]] ?? [];
  const shown = GROUP[array] === "b" ? (kernel ? index : []) : [...index.slice(0, 2), ...index.slice(2).filter((_, n) => keep[n])];
  return shown.length ? `${LETTERS[array]}[${shown.join(", ")}]` : LETTERS[array];
}

const factor = (value, role) => ({ value, role });

// The factors of a product as the sum of `array` writes them.
function termOf(array, { x, w, z, inside }, model) {
  const pixel = () => factor(inside ? at(model.x, x) : 0, "input");
  if (array === "z" || array === "x") return [pixel(), factor(at(model.w, w), "weight")];
  if (array === "dx") return [factor(at(model.dz, z), "output"), factor(at(model.w, w), "weight")];
  if (array === "dw") return [pixel(), factor(at(model.dz, z), "output")];
  return [factor(at(model.dz, z), "output")];
}

function totalOf(array, index, model, arrived) {
  if (array === "z") return at(model.z, index);
  return at({ dx: arrived.dx, dw: arrived.dw, db: arrived.db }[array], index);
}

const plural = (n, word) => `${n} ${word}${n === 1 ? "" : "s"}`;

export function linesOf(looked, state, model, { arrived, step, spread, resting, budget }) {
  const { spot, meant, products, others } = looked;
  if (spot.array === "d" && !meant) return [[`D[${spot.index.slice(0, 2).join(", ")}] = 0: a zero that was put in`]];
  if (meant.array === "t") return matrixLines(meant.index, state, model);
  if (meant.array === "sit") return sitLines(looked, state, model);
  const name = nameOf(meant.array, meant.index, model);
  const so = step < model.count ? ` so far (${step} of ${model.count} outputs)` : "";
  if (["x", "w", "b"].includes(meant.array)) return forwardLines(looked, name, model);
  if (meant.array === "dz") return stampLines(looked, name, state, model);
  if (meant.array === "z" && !resting && arrived.done && !arrived.done[meant.index[0] * model.geometry.z[1] + meant.index[1]]) {
    return [[`${name}: its turn is still to come`]];
  }
  const line = { name, budget, terms: products.map((product) => termOf(meant.array, product, model)) };
  line.total = totalOf(meant.array, meant.index, model, arrived);
  if (meant.array === "z") line.terms.unshift([factor(model.b.data[meant.index[2]], "bias")]);
  if (others.length) {
    const rest = others.reduce((sum, p) => sum + termOf(meant.array, p, model).reduce((a, { value }) => a * value, 1), 0);
    line.rest = { value: rest, text: meant.array === "z" ? "other channels" : "other filters" };
  }
  if (meant.array === "dx" && state.reading === "window" && !so) {
    line.terms = windowTerms(meant.index, state, model, spread);
    const zeros = line.terms.length - products.length;
    const words = zeros ? `; ${plural(zeros, "product")} of ${line.terms.length} ${zeros === 1 ? "is" : "are"} with zeros that were put in` : "";
    return [[`${name}: the window of D, times W̄${words}`], sumOfProducts(line)];
  }
  return [[explained(meant.array, name, products, model, so)], sumOfProducts(line)];
}

function explained(array, name, products, model, so) {
  const n = products.length;
  const several = model.K > 1 ? " of this filter" : "";
  if (array === "z") return `${name}: its window of X, times W, plus the bias`;
  if (array === "db") return `${name}${so}: every output reads the bias once, so all of dZ is added`;
  if (!n && so) return `${name}${so}: nothing has been sent here yet`;
  if (!n && array === "dx") return `${name}: no output reads this pixel`;
  if (array === "dw") return `${name}${so}: the pixels this weight met, each times the dZ of its output`;
  return `${name}${so}: ${plural(n, "output")}${several} read${n === 1 ? "s" : ""} this pixel, each sends its dZ times the weight between`;
}

function forwardLines({ meant, products }, name, model) {
  const value = at(model[meant.array], meant.index);
  const here = { text: written(value), role: "here" };
  if (meant.array === "b") return [[`${name} = `, here, ` is added to ${plural(model.count, "output")}`]];
  const several = meant.array === "x" && model.K > 1 ? " of this filter" : "";
  const start = `${name} = `;
  if (!products.length) return [[start, here, meant.array === "x" ? ": no output reads this pixel" : ""]];
  const verb = meant.array === "x" ? "goes into" : "is used by";
  const line = [];
  for (const product of products.slice(0, 12)) {
    const [x, w] = termOf("z", product, model);
    const other = meant.array === "x" ? w : x;
    line.push(line.length ? ",  " : "", here, "·", { text: bracket(other.value), role: other.role }, ` in ${nameOf("z", product.z, model)}`);
  }
  if (products.length > 12) line.push(` and ${products.length - 12} more`);
  return [[start, here, ` ${verb} ${plural(products.length, "output")}${several}:`], line];
}

const bracket = (value) => (value < 0 ? `(${written(value)})` : written(value));

// D's window over the pixel, in its own order, times W̄: the zeros are written too.
function windowTerms([i, j], { channel: c, filter: k }, model, { array }) {
  const [rows, columns] = model.w.shape;
  const [d_h, d_w] = model.geometry.dilation;
  return Array.from({ length: rows * columns }, (_, n) => {
    const [u, v] = [Math.floor(n / columns), n % columns];
    const weight = at(model.w, turnedIndex(model, [u, v, c, k]));
    return [factor(at(array, [i + u * d_h, j + v * d_w, k]), "output"), factor(weight, "weight")];
  });
}

// What one output sends, spelled out where it is little enough.
function stampLines({ meant: { index }, products }, name, state, model) {
  const value = at(model.dz, index);
  const [here, back] = [bracket(value), state.show];
  const parts = [];
  if (["all", "input"].includes(back)) parts.push(`${here}·W onto dX`);
  if (["all", "weights"].includes(back)) parts.push(`${here}·(its window of X) onto dW`, `${written(value)} onto db`);
  const words = [`${name} = ${written(value)} comes from above; this output adds ${parts.join(", ")}`];
  const line = [];
  for (const product of products.slice(0, 6)) {
    const [pixel, weight] = termOf("z", product, model);
    const [own, target] = back === "weights" ? [pixel, nameOf("dw", product.w, model)] : [weight, nameOf("dx", product.x, model)];
    const cut = back !== "weights" && !product.inside;
    line.push(line.length ? ",  " : "", { text: here, role: "output" }, "·", { text: bracket(own.value), role: own.role }, cut ? " cut off" : ` onto ${target}`);
  }
  if (products.length > 6) line.push(`, and ${products.length - 6} more`);
  return [words, line];
}

function matrixLines([output, pixel], { channel, filter }, model) {
  const z = [Math.floor(output / model.geometry.z[1]), output % model.geometry.z[1], filter];
  const x = [Math.floor(pixel / model.geometry.x[1]), pixel % model.geometry.x[1], channel];
  const product = productsOf(model.geometry, "z", z).find((p) => String(p.x) === String(x));
  const names = `${nameOf("z", z, model)} and ${nameOf("x", x, model)}`;
  if (!product) return [[`T[${output}, ${pixel}] = 0: nothing joins ${names}`]];
  const weight = { text: written(at(model.w, product.w)), role: "weight" };
  return [[`T[${output}, ${pixel}] = ${nameOf("w", product.w, model)} = `, weight, `: the weight between ${names}`]];
}

// A cell of the kernel that has come together on a pixel.
function sitLines({ meant, product }, state, model) {
  if (!product) return [[meant.pixel ? "no output lies here for this pixel" : "Click a pixel of dX: the weights that reach it come together here"]];
  const [dz, weight] = termOf("dx", product, model);
  const words = [`${nameOf("w", product.w, model)} has come from output ${nameOf("dz", product.z, model)}`];
  return [words, sumOfProducts({ name: "its share", terms: [[dz, weight]], total: dz.value * weight.value })];
}
