// Run by Node.js from tests/stage/test_kernel.py: the steps of a kernel are those of layers, and the bowl is its loss.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { decodeArrays, makeArray } from "./modules/arrays.js";
import { bowlAxes, bowlOf, gradientAt, largestRate, mapOf, pathOf } from "./modules/kernel_compute.js";

const near = (got, right, what) => assert.ok(Math.abs(got - right) <= 1e-5 * Math.max(1, Math.abs(right)), `${what}: ${got}, not ${right}`);
const DATA = JSON.parse(readFileSync("data.json", "utf8"));

DATA.forEach(({ arrays, rate, steps, losses, kernels, dw, hessian, limit }, n) => test(`problem ${n}`, () => {
  const { x, w, target } = decodeArrays(arrays);
  const path = pathOf({ x, target }, w, rate, steps);
  assert.equal(path.length, steps + 1);
  path.forEach((now, step) => {
    near(now.loss, losses[step], `loss ${step}`);
    now.w.data.forEach((weight, k) => near(weight, kernels[step][k], `W ${step} ${k}`));
  });
  gradientAt({ x, target }, w).dw.data.forEach((slope, k) => near(slope, dw[k], `dW ${k}`));
  const rows = bowlOf(x, w);
  rows.forEach((row, p) => row.forEach((value, q) => near(value, hessian[p][q], `H ${p} ${q}`)));
  const found = largestRate(rows);
  assert.ok(Math.abs(found / limit - 1) < 0.02, `the largest rate: ${found}, not ${limit}`);
}));

test("below the largest rate the loss falls at every step, above it climbs and the path ends", () => {
  const { x, w, target } = decodeArrays(DATA[0].arrays);
  const limit = largestRate(bowlOf(x, w));
  const [slow, fast] = [0.95, 1.05].map((part) => pathOf({ x, target }, w, part * limit, 200).map(({ loss }) => loss));
  slow.slice(1).forEach((loss, n) => assert.ok(loss <= slow[n] * (1 + 1e-12)));
  assert.ok(fast.at(-2) < 1e4 * fast[0] && fast.at(-1) > 1e4 * fast[0]);
  assert.equal(pathOf({ x: makeArray([2, 2], [NaN, 0, 0, 1]), target: makeArray([2, 1]) }, makeArray([1, 2], [1, 1]), 0.1, 5).length, 1);
});

test("two weights roll to where the bowl is lowest, and that is what made the target", () => {
  const x = makeArray([3, 4], [0, 1, 2, 0, 3, 0, 1, 1, 0, 2, 0, 1]);
  const hidden = makeArray([1, 2], [1, -1]);
  const problem = { x, target: mapOf(x, hidden) };
  const start = makeArray([1, 2], [0.4, 0.8]);
  const rows = bowlOf(x, start);
  const { lowest, values, angle } = bowlAxes(rows, start, gradientAt(problem, start).dw);
  lowest.forEach((weight, k) => near(weight, hidden.data[k], `lowest ${k}`));
  near(values[0] + values[1], rows[0][0] + rows[1][1], "trace");
  near(values[0] * values[1], rows[0][0] * rows[1][1] - rows[0][1] ** 2, "determinant");
  const axis = [Math.cos((angle * Math.PI) / 180), Math.sin((angle * Math.PI) / 180)];
  rows.forEach((row, p) => near(row[0] * axis[0] + row[1] * axis[1], values[0] * axis[p], "first axis"));
  pathOf(problem, start, 0.05, 200).at(-1).w.data.forEach((weight, k) => near(weight, hidden.data[k], `learned ${k}`));
  assert.equal(bowlAxes(bowlOf(makeArray([1, 3]), start), start, makeArray([1, 2])).lowest, null);
});
