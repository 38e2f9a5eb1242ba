// What is done to a convolution's stage: settings, clicks, numbers, steps; and what flies then.

import { at, decodeArrays, encodeArrays, withNumber } from "./arrays.js";
import { EDITABLE, GRIDS, pairNow, recompute } from "./convolution.js";
import { legalRanges, placeOf, pressed, stepNow, storeArrays } from "./convolution_state.js";
import { turnedIndex, windowOf } from "./convolution_sums.js";
import { flyOver, sumFlights } from "./fly.js";
import { boxOf } from "./grid.js";
import { changedPair } from "./controls.js";
import { asPair, convProducts, resolvePadding } from "./products.js";

// A setting has changed: Python hears of it. The kernel's size is no option: it is W's own.
export function set(stage, name, value) {
  const { state, frame } = stage;
  const least = legalRanges({ ...state, padding: [0, 0, 0, 0] }, "padding").map(([low]) => low);
  const pair = value === null ? least : changedPair(state.axes, pairNow(stage, name), value);
  const legal = value === "same" || legalRanges(state, name).every(([low, high], axis) => pair[axis] >= low && pair[axis] <= high);
  if (!legal) return; // a second click, before the buttons have been drawn anew
  state[name] = name !== "padding" ? pair : value === "same" ? value : resolvePadding(pair);
  if (state.step !== null) frame.tell("step", (state.step = null));
  stage.player.stop();
  recompute(stage);
  if (name === "kernel") tellArrays(stage);
  else frame.tell(name, value === "same" ? value : pair);
}

export function choose(stage, name, value) {
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

export function hearPython(stage, name, value) {
  const { state } = stage;
  if (name === "selected") state.held = value;
  else if (name === "arrays") storeArrays(state, decodeArrays(value));
  else if (name === "padding") state.padding = value === "same" ? value : resolvePadding(value);
  else state[name] = name === "stride" || name === "dilation" ? asPair(value) : value;
  recompute(stage);
}

export function edit(stage, name, index, value, done) {
  const { store } = stage.state;
  store[name] = withNumber(store[name], index, value);
  recompute(stage);
  if (done) tellArrays(stage);
}

// A click on dZ makes this output the learner's next; elsewhere it holds the cell, and its numbers fly into the sum.
export async function click(stage, name, index) {
  const { state, model, frame } = stage;
  const step = stepNow(state, model);
  const { order, arrived } = pressed(state, model, step);
  if (name === "dz" && !(arrived.done?.[placeOf(model, index)] ?? true)) {
    state.order = [...order.slice(0, step), index.slice(0, 2)];
    stage.player.stop();
    return goTo(stage, step + 1);
  }
  const again = state.held?.array === name && String(state.held.index) === String(index);
  holdSpot(stage, again ? null : { array: name, index });
  if (again) return;
  stage.walking = name === "dx" && state.reading === "stamps";
  await new Promise(requestAnimationFrame);
  await flyOver(frame, stage.walking ? walkFlights(stage, index) : sumFlights(frame), 700);
  stage.walking = false;
  frame.request();
}

export function holdSpot({ state, frame }, spot) {
  Object.assign(state, { held: spot, pointed: spot && state.pointed });
  frame.tell("selected", spot);
  frame.request();
}

// To another number of outputs. The next one travels: its stamp lands on dX, its window goes to dW, or the window slides
// and its numbers fly into the sum.
export async function goTo(stage, step) {
  const { state, model, frame } = stage;
  const next = step === stepNow(state, model) + 1;
  Object.assign(state, { step: step === model.count ? null : step, latest: step, held: null });
  frame.tell("step", state.step);
  const landing = (stage.landing = next ? {} : null);
  const { order } = pressed(state, model, step);
  frame.request();
  if (!next) return;
  await new Promise(requestAnimationFrame);
  await flyOver(frame, stampFlights(stage, order[step - 1], order[step - 2]), 480);
  if (stage.landing !== landing) return;
  stage.landing = null;
  frame.request();
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
