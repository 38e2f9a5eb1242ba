// A convolutional layer, forward and backward, under the pointer: X, W, b and Z beside their gradients.
// Hover a cell: all that takes part is marked and the sum is written. Press the outputs one by one: stamps. Click a pixel
// of dX: sit on it. Every number can be typed over or scrubbed; three readings of dX.

import { arrange } from "./arrange.js";
import { decodeArrays, encodeArray } from "./arrays.js";
import { afterSteps, computed, isLegal, legalForm, legalRanges, orderOf, paddingPair, pairOf, spreadOut, startOf, stepNow, changeNumber } from "./convolution_state.js";
import { stampFlights, walkFlights } from "./convolution_motion.js";
import { LETTERS, linesOf, lookedAt } from "./convolution_marks.js";
import { arrangementsOf, framesOf, gridsShown, legendOf, viewsOf } from "./convolution_views.js";
import { makeChoice, makePair, makePlayer, makeStepper, makeSwitch } from "./controls.js";
import { makeFrame } from "./frame.js";
import { makeGrid } from "./grid.js";
import { clamp } from "./page.js";
import { fly, showLegend, showSum } from "./sum.js";

const EDITABLE = ["x", "w", "b", "dz"];
const OPTIONS = ["stride", "padding", "dilation", "show", "reading", "channel", "filter", "step"];
const HINTS = {
  kernel: "rows and columns of W", stride: "how far the window moves from output to output",
  padding: "zeros around X", dilation: "how far apart the weights lie over X",
};
const READINGS = {
  stamps: ["stamps", "every output presses its kernel, times dZ, onto dX"],
  window: ["window", "a window of the padded dZ, times the turned kernel"],
  matrix: ["matrix", "the transpose of a sparse matrix, times dZ"],
};

export function convolution(el, spec, link) {
  const stage = { spec, state: startOf({ arrays: decodeArrays(spec.arrays), options: spec.options }), landing: null };
  stage.state.held = spec.selected ?? null;
  const hear = Object.fromEntries([...OPTIONS, "selected", "arrays"].map((name) => [name, (value) => hearPython(stage, name, value)]));
  const frame = makeFrame(el, link, {
    composition: "convolution", about: "A convolution, forward and backward", draw: () => drawStage(stage),
    state: () => shownState(stage), escape: () => letGo(stage), hear,
  });
  Object.assign(stage, { frame, grids: frame.grids });
  recompute(stage);
  makeControls(stage);
  frame.ends.push(stage.player.stop);
  frame.request();
  return frame.dispose;
}

// For tests: the setting, and of every grid its array, the size of its cells and its marks.
function shownState({ state, model, grids, shownNow }) {
  const { kernel, stride, dilation, padding, show, reading, channel, filter, pointed, held } = state;
  const drawn = Object.fromEntries(shownNow.map((name) => {
    const { array: { shape, data }, marks, cell, fade, ring } = grids[name].view;
    return [name, { shape, data: [...data], marks, cell, fade, ring, numbers: !!grids[name].numbers }];
  }));
  const setting = { kernel, stride, dilation, padding, show, reading, channel, filter, pointed, held };
  return { ...setting, step: stepNow(state, model), count: model.count, grids: drawn };
}

// After the setting or a number has changed: everything; after another step: what has arrived.
function recompute(stage) {
  const { state } = stage;
  stage.model = computed(state);
  stage.spread = spreadOut(stage.model);
  const { x: [H, W, C], w, z } = stage.model.geometry;
  const fits = { x: [H, W, C], dx: [H, W, C], w, dw: w, z, dz: z, b: [z[2]], db: [z[2]] };
  for (const name of ["pointed", "held"]) {
    const spot = state[name];
    if (spot && !spot.index.every((n, axis) => n >= 0 && n < (fits[spot.array] ?? spot.index.map(() => Infinity))[axis])) state[name] = null;
  }
  rearrive(stage);
}

function rearrive(stage) {
  const { state, model } = stage;
  stage.order = orderOf(state, model);
  const step = stepNow(state, model) - (stage.landing ? 1 : 0);
  stage.arrived = afterSteps(model, stage.order, step);
  stage.frame?.request();
}

// Controls -------------------------------------------------------------------------------------------------

function makeControls(stage) {
  const { frame: { bar }, state } = stage;
  stage.pairs = {};
  for (const name of ["kernel", "stride", "padding", "dilation"]) {
    stage.pairs[name] = makePair(bar, { label: name, hint: HINTS[name], change: (pair) => choose(stage, name, pair) });
    if (name === "padding") stage.same = makeSwitch(stage.pairs[name].root, { label: "same", hint: "as many outputs as pixels, divided by the stride", change: (on) => chooseSame(stage, on) });
  }
  stage.apart = makeSwitch(bar, { label: "↓ →", hint: "rows and columns apart", change: (apart) => chooseApart(stage, apart) });
  stage.player = makePlayer(bar, { label: "outputs so far", unit: "output", change: (step) => goTo(stage, step) });
  if (["all", "input"].includes(state.show)) {
    stage.reading = makeChoice(bar, { label: "dX as", options: READINGS, change: (reading) => chooseOption(stage, "reading", reading) });
  }
  for (const [name, count, letter] of [["channel", stage.model.C, "c"], ["filter", stage.model.K, "k"]]) {
    if (count > 1) stage[name] = makeStepper(bar, { label: `${name} ${letter}`, change: (n) => chooseOption(stage, name, n) });
  }
}

function drawControls(stage) {
  const { state, model } = stage;
  for (const [name, control] of Object.entries(stage.pairs)) {
    const ranges = legalRanges(state, name);
    const [top, bottom, left, right] = model.padding;
    const value = name === "padding" ? [top, left] : state[name];
    const uneven = name === "padding" && (top !== bottom || left !== right);
    control.show({ value, ranges, apart: state.apart, texts: uneven ? [`${top}|${bottom}`, `${left}|${right}`] : [] });
  }
  stage.same.show(state.padding === "same");
  stage.apart.show(state.apart);
  stage.player.show({ value: stepNow(state, model), count: model.count });
  stage.reading?.show(state.reading);
  for (const [name, count] of [["channel", model.C], ["filter", model.K]]) {
    stage[name]?.show({ value: state[name], low: 0, high: count - 1, text: `${state[name]} of ${count}` });
  }
}

function choose(stage, name, pair) {
  const { state } = stage;
  if (!isLegal(state, name, pair)) return;
  state[name] = name === "padding" ? [pair[0], pair[0], pair[1], pair[1]] : pair;
  state.step = null;
  settle(stage, name);
}

function chooseSame(stage, on) {
  const { state } = stage;
  state.padding = on ? "same" : [0, 0, 0, 0];
  if (!on && !isLegal(state, "padding", [0, 0])) state.padding = legalForm(legalRanges(state, "padding").map(([low]) => low));
  state.step = null;
  settle(stage, "padding");
}

// Back together: the columns follow the rows where that is legal, or else the rows the columns.
function chooseApart(stage, apart) {
  const { state } = stage;
  state.apart = apart;
  for (const name of apart ? [] : ["kernel", "dilation", "padding", "stride"]) {
    const [rows, columns] = name === "padding" ? paddingPair(state) : state[name];
    if (rows === columns || (name === "padding" && state.padding === "same")) continue;
    const both = [rows, columns, 1, 0].map((n) => [n, n]).find((pair) => isLegal(state, name, pair));
    if (both) state[name] = name === "padding" ? legalForm(both) : both;
    else state.apart = true;
    settle(stage, name);
  }
  stage.frame.request();
}

const asOption = (state, name) => (name === "padding" && state.padding !== "same" ? paddingPair(state) : state[name]);

// A setting has changed: Python hears of it. The kernel's size is no option: it is W's own.
function settle(stage, name) {
  stage.player.stop();
  recompute(stage);
  if (name === "kernel") tellArrays(stage);
  else stage.frame.tell(name, asOption(stage.state, name));
}

function chooseOption(stage, name, value) {
  const { state, frame } = stage;
  Object.assign(state, { [name]: value, pointed: null });
  const axis = { channel: { x: 2, dx: 2, w: 2, dw: 2 }, filter: { z: 2, dz: 2, w: 3, dw: 3, b: 0, db: 0 } }[name]?.[state.held?.array];
  if (axis !== undefined) state.held = { ...state.held, index: state.held.index.with(axis, value) }; // the cell in the slice now shown
  frame.request();
  stage.frame.tell(name, value);
}

function tellArrays(stage) {
  stage.frame.tell("arrays", () => Object.fromEntries(EDITABLE.map((name) => [name, encodeArray(stage.model[name])])));
}

function hearPython(stage, name, value) {
  const { state } = stage;
  if (name === "selected") state.held = value;
  else if (name === "arrays") Object.assign(state.store, decodeArrays(value));
  else if (name === "padding") state.padding = legalForm(value);
  else state[name] = name === "stride" || name === "dilation" ? pairOf(value) : value;
  if (name === "arrays") state.kernel = state.store.w.shape.slice(0, 2);
  recompute(stage);
}

// Pointing, pressing, editing ------------------------------------------------------------------------------

function gridFor(stage, name) {
  const { state } = stage;
  return (stage.grids[name] ??= makeGrid(stage.frame, {
    name, letter: LETTERS[name], on: {
      point: (index) => {
        state.pointed = index && { array: name, index };
        stage.frame.request();
      },
      click: (index) => click(stage, name, index),
      edit: EDITABLE.includes(name) && ((index, value, done) => {
        changeNumber(state, stage.model, name, index, value);
        recompute(stage);
        if (done) tellArrays(stage);
      }),
    },
  }));
}

function click(stage, name, index) {
  const { state, model } = stage;
  const at = name === "dz" ? stage.order.findIndex(([i, j]) => i === index[0] && j === index[1]) : -1;
  const step = stepNow(state, model);
  if (name === "dz" && step < model.count && at >= step) return press(stage, index);
  const same = state.held && state.held.array === name && String(state.held.index) === String(index);
  state.held = same ? null : { array: name, index };
  stage.frame.tell("selected", state.held);
  stage.frame.request();
  if (!same && name === "dx" && state.reading === "stamps") walk(stage, index);
}

function letGo(stage) {
  stage.player.stop();
  Object.assign(stage.state, { held: null, pointed: null });
  stage.frame.tell("selected", null);
  stage.frame.request();
}

// This output is the learner's next.
function press(stage, [i, j]) {
  const step = stepNow(stage.state, stage.model);
  stage.state.order = [...stage.order.slice(0, step), [i, j]];
  stage.player.stop();
  goTo(stage, step + 1);
}

async function goTo(stage, step) {
  const { state, model, frame } = stage;
  const forward = step === stepNow(state, model) + 1;
  Object.assign(state, { step: step === model.count ? null : step, latest: step, held: null });
  stage.frame.tell("step", state.step);
  const flight = {};
  stage.landing = forward ? flight : null;
  rearrive(stage);
  if (!stage.landing) return;
  await fly(frame, stampFlights(stage, stage.order[step - 1]), 480);
  if (stage.landing !== flight) return;
  stage.landing = null;
  rearrive(stage);
}

async function walk(stage, index) {
  const { frame } = stage;
  stage.walking = true;
  await fly(frame, walkFlights(stage, index), 700);
  stage.walking = false;
  frame.request();
}

// Drawing --------------------------------------------------------------------------------------------------

function drawStage(stage) {
  const { state, model, frame, arrived, spread } = stage;
  const step = stepNow(state, model);
  const last = state.latest && step === state.latest ? stage.order[step - 1] : null;
  const window = last && slidTo(last, stage.landing && stage.order[step - 2], stage.slide);
  const resting = last && { array: state.show === "forward" ? "z" : "dz", index: [...last, state.filter] };
  const shown = { arrived, step, spread, window: state.pointed || state.held ? null : window };
  shown.looked = lookedAt(state.pointed ?? state.held ?? resting, state, model, shown);
  shown.frames = framesOf(state, model, shown);
  shown.fade = (!state.pointed || state.pointed.array === "sit") && state.held?.array === "dx" && state.reading === "stamps";
  const views = viewsOf(state, model, shown);
  if (views.sit) Object.assign(views.sit, { fade: false, ...(stage.walking ? { look: () => "blank" } : {}) });
  drawControls(stage);
  showSum(frame, linesFor(stage, shown));
  showLegend(frame, legendOf(views, state, model, shown));
  stage.shownNow = Object.keys(views);
  const items = Object.fromEntries(Object.entries(views).map(([name, view]) => [name, { grid: gridFor(stage, name), view, ...sizing(name, view, frame) }]));
  arrange(frame, items, arrangementsOf(frame.stacked, state.show));
}

// The window on its way from the output before to this one.
function slidTo(last, before, part) {
  return before ? last.map((n, axis) => before[axis] + (n - before[axis]) * part) : last;
}

function linesFor(stage, { looked, step, arrived }) {
  const { state, model, frame } = stage;
  if (looked) {
    const width = frame.theme.digit * 15 * 1.12; // of a bold digit; two lines
    return linesOf(looked, state, model, { arrived, step, spread: stage.spread, resting: !state.pointed && !state.held, budget: (2 * frame.width) / width - 8 });
  }
  const back = ["all", "input"].includes(state.show);
  const editable = state.show === "forward" ? "X, W or b" : "X, W, b or dZ";
  const first = `Point at any cell. A click holds it, Escape lets go. Type over a number of ${editable}, or drag it sideways.`;
  if (!back) return [[first], ["▶ goes through the outputs one by one."]];
  return [[first], [step < model.count ? "Click an output of dZ to press its stamp onto dX, or press ▸." : "Click a pixel of dX to sit on it. ▶ presses the outputs one by one."]];
}

function sizing(name, view, frame) {
  const [rows, columns] = view.array.shape;
  if (name === "t") return { cell: () => clamp(Math.floor(Math.min((frame.width - 40) / columns, 230 / rows)), 1, 30) };
  if (["w", "dw", "wbar", "b", "db"].includes(name)) return { cell: (size) => Math.max(size, [36, 30, 20][clamp(rows - 3, 0, 2)]) };
  return name === "sit" ? { cell: (size) => Math.max(size, rows > 4 ? 26 : 36) } : {};
}
