// The cards of the table of products, their sums, and where they lie: piled by output, by weight or by input.

import { at, indicesOf, makeArray, offset, sizeOf } from "./arrays.js";
import { convGeometry } from "./conv_layer.js";
import { sameIndex } from "./grid_places.js";
import { fcGeometry, poolGeometry, termsOf } from "./products.js";

export const FACTORS = { z: ["x", "w"], w: ["x", "dz"], x: ["dz", "w"] };
export const SUMS = { z: "z", w: "dw", x: "dx" };

export const indexIn = (card, array) => card[array.replace("d", "")];

// The two factors of a product: x·w where Z is summed, x·dz for dW, dz·w for dX. In the padding x is 0.
export const factorsOfCard = (card, by, arrays) => FACTORS[by].map((name) => (name === "x" && !card.inside ? 0 : at(arrays[name], indexIn(card, name))));

// { geometry, arrays, cards }. Every sum is made of the products; those in the padding are no cards.
export function layerOf(options, { x, w, b, dz }) {
  const geometry = geometryOf(options, { x: x.shape, w: w?.shape });
  const terms = indicesOf(geometry.z).map((index) => termsOf(geometry, index));
  const products = options.layer === "max" ? terms.map((candidates) => winnerAt(candidates, x)) : terms.flat();
  const cards = products.filter(({ inside }) => inside);
  const share = options.layer === "max" ? 1 : 1 / sizeOf(geometry.w);
  const arrays = { x, dz, w: w ?? makeArray(geometry.w, indicesOf(geometry.w).map(() => share)) };
  const biases = indicesOf(geometry.z).map((index) => (b ? b.data[index.at(-1)] : 0));
  arrays.z = summed(products, "z", arrays, makeArray(geometry.z, biases));
  arrays.dx = summed(cards, "x", arrays, makeArray(x.shape));
  if (w) arrays.dw = summed(products, "w", arrays, makeArray(w.shape));
  return { geometry, arrays, cards };
}

function geometryOf({ layer, stride, padding, dilation, size }, shapes) {
  if (layer === "conv") return convGeometry({ ...shapes, stride, padding, dilation });
  return layer === "fc" ? fcGeometry(shapes) : poolGeometry({ x: shapes.x, size, stride, mode: layer });
}

// Of equal pixels the first, a NaN before all numbers.
function winnerAt(candidates, x) {
  const [first, ...others] = candidates;
  return others.reduce((best, next) => (Number.isNaN(at(x, best.x)) || at(x, next.x) <= at(x, best.x) ? best : next), first);
}

function summed(products, by, arrays, sums) {
  for (const product of products) {
    const [a, b] = factorsOfCard(product, by, arrays);
    sums.data[offset(sums.shape, product[by])] += a * b;
  }
  return sums;
}

// Without the last axes where there is only one slice.
export function shortIndex(shape, index) {
  let last = index.length;
  while (last > 2 && shape[last - 1] === 1) last -= 1;
  return index.slice(0, last);
}

// An array of any rank on paper: rows by the first index, columns by the second, further slices beside or below.
function placeOn(shape, [row, column, ...rest], tall) {
  const slice = rest.reduce((place, n, axis) => place * shape[axis + 2] + n, 0);
  return tall ? [row + shape[0] * slice, column] : [row, column + shape[1] * slice];
}

// Inside a pile a card lies as in the array that still varies, close together.
function slotsOf({ geometry }, cards, by) {
  const other = by !== "z" ? "z" : geometry.kind === "fc" ? "x" : "w"; // a row of X lies in a row
  const places = cards.map((card) => placeOn(geometry[other], card[other]));
  const [rows, columns] = [0, 1].map((axis) => [...new Set(places.map((place) => place[axis]))].sort((a, b) => a - b));
  return { rows: rows.length, columns: columns.length, slots: places.map(([r, c]) => [rows.indexOf(r), columns.indexOf(c)]) };
}

// { piles: [{ index, place: [row, column], cards: [{ n, slot: [row, column] }] }], and how many piles and slots stand below
// and beside each other }; tall: slices below each other.
export function pilesOf(layer, by, tall) {
  const { cards, geometry: { [by]: shape } } = layer;
  const places = indicesOf(shape).map((index) => placeOn(shape, index, tall));
  const piles = indicesOf(shape).map((index, pile) => {
    const own = [...cards.keys()].filter((n) => sameIndex(cards[n][by], index));
    const { slots, ...size } = slotsOf(layer, own.map((n) => cards[n]), by);
    return { index, place: places[pile], cards: own.map((n, m) => ({ n, slot: slots[m] })), ...size };
  });
  const most = (name) => Math.max(1, ...piles.map((pile) => pile[name]));
  const [down, across] = [0, 1].map((axis) => 1 + Math.max(...places.map((place) => place[axis])));
  return { piles, rows: most("rows"), columns: most("columns"), down, across };
}
