// What each grid of a convolution's stage shows, and in which arrangements they may stand.

import { makeArray } from "./arrays.js";

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

export function arrangementsOf(stacked, show) {
  const [x, z, w, b, bench] = [["x", "dx"], ["z", "dz"], ["w", "dw", "wbar"], ["b", "db"], ["sit", "d", "t"]];
  const line = [[x, w, b, z, bench]];
  if (stacked) return [[[x], [w, ["sit"]], [b], [z], [["d"]], [["t"]]], [[["x"]], [["dx"]], [w], [b, ["sit"]], [["z"]], [["dz"]], [["d"]], [["t"]]]];
  if (show === "forward") return [line, [[x, z], [w, b]], [[x, w, b], [z]]];
  if (show === "input") return [[[x, [[[z], [w, b, bench]]]]], [[x, z], [w, b, bench]], [[x, w, b], [z, bench]], line, [[x], [z], [w, b, bench]], [[x, bench], [z, b], [w]]];
  return [[[x, z], [w, b, bench]], [[x, w, b], [z, bench]], line, [[x], [z], [w, b, bench]], [[x, bench], [z, b], [w]], [[x], [z, w, b, bench]], [[x, z], [w, b], [bench]]];
}

// Views by grid. `shown`: { arrived, step, marks, frames, over, content }, the last ones of what is pointed at.
export function viewsOf(state, model, shown) {
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

export const allBlank = () => "blank";

export function legendOf(views, { given }, { geometry: { padding }, w, dz, count }, { step, legend = [] }) {
  const entries = [...legend];
  if (padding.some(Boolean)) entries.push(["padding", views.dx ? "padding: 0 in X; what falls there in dX is cut off" : "padding: 0"]);
  if (views.d) entries.push(["padding", "zeros put in: between the entries by the stride, around them by the kernel"]);
  if (views.dz && step && step < count) entries.push(["padding", "pale in dZ: already pressed"]);
  const beyond = Object.entries({ W: [w, given.w], dZ: [dz, given.dz] }).filter(([, [{ shape }, own]]) => shape.some((n, axis) => n > own[axis]));
  if (beyond.length) entries.push(["plain", `${beyond.map(([letter]) => letter).join(" and ")}: numbers beyond the given ones are invented`]);
  return entries;
}
