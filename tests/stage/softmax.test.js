// Run by Node.js from tests/stage/test_softmax.py: softmax and its loss are those of layers.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { decodeArrays, makeArray } from "./modules/arrays.js";
import { rangeAround, scoresOf } from "./modules/softmax.js";

const near = (got, right, what) => assert.ok(Object.is(got, right) || Math.abs(got - right) <= 1e-5 * Math.max(1, Math.abs(right)), `${what}: ${got}, not ${right}`);

JSON.parse(readFileSync("data.json", "utf8")).forEach(({ arrays, label, expected }, n) => test(`scores ${n}`, () => {
  const { z, y, dz, jacobian } = decodeArrays({ ...arrays, ...expected });
  const model = scoresOf(z, label);
  y.data.forEach((value, k) => near(model.y[k], value, "y"));
  dz.data.forEach((value, k) => near(model.dz[k], value, "dz"));
  jacobian.data.forEach((value, k) => near(model.jacobian.data[k], value, "jacobian"));
  near(model.loss, expected.loss.data[0], "loss");
  const shifted = scoresOf(makeArray(z.shape, z.data.map((score) => score + 1000)), label);
  shifted.y.forEach((value, k) => near(value, model.y[k], "shifted"));
}));

test("the naive formula overflows where this one does not", () => {
  const { e, y, loss } = scoresOf(makeArray([3], [0, 2000, 0]), 0);
  assert.deepEqual([...e], [1, Infinity, 1]);
  assert.deepEqual([...y], [0, 1, 0]);
  assert.equal(loss, 2000);
  assert.ok(scoresOf(makeArray([2], [NaN, 1]), 0).y.every(Number.isNaN));
});

test("a slider reaches its score, in whole notches from both ends", () => {
  assert.deepEqual([0, 1002, 0.3, 12, -300].map(rangeAround), [
    { min: -8, max: 8 }, { min: 992, max: 1008 }, { min: -7.95, max: 7.8 }, { min: -8, max: 12 }, { min: -300, max: 8 },
  ]);
});
