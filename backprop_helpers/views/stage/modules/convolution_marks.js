// Which cells take part in what is pointed at, in every grid; and the sum that belongs to it, in words and numbers.
//
//   lookedAt(state, model, shown) → { spot, products, others } or null     spot: { array, index }
//   marksOf(looked, state, model) → { grid name: [mark, …] }
//   linesOf(looked, state, model, budget) → the lines of the written sum

import { at } from "./arrays.js";
import { productsOf } from "./products.js";
import { sumOfProducts } from "./sum.js";
import { written } from "./numbers.js";

const ROLE_OF = { x: "input", dx: "input", w: "weight", dw: "weight", wbar: "weight", z: "output", dz: "output", b: "bias", db: "bias" };
/** What is marked when a cell of this array is looked at: numbered products, or only where the same position lies. */
const TAKES_PART = {
  z: { x: "numbered", w: "numbered", b: "each", dz: "same" },
  dz: { w: "each", x: "each", dx: "each", dw: "each", db: "each", z: "same" },
  x: { z: "numbered", w: "numbered", dx: "same" },
  dx: { dz: "numbered", w: "numbered", wbar: "numbered", x: "same" },
  w: { x: "numbered", z: "numbered", dw: "same", wbar: "turned" },
  dw: { x: "numbered", dz: "numbered", w: "same" },
  b: { z: "each", db: "same" },
  db: { dz: "each", b: "same" },
};
export const LETTERS = { x: "X", w: "W", b: "b", z: "Z", dx: "dX", dw: "dW", db: "db", dz: "dZ", d: "D", wbar: "W̄", t: "T", sit: "W̄" };
const GROUP = { z: "z", dz: "z", x: "x", dx: "x", w: "w", dw: "w", b: "b", db: "b" };
const NUMBERED = 25;

const compare = (a, b) => a.z[0] - b.z[0] || a.z[1] - b.z[1] || a.z[2] - b.z[2];

export function turnedIndex({ w }, [u, v, ...rest]) {
  return [w.shape[0] - 1 - u, w.shape[1] - 1 - v, ...rest];
}

/** Cells of the grids that only rearrange others stand for cells of those. */
function translated(spot, model, spread) {
  if (spot.array === "wbar") return { array: "w", index: turnedIndex(model, spot.index) };
  if (spot.array !== "d") return spot;
  const { stride } = model.geometry;
  const [i, j] = [0, 1].map((axis) => (spot.index[axis] - spread.before[axis]) / stride[axis]);
  const own = spread.own[spot.index[0] * spread.array.shape[1] + spot.index[1]];
  return own ? { array: "dz", index: [i, j, spot.index[2]] } : null;
}

export function lookedAt(spot, state, model, { arrived, spread }) {
  const meant = spot && translated(spot, model, spread);
  if (!meant || !GROUP[meant.array]) return meant && { spot, meant, products: [], others: [] };
  const done = ({ z }) => !arrived.done || arrived.done[z[0] * model.geometry.z[1] + z[1]];
  const sums = ["dx", "dw", "db"].includes(meant.array);
  const all = productsOf(model.geometry, GROUP[meant.array], meant.index).filter((product) => !sums || done(product));
  if (GROUP[meant.array] === "x") all.sort(compare);
  const seen = ({ x, w, z }) => z[2] === state.filter && (!w || w[2] === state.channel) && (!x || x[2] === state.channel);
  return { spot, meant, products: all.filter(seen), others: all.filter((product) => !seen(product)) };
}

const cellOf = (name, { x, w, z }) => ({ x, dx: x, w, dw: w, z, dz: z, b: [z[2]], db: [z[2]] })[name];

export function marksOf(looked, model) {
  const marks = {};
  if (!looked) return marks;
  const { spot, meant, products } = looked;
  marks[spot.array] = [{ role: "here", cells: [spot.index] }];
  if (meant !== spot) marks[meant.array] = [{ role: ROLE_OF[meant.array], cells: [meant.index] }];
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
  const cells = products.map((product) => cellOf(own, product)).filter(Boolean);
  const badges = how === "numbered" && cells.length > 1 && cells.length <= NUMBERED ? cells.map((_, n) => String(n + 1)) : undefined;
  return { role, cells: name === "wbar" ? cells.map((cell) => turnedIndex(model, cell)) : cells, badges };
}

/** "dX[1, 2]": the channel and the filter only where there are several. */
export function nameOf(array, index, { C, K }) {
  const [image, kernel] = [C > 1, K > 1];
  const keep = { x: [image], w: [image, kernel], z: [kernel] }[GROUP[array]] ?? [];
  const shown = GROUP[array] === "b" ? (kernel ? index : []) : [...index.slice(0, 2), ...index.slice(2).filter((_, n) => keep[n])];
  return shown.length ? `${LETTERS[array]}[${shown.join(", ")}]` : LETTERS[array];
}

const factor = (value, role) => ({ value, role });

/** The factors of a product as the sum of `array` writes them. */
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

export function linesOf(looked, state, model, { arrived, step, budget }) {
  const { meant, products, others } = looked;
  const name = nameOf(meant.array, meant.index, model);
  const so = step < model.count ? ` so far (${step} of ${model.count} outputs)` : "";
  if (["x", "w", "b"].includes(meant.array)) return forwardLines(looked, name, model);
  if (meant.array === "dz") return [[stampWords(meant, name, state, model)]];
  const line = { name, budget, terms: products.map((product) => termOf(meant.array, product, model)) };
  line.total = totalOf(meant.array, meant.index, model, arrived);
  if (meant.array === "z") line.extra = [factor(model.b.data[meant.index[2]], "bias")];
  if (others.length) {
    const rest = others.reduce((sum, p) => sum + termOf(meant.array, p, model).reduce((a, { value }) => a * value, 1), 0);
    line.rest = { value: rest, text: meant.array === "z" ? "other channels" : "other filters" };
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

function stampWords({ index }, name, state, model) {
  const value = written(at(model.dz, index));
  const parts = [];
  if (["all", "input"].includes(state.show)) parts.push(`${bracket(at(model.dz, index))}·W onto dX`);
  if (["all", "weights"].includes(state.show)) parts.push(`${bracket(at(model.dz, index))}·(its window of X) onto dW`, `${value} onto db`);
  return `${name} = ${value} comes from above; this output adds ${parts.join(", ")}`;
}
