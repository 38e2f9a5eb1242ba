// What each grid of a convolution's stage shows (views of grid.js), and in which arrangements they may stand.

import { at, makeArray, offset } from "./arrays.js";
import { sparseMatrix, spreadOut, turned } from "./convolution_state.js";
import { LETTERS, marksOf, turnedIndex } from "./convolution_marks.js";
import { spanOf, windowsOver } from "./products.js";
import { written } from "./page.js";

const FORWARD = { forward: ["x", "w", "b", "z"], weights: ["x", "w", "b", "z"], input: ["x", "w", "z"], all: ["x", "w", "b", "z"] };
const BACKWARD = { forward: [], weights: ["dw", "db", "dz"], input: ["dx", "dz"], all: ["dx", "dw", "db", "dz"] };
const BENCH = { stamps: ["sit"], window: ["wbar", "d"], matrix: ["t"] };
const ABOUT = {
  x: "X, the input", w: "W, the kernel", b: "b, the bias", z: "Z, the output", dx: "gradient of X", dw: "gradient of W",
  db: "gradient of b", dz: "gradient of Z", d: "D, the spread gradient of Z", wbar: "the turned kernel",
  t: "the sparse matrix", sit: "the weights that reach a pixel of dX",
};

// The grids on screen; two readings of dX take the place of what has no part in them.
export function gridsShown({ show, reading }) {
  const dx = BACKWARD[show].includes("dx");
  const all = [...FORWARD[show], ...BACKWARD[show], ...(dx ? BENCH[reading] : [])];
  if (!dx || reading === "stamps") return all;
  return all.filter((name) => !["b", "db", "dw", ...(reading === "window" ? ["z"] : [])].includes(name));
}

export function arrangementsOf(stacked, show) {
  const [x, z, w, b] = [["x", "dx"], ["z", "dz"], ["w", "dw", "wbar"], ["b", "db"]];
  const bench = [["sit"], ["d"], ["t"]];
  const below = [[["d"]], [["t"]]];
  if (stacked) {
    const apart = [[["x"]], [["dx"]], [w], [b, ["sit"]], [["z"]], [["dz"]], ...below];
    return [[[x], [w, ["sit"]], [b], [z], ...below], [[x], [w], [b, ["sit"]], [z], ...below], apart];
  }
  const line = [[x, w, b, z, ...bench]];
  if (show === "forward") return [line, [[x, z], [w, b]], [[x, w, b], [z]]];
  return [
    [[x, z], [w, b, ...bench]],
    [[x, w, b], [z, ...bench]],
    line,
    [[x], [z], [w, b, ...bench]],
    [[x, ...bench], [z, b], [w]],
    [[x], [z, w, b, ...bench]],
    [[x, z], [w, b], bench],
  ];
}

const note = (shape, model, letters) => [shape.slice(0, 2).join("×"), ...letters].join("  ");

function channelNotes({ channel, filter }, { C, K }) {
  const c = C > 1 ? [`c = ${channel}`] : [];
  const k = K > 1 ? [`k = ${filter}`] : [];
  return { x: c, w: [...c, ...k], z: k };
}

// Views without their cell sizes. `shown`: { arrived, step, spread, order, looked, frames }
export function viewsOf(state, model, shown) {
  const marks = shown.looked ? { ...marksOf(shown.looked, model), ...benchMarks(state, model, shown) } : {};
  const names = gridsShown(state);
  const notes = channelNotes(state, model);
  const [c, k] = [state.channel, state.filter];
  const slices = { x: [[c]], w: [[c, k]], z: [[k]] };
  const slabs = { x: model.C - 1, w: model.C * model.K - 1, z: model.K - 1 };
  const views = {};
  for (const name of names) {
    const group = name.replace(/^d(?=.)/, "").replace("wbar", "w").replace(/^d$/, "z");
    const view = { ...contentOf(name, state, model, shown), axes: true, about: ABOUT[name], marks: marks[name] ?? [], fade: !!shown.fade };
    if (slices[group]) Object.assign(view, { shown: slices[group], slabs: Math.min(3, slabs[group]) });
    if (group === "b") Object.assign(view, { lead: 0, shown: [[k]] });
    view.note ??= slices[group] ? note(view.array.shape, model, notes[group]) : group === "b" ? notes.z.join("") : "";
    view.frames = shown.frames?.[name];
    views[name] = view;
  }
  return views;
}

function contentOf(name, state, model, { arrived, step, spread }) {
  const { scales, geometry: { z: [, columns] } } = model;
  const [value, weight, gradient] = [scales.value, scales.weight, scales.gradient];
  const done = arrived.done && ((place) => arrived.done[Math.floor(place / model.K)]);
  if (name === "x") return { array: model.x, scale: value, ring: model.padding };
  if (name === "z") return { array: model.z, scale: value, ...(done ? { look: (place) => !done(place) && "blank" } : {}) };
  if (name === "w" || name === "b") return { array: model[name], scale: weight };
  if (name === "dz") return { array: model.dz, scale: gradient, ...(done && step ? { look: (place) => done(place) && "pale" } : {}) };
  if (name === "dx") return { array: arrived.dx, scale: gradient, ring: model.padding, ringArray: arrived.dxPadded };
  if (name === "wbar") return { array: (model.turned ??= turned(model)), scale: weight };
  if (name === "d") return { array: spread.array, scale: gradient, look: (place) => !spread.own[Math.floor(place / model.K)] && "pale" };
  if (name === "t") return matrixContent(state, model, weight);
  if (name === "sit") return sitContent(state, model, weight);
  return { array: arrived[name], scale: gradient, columns };
}

function matrixContent(state, model, scale) {
  const key = `${state.channel} ${state.filter}`;
  model.matrices ??= new Map();
  if (!model.matrices.has(key)) model.matrices.set(key, madeMatrix(state, model, scale));
  return model.matrices.get(key);
}

function madeMatrix(state, model, scale) {
  const { array, weights } = sparseMatrix(model, state.channel, state.filter);
  const own = new Set(weights.map(([row, column]) => row * array.shape[1] + column));
  return { array, scale, look: (place) => !own.has(place) && "pale", note: "a row for every output, a column for every pixel" };
}

// The pixel of dX that is looked at: its weights in the places of their outputs, which is the kernel turned.
function sitContent(state, model, scale) {
  const spot = [state.pointed, state.held].find((s) => s?.array === "dx");
  const key = `${spot?.index} ${state.channel} ${state.filter}`;
  if (model.sitting?.key !== key) model.sitting = { key, content: gathered(spot, state, model, scale) };
  return model.sitting.content;
}

function gathered(spot, state, model, scale) {
  const array = makeArray(model.w.shape.slice(0, 2));
  const under = new Map();
  for (const [output, place] of spot ? windowsOver(model.geometry, spot.index) : []) {
    const there = offset(array.shape, turnedIndex(model, place));
    array.data[there] = at(model.w, [...place, state.channel, state.filter]);
    under.set(there, `· ${written(at(model.dz, [...output, state.filter]))}`);
  }
  const note = spot ? `on dX[${spot.index.slice(0, 2).join(", ")}]` : "click a pixel of dX";
  return { array, scale, look: (place) => !under.has(place) && "blank", under: (place) => under.get(place), note };
}

// Marks in the grids of the readings.
function benchMarks(state, model, { looked, spread }) {
  const { spot, meant, products } = looked;
  const marks = {};
  if (!meant) return marks;
  const pixel = ({ x }) => x[0] * model.geometry.x[1] + x[1];
  const row = ({ z }) => z[0] * model.geometry.z[1] + z[1];
  if (state.reading === "matrix") {
    const cells = products.filter(({ x, inside }) => x && inside).map((product) => [row(product), pixel(product)]);
    if (spot.array === "t") Object.assign(marks, matrixMarks(spot, state, model));
    else if (cells.length) marks.t = [{ role: "weight", cells }];
  }
  if (state.reading === "window" && spot.array !== "d" && products.length) {
    const { stride } = model.geometry;
    const cells = products.map(({ z }) => [z[0] * stride[0] + spread.before[0], z[1] * stride[1] + spread.before[1], z[2]]);
    const inside = cells.map(([r, c]) => r >= 0 && c >= 0 && r < spread.array.shape[0] && c < spread.array.shape[1]);
    const numbered = meant.array === "dx" && cells.length > 1;
    if (meant.array === "dx" || meant.array === "dz") {
      marks.d = [{ role: "output", cells: cells.filter((_, n) => inside[n]), badges: numbered ? cells.map((_, n) => String(n + 1)) : undefined }];
    }
  }
  if (state.reading === "stamps" && meant.array === "dx") {
    marks.sit = [{ role: "weight", cells: products.map(({ w }) => turnedIndex(model, w.slice(0, 2))) }];
  }
  return marks;
}

// A cell of T: its output, its pixel, and the weight between them.
function matrixMarks({ index: [output, pixel] }, state, model) {
  const z = [Math.floor(output / model.geometry.z[1]), output % model.geometry.z[1], state.filter];
  const x = [Math.floor(pixel / model.geometry.x[1]), pixel % model.geometry.x[1], state.channel];
  const between = windowsOver(model.geometry, x).find(([at]) => at[0] === z[0] && at[1] === z[1]);
  const marks = { t: [{ role: "here", cells: [[output, pixel]] }], x: [{ role: "input", cells: [x] }], z: [{ role: "output", cells: [z] }] };
  Object.assign(marks, { dx: marks.x, dz: marks.z });
  if (between) marks.w = [{ role: "weight", cells: [[...between[1], state.channel, state.filter]] }];
  return marks;
}

// Lines round whole windows: of the output that was pressed last, of the pixel that is looked at in D and in T.
export function framesOf(state, model, { looked, window }) {
  const { geometry } = model;
  const frames = {};
  if (window) {
    const size = [0, 1].map((axis) => spanOf(geometry.w[axis], geometry.dilation[axis]));
    const from = [0, 1].map((axis) => window[axis] * geometry.stride[axis] - model.padding[2 * axis]);
    frames.x = [{ role: "input", from: [...from, state.channel], size }];
    frames.dx = frames.x;
  }
  if (looked?.meant?.array !== "dx") return frames;
  const [i, j] = looked.meant.index;
  const size = [0, 1].map((axis) => spanOf(geometry.w[axis], geometry.dilation[axis]));
  frames.d = [{ role: "input", from: [i, j, state.filter], size }];
  frames.t = [{ role: "input", from: [0, i * geometry.x[1] + j], size: [model.count, 1] }];
  return frames;
}

export function legendOf(views, state, model, { step }) {
  const used = new Set(Object.values(views).flatMap((view) => (view.marks ?? []).filter(({ cells }) => cells.length).map(({ role }) => role)));
  for (const view of Object.values(views)) for (const { role } of view.frames ?? []) used.add(role);
  const words = {
    here: "looked at", input: "pixels", weight: "weights", output: "outputs", bias: "bias",
  };
  const entries = Object.entries(words).filter(([role]) => used.has(role));
  if (model.padding.some(Boolean)) entries.push(["padding", views.dx ? "padding: 0 in X; what falls there in dX is cut off" : "padding: 0"]);
  if (views.d) entries.push(["padding", "zeros put in: between the entries by the stride, around them by the kernel"]);
  if (views.dz && step && step < model.count) entries.push(["padding", "pale in dZ: already pressed"]);
  const beyond = ["w", "dz"].filter((name) => state.store[name] && model[name].shape.some((n, axis) => n > state.store[name].shape[axis]));
  if (beyond.length) entries.push(["plain", `${beyond.map((name) => LETTERS[name]).join(" and ")}: numbers beyond the given ones are invented`]);
  return entries;
}
