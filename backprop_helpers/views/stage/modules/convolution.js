// A convolutional layer, forward and backward, under the pointer: X, W, b and Z beside their gradients. Hover a cell: all
// that takes part is marked and the sum is written. Press the outputs one by one: stamps. Click a pixel of dX: sit on it.

import { arrange } from "./arrange.js";
import { decodeArrays } from "./arrays.js";
import { computed, legalRanges, startOf, stepNow } from "./convolution_state.js";
import { allBlank, arrangementsOf, GRIDS, gridsShown, legendOf, viewsOf } from "./convolution_views.js";
import { makeChoice, makePlayer, makeStepper, makeSwitch } from "./controls.js";
import { keepInside, makeFrame, whenHere } from "./frame.js";
import { makeGrid } from "./grid.js";
import { clamp } from "./page.js";
import { showLegend, showSum } from "./sum.js";

export const EDITABLE = ["x", "w", "b", "dz"];
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
    escape: () => (stage.player.stop(), does(stage, "holdSpot", null)), hear: Object.fromEntries(names.map((name) => [name, (value) => does(stage, "hearPython", name, value)])),
  });
  recompute(stage);
  makeControls(stage);
  stage.frame.ends.push(stage.player.stop);
  return stage.frame.dispose;
}

// For tests.
function shownState({ state: { store, given, caps, order, ...setting }, model }) {
  return { ...setting, step: stepNow(setting, model), count: model.count };
}

// After the setting or a number has changed.
export function recompute(stage) {
  const { state } = stage;
  stage.model = computed(state);
  keepInside(state, ({ array }) => stage.model.geometry[GRIDS[array][0]]);
  stage.frame.request();
}

// What is done to the stage comes with the first of it.
const does = async (stage, what, ...given) => (await import("./convolution_acts.js"))[what](stage, ...given);

// Controls

function makeControls(stage) {
  const { frame: { bar }, state, model } = stage;
  const chosen = (name) => (value) => does(stage, "choose", name, value);
  stage.steppers = {};
  for (const [name, hint] of Object.entries(SETTINGS)) {
    stage.steppers[name] = makeStepper(bar, { label: name, hint, change: (n) => does(stage, "set", name, n) });
    if (name === "padding") stage.same = makeSwitch(bar, { label: "same", hint: "as many outputs as pixels, divided by the stride", change: (on) => does(stage, "set", name, on ? "same" : null) });
  }
  stage.axes = makeChoice(bar, { label: "axes", options: AXES, change: (axes) => ((state.axes = axes), stage.frame.request()) });
  stage.player = makePlayer(bar, { label: "outputs so far", unit: "output", change: (step) => does(stage, "goTo", step) });
  if (["all", "input"].includes(state.show)) stage.reading = makeChoice(bar, { label: "dX as", options: READINGS, change: chosen("reading") });
  if (model.C > 1) stage.channel = makeStepper(bar, { label: "channel c", change: chosen("channel") });
  if (model.K > 1) stage.filter = makeStepper(bar, { label: "filter k", change: chosen("filter") });
}

// A setting's value on both axes.
export const pairNow = ({ state, model }, name) => (name === "padding" ? [model.geometry.padding[0], model.geometry.padding[2]] : state[name]);

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

// Pointing, pressing, editing

function gridFor(stage, name) {
  const { state, frame } = stage;
  const point = (index) => ((state.pointed = index && { array: name, index }), frame.request());
  const act = (what) => (...given) => does(stage, what, name, ...given);
  const on = { point, click: act("click"), edit: EDITABLE.includes(name) ? act("edit") : null };
  return frame.grids[name] ?? makeGrid(frame, { name, letter: GRIDS[name][1], on });
}

// Drawing

function drawStage(stage) {
  const { state, model, frame } = stage;
  const { pointed, held, show } = state;
  const step = stepNow(state, model);
  const steps = (step < model.count || state.latest) && whenHere(frame, "steps", () => import("./convolution_steps.js"));
  const { order, arrived } = steps ? steps.pressed(state, model, stage.landing ? step - 1 : step) : { arrived: model.whole };
  const last = order && step === state.latest ? order[step - 1] : null;
  const resting = !pointed && !held;
  const spot = pointed ?? held ?? (last && { array: show === "forward" ? "z" : "dz", index: [...last, state.filter] });
  const needed = spot || gridsShown(state).some((name) => name === "d" || name === "t");
  const sums = needed && whenHere(frame, "sums", () => import("./convolution_sums.js"));
  const shown = { arrived, step, resting, window: resting && !stage.landing ? last : null };
  if (sums) Object.assign(shown, sums.pointedAt(spot, state, model, shown));
  shown.fade = (!pointed || pointed.array === "sit") && held?.array === "dx" && state.reading === "stamps";
  shown.budget = (2 * frame.width) / (frame.theme.digit * 16.8) - 8; // of bold digits, in two lines
  const views = viewsOf(state, model, shown);
  if (stage.walking && views.sit) views.sit.look = allBlank;
  drawControls(stage);
  showSum(frame, shown.looked ? sums.linesOf(shown.looked, state, model, shown) : advice(state, step < model.count));
  showLegend(frame, legendOf(views, state, model, shown));
  const items = Object.entries(views).map(([name, view]) => [name, { grid: gridFor(stage, name), view, cell: sizing(name, view, frame) }]);
  arrange(frame, Object.fromEntries(items), arrangementsOf(frame.stacked, show));
}

function advice({ show }, more) {
  const first = `Point at any cell. A click holds it, Escape lets go. Type over a number of ${show === "forward" ? "X, W or b" : "X, W, b or dZ"}, or drag it sideways.`;
  if (show === "forward" || show === "weights") return [[first], ["▶ goes through the outputs one by one."]];
  return [[first], [more ? "Click an output of dZ to press its stamp onto dX, or press ▸." : "Click a pixel of dX to sit on it. ▶ presses the outputs one by one."]];
}

// A kernel is small beside an image, and is still read; the matrix is as large as fits.
function sizing(name, { array: { shape: [rows, columns] } }, { width, stacked }) {
  if (name === "t") return () => clamp(Math.floor(Math.min((width - (stacked ? 40 : 230)) / columns, 230 / rows)), 1, 30); // beside W
  if (name === "sit") return (size) => Math.max(size, rows > 4 ? 26 : 36);
  const least = [36, 30, 20][clamp(rows - 3, 0, 2)];
  return "w dw wbar b db".split(" ").includes(name) ? (size) => Math.max(size, least) : undefined;
}
