// The piles of the table of products against what Python wrote into data.json: see test_products.py.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

import { at, decodeArrays } from "./modules/arrays.js";
import { factorsOfCard, layerOf, pilesOf, SUMS } from "./modules/product_table.js";

const DATA = JSON.parse(readFileSync("data.json", "utf8"));

// The same numbers: NaN too, and 0 and −0 are one.
const same = (actual, expected, what) => assert.ok(Object.is(actual + 0, expected + 0) || Math.abs(actual - expected) < 1e-12, `${what}: ${actual}, expected ${expected}`);

DATA.forEach(({ options, arrays: given, sums: expected }, number) => {
  test(`table ${number}: ${JSON.stringify(options)}`, () => {
    const layer = layerOf(options, decodeArrays(given));
    const { b } = decodeArrays(given);
    for (const [by, sums] of Object.entries(decodeArrays(expected))) {
      const found = layer.arrays[SUMS[by]];
      assert.deepEqual(found.shape, sums.shape);
      sums.data.forEach((value, n) => same(found.data[n], value, `${SUMS[by]}, number ${n}`));
      for (const tall of [false, true]) assertPiles(layer, by, tall, (index) => at(sums, index) - (b && by === "z" ? b.data[index.at(-1)] : 0));
    }
  });
});

// Every card lies in one pile, on a place of its own, and the piles add up.
function assertPiles(layer, by, tall, sumOf) {
  const { piles, rows, columns, down, across } = pilesOf(layer, by, tall);
  const places = new Set();
  for (const pile of piles) {
    const products = pile.cards.map(({ n }) => factorsOfCard(layer.cards[n], by, layer.arrays).reduce((a, b) => a * b));
    const sum = products.reduce((a, b) => a + b, 0);
    // 0·NaN of the padding is NaN, and no card.
    if (!Number.isNaN(sumOf(pile.index))) same(sum, sumOf(pile.index), `${by}[${pile.index}]`);
    assert.ok(pile.place[0] < down && pile.place[1] < across);
    for (const { n, slot: [r, c] } of pile.cards) {
      assert.deepEqual(layer.cards[n][by], pile.index);
      assert.ok(r < rows && c < columns && r < pile.rows && c < pile.columns);
      places.add(`${pile.place} ${r} ${c}`);
    }
  }
  assert.equal(places.size, layer.cards.length, "two cards lie on each other");
  assert.equal(new Set(piles.map(({ place }) => String(place))).size, piles.length);
}
