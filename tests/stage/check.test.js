// Run by Node.js from tests/stage/test_check.py: slopes and errors are NumPy's, but for the last bits of the functions.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { digitsShared, measure, METHODS, relativeErrorOf, stepsOf, SUBJECTS } from "./modules/check_compute.js";

const { layers, recorded } = JSON.parse(readFileSync("data.json", "utf8"));
const UNIT = { float64: 2 ** -53, float32: 2 ** -24 };
const number = (json) => (json === "nan" ? NaN : json);

for (const { subject, precision, bug, analytic, points } of layers) {
  test(`${subject}, ${precision}, ${bug}`, () => {
    const found = measure({ subject, precision, bug });
    const unit = UNIT[precision];
    analytic.forEach((slope, k) => assert.ok(Math.abs(found.analytic[k] - slope) <= 4 * unit * Math.max(1, Math.abs(slope)), `analytic ${k}`));
    for (const { epsilon, base, slopes } of points) {
      const { entries } = found.measured[found.steps.indexOf(epsilon)];
      for (const method of METHODS) {
        const slack = unit * (method === "complex" ? 16 : 8 + (8 * Math.abs(base)) / epsilon); // a last bit of f is divided by ε
        slopes[method].forEach((slope, k) => assert.ok(Math.abs(entries[k].slopes[method] - slope) <= slack, `${method} ${epsilon} ${k}: ${entries[k].slopes[method]}, not ${slope}`));
      }
    }
  });
}

// A polynomial has the same bits everywhere.
for (const precision of ["float64", "float32"]) {
  test(`what Python recorded of a cube is what the page computes, ${precision}`, () => {
    const [own, page] = [measure({ subject: "own", precision, bug: "sign", recorded }), measure({ subject: "cube", precision, bug: "sign" })];
    assert.deepEqual(own.analytic, page.analytic);
    assert.equal(own.steps.length, 18);
    own.steps.forEach((epsilon, n) => {
      const place = page.steps.indexOf(epsilon);
      assert.deepEqual(own.measured[n], page.measured[place]);
      for (const method of METHODS) assert.deepEqual(own.worst[method][n], page.worst[method][place]);
    });
  });
}

test("the V: two powers of ten for each of ε, then rounding; a planted mistake is a floor", () => {
  const errorAt = (found, method, epsilon) => found.worst[method][found.steps.indexOf(epsilon)].error;
  const right = measure({ subject: "exp", precision: "float64", bug: "right" });
  for (const [method, ratio] of [["forward", 10], ["central", 100]]) {
    const found = errorAt(right, method, 0.01) / errorAt(right, method, 0.001);
    assert.ok(Math.abs(found / ratio - 1) < 0.01, `${method}: ${found}`);
  }
  assert.ok(errorAt(right, "central", 1e-5) < 1e-9 && errorAt(right, "central", 1e-10) > 1e-9);
  assert.equal(errorAt(right, "central", 1e-17), 1);
  assert.equal(errorAt(right, "complex", 1e-17), 0);
  const floors = { right: 0, double: 0.5, slightly: 0.001 / 1.001, sign: 2, zeros: 1, entry: 1 };
  for (const [bug, floor] of Object.entries(floors)) {
    const found = measure({ subject: "softmax", precision: "float64", bug });
    assert.ok(Math.abs(found.floor - floor) < 1e-12, `${bug}: ${found.floor}`);
    if (floor) assert.ok(Math.abs(errorAt(found, "central", 1e-5) / floor - 1) < 1e-5, bug);
    if (bug === "entry") assert.equal(found.worst.central[found.steps.indexOf(1e-5)].entry, 3);
  }
});

test("a nudge that is lost in 32 bits agrees with a gradient of zeros", () => {
  const found = measure({ subject: "kelvin", precision: "float32", bug: "zeros" });
  assert.deepEqual([1e-5, 1e-3].map((epsilon) => found.worst.central[found.steps.indexOf(epsilon)].error), [0, 1]);
});

test("steps, errors and digits", () => {
  const steps = stepsOf();
  assert.deepEqual([steps.length, steps[0], steps[1], steps[48], steps.at(-1)], [69, 1e-17, 1.8e-17, 1e-5, 1]);
  assert.deepEqual([[2, 1], [-1, 1], [0, 5], [0, -0], [3, 3]].map(([a, n]) => relativeErrorOf(a, n)), [0.5, 2, 1, 0, 0]);
  assert.ok(Number.isNaN(relativeErrorOf(1, NaN)));
  assert.deepEqual([0, 1e-20, 2e-11, 0.5, 1, 2, NaN].map((error) => digitsShared(error, 16)), [16, 16, 10, 0, 0, 0, 0]);
  assert.deepEqual(Object.keys(SUBJECTS), ["exp", "cube", "kelvin", "softmax", "relu"]);
});
