// A convolutional layer, forward and backward, under the pointer: X, W, b and Z beside their gradients. Hover a cell: all
// that takes part is marked and the sum is written. Press the outputs one by one: stamps. Click a pixel of dX: sit on it.

import { arrange } from "./arrange.js";
import { decodeArrays, makeArray } from "./arrays.js";
import { AXES, makeChoice, makePlayer, makeStepper, makeSwitch, showPair } from "./controls.js";
import { computed, legalRanges, pressed, startOf, stepNow } from "./convolution_state.js";
import { keepInside, makeFrame, whenHere } from "./frame.js";
import { makeGrid } from "./grid.js";
import { clamp } from "./page.js";
import { showLegend, showSum } from "./sum.js";

export const EDITABLE = ["x", "w", "b", "dz"];
const SETTINGS = {
  kernel: "rows and columns of W", stride: "how far the window moves from output to output",
  padding: "zeros around X", dilation: "how far apart the weights lie over X",
};
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
  makeFrame(stage, el, link, {
    composition: "convolution", about: "A convolution, forward and backward", draw: drawStage,
    escape: () => (stage.player.stop(), does(stage, "holdSpot", null)), hear: Object.fromEntries(names.map((name) => [name, (value) => does(stage, "hearPython", name, value)])),
  });
  recompute(stage);
  makeControls(stage);
  stage.frame.ends.push(stage.player.stop);
  return stage.frame.dispose;
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
    const uneven = name === "padding" && (padding[0] !== padding[1] || padding[2] !== padding[3]);
    showPair(stepper, state.axes, pairNow(stage, name), legalRanges(state, name), uneven ? padding.join(" ") : undefined);
  }
  stage.same.show(state.padding === "same");
  stage.axes.show(state.axes);
  stage.player.show({ value: stepNow(state, model), count: model.count });
  stage.reading?.show(state.reading);
  for (const [name, count] of [["channel", model.C], ["filter", model.K]]) {
    stage[name]?.show({ value: state[name], low: 0, high: count - 1, text: `${state[name]} (of 0 to ${count - 1})` });
  }
}

function gridFor(stage, name) {
  const { state, frame } = stage;
  const point = (index) => ((state.pointed = index && { array: name, index }), frame.request());
  const act = (what) => (...given) => does(stage, what, name, ...given);
  const on = { point, click: act("click"), edit: EDITABLE.includes(name) ? act("edit") : null };
  return frame.grids[name] ?? makeGrid(frame, { name, letter: GRIDS[name][1], on });
}

function drawStage(stage) {
  const { state, model, frame } = stage;
  const { pointed, held, show } = state;
  const step = stepNow(state, model);
  const { order, arrived } = pressed(state, model, stage.landing ? step - 1 : step);
  const last = step === state.latest ? order[step - 1] : null;
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

// What each grid of a convolution's stage shows, and in which arrangements they may stand.

// Of every grid: whose index its cells have, its letter, what a screen reader calls it, its scale.
export const GRIDS = {
  x: ["x", "X", "X, the input", "value"], dx: ["x", "dX", "gradient of X", "gradient"],
  w: ["w", "W", "W, the kernel", "weight"], dw: ["w", "dW", "gradient of W", "gradient"],
  b: ["b", "b", "b, the bias", "weight"], db: ["b", "db", "gradient of b", "gradient"],
  z: ["z", "Z", "Z, the output", "value"], dz: ["z", "dZ", "gradient of Z", "gradient"],
  sit: ["w", "W̄", "the weights that reach a pixel of dX", "weight"], wbar: ["w", "W̄", "the turned kernel", "weight"],
  d: ["z", "D", "D, the spread gradient of Z", "gradient"], t: ["t", "T", "the sparse matrix", "weight"],
};
const BENCH = { stamps: "sit", window: "wbar d", matrix: "t" };
const SHOWN = { forward: () => "x w b z", weights: () => "x w b z dw db dz", input: (reading) => `x w z dx dz ${BENCH[reading]}` };

// The grids on screen; two readings of dX take the place of what has no part in them.
export function gridsShown({ show, reading }) {
  if (show !== "all") return SHOWN[show](reading).split(" ");
  return { stamps: "x w b z dx dw db dz sit", window: "x w dx dz wbar d", matrix: "x w z dx dz t" }[reading].split(" ");
}

function arrangementsOf(stacked, show) {
  const [x, z, w, b, bench] = [["x", "dx"], ["z", "dz"], ["w", "dw", "wbar"], ["b", "db"], ["sit", "d", "t"]];
  const line = [[x, w, b, z, bench]];
  if (stacked) return [[[x], [w, ["sit"]], [b], [z], [["d"]], [["t"]]], [[["x"]], [["dx"]], [w], [b, ["sit"]], [["z"]], [["dz"]], [["d"]], [["t"]]]];
  if (show === "forward") return [line, [[x, z], [w, b]], [[x, w, b], [z]]];
  if (show === "input") return [[[x, [[[z], [w, b, bench]]]]], [[x, z], [w, b, bench]], [[x, w, b], [z, bench]], line, [[x], [z], [w, b, bench]], [[x, bench], [z, b], [w]]];
  return [[[x, z], [w, b, bench]], [[x, w, b], [z, bench]], line, [[x], [z], [w, b, bench]], [[x, bench], [z, b], [w]], [[x], [z, w, b, bench]], [[x, z], [w, b], [bench]]];
}

// Views by grid. `shown`: { arrived, step, marks, frames, over, content }, the last ones of what is pointed at.
function viewsOf(state, model, shown) {
  const { marks = {}, frames = {}, over = {} } = shown;
  const { channel: c, filter: k } = state;
  const slices = { x: [c], w: [c, k], z: [k] };
  const depths = { x: [model.C], w: [model.C, model.K], z: [model.K] };
  return Object.fromEntries(gridsShown(state).map((name) => {
    const [kind, , about, scale] = GRIDS[name];
    const view = { axes: true, about, marks: marks[name] ?? [], frames: frames[name], ...over, fade: shown.fade && name !== "sit" ? over.fade : null, scale: model.scales[scale] };
    const deep = name === "sit" ? undefined : depths[kind];
    if (deep) Object.assign(view, { shown: [slices[kind]], slabs: deep.reduce((a, b) => a * b) - 1 });
    if (kind === "b") Object.assign(view, { lead: 0, shown: [[k]], note: model.K > 1 ? `k = ${k}` : "" });
    Object.assign(view, contentOf(name, model, shown));
    const letters = ["c", "k"].slice(kind === "z" ? 1 : 0).map((letter, n) => deep?.[n] > 1 && `${letter} = ${slices[kind][n]}`);
    view.note ??= [view.array.shape.slice(0, 2).join("×"), ...letters.filter(Boolean)].join("  ");
    return [name, view];
  }));
}

function contentOf(name, model, { arrived, step, content }) {
  const { geometry: { padding: ring } } = model;
  if (name === "x") return { array: model.x, ring };
  if (name === "dx") return { array: arrived.dx, ring, ringArray: arrived.dxPadded };
  if (name === "z") return { array: model.z, look: arrived.blank };
  if (name === "dz") return { array: model.dz, look: step ? arrived.pale : undefined };
  if (name in arrived || name in model) return { array: arrived[name] ?? model[name] };
  return content?.(name) ?? { array: makeArray(model.w.shape.slice(0, 2)), look: allBlank, note: name === "sit" ? "click a pixel of dX" : "" };
}

const allBlank = () => "blank";

function legendOf(views, { given }, { geometry: { padding }, w, dz, count }, { step, legend = [] }) {
  const entries = [...legend];
  if (padding.some(Boolean)) entries.push(["padding", views.dx ? "padding: 0 in X; what falls there in dX is cut off" : "padding: 0"]);
  if (views.d) entries.push(["padding", "zeros put in: between the entries by the stride, around them by the kernel"]);
  if (views.dz && step && step < count) entries.push(["padding", "pale in dZ: already pressed"]);
  const beyond = Object.entries({ W: [w, given.w], dZ: [dz, given.dz] }).filter(([, [{ shape }, own]]) => shape.some((n, axis) => n > own[axis]));
  if (beyond.length) entries.push(["plain", `${beyond.map(([letter]) => letter).join(" and ")}: numbers beyond the given ones are invented`]);
  return entries;
}
