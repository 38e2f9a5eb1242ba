// The gates of ReLU: Z and A above dZ and dA. Drag a number of Z, or the bias that is added to all of them, and gates open
// and close, forward and backward at once.

import { arrange } from "./arrange.js";
import { at, decodeArrays, encodeArrays, indicesOf, makeArray, offset, withNumber } from "./arrays.js";
import { kindScale } from "./colors.js";
import { makeSlider, makeSwitch } from "./controls.js";
import { hold, keepInside, makeFrame } from "./frame.js";
import { boxOf, makeGrids, paintMarks } from "./grid.js";
import { tidied, written } from "./page.js";
import { bracketed, fly, showLegend, showSum, sumOfProducts } from "./sum.js";

const RELU_GRIDS = { z: "Z", a: "A", dz: "dZ", da: "dA" };
const SPELLED = 8; // terms of db that are written out
const TOGETHER = 7; // units that stand side by side on a telephone, too: what answers together is seen together
const [WHOLE, BIAS_STEPS] = [60, 32]; // the largest whole number whose bias moves by 1; steps of the bias for others

// Z = given + bias. A NaN is let through, as `layers` does it. kinkOpen: a Z of exactly 0 counts as open, backward.
export function gatesOf({ z: given, da, bias, kinkOpen = false }) {
  const { shape } = given;
  const z = makeArray(shape, given.data.map((value) => tidied(value + bias)));
  const open = Array.from(z.data, (value) => !(value <= 0));
  const passes = kinkOpen ? Array.from(z.data, (value) => !(value < 0)) : open;
  const through = (array, gates) => makeArray(shape, array.data.map((value, n) => (gates[n] ? value : 0)));
  const dz = through(da, passes);
  const units = Array.from({ length: shape[1] }, (_, k) => indicesOf(shape).filter((index) => index[1] === k));
  return {
    z, a: through(z, open), da, dz, open, passes,
    db: units.map((cells) => cells.reduce((sum, index) => sum + at(dz, index), 0)),
    dead: units.flatMap((cells, k) => (cells.some((index) => passes[offset(shape, index)]) ? [] : [k])),
    kinks: indicesOf(shape).filter((index) => at(z, index) === 0),
  };
}

// The cells whose gate is not what it was.
export function flippedBetween(before, now) {
  if (String(before?.z.shape) !== String(now.z.shape)) return [];
  return indicesOf(now.z.shape).filter((_, n) => before.passes[n] !== now.passes[n]);
}

// A bias can open and close every gate.
export function biasRange({ data }) {
  const finite = Array.from(data).filter(Number.isFinite);
  const most = Math.max(0, ...finite.map(Math.abs)) || 1;
  if (finite.every(Number.isInteger) && most <= WHOLE) return { low: -most - 1, high: most + 1, step: 1 };
  const step = Number((most / BIAS_STEPS).toExponential(0));
  const reach = tidied(step * Math.ceil((1.02 * most) / step));
  return { low: -reach, high: reach, step };
}

export function reluGates(el, spec, link) {
  const stage = { given: decodeArrays(spec.arrays), bias: spec.options.bias, kinkOpen: false, held: spec.selected, pointed: null, flipped: [] };
  makeFrame(stage, el, link, {
    composition: "reluGates", about: "ReLU, forward and backward", draw: drawGates, escape: () => holdGate(stage, null),
    hear: { bias: (bias) => moveGates(stage, { bias }), arrays: (json) => moveGates(stage, { given: decodeArrays(json) }) },
  });
  moveGates(stage, {});
  makeGateControls(stage);
  makeGrids(stage, RELU_GRIDS, { click: (spot) => holdGate(stage, spot), editable: ["z", "da"], edit: (name, index, value, done) => {
    const number = name === "z" ? tidied(value - stage.bias) : value;
    moveGates(stage, { given: { ...stage.given, [name]: withNumber(stage.given[name], index, number) } });
    if (done) stage.frame.tell("arrays", () => encodeArrays(stage.given));
  } });
  return stage.frame.dispose;
}

// Other numbers, another bias, the other convention: the gates that move are marked, and what they now let through flies.
function moveGates(stage, changes) {
  const before = stage.model;
  Object.assign(stage, changes);
  const { given, frame } = stage;
  const model = (stage.model = gatesOf({ ...stage, ...given }));
  const flipped = flippedBetween(before, model);
  if (flipped.length || String(before?.z.shape) !== String(model.z.shape)) stage.flipped = flipped;
  stage.scales = { value: { ...kindScale([given.z], "value"), ramp: "signed" }, gradient: kindScale([given.da], "gradient") };
  stage.look = (place) => (model.passes[place] ? null : "pale");
  stage.under = (place) => `·${Number(model.passes[place])}`;
  keepInside(stage, () => model.z.shape);
  if (flipped.length) sendThrough(stage, flipped, 350);
  frame.request();
}

// What an open gate lets through travels: forward from Z to A, backward from dA to dZ.
function sendThrough({ frame, model, scales }, cells, duration) {
  const open = cells.filter((index) => model.passes[offset(model.z.shape, index)]);
  const flights = (from, to, scale) => open.map((index) => ({
    from: boxOf(frame.grids[from], index), to: boxOf(frame.grids[to], index), value: at(model[to], index), scale, role: "moved",
  }));
  fly(frame, [...flights("z", "a", scales.value), ...flights("da", "dz", scales.gradient)], duration);
}

function makeGateControls(stage) {
  const { frame } = stage;
  const change = (bias) => (moveGates(stage, { bias }), frame.tell("bias", bias));
  stage.slider = makeSlider(frame.bar, { label: "bias, added to all of Z", name: "bias, added to all of Z", change });
  stage.kink = makeSwitch(frame.bar, { label: "slope 1 at 0", hint: "count a Z of exactly 0 as open: [Z ≥ 0], the other convention", change: (kinkOpen) => moveGates(stage, { kinkOpen }) });
}

function holdGate(stage, spot) {
  hold(stage, spot);
  if (stage.held) sendThrough(stage, [spot.index], 550);
  else if (!spot) stage.flipped = [];
}

function drawGates(stage) {
  const { frame, model, scales, bias, kinkOpen, given, flipped } = stage;
  const spot = stage.pointed ?? stage.held;
  const range = biasRange(given.z);
  stage.slider.show({ ...range, value: bias, text: `b = ${written(bias)}` });
  stage.kink.show(kinkOpen);
  const marks = [
    { role: "moved", cells: flipped }, { role: "bias", cells: model.kinks }, ...(spot ? [{ role: "here", cells: [spot.index] }] : []),
  ];
  const frames = model.dead.map((k) => ({ role: "input", from: [0, k], size: [model.z.shape[0], 1] }));
  const count = model.passes.filter(Boolean).length;
  const notes = { z: `${model.z.shape.join("×")}${bias ? `, b = ${written(bias)}` : ""}`, a: "where Z > 0", dz: `${count} of ${model.passes.length} pass`, da: "from above" };
  const items = Object.fromEntries(Object.keys(RELU_GRIDS).map((name) => {
    const view = {
      array: model[name], scale: scales[name[0] === "d" ? "gradient" : "value"], axes: true, note: notes[name], marker: paintMarks, marks, frames,
      look: stage.look, under: name === "z" || name === "da" ? stage.under : undefined,
    };
    return [name, { grid: frame.grids[name], view }];
  }));
  const apart = model.z.shape[1] > TOGETHER ? [[[["z"]], [["a"]], [["da"]], [["dz"]]]] : [];
  arrange(frame, items, [[[["z", "a"]], [["dz", "da"]]], [[["z", "a"], ["da", "dz"]]], ...apart]);
  showSum(frame, spot ? gateLines(model, { bias, kinkOpen }, spot.index) : idleLines(model, kinkOpen));
  showLegend(frame, gateLegend(model, kinkOpen, flipped, spot));
}

// What the marks mean, each only while it is on screen.
function gateLegend({ passes, kinks, dead }, kinkOpen, flipped, spot) {
  return [
    [passes.includes(false), "padding", "closed"], [kinks.length, "bias", kinkOpen ? "exactly 0: slope 1 is chosen" : "exactly 0: slope 0 is chosen"],
    [dead.length, "input", "dead: closed for every example"], [flipped.length, "moved", "just opened or closed"], [spot, "here", "looked at"],
  ].filter(([seen]) => seen).map(([, ...entry]) => entry);
}

const unitsOf = (units) => (units.length === 1 ? `Unit ${units[0]} is` : `Units ${units.slice(0, -1).join(", ")} and ${units.at(-1)} are`);

function idleLines({ passes, dead }, kinkOpen) {
  const open = passes.filter(Boolean).length;
  const words = dead.length ? `${unitsOf(dead)} dead: closed for every example.` : "Every unit is open for some example.";
  return [
    [kinkOpen ? "A = Z·[Z > 0], dZ = dA·[Z ≥ 0]: they differ at exactly 0 alone, where A is 0 either way." : "A = Z·[Z > 0], dZ = dA·[Z > 0]: one gate, forward and backward."],
    [`${open} of ${passes.length} gates are open. ${words}`],
    ["Drag a number of Z past 0, or the bias; point at a cell."],
  ];
}

export function gateLines(model, { bias, kinkOpen }, index) {
  const { z, a, da, dz, passes } = model;
  const [value, gate] = [at(z, index), String(Number(passes[offset(z.shape, index)]))];
  const name = (letter) => ({ text: `${letter}[${index.join(", ")}]`, role: "here" });
  const number = (shown) => ({ text: written(shown), role: "here" });
  const sum = bias ? [" = ", `${written(tidied(value - bias))} + ${bracketed(written(bias))}`] : [];
  const where = Number.isNaN(value) ? "is no number: it is let through" : value > 0 ? "is above 0: the gate is open" : value < 0 ? "is below 0: the gate is closed" : "is exactly 0, on the kink";
  return [
    [name("Z"), ...sum, " = ", number(value), ` ${where}, `, name("A"), " = ", number(at(a, index))],
    [name("dZ"), " = ", name("dA"), `·[${written(value)} ${kinkOpen ? "≥" : ">"} 0] = `, number(at(da, index)), `·${gate} = `, number(at(dz, index))],
    lastWords(model, { value, kinkOpen }, index[1]),
  ];
}

// At the kink what was chosen there; else the gradient of the unit's bias, dZ summed over the examples.
function lastWords({ dz, db, dead }, { value, kinkOpen }, k) {
  if (value === 0) return [kinkOpen ? "From the left the slope is 0, from the right 1; 1 is chosen now." : "From the left the slope is 0, from the right 1; 0 is chosen, here and in `layers`."];
  if (dead.includes(k)) return [`db[${k}] = 0: unit ${k} is dead, and no step of descent moves its weights or its bias.`];
  const terms = Array.from({ length: dz.shape[0] }, (_, m) => [{ value: at(dz, [m, k]) }]);
  const parts = terms.length > SPELLED ? [`db[${k}] = ${written(db[k])}`] : sumOfProducts({ name: `db[${k}]`, terms, total: db[k] });
  return [`${parts.map((part) => part.text ?? part).join("")}, dZ's column: the gradient of the bias of unit ${k}`];
}
