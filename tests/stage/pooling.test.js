// Run by Node.js from tests/stage/test_pooling.py: the state of the pooling stage, its marks and its words.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { at, decodeArrays, indicesOf, makeArray, withNumber } from "./modules/arrays.js";
import { readNumber } from "./modules/page.js";
import { jumpsBetween, lettersOf, pooledMarks, pooledOf, tiedIn, winnerOf } from "./modules/pooling.js";
import { pooledLines } from "./modules/pooling_words.js";

const DATA = JSON.parse(readFileSync("data.json", "utf8"));
const text = (line) => line.map((part) => part.text ?? part).join("");
const X = makeArray([2, 4, 1], [4, 4, 1, 2, 0, 1, 3, 3]);
const small = (x = X) => pooledOf({ x, dz: makeArray([1, 2, 1], [5, -2]), size: [2, 2], stride: null, mode: "max" });

DATA.forEach(({ arrays, options, expected }, n) => test(`layer ${n} is that of layers, and its sums are true`, () => {
  const model = pooledOf({ ...decodeArrays(arrays), ...options });
  for (const [name, array] of Object.entries(decodeArrays(expected))) {
    assert.deepEqual(model[name].shape, array.shape);
    array.data.forEach((value, place) => assert.ok(Object.is(model[name].data[place] + 0, value + 0) || Math.abs(model[name].data[place] - value) < 1e-5, name));
  }
  for (const index of indicesOf(model.x.shape)) {
    const [sum] = pooledLines(model, { array: "dx", index });
    const total = readNumber(text(sum).split(/ [=≈] /).at(-1));
    assert.ok(Math.abs(total - at(model.dx, index)) < 1e-3 * Math.max(1, Math.abs(total)), text(sum));
    const windows = pooledMarks(model, { array: "dx", index }, index[2]).x.frames.filter(({ role }) => role === "input").length;
    assert.equal(windows > 0, model.read.has(index.reduce((place, i, axis) => place * model.x.shape[axis] + i, 0)));
  }
}));

test("of equals the first wins, and the words say so", () => {
  assert.deepEqual(tiedIn(small(), [0, 1, 0]), [[1, 2, 0], [1, 3, 0]]);
  assert.deepEqual(winnerOf(small(), [0, 0, 0]), [0, 0, 0]);
  const lines = pooledLines(small(), { array: "dz", index: [0, 0, 0] }).map(text);
  assert.deepEqual(lines, ["Z[0, 0] = max(4, 4, 0, 1) = 4", "dZ[0, 0] = 5 goes to X[0, 0], the first of 2 equals in reading order; the others get 0"]);
  assert.deepEqual([...small().paid.data], [5, 5, 0, 0, 0, 0, -2, -2]);
  assert.deepEqual([0, 1, 6].map(lettersOf(small()).x), ["a", undefined, "b"]);
});

test("the winner jumps when the tie is passed, and not before", () => {
  const [before, tie, past] = [3, 4, 5].map((value) => small(withNumber(X, [1, 0, 0], value)));
  assert.deepEqual(jumpsBetween(before, tie), []);
  assert.deepEqual(jumpsBetween(tie, past), [{ output: [0, 0, 0], from: [0, 0, 0], to: [1, 0, 0] }]);
});

test("a NaN wins, and ties with nothing", () => {
  const model = small(withNumber(X, [1, 1, 0], NaN));
  assert.deepEqual(tiedIn(model, [0, 0, 0]), [[1, 1, 0]]);
  assert.match(text(pooledLines(model, { array: "z", index: [0, 0, 0] })[1]), /goes to X\[1, 1\]; a NaN wins/);
  assert.equal(model.dx.data[5], 5);
});

test("what overlaps adds, and a share is written as one", () => {
  const x = makeArray([3, 3, 1], [3, 1, 2, 0, 4, 1, 5, 2, 6]);
  const dz = makeArray([2, 2, 1], [1, -2, 3, 2]);
  const lines = (mode) => pooledLines(pooledOf({ x, dz, size: [2, 2], stride: [1, 1], mode }), { array: "dx", index: [1, 1, 0] }).map(text);
  assert.deepEqual(lines("max"), ["dX[1, 1] = 1 + (−2) = −1", "4 windows read this pixel, it wins 2: Z[0, 0], Z[0, 1]; what they send adds."]);
  assert.deepEqual(lines("average"), ["dX[1, 1] = (1 + (−2) + 3 + 2)/4 = 1", "4 windows read this pixel: their shares add."]);
});
