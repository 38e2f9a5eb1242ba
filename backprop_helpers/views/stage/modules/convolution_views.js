// What each grid of a convolution's stage shows, and in which arrangements they may stand.

import { at, makeArray, offset } from "./arrays.js";
import { spanOf, windowsOver } from "./conv_layer.js";
import { once, sparseMatrix, turned, turnedIndex } from "./convolution_state.js";
import { paintBadge, paintVeil } from "./grid_over.js";
import { GRIDS, marksOf, spreadOf } from "./convolution_sums.js";
import { written } from "./page.js";

const BENCH = { stamps: "sit", window: "wbar d", matrix: "t" };
const SHOWN = { forward: () => "x w b z", weights: () => "x w b z dw db dz", input: (reading) => `x w z dx dz ${BENCH[reading]}` };

// The grids on screen; two readings of dX take the place of what has no part in them.
export function gridsShown({ show, reading }) {
  if (show !== "all") return SHOWN[show](reading).split(" ");
  return { stamps: "x w b z dx dw db dz sit", window: "x w dx dz wbar d", matrix: "x w z dx dz t" }[reading].split(" ");
}

export function arrangementsOf(stacked, show) {
  const [x, z, w, b, bench] = [["x", "dx"], ["z", "dz"], ["w", "dw", "wbar"], ["b", "db"], ["sit", "d", "t"]];
  const line = [[x, w, b, z, bench]];
  if (stacked) return [[[x], [w, ["sit"]], [b], [z], [["d"]], [["t"]]], [[["x"]], [["dx"]], [w], [b, ["sit"]], [["z"]], [["dz"]], [["d"]], [["t"]]]];
  if (show === "forward") return [line, [[x, z], [w, b]], [[x, w, b], [z]]];
  if (show === "input") return [[[x, [[[z], [w, b, bench]]]]], [[x, z], [w, b, bench]], [[x, w, b], [z, bench]], line, [[x], [z], [w, b, bench]], [[x, bench], [z, b], [w]]];
  return [[[x, z], [w, b, bench]], [[x, w, b], [z, bench]], line, [[x], [z], [w, b, bench]], [[x, bench], [z, b], [w]], [[x], [z, w, b, bench]], [[x, z], [w, b], [bench]]];
}

// Views by grid. `shown`: { arrived, step, looked, window }, of the output that was pressed last.
export function viewsOf(state, model, shown) {
  const [marks, frames] = [marksOf(shown.looked, model), framesOf(state, model, shown)];
  const { channel: c, filter: k } = state;
  const slices = { x: [c], w: [c, k], z: [k] };
  const depths = { x: [model.C], w: [model.C, model.K], z: [model.K] };
  return Object.fromEntries(gridsShown(state).map((name) => {
    const [kind, , about, scale] = GRIDS[name];
    const view = { axes: true, about, marks: marks[name] ?? [], frames: frames[name], fade: shown.fade && name !== "sit" ? paintVeil : null, badge: paintBadge, scale: model.scales[scale] };
    const deep = name === "sit" ? undefined : depths[kind];
    if (deep) Object.assign(view, { shown: [slices[kind]], slabs: deep.reduce((a, b) => a * b) - 1 });
    if (kind === "b") Object.assign(view, { lead: 0, shown: [[k]], note: model.K > 1 ? `k = ${k}` : "" });
    Object.assign(view, contentOf(name, state, model, shown));
    const letters = ["c", "k"].slice(kind === "z" ? 1 : 0).map((letter, n) => deep?.[n] > 1 && `${letter} = ${slices[kind][n]}`);
    view.note ??= [view.array.shape.slice(0, 2).join("×"), ...letters.filter(Boolean)].join("  ");
    return [name, view];
  }));
}

function contentOf(name, state, model, { arrived, step }) {
  const { geometry: { padding: ring } } = model;
  if (name === "x") return { array: model.x, ring };
  if (name === "dx") return { array: arrived.dx, ring, ringArray: arrived.dxPadded };
  if (name === "z") return { array: model.z, look: arrived.blank };
  if (name === "dz") return { array: model.dz, look: step ? arrived.pale : undefined };
  if (name === "wbar") return { array: once(model, "W̄", () => turned(model)) };
  if (name === "d") return { array: spreadOf(model).array, look: spreadOf(model).look };
  if (name === "t") return { ...once(model, `T ${state.channel} ${state.filter}`, () => sparseMatrix(model, state.channel, state.filter)), note: "a row for every output, a column for every pixel" };
  return name === "sit" ? sitContent(state, model) : { array: arrived[name] ?? model[name] };
}

// The pixel of dX that is looked at: its weights in the places of their outputs, which is the kernel turned.
function sitContent({ pointed, held, channel, filter }, model) {
  const pixel = [pointed, held].find((spot) => spot?.array === "dx")?.index;
  return once(model, `sit ${pixel} ${channel} ${filter}`, () => {
    const array = makeArray(model.w.shape.slice(0, 2));
    const under = new Map();
    for (const [output, place] of pixel ? windowsOver(model.geometry, pixel) : []) {
      const there = offset(array.shape, turnedIndex(model, place));
      array.data[there] = at(model.w, [...place, channel, filter]);
      under.set(there, `· ${written(at(model.dz, [...output, filter]))}`);
    }
    const note = pixel ? `on dX[${pixel.slice(0, 2).join(", ")}]` : "click a pixel of dX";
    return { array, look: (place) => !under.has(place) && "blank", under: (place) => under.get(place), note };
  });
}

// Where the window of an output lies on X.
export function windowOf({ geometry: { w, stride, dilation, padding } }, output, c) {
  const from = output.slice(0, 2).map((n, axis) => n * stride[axis] - padding[2 * axis]);
  return { role: "input", from: [...from, c], size: [0, 1].map((axis) => spanOf(w[axis], dilation[axis])) };
}

function framesOf({ channel, filter }, model, { looked, window }) {
  if (window) return { x: [windowOf(model, window, channel)], dx: [windowOf(model, window, channel)] };
  if (looked?.array !== "dx") return {};
  const [i, j] = looked.index;
  const t = { role: "input", from: [0, i * model.geometry.x[1] + j], size: [model.count, 1] };
  return { d: [{ ...windowOf(model, [0, 0], 0), from: [i, j, filter] }], t: [t] };
}

export function legendOf(views, { given }, { geometry: { padding }, w, dz, count }, step) {
  const used = new Set(Object.values(views).flatMap(({ marks, frames = [] }) => [...marks.filter(({ cells }) => cells.length), ...frames].map(({ role }) => role)));
  const words = { here: "looked at", input: "pixels", weight: "weights", output: "outputs", bias: "bias" };
  const entries = Object.entries(words).filter(([role]) => used.has(role));
  if (padding.some(Boolean)) entries.push(["padding", views.dx ? "padding: 0 in X; what falls there in dX is cut off" : "padding: 0"]);
  if (views.d) entries.push(["padding", "zeros put in: between the entries by the stride, around them by the kernel"]);
  if (views.dz && step && step < count) entries.push(["padding", "pale in dZ: already pressed"]);
  const beyond = Object.entries({ W: [w, given.w], dZ: [dz, given.dz] }).filter(([, [{ shape }, own]]) => shape.some((n, axis) => n > own[axis]));
  if (beyond.length) entries.push(["plain", `${beyond.map(([letter]) => letter).join(" and ")}: numbers beyond the given ones are invented`]);
  return entries;
}
