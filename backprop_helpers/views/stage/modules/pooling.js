// Max and average pooling under the pointer: X and Z beside dX and dZ. Hover a cell: its windows, who wins, who is paid.
// Drag a number of X: where it passes the largest of a window the winner jumps, and the gradient with it.

import { arrange } from "./arrange.js";
import { at, decodeArrays, distinct, encodeArrays, indicesOf, makeArray, offset, withNumber } from "./arrays.js";
import { kindScale } from "./colors.js";
import { AXES, changedPair, makeChoice, makeStepper, makeSwitch, showPair } from "./controls.js";
import { hold, keepInside, makeFrame, whenHere } from "./frame.js";
import { boxOf, makeGrids, paintMarks } from "./grid.js";
import { written } from "./page.js";
import { asPair, poolBackward, poolForward, poolGeometry, termsOf, windowsOver } from "./products.js";
import { fly, showLegend, showSum } from "./sum.js";

const POOL_GRIDS = { x: "X", dx: "dX", paid: "dX, every tie paid", z: "Z", dz: "dZ" };
const LARGEST_STEP = 8; // of size and stride, by the steppers

export function pooling(el, spec, link) {
  const { mode, size, stride, channel } = spec.options;
  const setting = { mode, size: asPair(size), stride: stride && asPair(stride), channel };
  const stage = { given: decodeArrays(spec.arrays), setting, held: spec.selected, pointed: null, axes: "both", payTies: false, jumps: [] };
  const heard = (name, value) => (["size", "stride"].includes(name) ? value && asPair(value) : value);
  const hear = Object.fromEntries(["mode", "size", "stride", "channel"].map((name) => [name, (value) => poolAnew(stage, { [name]: heard(name, value) })]));
  makeFrame(stage, el, link, {
    composition: "pooling", about: "Pooling, forward and backward", draw: drawPooling, hear: { ...hear, arrays: (json) => {
      Object.assign(stage.given, decodeArrays(json));
      poolAnew(stage, {});
    } },
  });
  poolAnew(stage, {});
  makePoolControls(stage);
  makeGrids(stage, POOL_GRIDS, {
    arrayOf: (name) => (name === "paid" ? "dx" : name), click: (spot) => holdPixel(stage, spot), editable: ["x", "dz"], edit: (...given) => changeNumberOf(stage, ...given),
  });
  return stage.frame.dispose;
}

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
    if (name === "channel" && stage.held) hold(stage, null);
    change(stage, { [name]: value });
  };
  stage.controls = {
    mode: makeChoice(bar, { label: "", options: { max: ["max"], average: ["average"] }, change: set("mode") }),
    size: makeStepper(bar, { label: "size", hint: "rows and columns of a window", change: (n) => set("size")(changedPair(stage.axes, setting.size, n)) }),
    stride: makeStepper(bar, { label: "stride", hint: "from one window to the next", change: (n) => set("stride")(changedPair(stage.axes, setting.stride ?? setting.size, n)) }),
    follows: makeSwitch(bar, { label: "stride = size", hint: "the windows lie side by side", change: (on) => change(stage, { stride: on ? null : setting.size }) }),
    axes: makeChoice(bar, { label: "axes", options: AXES, change: (axes) => ((stage.axes = axes), stage.frame.request()) }),
    ties: makeSwitch(bar, { label: "pay every tie", hint: "what dX would be if every pixel that ties got the whole gradient", change: (on) => ((stage.payTies = on), stage.frame.request()) }),
  };
  if (x.shape[2] > 1) stage.controls.channel = makeStepper(bar, { label: "channel", change: set("channel") });
}

function showPoolControls({ controls, setting: { mode, size, stride, channel }, given: { x: { shape } }, axes, payTies }) {
  const steps = stride ?? size;
  const ranges = (pair) => pair.map((n, axis) => [1, Math.max(n, Math.min(shape[axis], LARGEST_STEP))]);
  controls.mode.show(mode);
  showPair(controls.size, axes, size, ranges(size));
  showPair(controls.stride, axes, steps, stride ? ranges(steps) : steps.map((n) => [n, n]));
  controls.follows.show(!stride);
  controls.axes.show(axes);
  controls.ties.root.hidden = mode !== "max";
  controls.ties.show(payTies);
  controls.channel?.show({ value: channel, low: 0, high: shape[2] - 1, text: `${channel} of ${shape[2]}` });
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

// A pooling layer in one setting, what a cell of it takes part in.
//
//   pooledOf({ x, dz, size, stride, mode })    the layer's arrays, who won, who tied, which pixels are read
//   pooledMarks(model, spot, channel)          { x, z, dx, dz }: marks and frames for a cell, or for none

const LETTERS = "abcdefghijklmnopqrstuvwxyz";

// An array of any number of rows and columns: cut, or repeated from its start.
function repeatedTo([rows, columns, depth], given) {
  const [have, wide] = given.shape;
  return makeArray([rows, columns, depth], indicesOf([rows, columns, depth]).map(([i, j, c]) => at(given, [i % have, j % wide, c])));
}

export function pooledOf({ x, dz: given, size, stride, mode }) {
  const geometry = poolGeometry({ x: x.shape, size, stride, mode });
  const { z, winners } = poolForward(geometry, x);
  const dz = repeatedTo(z.shape, given);
  const { dx } = poolBackward(geometry, dz, winners);
  const read = new Set(indicesOf(x.shape).filter((pixel) => windowsOver(geometry, pixel).length).map((pixel) => offset(x.shape, pixel)));
  const model = { geometry, x, z, dz, dx, winners, read, window: (output) => termsOf(geometry, output).map((product) => product.x) };
  return { ...model, paid: winners && everyTiePaid(model) };
}

export const winnerOf = (model, output) => (model.winners ? model.window(output)[at(model.winners, output)] : null);

// The outputs that read a pixel, in reading order.
export const readersOf = (geometry, pixel) => windowsOver(geometry, pixel).map(([output]) => [...output, pixel[2]]).reverse();

// The pixels that hold a window's maximum, the winner first; a NaN equals nothing.
export function tiedIn(model, output) {
  const top = at(model.z, output);
  return Number.isNaN(top) ? [winnerOf(model, output)] : model.window(output).filter((pixel) => at(model.x, pixel) === top);
}

// What dX would be if every tied pixel got its window's whole gradient: not what the layer does.
function everyTiePaid(model) {
  const dx = makeArray(model.x.shape);
  for (const output of indicesOf(model.z.shape)) {
    for (const pixel of tiedIn(model, output)) dx.data[offset(dx.shape, pixel)] += at(model.dz, output);
  }
  return dx;
}

// The outputs whose winner is not what it was, with both winners; none where the windows are others.
export function jumpsBetween(before, now) {
  if (!before?.winners || !now.winners || String(before.z.shape) !== String(now.z.shape) || String(before.geometry.w) !== String(now.geometry.w)) return [];
  return indicesOf(now.z.shape).filter((output) => at(before.winners, output) !== at(now.winners, output))
    .map((output) => ({ output, from: winnerOf(before, output), to: winnerOf(now, output) }));
}

export function pooledMarks(model, spot, channel) {
  if (!spot) return atRest(model, channel);
  const { geometry } = model;
  if (spot.array === "z" || spot.array === "dz") {
    const output = spot.index;
    const [here, frames] = [[{ role: "here", cells: [output] }], [frameOf(geometry, output)]];
    const paid = model.winners ? winnersAnd(model, [output]) : [{ role: "output", cells: model.window(output) }];
    return { z: { marks: here }, dz: { marks: here }, x: { marks: paid, frames }, dx: { marks: paid, frames } };
  }
  const readers = readersOf(geometry, spot.index);
  const [won, lost] = splitBy(readers, (output) => !model.winners || String(winnerOf(model, output)) === String(spot.index));
  const marks = [{ role: "output", cells: won }, { role: "input", cells: lost }];
  const here = { role: "here", from: spot.index, size: [1, 1] }; // over the windows' lines
  const pixel = { frames: [...readers.map((output) => frameOf(geometry, output)), here] };
  return { x: pixel, dx: pixel, z: { marks }, dz: { marks } };
}

const splitBy = (list, test) => [list.filter(test), list.filter((item) => !test(item))];

const frameOf = ({ stride, w }, [i, j, c]) => ({ role: "input", from: [i * stride[0], j * stride[1], c], size: w });

// Winners, and the pixels that are as large but come later.
function winnersAnd(model, outputs) {
  const found = outputs.map((output) => tiedIn(model, output));
  const [won, tied] = [distinct(found.map(([first]) => first)), distinct(found.flatMap(([, ...others]) => others))];
  const winners = new Set(won.map(String));
  return [{ role: "output", cells: won }, { role: "bias", cells: tied.filter((pixel) => !winners.has(String(pixel))) }];
}

// The windows' letters: { x: place => "ad", z: place => "a" }, of the windows that a pixel wins and of an output's own.
export function lettersOf(model) {
  const [rows, columns, depth] = model.z.shape;
  if (!model.winners || rows * columns > LETTERS.length) return {};
  const won = new Map();
  for (const output of indicesOf(model.z.shape)) {
    const place = offset(model.x.shape, winnerOf(model, output));
    won.set(place, (won.get(place) ?? "") + LETTERS[output[0] * columns + output[1]]);
  }
  return { x: (place) => won.get(place), z: (place) => LETTERS[Math.floor(place / depth)] };
}

// No cell: every winner.
function atRest(model, channel) {
  if (!model.winners) return { x: {}, dx: {}, z: {}, dz: {} };
  const paid = { marks: winnersAnd(model, indicesOf(model.z.shape).filter((output) => output[2] === channel)) };
  return { x: paid, dx: paid, z: {}, dz: {} };
}

// The words for no cell.
function linesAtRest({ z: { shape: [rows, columns] }, geometry: { w }, winners, dz }, channel) {
  const windows = `${rows * columns} ${rows * columns === 1 ? "window" : "windows"} of ${w.join("×")}`;
  const sent = indicesOf(dz.shape).filter((index) => index[2] === channel).reduce((sum, index) => sum + at(dz, index), 0);
  return [
    [winners ? `${windows}. Each hands its whole gradient to its largest pixel, which has its letter.` : `${windows}. Each shares its gradient out equally: every pixel in it gets 1/${w[0] * w[1]}.`],
    [`What comes in is handed on: dZ and dX both add up to ${written(sent)}. Point at a cell; drag a number of X past the largest of its window.`],
  ];
}
