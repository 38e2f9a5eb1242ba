// How large a step, and what does a gradient check see? The error of three measured slopes against ε is a V. Move over it:
// the slope at that ε stands beside the gradient, digit by digit. A mistake planted in the gradient makes a floor of the V.

import { arrange } from "./arrange.js";
import { digitsShared, measure, METHODS, PRECISIONS, relativeErrorOf } from "./check_compute.js";
import { makeChoice, put } from "./controls.js";
import { makeFrame } from "./frame.js";
import { clamp, element, written } from "./page.js";
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
const DASHES_OF = { forward: "dashed", central: "solid", complex: "dotted" };
const [PANEL, PANEL_HIGH, WIDEST, HIGHEST_CHART, LOWEST_CHART] = [346, 268, 620, 320, 230]; // pixels
const TRAITS = ["subject", "precision", "bug", "method", "epsilon"];

export function gradientCheck(el, spec, link) {
  const stage = { ...spec.options, pointed: null, entry: null };
  const hear = Object.fromEntries(TRAITS.map((name) => [name, (value) => checkAnew(stage, { [name]: value })]));
  makeFrame(stage, el, link, {
    composition: "gradientCheck", about: "The error of a measured slope against its step", draw: drawCheck,
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
  showLegend(frame, [...METHODS.map((name) => [ROLES_OF[name], NAMES_OF[name], DASHES_OF[name]]), ...(stage.ghost ? [["plain", "central, right, float64", "solid"]] : []), ["v-zero", "an error of exactly 0"]]);
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

// The V: relative error against ε, both axes in powers of ten, as an SVG. Hover looks at a step, press or drag keeps it.

const [LEFT, RIGHT, TOP, BOTTOM] = [56, 12, 8, 40]; // pixels round the curves
const [V_TOP, V_FOOT] = [0.7, -17.6]; // powers of ten of the error
const EXACT = -17.2; // where an error of 0 stands
const THRESHOLD = 1e-7; // of gradient_check
const TICKS = [0, -4, -8, -12, -16];

const powerText = (value) => (value === 1 ? "1" : value.toExponential().replace("-", "−"));

const shortError = (error) => (error === 0 ? "0" : Number.isFinite(error) ? (error >= 0.095 ? written(Number(error.toPrecision(2))) : powerText(Number(error.toPrecision(1)))) : "none");

function makeChart(on) {
  const [curves, over] = ["bp-v-curves", "bp-v-over"].map((name) => element("div", name));
  const root = element("div", "bp-v", { tabindex: "0", role: "slider", "aria-label": "the step ε", "aria-valuemin": "0" }, curves, over);
  const chart = { root, curves, over, width: 0, height: 0, count: 0 };
  let pressed = false;
  const under = (event) => {
    const { left } = root.getBoundingClientRect();
    return clamp(Math.round((event.clientX - left - LEFT) / chart.stride), 0, chart.count - 1);
  };
  Object.assign(root, {
    onpointermove: (event) => (pressed ? on.keep : on.look)(under(event)),
    onpointerleave: () => pressed || on.look(null),
    onpointerdown: (event) => {
      if (event.button !== 0) return;
      pressed = true;
      root.setPointerCapture(event.pointerId);
      on.keep(under(event));
    },
    onpointerup: () => (pressed = false),
    onpointercancel: () => (pressed = false),
    onkeydown: (event) => {
      const by = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -4, PageUp: 4, Home: -Infinity, End: Infinity }[event.key];
      if (!by || event.ctrlKey || event.metaKey || event.altKey) return;
      on.step(by);
      event.preventDefault();
      event.stopPropagation();
    },
  });
  return chart;
}

// Where an error stands, from the top.
const downTo = ({ height }, error) => TOP + ((V_TOP - (error > 0 ? Math.max(Math.log10(error), EXACT) : EXACT)) / (V_TOP - V_FOOT)) * (height - TOP - BOTTOM);
const acrossTo = ({ stride }, place) => LEFT + place * stride;
const pointOf = (chart, error, place) => `${acrossTo(chart, place).toFixed(1)} ${downTo(chart, error).toFixed(1)}`;

// The curves, drawn where they or the size are new; an error of 0 is an open dot on the lowest line.
function drawCurves(chart, { steps, worst }, ghost, { width, height }) {
  if (chart.worst === worst && chart.ghost === ghost && chart.width === width) return;
  const stride = (width - LEFT - RIGHT) / (steps.length - 1);
  Object.assign(chart, { worst, ghost, width, height, stride, count: steps.length });
  const right = width - RIGHT;
  const line = (y, name, words = "") => `<path class="${name}" d="M${LEFT} ${y}H${right}"/>${words}`;
  const level = (power) => downTo(chart, 10 ** power).toFixed(1);
  const label = (y, text) => `<text x="${LEFT - 7}" y="${Number(y) + 4}" text-anchor="end">${text}</text>`;
  const grid = TICKS.map((power) => line(level(power), "bp-v-grid", label(level(power), powerText(10 ** power)))).join("");
  const exact = downTo(chart, 0).toFixed(1);
  const across = steps.map((step, n) => (Math.log10(step) % 4 === 0 ? `<text x="${acrossTo(chart, n)}" y="${height - BOTTOM + 16}" text-anchor="middle">${powerText(step)}</text>` : "")).join("");
  const limit = `${line(level(-7), "bp-v-limit")}<text class="bp-v-words" x="${LEFT + 4}" y="${level(-7) - 4}">threshold 1e−7</text>`;
  const ghosts = ghost ? curveText(chart, ghost.map(({ error }) => error), "ghost") : "";
  const lines = METHODS.map((method) => curveText(chart, worst[method].map(({ error }) => error), method)).join("");
  chart.curves.innerHTML = `<svg width="${width}" height="${height}" aria-hidden="true">${grid}${line(exact, "bp-v-grid", label(exact, "exact"))}${across}${ghosts}${lines}${limit}</svg>`;
}

// What is NaN or infinite has a gap, what stands alone is a dot.
function curveText(chart, errors, name) {
  const here = (n) => errors[n] > 0 && Number.isFinite(errors[n]);
  let [path, dots] = ["", ""];
  errors.forEach((error, n) => {
    const [x, y] = pointOf(chart, error, n).split(" ");
    if (error === 0) dots += `<circle class="bp-v-zero" cx="${x}" cy="${y}" r="2.2"/>`;
    else if (here(n) && !here(n - 1) && !here(n + 1)) dots += `<circle class="bp-v-alone" cx="${x}" cy="${y}" r="1.4"/>`;
    else if (here(n)) path += `${here(n - 1) ? "L" : "M"}${x} ${y}`;
  });
  return `<g class="bp-v-${name} bp-ink-${ROLES_OF[name]}"><path class="bp-v-line" d="${path}"/>${name === "ghost" ? "" : dots}</g>`;
}

// The steps that are kept and looked at, and a mark on every curve there.
function drawPlace(chart, { steps, worst }, { kept, place, method }) {
  const { width, height, over, root } = chart;
  const [x, bottom] = [acrossTo(chart, place), height - BOTTOM];
  const line = (at, name) => `<path class="${name}" d="M${at} ${TOP}V${bottom}"/>`;
  const marks = METHODS.map((name) => {
    const { error } = worst[name][place];
    return Number.isFinite(error) ? `<path class="bp-v-mark bp-ink-${ROLES_OF[name]}" transform="translate(${pointOf(chart, error, place)}) scale(${name === method ? 1.25 : 0.9})" d="${SHAPES[name]}"/>` : "";
  }).join("");
  const text = `ε = ${powerText(steps[place])}`;
  const middle = clamp(x, LEFT + 20, width - RIGHT - 30);
  const flag = `<rect class="bp-v-flag" x="${middle - 38}" y="${bottom + 2}" width="76" height="19" rx="9.5"/><text class="bp-v-step" x="${middle}" y="${bottom + 16}" text-anchor="middle">${text}</text>`;
  const name = `<text class="bp-v-words" x="${width - RIGHT}" y="${height - 4}" text-anchor="end">the step ε</text><text class="bp-v-words" x="2" y="${height - 4}">relative error ↑</text>`;
  const ground = `<path class="bp-v-ground" d="M${middle - 60} ${bottom + 4}h120v17h-120z"/>`; // over the tick that the flag would cut
  over.innerHTML = `<svg width="${width}" height="${height}" aria-hidden="true">${ground}${line(acrossTo(chart, kept), "bp-v-kept")}${kept === place ? "" : line(x, "bp-v-looked")}${marks}${flag}${name}</svg>`;
  Object.assign(root, { ariaValueMax: String(steps.length - 1), ariaValueNow: String(kept), ariaValueText: text });
}

const SHAPES = { forward: "M-5 -5h10v10h-10z", central: "M-5.5 0a5.5 5.5 0 1 0 11 0a5.5 5.5 0 1 0 -11 0z", complex: "M0 -6l6 10.5h-12z" };

// The slope at one ε beside the gradient, the digits that agree in ink; and the subtraction that it was made by.

const TITLES = { analytic: "gradient", forward: "forward", central: "central", complex: "complex step" };
const FORMULAS = { forward: "(f(x + ε) − f(x)) / ε", central: "(f(x + ε) − f(x − ε)) / 2ε", complex: "Im f(x + iε) / ε" };
const NUDGED = { forward: [["up", "x + ε"], ["base", "x"]], central: [["up", "x + ε"], ["down", "x − ε"]], complex: [["side", "x + iε"]] };

// on: method(name), entry(k)
function makePanel(on) {
  const slopes = element("div", "bp-slopes", { role: "group", "aria-label": "the slope at this ε; press a way to measure it" });
  const rows = Object.fromEntries(["analytic", ...METHODS].map((name) => [name, makeRow(slopes, name === "analytic" ? "div" : "button", TITLES[name])]));
  for (const method of METHODS) rows[method].root.onclick = () => on.method(method);
  const [entries, title, parts] = [element("div", "bp-entries", { role: "group", "aria-label": "entries" }), element("div", "bp-measure-title"), element("div", "bp-parts")];
  return { root: element("div", "bp-measured", {}, entries, slopes, title, parts), rows, entries, title, parts, lines: [], chips: [], on };
}

function makeRow(parent, tag, name) {
  const [ink, pale, right] = [element("b"), element("span"), element("span", "bp-measure-error")];
  const label = element("span", "bp-name", {}, name);
  const root = element(tag, "bp-measure", tag === "button" ? { type: "button", title: FORMULAS[METHODS.find((method) => TITLES[method] === name)] } : {}, label, element("span", "bp-digits-of", {}, pale, ink), right);
  parent.append(root);
  return { root, label, ink, pale, right };
}

const putIn = (target, text) => put(target, "textContent", text);

function fillPanel(panel, { found: { analytic, measured, worst, steps }, precision, method }, place, entry) {
  const { digits, round } = PRECISIONS[precision];
  const values = measured[place].entries[entry];
  const decimals = decimalsOf(analytic[entry] || values.slopes[method], digits);
  showEntries(panel, analytic.length, entry, (k) => relativeErrorOf(analytic[k], measured[place].entries[k].slopes[method]));
  const { root: analyticRow } = panel.rows.analytic;
  panel.rows.analytic.label.textContent = analytic.length > 1 ? `gradient [${entry}]` : TITLES.analytic;
  putDigits(panel.rows.analytic, fixed(analytic[entry], decimals), digits);
  analyticRow.classList.add("bp-analytic");
  putIn(panel.rows.analytic.right, "relative error");
  for (const name of METHODS) {
    const slope = values.slopes[name];
    const error = relativeErrorOf(analytic[entry], slope);
    panel.rows[name].root.ariaPressed = String(name === method);
    putDigits(panel.rows[name], fixed(slope, decimals), digitsShared(error, digits));
    putIn(panel.rows[name].right, Number.isNaN(error) ? "" : shortError(error));
  }
  fillParts(panel, { ...values, base: measured[place].base }, { method, digits, epsilon: steps[place], round, x: analytic.length > 1 ? `x[${entry}]` : "x" });
}

// As many decimals as let a number of this size show all its digits.
const decimalsOf = (value, digits) => (Number.isFinite(value) && value ? clamp(digits - 1 - Math.floor(Math.log10(Math.abs(value))), 0, 24) : digits - 1);
const fixed = (value, decimals) => (Number.isFinite(value) && Math.abs(value) < 1e21 ? `${value < 0 ? "−" : "\u2007"}${Math.abs(value).toFixed(decimals)}` : written(value));

// The first digits in ink, the others pale; zeros in front do not count.
function putDigits({ ink, pale }, text, count) {
  let [end, seen, begun] = [0, 0, false];
  while (end < text.length && seen < count) {
    begun ||= /[1-9]/.test(text[end]);
    if (begun && /\d/.test(text[end])) seen += 1;
    end += 1;
  }
  putIn(ink, count ? text.slice(0, end) : "");
  putIn(pale, count ? text.slice(end) : text);
}

// For more than one entry: their errors; the pressed one, or the worst, is looked at.
function showEntries(panel, count, entry, errorOf) {
  panel.entries.hidden = count < 2;
  if (count < 2) return;
  while (panel.chips.length < count) {
    const [k, chip] = [panel.chips.length, element("button", "bp-button bp-chip", { type: "button" })];
    chip.onclick = () => panel.on.entry(k);
    panel.chips.push(panel.entries.appendChild(chip));
  }
  panel.chips.forEach((chip, k) => {
    putIn(chip, `[${k}] ${shortError(errorOf(k))}`);
    chip.title = `entry ${k} and its relative error`;
    chip.ariaPressed = String(k === entry);
  });
}

// The values of f, one under the other: what they share is pale, for the subtraction takes it away.
function fillParts(panel, values, { method, digits, epsilon, round, x }) {
  const named = NUDGED[method].map(([key, name]) => [name.replace("x", x), values[key]]);
  const decimals = decimalsOf(Math.max(...named.map(([, value]) => Math.abs(value))), digits);
  const texts = named.map(([, value]) => fixed(value, decimals));
  const shared = texts.length > 1 ? [...texts[0]].findIndex((letter, n) => letter !== texts[1][n]) : 0;
  const cut = shared < 0 ? texts[0].length : shared;
  const lines = named.map(([name], n) => [method === "complex" ? `Im f(${name})` : `f(${name})`, texts[n].slice(0, cut), texts[n].slice(cut), ""]);
  if (texts.length > 1) lines.push(differenceLine(round(named[0][1] - named[1][1]), decimals, digits));
  const by = method === "central" ? `divided by 2ε = ${powerText(Number((2 * epsilon).toPrecision(2)))}` : `divided by ε = ${powerText(epsilon)}`;
  lines.push([by, "", "", ""]);
  putIn(panel.title, FORMULAS[method]);
  while (panel.lines.length < lines.length) panel.lines.push(makeRow(panel.parts, "div", ""));
  panel.lines.forEach((line, n) => {
    line.root.hidden = n >= lines.length;
    if (line.root.hidden) return;
    const [name, pale, ink, right] = lines[n];
    for (const [target, text] of [[line.label, name], [line.pale, pale], [line.ink, ink], [line.right, right]]) putIn(target, text);
    line.root.classList.toggle("bp-under", n === 2 && texts.length > 1);
  });
}

function differenceLine(difference, decimals, digits) {
  const text = fixed(difference, decimals);
  const start = text.search(/[1-9]/);
  const left = start < 0 ? 0 : text.slice(start).replace(".", "").length;
  return ["difference", start < 0 ? text : text.slice(0, start), start < 0 ? "" : text.slice(start), `${Math.min(left, digits)} of ${digits} left`];
}
