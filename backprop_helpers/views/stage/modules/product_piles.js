// The cards of the table of products and where they lie: piled by output, by weight or by input.
//   cardsOf(layer)                         [{ z, x, w }], every product that counts (none in the padding)
//   valueOf(card, by, arrays)              its two factors: x·w where Z is summed, x·dz for dW, dz·w for dX
//   pilesOf(layer, cards, by, tall)        { piles: [{ index, place: [row, column], cards: [{ n, slot: [row, column] }] }] and how
//                                          many piles and slots stand below and beside each other }; tall: slices below each other
//   shortIndex(shape, index)               without the last axes where there is only one slice

import { at, indicesOf } from "./arrays.js";
import { productsOf } from "./products.js";

export const FACTORS = { z: ["x", "w"], w: ["x", "dz"], x: ["dz", "w"] };
export const SUMS = { z: "z", w: "dw", x: "dx" };

export const cardsOf = ({ geometry, winners }) => indicesOf(geometry.z).flatMap((index) => productsOf(geometry, "z", index, winners)).filter(({ inside }) => inside);

export const indexIn = (card, array) => card[array.replace("d", "")];

export const valueOf = (card, by, arrays) => FACTORS[by].map((name) => at(arrays[name], indexIn(card, name)));

export function shortIndex(shape, index) {
  let last = index.length;
  while (last > 2 && shape[last - 1] === 1) last -= 1;
  return index.slice(0, last);
}

// An array of any rank on paper: rows by the first index, columns by the second, further slices beside or below.
function placeOn(shape, [row, column, ...rest], tall = false) {
  const slice = rest.reduce((place, n, axis) => place * shape[axis + 2] + n, 0);
  return tall ? [row + shape[0] * slice, column] : [row, column + shape[1] * slice];
}

// Inside a pile a card lies as in the array that still varies, close together.
function slotsOf({ geometry }, cards, by) {
  const other = by === "z" ? "w" : "z";
  const flat = geometry.kind === "fc"; // one index is the pile's own: a row, or for a weight a column of examples
  const places = cards.map((card) => {
    if (flat) return by === "w" ? [card.z[0], 0] : [0, by === "z" ? card.x[1] : card.z[1]];
    return placeOn(geometry[other], other === "w" && geometry.kind === "conv" ? card.w.slice(0, 3) : card[other]);
  });
  const rank = (axis) => [...new Set(places.map((place) => place[axis]))].sort((a, b) => a - b);
  const [rows, columns] = [rank(0), rank(1)];
  return { rows: rows.length, columns: columns.length, slots: places.map(([r, c]) => [rows.indexOf(r), columns.indexOf(c)]) };
}

export function pilesOf(layer, cards, by, tall) {
  const shape = layer.geometry[by];
  const piles = indicesOf(shape).map((index) => ({ index, place: placeOn(shape, index, tall), cards: [] }));
  const byIndex = new Map(piles.map((pile) => [String(pile.index), pile]));
  cards.forEach((card, n) => byIndex.get(String(card[by])).cards.push(n));
  let [rows, columns] = [1, 1];
  for (const pile of piles) {
    const found = slotsOf(layer, pile.cards.map((n) => cards[n]), by);
    pile.cards = pile.cards.map((n, m) => ({ n, slot: found.slots[m] }));
    Object.assign(pile, { rows: found.rows, columns: found.columns });
    [rows, columns] = [Math.max(rows, found.rows), Math.max(columns, found.columns)];
  }
  const most = (axis) => 1 + Math.max(...piles.map(({ place }) => place[axis]));
  return { piles, rows, columns, down: most(0), across: most(1) };
}
