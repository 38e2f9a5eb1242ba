// The piles of the table of products against what Python wrote into data.json: see test_products.py.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

import { at, decodeArray } from "./modules/arrays.js";
import { cardsOf, pilesOf, valueOf } from "./modules/product_piles.js";
import { convGeometry } from "./modules/conv_layer.js";
import { fcGeometry } from "./modules/products.js";

const DATA = JSON.parse(readFileSync("data.json", "utf8"));
const decoded = (arrays) => Object.fromEntries(Object.entries(arrays).map(([name, json]) => [name, decodeArray(json)]));

DATA.forEach(({ options, arrays: given, sums: expected }, number) => {
  test(`table ${number}`, () => {
    const [arrays, sums] = [decoded(given), decoded(expected)];
    const make = options.layer === "fc" ? fcGeometry : convGeometry;
    const layer = { geometry: make({ x: arrays.x.shape, w: arrays.w.shape, ...options }) };
    const cards = cardsOf(layer);
    for (const by of ["z", "w", "x"]) {
      for (const tall of [false, true]) {
        const { piles, rows, columns, down, across } = pilesOf(layer, cards, by, tall);
        const places = new Set();
        for (const pile of piles) {
          const sum = pile.cards.reduce((total, { n }) => total + valueOf(cards[n], by, arrays).reduce((a, b) => a * b), 0);
          assert.equal(sum + 0, at(sums[by], pile.index) + 0, `${by}[${pile.index}]`);
          assert.ok(pile.place[0] < down && pile.place[1] < across);
          for (const { slot: [r, c] } of pile.cards) {
            assert.ok(r < rows && c < columns);
            places.add(`${pile.place} ${r} ${c}`);
          }
        }
        assert.equal(places.size, cards.length, "two cards lie on each other");
        assert.equal(new Set(piles.map(({ place }) => String(place))).size, piles.length);
      }
    }
  });
});
