// How large a step, and what does a gradient check see? The error of three measured slopes against ε is a V. Move over it:
// the slope at that ε stands beside the gradient, digit by digit. A mistake planted in the gradient makes a floor of the V.

import { arrange } from "./arrange.js";
import { acrossTo, drawCurves, drawPlace, shortError, makeChart, powerText, THRESHOLD } from "./check_chart.js";
import { measure, METHODS } from "./check_compute.js";
import { fillPanel, makePanel } from "./check_panel.js";
import { makeChoice } from "./controls.js";
import { makeFrame } from "./frame.js";
import { clamp } from "./page.js";
import { showLegend, showSum } from "./sum.js";

const FUNCTIONS = {
  exp: ["eˣ", "at x = 1"], cube: ["x³", "at x = 2"], kelvin: ["x·w", "a linear layer of temperatures in kelvin, about 300"],
  softmax: ["softmax", "softmax and cross-entropy of four scores"], relu: ["ReLU", "four numbers, one of them 0.001 from the kink"],
};
const BUGS = {
  right: ["right", "the gradient as it is"], double: ["×2", "twice too large"], slightly: ["×1.001", "0.1 % too large"], sign: ["−", "the sign turned"],
  zeros: ["0", "never written: zeros"], entry: ["last = 0", "the last entry forgotten"], reversed: ["reversed", "the right numbers in the wrong order"],
};
const NAMES_OF = { forward: "forward difference", central: "central difference", complex: "complex step" };
const ROLES_OF = { forward: "input", central: "output", complex: "weight" };
const [PANEL, PANEL_HIGH, WIDEST, HIGHEST_CHART, LOWEST_CHART] = [346, 268, 620, 320, 230]; // pixels
const TRAITS = ["subject", "precision", "bug", "method", "epsilon"];

export function gradientCheck(el, spec, link) {
  const stage = { ...spec.options, pointed: null, entry: null };
  const hear = Object.fromEntries(TRAITS.map((name) => [name, (value) => checkAnew(stage, { [name]: value })]));
  stage.frame = makeFrame(el, link, {
    composition: "gradientCheck", about: "The error of a measured slope against its step", draw: () => drawCheck(stage), state: () => checkState(stage),
    escape: () => Object.assign(stage, { pointed: null, entry: null }) && stage.frame.request(), hear,
  });
  stage.chart = makeChart({
    look: (place) => place !== stage.pointed && ((stage.pointed = place), stage.frame.request()),
    keep: (place) => keepStep(stage, place),
    step: (by) => keepStep(stage, clamp(keptPlace(stage) + by, 0, stage.found.steps.length - 1)),
  });
  stage.panel = makePanel({ method: (method) => setCheck(stage, { method }), entry: (entry) => ((stage.entry = entry), stage.frame.request()) });
  makeCheckControls(stage);
  checkAnew(stage, {});
  stage.frame.root.bpStage.cellCenter = (_, [place]) => {
    const { left, top, height } = stage.chart.root.getBoundingClientRect();
    return [left + acrossTo(stage.chart, place), top + height / 2];
  };
  return stage.frame.dispose;
}

function checkState(stage) {
  const { found: { steps, analytic, measured, worst, floor }, subject, precision, bug, method, epsilon } = stage;
  const place = stage.pointed ?? keptPlace(stage);
  return { subject, precision, bug, method, epsilon, looked: steps[place], entry: lookedEntry(stage, place), analytic, floor, slopes: measured[place].entries.map(({ slopes }) => slopes), errors: Object.fromEntries(METHODS.map((name) => [name, worst[name].map(({ error }) => error)])) };
}

function keptPlace({ found: { steps }, epsilon }) {
  const apart = steps.map((step) => Math.abs(Math.log(step / epsilon)));
  return apart.indexOf(Math.min(...apart));
}

// The entry whose error counts, unless another has been pressed.
const lookedEntry = ({ entry, found: { worst }, method }, place) => entry ?? worst[method][place].entry;

function keepStep(stage, place) {
  const epsilon = stage.found.steps[place];
  stage.pointed = place;
  if (epsilon !== stage.epsilon) setCheck(stage, { epsilon });
}

function setCheck(stage, changes) {
  checkAnew(stage, changes);
  for (const [name, value] of Object.entries(changes)) stage.frame.tell(name, value);
}

function checkAnew(stage, changes) {
  Object.assign(stage, changes);
  if ("epsilon" in changes || "method" in changes) return stage.frame.request();
  const { subject, precision, recorded } = stage;
  stage.entry = null;
  stage.found = measure(stage);
  const single = stage.found.analytic.length === 1;
  if (single && ["entry", "reversed"].includes(stage.bug)) return setCheck(stage, { bug: "right" });
  const plain = stage.bug === "right" && precision === "float64";
  stage.ghost = plain ? null : measure({ subject, recorded, precision: "float64", bug: "right" }).worst.central;
  stage.frame.request();
}

function makeCheckControls(stage) {
  const { frame: { bar }, recorded } = stage;
  const choice = (name, label, options) => makeChoice(bar, { label, options, change: (value) => setCheck(stage, { [name]: value }) });
  stage.controls = {
    subject: choice("subject", "f", recorded ? { own: [recorded.label, "your function, as Python recorded it"] } : FUNCTIONS),
    precision: choice("precision", "", { float64: ["float64", "16 digits"], float32: ["float32", "7 digits"] }),
    bug: choice("bug", "gradient", BUGS),
  };
}

// Drawing

function drawCheck(stage) {
  const { frame, found, chart, panel, method, controls } = stage;
  for (const [name, control] of Object.entries(controls)) control.show(stage[name]);
  for (const button of [...controls.bug.root.querySelectorAll("button")].slice(-2)) button.hidden = found.analytic.length === 1;
  const beside = frame.width >= 680;
  const size = { width: beside ? Math.min(WIDEST, frame.width - PANEL - 34) : frame.width, height: beside ? HIGHEST_CHART : LOWEST_CHART };
  const kept = keptPlace(stage);
  const place = stage.pointed ?? kept;
  drawCurves(chart, found, stage.ghost, size);
  drawPlace(chart, found, { kept, place, method });
  fillPanel(panel, stage, place, lookedEntry(stage, place));
  const items = { chart: { root: chart.root, size: [size.width, size.height] }, panel: { root: panel.root, size: [PANEL, PANEL_HIGH] } };
  arrange(frame, items, beside ? [[[["chart"], ["panel"]]]] : [[[["chart"]], [["panel"]]]]);
  showSum(frame, checkLines(stage, place));
  showLegend(frame, [...METHODS.map((name) => [`v-${name}`, NAMES_OF[name]]), ...(stage.ghost ? [["v-ghost", "central, right, float64"]] : []), ["v-zero", "an error of exactly 0"]]);
}

function checkLines(stage, place) {
  const { found: { worst, steps, floor }, method, bug } = stage;
  const { error } = worst[method][place];
  const passes = error < THRESHOLD;
  const verdict = Number.isNaN(error) ? "there is nothing to compare" : `${passes ? "below" : "not below"} 1e−7: the check ${passes ? "passes" : "complains"}`;
  const lines = [[{ text: NAMES_OF[method], role: ROLES_OF[method] }, ` at ε = ${powerText(steps[place])}: relative error `, { text: shortError(error), role: "here" }, `, ${verdict}`]];
  const words = bug === "right" ? limitWords(stage, place) : passes ? "The gradient is wrong, and the check does not see it." : `Planted: ${BUGS[bug][1]}. No ε brings the error below ${shortError(floor)}: the V has a floor.`;
  return [...lines, [bug !== "right" && passes && error === 0 ? `${words} ${limitWords(stage, place)}` : words]];
}

// What keeps a right gradient and its measurement apart.
function limitWords(stage, place) {
  const { found: { worst, measured, steps }, method, subject, precision } = stage;
  const bits = precision === "float64" ? 64 : 32;
  const { base, entries } = measured[place];
  const { up, down, side } = entries[lookedEntry(stage, place)];
  if (method === "complex") return Number.isNaN(side) ? "This function takes no complex numbers." : worst.complex[place].error < 1e-6 && steps[place] < 1e-3 ? "Nothing is subtracted, so nothing is lost: ε may be as small as you like." : "The formula's own error, −ε²/6 times the third derivative. Go left.";
  if (up === base && (method === "forward" || down === base)) return `Nothing moved: in ${bits} bits f is the same number with and without the nudge.`;
  if (subject === "relu" && method === "central" && steps[place] > 0.001) return "The kink: x[3] = 0.001 nudged down by ε lies on the other side of 0. Half the nudge is lost there.";
  const errors = worst[method].map(({ error }) => error);
  const best = errors.indexOf(Math.min(...errors.filter(Number.isFinite)));
  const decades = Math.abs(Math.log10(steps[place] / steps[best]));
  if (decades <= 0.6) return "The bottom of the V: the error of the formula and that of rounding are about equal.";
  if (place < best) return "Rounding: the two values of f agree in most of their digits, and few are left. A smaller ε makes it worse.";
  return method === "forward" ? "The formula's own error, ε/2 times the second derivative: each power of ten of ε takes one off it." : "The formula's own error, ε²/6 times the third derivative: each power of ten of ε takes two off it.";
}
