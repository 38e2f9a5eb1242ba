// Run by Node.js from tests/stage/test_relu.py: the gates of the ReLU stage are those of layers, and its words are true.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { decodeArray, decodeArrays, makeArray, withNumber } from "./modules/arrays.js";
import { biasRange, flippedBetween, gateLines, gatesOf } from "./modules/relu.js";

const text = (line) => line.map((part) => part.text ?? part).join("");
const Z = makeArray([2, 3], [3, -1, 0, -2, -4, 5]);
const DA = makeArray([2, 3], [2, 5, -3, 7, -1, 4]);
const gates = (changes = {}) => gatesOf({ z: Z, da: DA, bias: 0, ...changes });
const lines = (changes, index) => gateLines(gates(changes), { bias: 0, kinkOpen: false, ...changes }, index).map(text);

JSON.parse(readFileSync("data.json", "utf8")).forEach(({ arrays, bias, expected, dead }, n) => test(`table ${n} is that of layers`, () => {
  const model = gatesOf({ ...decodeArrays(arrays), bias });
  for (const name of ["z", "a", "dz"]) {
    const right = decodeArray(expected[name]);
    assert.deepEqual(model[name].shape, right.shape);
    right.data.forEach((value, place) => assert.ok(Object.is(model[name].data[place], value) || Math.abs(model[name].data[place] - value) < 1e-5, `${name}[${place}]`));
  }
  decodeArray(expected.db).data.forEach((value, k) => assert.ok(Math.abs(model.db[k] - value) < 1e-5));
  assert.deepEqual(model.dead, dead);
  const { low, high } = biasRange(decodeArray(arrays.z));
  const count = (moved) => gatesOf({ ...decodeArrays(arrays), bias: moved }).passes.filter(Boolean).length;
  const lost = arrays.z.data.filter((value) => value === "nan").length;
  assert.deepEqual([count(low), count(high)], [lost, arrays.z.data.length]);
}));

test("the bias moves by whole numbers or by few digits", () => {
  assert.deepEqual(biasRange(Z), { low: -6, high: 6, step: 1 });
  assert.deepEqual(biasRange(makeArray([2], [0.3, -1])), { low: -1.02, high: 1.02, step: 0.03 });
  assert.equal(gates({ z: makeArray([1, 1], [-0.3]), da: makeArray([1, 1], [1]), bias: 0.1 }).z.data[0], -0.2);
});

test("at exactly 0 the gate is closed, or open by the other convention, and A is 0 in both", () => {
  assert.deepEqual([...gates().dz.data], [2, 0, 0, 0, 0, 4]);
  assert.deepEqual([...gates({ kinkOpen: true }).dz.data], [2, 0, -3, 0, 0, 4]);
  assert.deepEqual(gates({ kinkOpen: true }).a, gates().a);
  assert.deepEqual(gates().kinks, [[0, 2]]);
  assert.deepEqual(lines({}, [0, 2]), [
    "Z[0, 2] = 0 is exactly 0, on the kink, A[0, 2] = 0", "dZ[0, 2] = dA[0, 2]·[0 > 0] = −3·0 = 0",
    "From the left the slope is 0, from the right 1; 0 is chosen, here and in `layers`.",
  ]);
  assert.equal(lines({ kinkOpen: true }, [0, 2])[1], "dZ[0, 2] = dA[0, 2]·[0 ≥ 0] = −3·1 = −3");
});

test("a unit is dead that is closed for every example, and says so", () => {
  assert.deepEqual(gates().dead, [1]);
  assert.deepEqual(gates({ bias: 2 }).dead, []);
  assert.deepEqual(gates({ bias: -5 }).dead, [0, 1, 2]);
  assert.equal(lines({}, [0, 1])[2], "db[1] = 0: unit 1 is dead, and no step of descent moves its weights or its bias.");
});

test("sums are written with the bias, and add up", () => {
  assert.deepEqual(lines({ bias: 3 }, [1, 0]), [
    "Z[1, 0] = −2 + 3 = 1 is above 0: the gate is open, A[1, 0] = 1", "dZ[1, 0] = dA[1, 0]·[1 > 0] = 7·1 = 7",
    "db[0] = 2 + 7 = 9, dZ's column: the gradient of the bias of unit 0",
  ]);
  assert.equal(lines({ bias: -2 }, [1, 0])[0], "Z[1, 0] = −2 + (−2) = −4 is below 0: the gate is closed, A[1, 0] = 0");
});

test("gates that flip are told, and a NaN is let through", () => {
  assert.deepEqual(flippedBetween(gates(), gates({ bias: 1 })), [[0, 2]]);
  assert.deepEqual(flippedBetween(gates(), gates({ z: withNumber(Z, [0, 0], 0) })), [[0, 0]]);
  assert.deepEqual(flippedBetween(undefined, gates()), []);
  const lost = gates({ z: withNumber(Z, [0, 1], NaN) });
  assert.deepEqual([lost.a.data[1], lost.dz.data[1]], [NaN, 5]);
});
