// The stage's arithmetic against what Python wrote into data.json: see test_compute.py.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

import { at, decodeArray, encodeArray, indicesOf, makeArray, offset } from "./modules/arrays.js";
import { prepareDigit } from "./modules/digit.js";
import {
  backwardNetwork, decodeFloat16, decodeNetwork, forwardNetwork, positionOf, receptiveField, sentBack,
} from "./modules/network_compute.js";
import { networksOf } from "./modules/network_run.js";
import * as layers from "./modules/products.js";

const DATA = JSON.parse(readFileSync("data.json", "utf8"));
const TOLERANCE = 1e-9; // times an array's largest entry; both sides compute in doubles

// Equal shapes, NaN and ∞ at the same places, all else within `tolerance`, 0 for exactly.
function assertClose(actual, json, name, tolerance = TOLERANCE) {
  const expected = decodeArray(json);
  assert.deepEqual(actual.shape, expected.shape, `${name}: shape`);
  assert.equal(actual.data.length, expected.data.length, `${name}: length`);
  const scale = Math.max(0, ...expected.data.filter(Number.isFinite).map(Math.abs));
  expected.data.forEach((value, n) => {
    const [same, off] = [Object.is(actual.data[n] + 0, value + 0), Math.abs(actual.data[n] - value)];
    assert.ok(same || off <= tolerance * scale, `${name}[${n}]: ${actual.data[n]}, expected ${value}`);
  });
}

const tupled = (list) => list.map((entry) => JSON.stringify(entry)).sort();

// ------------------------------------------------------------------------------------------------ layers

function geometryOf({ kind, options, arrays }) {
  if (kind === "conv") return layers.convGeometry({ x: arrays.x.shape, w: arrays.w.shape, ...options });
  if (kind === "pool") return layers.poolGeometry({ x: arrays.x.shape, ...options });
  return layers.fcGeometry({ x: arrays.x.shape, w: arrays.w.shape });
}

function computed(geometry, { x, w, b, dz }) {
  if (geometry.kind === "conv") {
    return { z: layers.convForward(geometry, x, w, b), ...layers.convBackward(geometry, dz, x, w) };
  }
  if (geometry.kind === "fc") return summed(geometry, { x, w, b, dz }, null);
  const { z, winners } = layers.poolForward(geometry, x);
  return { z, winners, ...layers.poolBackward(geometry, dz, winners) };
}

// The same arrays once more, by adding up the products of every entry.
function summed(geometry, { x, w, b, dz }, winners) {
  const share = winners ? 1 : 1 / (geometry.w[0] * geometry.w[1]);
  const weight = (p) => (geometry.kind === "pool" ? share : at(w, p.w));
  const pixel = (p) => (p.inside ? at(x, p.x) : 0);
  const sums = (array, shape, term) => makeArray(shape, indicesOf(shape).map((index) =>
    layers.productsOf(geometry, array, index, winners).reduce((total, p) => total + term(p), 0)));
  const z = sums("z", geometry.z, (p) => pixel(p) * weight(p));
  const dx = sums("x", geometry.x, (p) => at(dz, p.z) * weight(p));
  if (geometry.kind === "pool") return { z, dx };
  z.data.forEach((total, n) => { z.data[n] = total + b.data[n % b.data.length]; });
  const dw = sums("w", geometry.w, (p) => pixel(p) * at(dz, p.z));
  return { z, dx, dw, db: sums("b", b.shape, (p) => at(dz, p.z)) };
}

// Grouped by z, by x or by w it is the same list, and each group holds the products of its own entry.
function assertGroups(geometry, winners) {
  const all = indicesOf(geometry.z).flatMap((index) => layers.productsOf(geometry, "z", index, winners));
  assert.equal(new Set(tupled(all)).size, all.length, "a product is listed twice");
  const groups = { z: [geometry.z, all], x: [geometry.x, all.filter((p) => p.inside)], w: [geometry.w, all] };
  for (const [array, [shape, expected]] of Object.entries(groups)) {
    const grouped = indicesOf(shape).flatMap((index) => {
      const own = layers.productsOf(geometry, array, index, winners);
      own.forEach((p) => assert.deepEqual(p[array], index));
      return own;
    });
    assert.deepEqual(tupled(grouped), tupled(expected), `grouped by ${array}`);
  }
}

DATA.layers?.forEach((example, number) => {
  test(`layer ${number}: ${example.kind} ${JSON.stringify(example.options)}`, () => {
    const geometry = geometryOf(example);
    if (example.expected === null) return assert.equal(geometry, null);
    const entries = Object.entries(example.arrays).map(([name, json]) => [name, decodeArray(json)]);
    const arrays = Object.fromEntries(entries);
    const results = computed(geometry, arrays);
    const tolerance = example.exact ? 0 : TOLERANCE;
    // The sum of an average's shares, each 1/n, is not exact.
    const summedTolerance = geometry.mode === "average" ? TOLERANCE : tolerance;
    const again = example.nan ? {} : summed(geometry, arrays, results.winners);
    for (const [name, expected] of Object.entries(example.expected)) {
      assertClose(results[name], expected, name, tolerance);
      if (again[name]) assertClose(again[name], expected, `${name} by its products`, summedTolerance);
    }
    if (example.padding) assertPadding(geometry, example);
    assertGroups(geometry, results.winners);
  });
});

// Python lists (top, bottom, left, right), and such a list means itself.
function assertPadding(geometry, { arrays, options, padding }) {
  assert.deepEqual(geometry.padding, padding);
  const shapes = { x: arrays.x.shape, w: arrays.w.shape };
  assert.deepEqual(layers.convGeometry({ ...shapes, ...options, padding }), geometry);
}

// ---------------------------------------------------------------------------------------------- networks

DATA.networks?.forEach((example, number) => {
  const names = Object.keys(example.activations);
  test(`network ${number}: ${names.join(", ")}`, () => {
    const network = decodeNetwork(example.network);
    const run = forwardNetwork(network, decodeArray(example.image));
    const { loss, gradients } = backwardNetwork(network, run, example.label);
    assert.deepEqual(Object.keys(run.activations), names);
    assert.deepEqual(Object.keys(gradients), names);
    assertClose(makeArray([1], [loss]), { shape: [1], data: [example.loss] }, "loss");
    assertClose(makeArray([network.classes], run.probabilities), example.probabilities, "probabilities");
    for (const name of names) {
      assertClose(run.activations[name], example.activations[name], name);
      assertClose(gradients[name], example.gradients[name], `d ${name}`);
    }
    for (const { layer, cell, field, to, ...expected } of example.cells) {
      assert.deepEqual(receptiveField(network, layer, cell), field, `${layer}[${cell}] sees`);
      const before = ["input", ...network.layers.map(({ name }) => name)].at(positionOf(network, layer) - 1);
      assertClose(sentBack(network, run, gradients, layer, cell, before), expected.sentBack, `${layer}[${cell}]`);
      const further = sentBack(network, run, gradients, layer, cell, to);
      assertClose(further, expected.sentBackTo, `${layer}[${cell}] to ${to}`);
    }
  });
});

// ------------------------------------------------------------------------------------------ network's data

if (DATA.float16) {
  test("every float16", () => {
    const bytes = new Uint8Array(Uint16Array.from({ length: 65536 }, (_, n) => n).buffer);
    const values = decodeFloat16(bytes);
    DATA.float16.data.forEach((value, n) => assert.ok(Object.is(values[n], value === "-0" ? -0 : decodeArray(
      { shape: [1], data: [value] }).data[0]), `0x${n.toString(16)}: ${values[n]}, expected ${value}`));
  });

  test("snapshots", () => {
    const file = readFileSync("snapshots.bin");
    const buffer = file.buffer.slice(file.byteOffset, file.byteOffset + file.length);
    const networks = networksOf({ network: DATA.snapshots, bits: 16 }, buffer);
    assert.equal(networks.length, DATA.logits.length);
    const image = decodeArray(DATA.image);
    networks.forEach((network, n) => {
      const { activations } = forwardNetwork(network, image);
      assertClose(activations[network.layers.at(-1).name], DATA.logits[n], `logits of snapshot ${n}`);
    });
  });
}

// ----------------------------------------------------------------------------------------------- digits

DATA.digits?.forEach((example, number) => {
  test(`digit ${number}: ${example.drawing.shape.join("×")}`, () => {
    const steps = prepareDigit(decodeArray(example.drawing));
    assert.deepEqual([...steps.box], example.box);
    assert.deepEqual([...steps.corner], example.corner);
    for (const [name, expected] of Object.entries(example.arrays)) {
      const actual = name === "centre" ? makeArray([2], steps.centre) : steps[name];
      const exact = decodeArray(expected);
      assert.deepEqual(actual.shape, exact.shape);
      exact.data.forEach((value, n) => assert.ok(Math.abs(actual.data[n] - value) < 1e-6, `${name}[${n}]`));
    }
  });
});

if (DATA.digits) {
  test("an empty pad is no digit", () => assert.equal(prepareDigit(makeArray([28, 28])), null));
}

// ----------------------------------------------------------------------------------------------- arrays

if (DATA.arrays) {
  test("arrays", () => {
    const array = makeArray([2, 3, 4], Array.from({ length: 24 }, (_, n) => n));
    assert.equal(offset(array.shape, [1, 2, 3]), 23);
    assert.equal(at(array, [1, 0, 2]), 14);
    assert.deepEqual(indicesOf([2, 3, 4]).map((index) => at(array, index)), [...array.data]);
    assert.deepEqual([...makeArray([2, 2]).data], [0, 0, 0, 0]);
    assert.throws(() => makeArray([2, 2], [1, 2, 3]), /must hold 4 numbers/);
  });

  test("numbers in JSON", () => {
    const numbers = [1 / 3, -12345678.9, 1e-9, 7, 12345678, NaN, Infinity, -Infinity];
    const json = JSON.parse(JSON.stringify(encodeArray(makeArray([8], numbers))));
    assert.deepEqual(json.data, [0.333333, -12345700, 1e-9, 7, 12345678, "nan", "inf", "-inf"]);
    const values = [...decodeArray(json).data];
    assert.deepEqual(values.slice(3), numbers.slice(3));
  });
}
