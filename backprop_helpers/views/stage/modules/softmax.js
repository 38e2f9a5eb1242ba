// Softmax and cross-entropy of one example: drag the scores, choose the true class, add a number to all. Beside them the
// Jacobian: hover an entry and its arithmetic is written.

import { arrange } from "./arrange.js";
import { at, decodeArrays, encodeArray, makeArray } from "./arrays.js";
import { kindScale } from "./colors.js";
import { makeButton } from "./controls.js";
import { makeFrame } from "./frame.js";
import { makeGrids, paintMarks } from "./grid.js";
import { element, readNumber, sumNumbers, tidied, written } from "./page.js";
import { bracketed, showLegend, showSum } from "./sum.js";

const SHIFTS = [-1000, -1, 1, 1000];
const [REACH, NOTCH] = [8, 0.25]; // of the sliders
const COLUMNS = ["class", "score Z", "", "e^Z", "e^(Z−max)", "Ŷ", "", "Ŷ − Y", ""];
const [TABLE_WIDE, ROW, HEAD] = [540, 30, 52]; // pixels

// e: what a naive formula divides, ∞ where it overflows; shifted: what is divided here, at most 1.
export function scoresOf({ data: z }, label) {
  const top = z.reduce((a, b) => (Number.isNaN(a) || Number.isNaN(b) ? NaN : Math.max(a, b)));
  const shifted = z.map((score) => Math.exp(score - top));
  const sum = shifted.reduce((a, b) => a + b);
  const y = shifted.map((term) => term / sum);
  const jacobian = makeArray([z.length, z.length], [...y].flatMap((row, l) => [...y].map((column, k) => row * ((l === k ? 1 : 0) - column))));
  return { top, e: z.map(Math.exp), shifted, sum, y, dz: y.map((p, k) => p - (k === label ? 1 : 0)), loss: Math.log(sum) - (z[label] - top), jacobian };
}

export function softmaxScores(el, spec, link) {
  const stage = { ...decodeArrays(spec.arrays), label: spec.options.label, held: spec.selected, pointed: null };
  makeFrame(stage, el, link, {
    composition: "softmaxScores", about: "Softmax and cross-entropy of one example", draw: drawScores,
    hear: { label: (label) => (stage.label = label), arrays: (json) => Object.assign(stage, decodeArrays(json)) },
  });
  makeScoreRows(stage);
  makeGrids(stage, { jacobian: "∂Ŷ/∂Z" }, {});
  return stage.frame.dispose;
}

function setScores(stage, scores) {
  stage.z = makeArray(stage.z.shape, scores);
  stage.frame.request();
  stage.frame.tell("arrays", () => ({ z: encodeArray(stage.z) }));
}

function makeScoreRows(stage) {
  const { frame, z } = stage;
  frame.bar.append(element("span", "bp-name", {}, "add to all scores"));
  for (const shift of SHIFTS) {
    const words = shift > 0 ? `+ ${shift}` : `− ${-shift}`;
    makeButton(frame.bar, words, `${words}, to every score`, () => setScores(stage, stage.z.data.map((score) => score + shift)));
  }
  stage.rows = Array.from(z.data, (_, k) => makeScoreRow(stage, k));
  const head = element("div", "bp-score-row bp-note", {}, ...COLUMNS.map((name) => element("span", "", {}, name)));
  stage.table = element("div", "bp-scores", {}, head, ...stage.rows.map(({ root }) => root));
}

function makeScoreRow(stage, k) {
  const choose = element("button", "bp-button", { type: "button", "aria-label": `class ${k} is the true one`, title: "make it the true class" }, String(k));
  const slider = element("input", "bp-range", { type: "range", "aria-label": `score of class ${k}`, step: NOTCH });
  const typed = element("input", "bp-typed", { inputmode: "decimal", "aria-label": `score of class ${k}, as a number` });
  const set = (value) => setScores(stage, stage.z.data.with(k, value));
  choose.onclick = () => {
    stage.label = k;
    stage.frame.tell("label", k);
    stage.frame.request();
  };
  slider.oninput = () => set(Number(slider.value));
  typed.onchange = () => (readNumber(typed.value) === null ? stage.frame.request() : set(readNumber(typed.value)));
  const [e, shifted] = [element("span"), element("span")];
  const [bar, push] = [element("i", "bp-share"), element("i", "bp-push")];
  const [share, arrow] = [element("span"), element("span")];
  const root = element("div", "bp-score-row", {}, choose, slider, typed, e, shifted, share, element("span", "", {}, bar), arrow, element("span", "", {}, push));
  return { root, choose, slider, typed, e, shifted, bar, push, share, arrow };
}

const short = (value) => (value > 9999 && value < Infinity ? value.toExponential(1).replace("e+", "e") : value > 0 && value < 0.0005 ? "≈0" : written(value, value > 0 && value < 10 && value % 1 ? 3 : 0));
const signed = (value) => (Math.abs(value) < 0.0005 && value ? "≈0" : written(value, 3));

function drawScores(stage) {
  const { frame, label, rows, z } = stage;
  const model = (stage.model = scoresOf(z, label));
  rows.forEach((row, k) => fillScoreRow(row, k, stage, model));
  const array = model.jacobian;
  const spot = (stage.pointed ?? stage.held)?.index;
  const view = { array, scale: (stage.scale ??= kindScale([makeArray([1], [0.25])], "gradient")), axes: true, note: "row Ŷ[l], column Z[k]", marker: paintMarks, marks: spot ? [{ role: "here", cells: [spot] }] : [] };
  const items = { rows: { root: stage.table, size: [Math.min(TABLE_WIDE, frame.width), HEAD + ROW * rows.length - 20] }, jacobian: { grid: frame.grids.jacobian, view, most: 46 } };
  arrange(frame, items, [[[["rows"], ["jacobian"]]], [[["rows"]], [["jacobian"]]]]);
  showSum(frame, scoreLines(model, stage, spot));
  showLegend(frame, [["output", "the true class"], ["input", "pushed up by a step (Ŷ − Y < 0)"], ["moved", "pushed down"], ...(spot ? [["here", "looked at"]] : [])]);
}

// Of a slider: after 1000 was added it still moves, and the score is whole notches from its ends, which it can reach.
export function rangeAround(score) {
  const middle = Math.round(score / 1000) * 1000;
  const low = score - NOTCH * Math.floor((score - Math.min(score, middle - REACH)) / NOTCH);
  return { min: tidied(low), max: tidied(low + NOTCH * Math.floor((Math.max(score, middle + REACH) - low) / NOTCH)) };
}

function fillScoreRow(row, k, { z: { data }, label }, { e, shifted, y, dz }) {
  const { root, choose, slider, typed, bar, push } = row;
  root.classList.toggle("bp-mark-output", k === label);
  choose.ariaPressed = String(k === label);
  if (Number.isFinite(data[k])) Object.assign(slider, rangeAround(data[k]), { value: data[k] });
  if (document.activeElement !== typed || readNumber(typed.value) !== data[k]) typed.value = written(data[k]);
  row.e.textContent = short(e[k]);
  row.shifted.textContent = short(shifted[k]);
  row.share.textContent = signed(y[k]);
  row.arrow.textContent = `${dz[k] < 0 ? "▲" : "▼"} ${signed(dz[k])}`;
  bar.style.width = `${100 * (y[k] || 0)}%`;
  push.style.width = `${100 * Math.abs(dz[k] || 0)}%`;
  push.classList.toggle("bp-up", dz[k] < 0);
}

function scoreLines({ y, loss, jacobian, e, top }, { label }, spot) {
  if (spot) {
    const [l, k] = spot;
    const numbers = sumNumbers([[y[l], 1], [y[k]]], at(jacobian, spot));
    const [rows, columns] = [numbers.factor(y[l]), numbers.factor(y[k])];
    const total = { text: written(Number(at(jacobian, spot).toPrecision(4))), role: "here" };
    return [
      [{ text: `∂Ŷ[${l}]/∂Z[${k}]`, role: "here" }, ` = Ŷ[${l}]·(${l === k ? 1 : 0} − Ŷ[${k}]) ≈ `, { text: rows, role: "output" }, `·(${l === k ? 1 : 0} − `, { text: bracketed(columns), role: "output" }, ") ≈ ", total],
      [l === k ? "On the diagonal: the score raises its own probability." : "Off the diagonal: it takes from the others what it gives to its own. Each row and column adds up to 0."],
    ];
  }
  const overflow = e.some((term) => term === Infinity) || e.every((term) => term === 0);
  const naive = e.includes(Infinity) ? "The naive e^Z overflows: ∞/∞ is NaN." : "The naive e^Z is 0 everywhere: 0/0 is NaN.";
  const shift = ` Subtracting the maximum, ${written(top)}, from every score changes nothing, and keeps every number finite.`;
  return [
    ["J = −log ", { text: `Ŷ[${label}]`, role: "output" }, " = −log ", { text: String(Number(y[label].toPrecision(6))), role: "output" }, " ≈ ", { text: written(Number(loss.toPrecision(4))), role: "here" }],
    [overflow ? naive + shift : "Drag a score; press a class to make it the true one; add a number to all scores: nothing changes. Point at the Jacobian."],
  ];
}
