// Max and average pooling under the pointer: X and Z beside dX and dZ. Hover a cell: its windows, who wins, who is paid.
// Drag a number of X: where it passes the largest of a window the winner jumps, and the gradient with it.

import { arrange } from "./arrange.js";
import { at, decodeArrays, encodeArrays, withNumber } from "./arrays.js";
import { kindScale } from "./colors.js";
import { asPair } from "./conv_layer.js";
import { makeChoice, makePair, makeStepper, makeSwitch } from "./controls.js";
import { hold, keepInside, makeFrame, whenHere } from "./frame.js";
import { makeGrid } from "./grid.js";
import { paintMarks } from "./grid_marks.js";
import { boxOf } from "./grid_places.js";
import { clamp, written } from "./page.js";
import { jumpsBetween, lettersOf, linesAtRest, pooledMarks, pooledOf, repeatedTo, winnerOf } from "./pooling_state.js";
import { fly, showLegend, showSum } from "./sum.js";

const POOL_GRIDS = { x: "X", dx: "dX", paid: "dX, every tie paid", z: "Z", dz: "dZ" };
const LARGEST_STEP = 8; // of size and stride, by the steppers

export function pooling(el, spec, link) {
  const { mode, size, stride, channel } = spec.options;
  const setting = { mode, size: asPair(size), stride: stride && asPair(stride), channel };
  const stage = { given: decodeArrays(spec.arrays), setting, held: spec.selected, pointed: null, payTies: false, jumps: [] };
  stage.apart = [setting.size, setting.stride ?? [1, 1]].some(([rows, columns]) => rows !== columns);
  const heard = (name, value) => (["size", "stride"].includes(name) ? value && asPair(value) : value);
  const hear = Object.fromEntries(["mode", "size", "stride", "channel"].map((name) => [name, (value) => poolAnew(stage, { [name]: heard(name, value) })]));
  stage.frame = makeFrame(el, link, {
    composition: "pooling", about: "Pooling, forward and backward", draw: () => drawPooling(stage), state: () => pooledState(stage),
    escape: () => holdPixel(stage, null), hear: { ...hear, selected: (spot) => (stage.held = spot), arrays: (json) => {
      Object.assign(stage.given, decodeArrays(json));
      poolAnew(stage, {});
    } },
  });
  poolAnew(stage, {});
  makePoolControls(stage);
  for (const [name, letter] of Object.entries(POOL_GRIDS)) makePoolGrid(stage, name, letter);
  return stage.frame.dispose;
}

const pooledState = ({ setting, held, pointed, jumps }) => ({ ...setting, held, pointed, jumps });

// Another setting, or other numbers.
function poolAnew(stage, changes) {
  const setting = Object.assign(stage.setting, changes);
  const { given } = stage;
  stage.model = pooledOf({ ...given, ...setting });
  stage.scales = { value: kindScale([given.x, stage.model.z], "value"), gradient: kindScale([stage.model.dx, stage.model.dz], "gradient") };
  stage.look = (place) => (stage.model.read.has(place) ? null : "pale");
  stage.letters = lettersOf(stage.model);
  stage.jumps = [];
  keepInside(stage, ({ array }) => stage.model[array].shape);
  stage.frame.request();
}

function change(stage, changes) {
  poolAnew(stage, changes);
  for (const [name, value] of Object.entries(changes)) stage.frame.tell(name, value);
}

function makePoolControls(stage) {
  const { frame: { bar }, setting, given: { x } } = stage;
  const set = (name) => (value) => {
    if (name === "channel" && stage.held) holdPixel(stage, null);
    change(stage, { [name]: value });
  };
  stage.controls = {
    mode: makeChoice(bar, { label: "", options: { max: ["max"], average: ["average"] }, change: set("mode") }),
    size: makePair(bar, { label: "size", hint: "rows and columns of a window", change: set("size") }),
    stride: makePair(bar, { label: "stride", hint: "from one window to the next", change: set("stride") }),
    follows: makeSwitch(bar, { label: "stride = size", hint: "the windows lie side by side", change: (on) => change(stage, { stride: on ? null : setting.size }) }),
    apart: makeSwitch(bar, { label: "↓ →", hint: "change rows and columns apart", change: (on) => ((stage.apart = on), stage.frame.request()) }),
    ties: makeSwitch(bar, { label: "pay every tie", hint: "what dX would be if every pixel that ties got the whole gradient", change: (on) => ((stage.payTies = on), stage.frame.request()) }),
  };
  if (x.shape[2] > 1) stage.controls.channel = makeStepper(bar, { label: "channel", change: set("channel") });
}

function showPoolControls({ controls, setting: { mode, size, stride, channel }, given: { x: { shape } }, apart, payTies }) {
  const steps = stride ?? size;
  const range = (axis, now) => [1, Math.max(now, Math.min(shape[axis], LARGEST_STEP))];
  const ranges = (pair) => [range(0, pair[0]), range(1, pair[1])];
  controls.mode.show(mode);
  controls.size.show({ value: size, ranges: [0, 1].map((axis) => [1, Math.min(shape[axis], Math.max(size[axis], LARGEST_STEP))]), apart: apart || size[0] !== size[1] });
  controls.stride.show({ value: steps, ranges: stride ? ranges(steps) : steps.map((n) => [n, n]), apart: apart || steps[0] !== steps[1] });
  controls.follows.show(!stride);
  controls.apart.show(apart);
  controls.ties.root.hidden = mode !== "max";
  controls.ties.show(payTies);
  controls.channel?.show({ value: channel, low: 0, high: shape[2] - 1, text: `${channel} of ${shape[2]}` });
}

function makePoolGrid(stage, name, letter) {
  const array = name === "paid" ? "dx" : name;
  const edit = ["x", "dz"].includes(name) && ((index, value, done) => changeNumberOf(stage, name, index, value, done));
  makeGrid(stage.frame, { name, letter, on: {
    point: (index) => ((stage.pointed = index && { array, index }), stage.frame.request()),
    click: (index) => holdPixel(stage, { array, index }), edit,
  } });
}

function holdPixel(stage, spot) {
  hold(stage, spot);
  if (stage.held) sendGradient(stage, spot);
}

// The gradient of a window travels to the pixels that it is paid to.
function sendGradient({ frame, model, scales }, { array, index }) {
  if (array !== "z" && array !== "dz") return;
  const winner = winnerOf(model, index);
  const pixels = winner ? [winner] : model.window(index);
  const value = at(model.dz, index) / pixels.length;
  fly(frame, pixels.map((pixel) => ({ from: boxOf(frame.grids.dz, index), to: boxOf(frame.grids.dx, pixel), value, scale: scales.gradient, role: "output" })));
}

function changeNumberOf(stage, name, index, value, done) {
  const [{ given, model: before, frame }, inside] = [stage, index.every((n, axis) => n < stage.given[name].shape[axis])];
  given[name] = withNumber(inside ? given[name] : repeatedTo(before.z.shape, given.dz), index, value);
  const kept = stage.scrubbed ? stage.jumps : [];
  poolAnew(stage, {});
  const jumps = jumpsBetween(before, stage.model);
  Object.assign(stage, { jumps: jumps.length ? jumps : kept, scrubbed: !done });
  fly(frame, jumps.map(({ output, from, to }) => ({
    from: boxOf(frame.grids.dx, from), to: boxOf(frame.grids.dx, to), value: at(stage.model.dz, output), scale: stage.scales.gradient, role: "output",
  })), 300);
  if (done) frame.tell("arrays", () => encodeArrays(given));
}

// Drawing

function drawPooling(stage) {
  const { frame, model, scales, jumps, setting: { channel, mode } } = stage;
  const spot = stage.pointed ?? stage.held;
  showPoolControls(stage);
  const found = pooledMarks(model, spot, channel);
  const left = { role: "moved", cells: jumps.map(({ from }) => from) };
  const pays = stage.payTies && mode === "max";
  const items = Object.fromEntries(Object.keys(POOL_GRIDS).filter((name) => name !== "paid" || pays).map((name) => {
    const { marks = [], frames = [] } = found[name === "paid" ? "dx" : name];
    const kind = name === "x" || name === "z" ? "value" : "gradient";
    const pixels = name[0] !== "z" && name !== "dz";
    const total = kind === "gradient" ? `sum ${written(sumIn(model[name], channel))}` : model[name].shape.slice(0, 2).join("×");
    const view = { array: model[name], scale: scales[kind], axes: true, shown: [[channel]], note: total, marker: paintMarks, frames, marks: pixels && jumps.length ? [...marks, left] : marks, look: pixels ? stage.look : undefined, under: name === "paid" ? undefined : stage.letters[pixels ? "x" : "z"] };
    return [name, { grid: frame.grids[name], view }];
  }));
  arrange(frame, items, [[[["x", "z"], ["dz", "dx", "paid"]]], [[["x", "z"]], [["dx", "dz", "paid"]]], [[["x"], ["z"]], [["dx"], ["dz"]], [["paid"]]], [[["x"]], [["z"]], [["dx"]], [["dz"]], [["paid"]]]]);
  const words = spot && whenHere(frame, "words", () => import("./pooling_words.js"));
  showSum(frame, words ? words.pooledLines(model, spot) : linesAtRest(model, channel));
  showLegend(frame, poolLegend(stage, spot, Object.values(items).map(({ view }) => view)));
}

const sumIn = ({ shape, data }, channel) => data.reduce((sum, value, n) => (n % shape[2] === channel ? sum + value : sum), 0);

// What the marks mean, each only while it is on screen.
function poolLegend({ model, jumps, setting: { mode } }, spot, views) {
  const has = (role) => views.some(({ marks, frames }) => marks.some((mark) => mark.role === role && mark.cells.length) || frames.some((frame) => frame.role === role));
  const atPixel = spot && (spot.array === "x" || spot.array === "dx");
  const words = {
    here: "looked at", input: atPixel && mode === "max" ? "its windows; in Z, dZ those it does not win" : atPixel ? "its windows" : "the window",
    output: mode === "average" ? "gets or gives a share" : atPixel ? "windows that it wins" : "the winner",
    bias: "as large, but later: gets nothing", moved: "the winner until now",
  };
  const entries = Object.entries(words).filter(([role]) => (role === "moved" ? jumps.length : has(role)));
  return model.read.size < model.x.data.length ? [...entries, ["padding", "read by no window"]] : entries;
}
