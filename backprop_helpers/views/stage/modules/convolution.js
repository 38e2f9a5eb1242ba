// A convolutional layer, forward and backward, under the pointer: X, W, b and Z beside their gradients. Hover a cell: all
// that takes part is marked and the sum is written. Press the outputs one by one: stamps. Click a pixel of dX: sit on it.

import { arrange } from "./arrange.js";
import { at, decodeArrays, encodeArrays } from "./arrays.js";
import { asPair, convProducts, resolvePadding } from "./conv_layer.js";
import { afterSteps, changeNumber, computed, legalRanges, orderOf, placeOf, startOf, stepNow, storeArrays, turnedIndex } from "./convolution_state.js";
import { GRIDS, linesOf, lookedAt } from "./convolution_sums.js";
import { arrangementsOf, gridsShown, legendOf, viewsOf, windowOf } from "./convolution_views.js";
import { makeChoice, makePlayer, makeStepper, makeSwitch } from "./controls.js";
import { makeFrame } from "./frame.js";
import { makeGrid } from "./grid.js";
import { boxOf } from "./grid_places.js";
import { clamp } from "./page.js";
import { fly, showLegend, showSum, sumFlights } from "./sum.js";

const EDITABLE = ["x", "w", "b", "dz"];
const SETTINGS = {
  kernel: "rows and columns of W", stride: "how far the window moves from output to output",
  padding: "zeros around X", dilation: "how far apart the weights lie over X",
};
const AXES = { both: ["both", "change rows and columns together"], rows: ["↓", "change the rows alone"], columns: ["→", "change the columns alone"] };
const READINGS = {
  stamps: ["stamps", "every output presses its kernel, times dZ, onto dX"],
  window: ["window", "a window of the padded dZ, times the turned kernel"],
  matrix: ["matrix", "the transpose of a sparse matrix, times dZ"],
};

export function convolution(el, spec, link) {
  const state = startOf({ arrays: decodeArrays(spec.arrays), options: spec.options });
  state.held = spec.selected ?? null;
  const stage = { state, landing: null };
  const names = ["stride", "padding", "dilation", "show", "reading", "channel", "filter", "step", "selected", "arrays"];
  stage.frame = makeFrame(el, link, {
    composition: "convolution", about: "A convolution, forward and backward", draw: () => drawStage(stage), state: () => shownState(stage),
    escape: () => (stage.player.stop(), holdSpot(stage, null)), hear: Object.fromEntries(names.map((name) => [name, (value) => hearPython(stage, name, value)])),
  });
  recompute(stage);
  makeControls(stage);
  stage.frame.ends.push(stage.player.stop);
  return stage.frame.dispose;
}

// For tests: the setting, and of every grid its array, the size of its cells and its marks.
function shownState({ state, model, frame: { grids } }) {
  const drawn = gridsShown(state).filter((name) => grids[name]?.view).map((name) => {
    const { numbers, view: { array: { shape, data }, marks, frames = [], cell, fade, ring } } = grids[name];
    return [name, { shape, data: [...data], marks, frames, cell, fade: !!fade, ring, numbers: !!numbers }];
  });
  const { store, given, caps, order, ...setting } = state;
  return { ...setting, step: stepNow(state, model), count: model.count, grids: Object.fromEntries(drawn) };
}

// After the setting or a number has changed.
function recompute(stage) {
  const { state } = stage;
  stage.model = computed(state);
  for (const name of ["pointed", "held"]) {
    const shape = state[name] && stage.model.geometry[GRIDS[state[name].array][0]];
    if (shape && state[name].index.some((n, axis) => n >= shape[axis])) state[name] = null;
  }
  rearrive(stage);
}

// After another step: what has arrived, without the output that is on its way.
function rearrive(stage) {
  const { state, model } = stage;
  stage.order = orderOf(state, model);
  stage.arrived = afterSteps(model, stage.order, stepNow(state, model) - (stage.landing ? 1 : 0));
  stage.frame.request();
}

// Controls -------------------------------------------------------------------------------------------------

function makeControls(stage) {
  const { frame: { bar }, state, model } = stage;
  const chosen = (name) => (value) => choose(stage, name, value);
  stage.steppers = {};
  for (const [name, hint] of Object.entries(SETTINGS)) {
    stage.steppers[name] = makeStepper(bar, { label: name, hint, change: (n) => set(stage, name, n) });
    if (name === "padding") stage.same = makeSwitch(bar, { label: "same", hint: "as many outputs as pixels, divided by the stride", change: (on) => set(stage, name, on ? "same" : null) });
  }
  stage.axes = makeChoice(bar, { label: "axes", options: AXES, change: (axes) => ((state.axes = axes), stage.frame.request()) });
  stage.player = makePlayer(bar, { label: "outputs so far", unit: "output", change: (step) => goTo(stage, step) });
  if (["all", "input"].includes(state.show)) stage.reading = makeChoice(bar, { label: "dX as", options: READINGS, change: chosen("reading") });
  if (model.C > 1) stage.channel = makeStepper(bar, { label: "channel c", change: chosen("channel") });
  if (model.K > 1) stage.filter = makeStepper(bar, { label: "filter k", change: chosen("filter") });
}

// A setting's value on both axes.
const pairNow = ({ state, model }, name) => (name === "padding" ? [model.geometry.padding[0], model.geometry.padding[2]] : state[name]);

function drawControls(stage) {
  const { state, model } = stage;
  const { padding } = model.geometry;
  for (const [name, stepper] of Object.entries(stage.steppers)) {
    const ranges = legalRanges(state, name);
    const [rows, columns] = pairNow(stage, name);
    const axes = { both: [0, 1], rows: [0], columns: [1] }[state.axes];
    const [low, high] = [Math.max(...axes.map((axis) => ranges[axis][0])), Math.min(...axes.map((axis) => ranges[axis][1]))];
    const uneven = name === "padding" && (padding[0] !== padding[1] || padding[2] !== padding[3]);
    const text = uneven ? padding.join(" ") : rows === columns ? String(rows) : `${rows}×${columns}`;
    stepper.show({ value: state.axes === "columns" ? columns : rows, low, high, text });
  }
  stage.same.show(state.padding === "same");
  stage.axes.show(state.axes);
  stage.player.show({ value: stepNow(state, model), count: model.count });
  stage.reading?.show(state.reading);
  for (const [name, count] of [["channel", model.C], ["filter", model.K]]) {
    stage[name]?.show({ value: state[name], low: 0, high: count - 1, text: `${state[name]} (of 0 to ${count - 1})` });
  }
}

// A setting has changed: Python hears of it. The kernel's size is no option: it is W's own.
function set(stage, name, value) {
  const { state, frame } = stage;
  const [rows, columns] = pairNow(stage, name);
  const least = legalRanges({ ...state, padding: [0, 0, 0, 0] }, "padding").map(([low]) => low);
  const pair = value === null ? least : { both: [value, value], rows: [value, columns], columns: [rows, value] }[state.axes];
  const legal = value === "same" || legalRanges(state, name).every(([low, high], axis) => pair[axis] >= low && pair[axis] <= high);
  if (!legal) return; // a second click, before the buttons have been drawn anew
  state[name] = name !== "padding" ? pair : value === "same" ? value : resolvePadding(pair);
  if (state.step !== null) frame.tell("step", (state.step = null));
  stage.player.stop();
  recompute(stage);
  if (name === "kernel") tellArrays(stage);
  else frame.tell(name, value === "same" ? value : pair);
}

function choose(stage, name, value) {
  const { state, frame } = stage;
  Object.assign(state, { [name]: value, pointed: null });
  const axis = { channel: { x: 2, w: 2 }, filter: { z: 2, w: 3, b: 0 } }[name]?.[GRIDS[state.held?.array]?.[0]];
  if (axis !== undefined) state.held = { ...state.held, index: state.held.index.with(axis, value) }; // the cell in the slice now shown
  frame.request();
  frame.tell(name, value);
}

function tellArrays(stage) {
  stage.frame.tell("arrays", () => encodeArrays(stage.model, EDITABLE));
}

function hearPython(stage, name, value) {
  const { state } = stage;
  if (name === "selected") state.held = value;
  else if (name === "arrays") storeArrays(state, decodeArrays(value));
  else if (name === "padding") state.padding = value === "same" ? value : resolvePadding(value);
  else state[name] = name === "stride" || name === "dilation" ? asPair(value) : value;
  recompute(stage);
}

// Pointing, pressing, editing ------------------------------------------------------------------------------

function gridFor(stage, name) {
  const { state, frame } = stage;
  const point = (index) => ((state.pointed = index && { array: name, index }), frame.request());
  const edit = (index, value, done) => {
    changeNumber(state, name, index, value);
    recompute(stage);
    if (done) tellArrays(stage);
  };
  return frame.grids[name] ?? makeGrid(frame, {
    name, letter: GRIDS[name][1], on: { point, click: (index) => click(stage, name, index), edit: EDITABLE.includes(name) ? edit : null },
  });
}

// A click on dZ makes this output the learner's next; elsewhere it holds the cell, and its numbers fly into the sum.
async function click(stage, name, index) {
  const { state, model, frame } = stage;
  const step = stepNow(state, model);
  if (name === "dz" && !(stage.arrived.done?.[placeOf(model, index)] ?? true)) {
    state.order = [...stage.order.slice(0, step), index.slice(0, 2)];
    stage.player.stop();
    return goTo(stage, step + 1);
  }
  const again = state.held?.array === name && String(state.held.index) === String(index);
  holdSpot(stage, again ? null : { array: name, index });
  if (again) return;
  stage.walking = name === "dx" && state.reading === "stamps";
  await new Promise(requestAnimationFrame);
  await fly(frame, stage.walking ? walkFlights(stage, index) : sumFlights(frame), 700);
  stage.walking = false;
  frame.request();
}

function holdSpot({ state, frame }, spot) {
  Object.assign(state, { held: spot, pointed: spot && state.pointed });
  frame.tell("selected", spot);
  frame.request();
}

// To another number of outputs. The next one travels: its stamp lands on dX, its window goes to dW, or the window slides
// and its numbers fly into the sum.
async function goTo(stage, step) {
  const { state, model, frame } = stage;
  const next = step === stepNow(state, model) + 1;
  Object.assign(state, { step: step === model.count ? null : step, latest: step, held: null });
  frame.tell("step", state.step);
  const landing = (stage.landing = next ? {} : null);
  rearrive(stage);
  if (!next) return;
  await new Promise(requestAnimationFrame);
  await fly(frame, stampFlights(stage, stage.order[step - 1], stage.order[step - 2]), 480);
  if (stage.landing !== landing) return;
  stage.landing = null;
  rearrive(stage);
}

function stampFlights({ state, model, frame }, output, before = output) {
  const { channel: c, filter: k, show } = state;
  const box = (name, index) => boxOf(frame.grids[name], index);
  if (show === "forward") {
    const { size, ...window } = windowOf(model, output, c);
    return [{ ...window, size, from: box("x", windowOf(model, before, c).from), to: box("x", window.from) }, ...sumFlights(frame)];
  }
  const products = convProducts(model.geometry, "z", [...output, k]).filter(({ x }) => x[2] === c);
  const start = box("dz", [...output, k]);
  const gradients = Array.from({ length: model.K }, (_, filter) => at(model.dz, [...output, filter]));
  return products.map(({ x, w, inside }) => {
    const flight = { role: "weight", scale: model.scales.gradient };
    if (show === "weights") return { ...flight, from: box("x", x), to: box("dw", w), value: inside ? at(model.x, x) * gradients[k] : 0 };
    const value = gradients.reduce((sum, gradient, filter) => sum + gradient * at(model.w, w.with(3, filter)), 0);
    const side = start.side * 0.6;
    return { ...flight, from: { x: start.x + w[1] * side, y: start.y + w[0] * side, side }, to: box("dx", x), value };
  });
}

// To the pixel one sits on.
function walkFlights({ state, model, frame: { grids } }, pixel) {
  return convProducts(model.geometry, "x", pixel).filter(({ w }) => w[3] === state.filter).map(({ w }) => ({
    from: boxOf(grids.w, w), to: boxOf(grids.sit, turnedIndex(model, w).slice(0, 2)), value: at(model.w, w), scale: model.scales.weight, role: "weight",
  }));
}

// Drawing --------------------------------------------------------------------------------------------------

function drawStage(stage) {
  const { state, model, frame, arrived } = stage;
  const { pointed, held, show } = state;
  const step = stepNow(state, model);
  const last = state.latest && step === state.latest ? stage.order[step - 1] : null;
  const resting = !pointed && !held;
  const spot = pointed ?? held ?? (last && { array: show === "forward" ? "z" : "dz", index: [...last, state.filter] });
  const shown = { arrived, step, resting, looked: lookedAt(spot, state, model, arrived), window: resting && !stage.landing ? last : null };
  shown.fade = (!pointed || pointed.array === "sit") && held?.array === "dx" && state.reading === "stamps";
  shown.budget = (2 * frame.width) / (frame.theme.digit * 16.8) - 8; // of bold digits, in two lines
  const views = viewsOf(state, model, shown);
  if (stage.walking && views.sit) views.sit.look = allBlank;
  drawControls(stage);
  showSum(frame, shown.looked ? linesOf(shown.looked, state, model, shown) : advice(state, step < model.count));
  showLegend(frame, legendOf(views, state, model, step));
  const items = Object.entries(views).map(([name, view]) => [name, { grid: gridFor(stage, name), view, cell: sizing(name, view, frame) }]);
  arrange(frame, Object.fromEntries(items), arrangementsOf(frame.stacked, show));
}

const allBlank = () => "blank";

function advice({ show }, more) {
  const first = `Point at any cell. A click holds it, Escape lets go. Type over a number of ${show === "forward" ? "X, W or b" : "X, W, b or dZ"}, or drag it sideways.`;
  if (show === "forward" || show === "weights") return [[first], ["▶ goes through the outputs one by one."]];
  return [[first], [more ? "Click an output of dZ to press its stamp onto dX, or press ▸." : "Click a pixel of dX to sit on it. ▶ presses the outputs one by one."]];
}

// A kernel is small beside an image, and is still read; the matrix is as large as fits.
function sizing(name, { array: { shape: [rows, columns] } }, { width }) {
  if (name === "t") return () => clamp(Math.floor(Math.min((width - 40) / columns, 230 / rows)), 1, 30);
  if (name === "sit") return (size) => Math.max(size, rows > 4 ? 26 : 36);
  const least = [36, 30, 20][clamp(rows - 3, 0, 2)];
  return "w dw wbar b db".split(" ").includes(name) ? (size) => Math.max(size, least) : undefined;
}
