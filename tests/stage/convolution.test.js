// What the stage of convolution shows and writes, against what Python wrote into data.json: see test_convolution.py.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

import { at, decodeArray, indicesOf, makeArray, withNumber } from "./modules/arrays.js";
import { colorOf, kindScale, rampOf } from "./modules/colors.js";
import { convProducts } from "./modules/products.js";
import { linesOf, lookedAt } from "./modules/convolution_sums.js";
import { sparseMatrix, spreadOut, turned, windowOf } from "./modules/convolution_sums.js";
import * as stage from "./modules/convolution_state.js";
import { afterSteps, orderOf } from "./modules/convolution_state.js";
import { gridNumbers, sumNumbers } from "./modules/page.js";
import { readNumber, written } from "./modules/page.js";

const DATA = JSON.parse(readFileSync("data.json", "utf8"));

const decoded = (arrays) => Object.fromEntries(Object.entries(arrays).map(([name, json]) => [name, decodeArray(json)]));
const textOf = (parts) => parts.map((part) => part.text ?? part).join("");

// [what a reader with a pencil gets, what is printed]; each is null where it is NaN.
function calculated(line) {
  const [, sum, total] = textOf(line).match(/^[^=]*= (.*?)(?: [=≈] ([^=≈]*))?$/);
  const plain = (text) => text.replaceAll("−", "-").replaceAll("·", "*").replace(/\([^():]*: /g, "(");
  const value = new Function(`return ${plain(sum)}`)();
  return [value, total === undefined ? value : readNumber(total)];
}

function setUp({ arrays, options, order, step }) {
  const state = stage.startOf({ arrays: decoded(arrays), options });
  state.order = order;
  const model = stage.computed(state);
  const arrived = afterSteps(model, orderOf(state, model), step ?? model.count);
  return { state, model, arrived, step: step ?? model.count };
}

function assertEqual(array, json, name) {
  const expected = decodeArray(json);
  assert.deepEqual(array.shape, expected.shape, name);
  assert.deepEqual(Array.from(array.data, (n) => n + 0), Array.from(expected.data), name);
}

DATA.settings.forEach((setting, number) => {
  test(`setting ${number}: what is shown`, () => {
    const { model, arrived } = setUp(setting);
    assertEqual(model.z, setting.expected.z, "z");
    for (const name of ["dx", "dw", "db"]) assertEqual(arrived[name], setting.expected[name], name);
  });

  test(`setting ${number}: every written sum is the number in the cell`, () => {
    const made = setUp({ ...setting, step: null });
    const { state, model, arrived } = made;
    for (const [name, array] of [["z", model.z], ["dx", arrived.dx], ["dw", arrived.dw], ["db", arrived.db]]) {
      for (const index of indicesOf(array.shape)) {
        if (name !== "db") [state.channel, state.filter] = { z: [0, index[2]], dx: [index[2], 0], dw: index.slice(2) }[name];
        const lines = linesOf(lookedAt({ array: name, index }, state, model, arrived), state, model, { ...made, budget: 90 });
        const value = at(array, index) + 0; // no −0
        assert.deepEqual(calculated(lines[1]).map((n) => n + 0), [value, value], `${name}[${index}]: ${textOf(lines[1])}`);
      }
    }
  });

  test(`setting ${number}: the readings of dX agree`, () => {
    const made = setUp({ ...setting, step: null });
    const { state, model, arrived } = made;
    state.reading = "window";
    const bar = turned(model);
    for (const [u, v, c, k] of indicesOf(model.w.shape)) {
      assert.equal(at(bar, [model.w.shape[0] - 1 - u, model.w.shape[1] - 1 - v, c, k]), at(model.w, [u, v, c, k]));
    }
    const [matrix, byMatrix, byWindow] = [[], makeArray(model.x.shape), makeArray(model.x.shape)];
    for (const index of indicesOf(model.x.shape)) {
      const place = (index[0] * model.x.shape[1] + index[1]) * model.C + index[2];
      for (let k = 0; k < model.K; k += 1) {
        [state.channel, state.filter] = [index[2], k];
        const T = (matrix[index[2] * model.K + k] ??= sparseMatrix(model, index[2], k).array);
        for (let output = 0; output < model.count; output += 1) {
          byMatrix.data[place] += at(T, [output, index[0] * model.x.shape[1] + index[1]]) * model.dz.data[output * model.K + k];
        }
        const looked = lookedAt({ array: "dx", index }, state, model, arrived);
        const [words, line] = linesOf({ ...looked, others: [] }, state, model, { ...made, budget: 1000 });
        assert.match(textOf(words), /the window of D, times W̄/);
        byWindow.data[place] += calculated(line)[0];
      }
    }
    assert.deepEqual([...byMatrix.data], Array.from(arrived.dx.data, (n) => n + 0));
    assert.deepEqual([...byWindow.data], Array.from(arrived.dx.data, (n) => n + 0));
  });
});

DATA.settings.forEach((setting, number) => {
  test(`setting ${number}: a window's frame lies round what its output reads, and what was put into D is pale`, () => {
    const { model } = setUp(setting);
    const { geometry } = model;
    for (const output of indicesOf(geometry.z.slice(0, 2))) {
      const read = convProducts(geometry, "z", [...output, 0]).filter(({ x }) => x[2] === 0).map(({ x }) => x);
      const { from, size } = windowOf(model, output, 0);
      assert.deepEqual([from, from.slice(0, 2).map((n, axis) => n + size[axis] - 1)], [read[0], read.at(-1).slice(0, 2)]);
    }
    const { array, look, placed } = spreadOut(model);
    const own = indicesOf(geometry.z).map(([i, j, k]) => [...placed([i, j]), k]).filter((place) => place.every((n, axis) => n >= 0 && n < array.shape[axis]));
    const shown = indicesOf(array.shape).filter((_, place) => !look(place));
    assert.deepEqual(shown.map(String).sort(), own.map(String).sort());
  });
});

test("settings that are legal fit, and those one step further do not", () => {
  let [seed, outside] = [1, 0];
  const random = (n) => (seed = (seed * 48271) % 2147483647) % n;
  for (let walk = 0; walk < 40; walk += 1) {
    const x = makeArray([1 + random(7), 1 + random(7), 1]);
    const state = stage.startOf({ arrays: { x, w: makeArray([1, 1, 1, 1]), b: makeArray([1]) }, options: {} });
    for (let step = 0; step < 40; step += 1) {
      const name = ["kernel", "stride", "padding", "dilation"][random(4)];
      if (random(9) === 0) state.padding = "same";
      const ranges = stage.legalRanges(state, name);
      const pair = ranges.map(([low, high]) => low + random(high - low + 1));
      const before = structuredClone({ ...state, store: null });
      state[name] = name === "padding" ? [pair[0], pair[0], pair[1], pair[1]] : pair;
      assert.ok(Math.min(...stage.computed(state).geometry.z) >= 1, `${name} ${pair}`);
      const beyond = [ranges[0][1] + 1, pair[1]];
      if ((name === "kernel" || name === "dilation") && beyond[0] <= state.caps[name]) {
        const far = { ...state, ...before, store: state.store, [name]: beyond };
        assert.throws(() => stage.computed(far), `${name} ${beyond}`);
        outside += 1;
      }
    }
  }
  assert.ok(outside > 100);
});

test("the invented kernel has no symmetry at any size", () => {
  const table = stage.INVENTED_KERNEL;
  for (let rows = 1; rows <= 5; rows += 1) {
    for (let columns = 1; columns <= 5; columns += 1) {
      for (const [u, v] of indicesOf([rows, columns])) {
        const [r, c] = [rows - 1 - u, columns - 1 - v];
        if (r !== u || c !== v) assert.notEqual(table[u][v], table[r][c], `${rows}×${columns} turned`);
        if (rows === columns && u !== v) assert.notEqual(table[u][v], table[v][u], `${rows}×${columns} transposed`);
      }
    }
  }
});

test("the invented gradient is Python's", () => {
  const state = stage.startOf({ arrays: { x: makeArray([9, 8, 1]), w: makeArray([2, 2, 1, 3]), b: makeArray([3]) }, options: {} });
  assertEqual(stage.computed(state).dz, DATA.invented, "dz");
});

test("a number that is typed stays when the kernel shrinks and grows", () => {
  const state = stage.startOf({ arrays: { x: makeArray([6, 6, 1]), w: makeArray([3, 3, 1, 1]), b: makeArray([1]) }, options: {} });
  const change = (index, value) => (state.store.w = withNumber(state.store.w, index, value));
  change([2, 2, 0, 0], 42);
  state.kernel = [2, 2];
  change([0, 1, 0, 0], 5);
  state.kernel = [3, 3];
  const { w } = stage.computed(state);
  assert.deepEqual([at(w, [2, 2, 0, 0]), at(w, [0, 1, 0, 0])], [42, 5]);
});

// The ramps and inks of stage.css, light and dark: [{ value: "#… #…", here: "#…" }, …].
const [LIGHT, DARK] = ["{", "bp-dark {"].map((start) => {
  const [block] = readFileSync("modules/stage.css", "utf8").split(`.bp-stage${start === "{" ? " {" : ".bp-dark {"}`).slice(1)[0].split("}");
  return Object.fromEntries([...block.matchAll(/--bp-(\w+): (#[^;]*);/g)].map(([, name, colors]) => [name, colors.split(" ")]));
});

test("a NaN weight shows where its stamp has been pressed, and nowhere else", () => {
  const w = makeArray([2, 2, 1, 1], [1, 2, 3, NaN]);
  const state = stage.startOf({ arrays: { x: makeArray([3, 3, 1]), w, b: makeArray([1]), dz: makeArray([2, 2, 1], [4, 5, 6, 7]) }, options: {} });
  const { dx, dw } = afterSteps(stage.computed(state), [[1, 0], [0, 0], [0, 1], [1, 1]], 1);
  assert.deepEqual([...dx.data], [0, 0, 0, 6, 12, 0, 18, NaN, 0]);
  assert.deepEqual([...dw.data], [0, 0, 0, 0]);
});

test("the palettes are those of the figures", () => {
  assert.deepEqual([LIGHT.value, LIGHT.signed], [DATA.palettes.SEQUENTIAL, DATA.palettes.DIVERGING]);
  const inks = { here: "black", input: "blue", weight: "green", output: "vermillion", bias: "purple", moved: "orange" };
  for (const [role, ink] of Object.entries(inks)) assert.equal(LIGHT[role][0], DATA.palettes.INKS[ink].toLowerCase());
});

test("zero is paper in every scale, and one number has one colour", () => {
  const [small, large] = [makeArray([2], [0, 3]), makeArray([2], [-8, 2])];
  for (const [colors, paper] of [[LIGHT, [255, 255, 255]], [DARK, [35, 40, 44]]]) {
    const ramps = { value: rampOf(colors.value), signed: rampOf(colors.signed), digit: rampOf(colors.digit) };
    for (const kind of ["value", "weight", "gradient", "digit"]) {
      for (const arrays of [[small], [large], [small, large]]) {
        assert.deepEqual(colorOf(kindScale(arrays, kind), 0, ramps), paper);
        assert.notDeepEqual(colorOf(kindScale(arrays, kind), 2, ramps), paper);
      }
    }
  }
  assert.deepEqual(kindScale([small, large], "value"), { bound: 8, ramp: "signed" });
});

test("no number vanishes from a grid", () => {
  const texts = (values) => values.map((value) => gridNumbers(values).text(value));
  assert.deepEqual(texts([3, -1, 0, 12]), ["3", "−1", "0", "12"]);
  assert.deepEqual(texts([0.25, 3, -0.001, 0]), ["0.25", "3.00", "≈0", "0"]);
  assert.deepEqual(texts([1e-5, 2, 3, -40000]), ["≈0", "2", "3", "−40000"]);
  assert.deepEqual(texts([0.00002, -0.00031]), ["0.2", "−3.1"]);
  assert.equal(gridNumbers([0.00002, -0.00031]).factor, "×10⁻⁴");
  assert.deepEqual(texts([NaN, Infinity, -4e8]), ["NaN", "∞", "−4e8"]);
});

test("a written sum of reals adds up as it is printed", () => {
  let seed = 7;
  const real = () => Math.round((((seed = (seed * 48271) % 2147483647) / 2147483647) * 6 - 3) * 1e6) / 1e6;
  for (let n = 1; n < 200; n += 1) {
    const terms = Array.from({ length: 1 + (n % 9) }, () => [real(), real()]);
    const total = terms.reduce((sum, [a, b]) => sum + a * b, 0);
    const printed = sumNumbers(terms, total);
    const number = (text) => Number(text.replace("−", "-"));
    const pencil = terms.reduce((sum, [a, b]) => sum + number(printed.factor(a)) * number(printed.factor(b)), 0);
    const decimals = printed.total.split(".")[1].length;
    assert.equal(written(pencil, decimals), printed.total);
    assert.ok(Math.abs(total - number(printed.total)) <= 0.5 * 10 ** -decimals + 1e-9);
  }
});

test("what is typed is read", () => {
  const typed = ["3", "−2", "-2", "0,5", ".5", "1e-3", "nan", "-inf", "1/4", "1,000", "12 345"].map(readNumber);
  assert.deepEqual(typed, [3, -2, -2, 0.5, 0.5, 0.001, NaN, -Infinity, 0.25, 1000, 12345]);
  assert.deepEqual(["", "x", "1 2", "--3", "1/2/3", "/2"].map(readNumber), [null, null, null, null, null, null]);
});
