// A kernel that learns: X, the kernel, its map Z beside the target, and dW as the step it asks for. Paint the target, press
// one step or ten; the loss falls, and what made the target appears in W. The rate is dragged for the whole path at once.

import { arrange } from "./arrange.js";
import { at, decodeArrays, encodeArrays, indicesOf, makeArray, withNumber } from "./arrays.js";
import { kindScale } from "./colors.js";
import { makeButton, makeChoice, makeSlider, put } from "./controls.js";
import { hold, makeFrame } from "./frame.js";
import { makeGrids, paintMarks } from "./grid.js";
import { bowlAxes, bowlOf, gradientAt, largestRate, mapOf, pathOf } from "./kernel_compute.js";
import { clamp, element, written } from "./page.js";
import { showLegend, showSum, sumOfProducts } from "./sum.js";

const LEARNING = { x: "X", w: "W", z: "Z", target: "target", dz: "dZ", dw: "dW" };
const MOST_STEPS = 200;
const NOTCHES = 120; // of the rate's slider; the limit is at 100

export function learningKernel(el, spec, link) {
  const { rate, step, hidden } = spec.options;
  const given = decodeArrays(spec.arrays);
  const stage = { given, rate, step, hidden: hidden && makeArray([hidden.length, hidden[0].length], hidden.flat()), picture: "x", asked: given.target, start: given.w, held: spec.selected, pointed: null };
  const hear = {
    rate: (value) => learnAnew(stage, { rate: value }), step: (value) => learnAnew(stage, { step: value }),
    arrays: (json) => {
      Object.assign(stage.given, decodeArrays(json));
      learnAnew(stage, { start: stage.given.w, step: 0 });
    },
  };
  makeFrame(stage, el, link, { composition: "learningKernel", about: "A kernel that learns a map", draw: drawKernel, hear });
  makeKernelControls(stage);
  const edit = (...given) => editKernel(stage, ...given);
  makeGrids(stage, LEARNING, { editable: ["x", "w"], edit, click: (spot) => spot.array === "target" || hold(stage, spot) });
  stage.frame.grids.target.on.paint = (index, first) => paintTarget(stage, index, first);
  stage.bowl = element("div", "bp-bowl");
  stage.losses = element("div", "bp-losses");
  learnAnew(stage, {});
  return stage.frame.dispose;
}

// Another setting: the whole path is walked again.
function learnAnew(stage, changes) {
  Object.assign(stage, changes);
  const { given, start, rate } = stage;
  const problem = { x: given[stage.picture], target: given.target };
  stage.rows = bowlOf(problem.x, start);
  stage.limit = largestRate(stage.rows);
  stage.path = pathOf(problem, start, rate, stage.step);
  stage.step = stage.path.length - 1;
  const { w } = stage.path[stage.step];
  const found = gradientAt(problem, w);
  stage.model = { ...found, arrays: { ...problem, w, z: found.z, dz: found.dz, dw: found.dw } };
  stage.scales = { value: kindScale([problem.x], "value"), weight: kindScale([w], "weight"), map: kindScale([found.z, problem.target, found.dz], "gradient"), gradient: kindScale([found.dw], "gradient") };
  stage.steps = (place) => stepText(-rate * found.dw.data[place]);
  stage.frame.request();
}

const briefLoss = (value) => (Math.abs(value) >= 1e4 ? value.toExponential(1).replace("e+", "e") : written(value));
const stepText = (value) => (value === 0 || Number.isNaN(value) ? "" : `${value > 0 ? "↑" : "↓"} ${Math.abs(value) < 0.005 ? "≈0" : Math.abs(value) > 99 ? "far" : written(Math.abs(value), 2)}`);

function walkTo(stage, step) {
  learnAnew(stage, { step: Math.min(step, MOST_STEPS) });
  stage.frame.tell("step", stage.step);
}

function makeKernelControls(stage) {
  const { frame: { bar }, given } = stage;
  stage.buttons = [makeButton(bar, "one step", "W − rate·dW", () => walkTo(stage, stage.step + 1)), makeButton(bar, "ten", "ten steps", () => walkTo(stage, stage.step + 10))];
  makeButton(bar, "back", "the kernel as it was at first", () => walkTo(stage, 0));
  stage.slider = makeSlider(bar, { label: "learning rate", name: "rate", change: (notch) => {
    const rate = Number(((notch / 100) * stage.limit).toPrecision(3));
    learnAnew(stage, { rate });
    stage.frame.tell("rate", rate);
  } });
  if (given.digit) stage.choice = makeChoice(bar, { label: "X", options: { x: ["stroke"], digit: ["digit", "a 4, of 14×14 pixels"] }, change: (picture) => {
    stage.picture = picture;
    setTarget(stage, mapOf(given[picture], stage.hidden), stage.limit);
  } });
  bar.append(element("span", "bp-name", {}, "target"));
  makeButton(bar, stage.hidden ? "from X" : "as it was", "what a kernel that you do not see makes of X", () => setTarget(stage, stage.hidden ? mapOf(given[stage.picture], stage.hidden) : stage.asked));
  makeButton(bar, "blank", "zeros, to paint on", () => setTarget(stage, makeArray(given.target.shape)));
}

// The learning begins anew; with another picture, at the same part of the largest rate.
function setTarget(stage, target, limit = null) {
  stage.given.target = target;
  const part = stage.rate / limit;
  learnAnew(stage, { step: 0 });
  if (limit) learnAnew(stage, { rate: Number((part * stage.limit).toPrecision(3)) });
  for (const name of ["step", "rate"]) stage.frame.tell(name, stage[name]);
  tellKernel(stage);
}

const tellKernel = ({ frame, given }) => frame.tell("arrays", () => encodeArrays(given));

function editKernel(stage, name, index, value, done) {
  if (name === "w") stage.start = stage.given.w = withNumber(stage.model.arrays.w, index, value);
  else stage.given[stage.picture] = withNumber(stage.given[stage.picture], index, value);
  learnAnew(stage, { step: name === "w" ? 0 : stage.step });
  if (done) tellKernel(stage);
}

// The first cell takes the next of 0, 1, −1; those that the pressed pointer comes over become the same.
function paintTarget(stage, index, first) {
  const now = at(stage.given.target, index);
  if (first) stage.brush = now === 0 ? 1 : now > 0 ? -1 : 0;
  stage.given.target = withNumber(stage.given.target, index, stage.brush);
  learnAnew(stage, {});
  tellKernel(stage);
}

function drawKernel(stage) {
  const { frame, model: { arrays }, scales, path, step, rate, limit } = stage;
  const spot = stage.pointed ?? stage.held;
  const climbs = !(rate < limit);
  stage.slider.show({ value: Math.min(NOTCHES, Math.round((100 * rate) / limit) || 0), low: 1, high: NOTCHES, text: `${written(rate)}${climbs ? " too large" : ""}` });
  stage.choice?.show(stage.picture);
  for (const button of stage.buttons) put(button, "ariaDisabled", String(step >= MOST_STEPS || (climbs && path.length <= stage.step)));
  const found = kernelMarks(arrays, spot);
  const scaleOf = { x: scales.value, w: scales.weight, dw: scales.gradient };
  const extra = { dw: { under: stage.steps, note: "↑↓ the step" }, dz: { note: "Z − target" }, target: { note: "paint it" } };
  const side = Math.min(44, Math.floor(132 / arrays.w.shape[0]));
  const items = Object.fromEntries(Object.keys(LEARNING).map((name) => [name, {
    grid: frame.grids[name], most: 46, cell: name === "w" || name === "dw" ? () => side : undefined,
    view: { array: arrays[name], scale: scaleOf[name] ?? scales.map, axes: true, marker: paintMarks, marks: [], frames: [], ...found[name], ...extra[name] },
  }]));
  const pair = arrays.w.data.length === 2;
  const left = frame.stacked ? frame.width : frame.width - 2 * (side * arrays.w.shape[1] + 20) - (pair ? SIDE + 84 : 50); // beside W, dW and the bowl
  const wide = clamp(left, LOSS_LEAST, pair && !frame.stacked ? 250 : LOSS_MOST);
  if (stage.plotted?.path !== path || stage.plotted.losses[0] !== wide) stage.plotted = { path, losses: drawLosses(stage.losses, stage, wide), bowl: pair && drawBowl(stage.bowl, stage, bowlAxes(stage.rows, arrays.w, arrays.dw)) };
  items.losses = { root: stage.losses, size: stage.plotted.losses };
  if (pair) items.bowl = { root: stage.bowl, size: stage.plotted.bowl };
  arrange(frame, items, [
    [[["x"], ["z", "target", "dz"]], [["w", "dw"], ["bowl"], ["losses"]]],
    [[["x"], ["z", "target", "dz"]], [["w", "dw"]], [["bowl"], ["losses"]]],
    [[["x"], ["z"]], [["target"], ["dz"]], [["w", "dw"]], [["bowl"]], [["losses"]]],
  ]);
  showSum(frame, kernelLines(stage, spot));
  showLegend(frame, [...(spot ? [["here", "looked at"], ["input", "the numbers it is made of"]] : []), ...(pair ? [["weight", "a step against dW", "solid"], ["output", "where J is lowest", "solid"]] : [])]);
}

// A weight sees X through a window as large as Z; an output through one as large as W.
function kernelMarks({ w, z }, spot) {
  if (!spot) return {};
  const { array, index } = spot;
  const here = { marks: [{ role: "here", cells: [index] }] };
  const window = { frames: [{ role: "input", from: index, size: array === "w" || array === "dw" ? z.shape : w.shape }] };
  const whole = ({ shape }) => ({ frames: [{ role: "input", from: [0, 0], size: shape }] });
  if (array === "x") return { x: here };
  if (array === "w" || array === "dw") return { w: here, dw: here, x: window, dz: whole(z) };
  return { z: here, target: here, dz: here, x: window, ...(array === "z" ? { w: whole(w) } : {}) };
}

function kernelLines({ model: { arrays, loss }, path, step, rate, limit }, spot) {
  const { x, w, z, dz, dw, target } = arrays;
  const [i, j] = spot?.index ?? [];
  if (spot?.array === "w" || spot?.array === "dw") {
    const terms = indicesOf(z.shape).map(([u, v]) => [{ value: at(x, [i + u, j + v]), role: "input" }, { value: at(dz, [u, v]), role: "output" }]).filter(([pixel, gradient]) => pixel.value && gradient.value);
    return [sumOfProducts({ name: `dW[${i}, ${j}]`, terms, total: at(dw, [i, j]) }), [`The step: W[${i}, ${j}] − rate·dW[${i}, ${j}] = ${written(at(w, [i, j]))} − ${written(rate)}·${written(at(dw, [i, j]))} ≈ ${written(at(w, [i, j]) - rate * at(dw, [i, j]))}`]];
  }
  if (spot && spot.array !== "x") {
    const terms = indicesOf(w.shape).map(([u, v]) => [{ value: at(x, [i + u, j + v]), role: "input" }, { value: at(w, [u, v]), role: "weight" }]);
    return [sumOfProducts({ name: `Z[${i}, ${j}]`, terms, total: at(z, [i, j]) }), [`dZ[${i}, ${j}] = Z − target = ${written(at(z, [i, j]))} − ${written(at(target, [i, j]))} ≈ ${written(at(dz, [i, j]))}`]];
  }
  const climbing = step > 0 && loss > path[step - 1].loss;
  const words = Number.isNaN(loss) ? "A NaN in X, W or the target is in every sum that it enters: no step can be taken." : !(rate < limit) ? `The rate is too large: above ${written(Number(limit.toPrecision(3)))} each step overshoots by more than it gains.`
    : climbing ? "The loss has climbed." : step ? "Paint another target, or drag the rate: the whole path is walked again." : "Press one step: Z shall become the target, and dW says how each weight must move for that.";
  return [["After ", { text: `${step} step${step === 1 ? "" : "s"}`, role: "here" }, ": J = ½ Σ (Z − target)² ≈ ", { text: briefLoss(loss), role: "here" }], [words]];
}

// The loss after each step; and, for two weights, the bowl seen from above: where W is, its way, and the next step.

const [LOSS_LEAST, LOSS_MOST, LOSS_HIGH, SIDE] = [180, 380, 170, 196]; // pixels
const [LEFT_OF, BELOW_OF, OVER] = [44, 22, 16]; // pixels round a plot
const POINTER = 26; // pixels: the least length of the arrow
const LEVELS = [1, 0.5, 0.2, 0.05, 0.01];

function drawLosses(root, { path, limit, rate }, width) {
  const most = Math.max(10, Math.ceil((path.length - 1) / 10) * 10);
  const top = Math.max(...path.map(({ loss }) => loss).filter(Number.isFinite)) || 1;
  const across = (n) => LEFT_OF + (n / most) * (width - LEFT_OF - 10);
  const down = (loss) => OVER + (1 - clamp(loss / top, 0, 1)) * (LOSS_HIGH - OVER - BELOW_OF);
  const points = path.filter(({ loss }) => Number.isFinite(loss)).map(({ loss }, n) => `${across(n).toFixed(1)},${down(loss).toFixed(1)}`);
  const label = (x, y, text, anchor) => `<text x="${x}" y="${y}" text-anchor="${anchor}">${text}</text>`;
  const [x, y] = (points.at(-1) ?? "-9,-9").split(",");
  root.innerHTML = `<svg width="${width}" height="${LOSS_HIGH}" role="img" aria-label="the loss after each step"><path class="bp-axis" d="M${LEFT_OF} ${OVER}V${down(0)}H${width - 10}"/>
    ${label(LEFT_OF - 5, OVER + 4, top < 1e5 ? written(Number(top.toPrecision(2))) : top.toExponential(0).replace("e+", "e"), "end")}${label(LEFT_OF - 5, down(0) + 4, "0", "end")}${label(LEFT_OF + 4, 10, "loss J", "start")}
    ${label(across(most), LOSS_HIGH - 6, `${most} steps`, "end")}${label(LEFT_OF, LOSS_HIGH - 6, "0", "middle")}
    <polyline class="bp-loss${rate < limit ? "" : " bp-climbs"}" points="${points.join(" ")}"/><circle class="bp-now" cx="${x}" cy="${y}" r="4"/></svg>`;
  return [width, LOSS_HIGH];
}

function drawBowl(root, { path, rate, model }, { lowest, values, angle }) {
  const inside = path.map(({ w }) => [...w.data]).filter((w) => w.every((weight) => Math.abs(weight) < 1e4));
  const reach = 1.2 * Math.max(1, ...[...inside, lowest ?? [0, 0]].flat().map(Math.abs));
  const [x, y] = [([a]) => SIDE / 2 + (a / reach) * (SIDE / 2 - 4), ([, b]) => SIDE / 2 - (b / reach) * (SIDE / 2 - 4)];
  const unit = (SIDE / 2 - 4) / reach;
  const spot = (w) => `${x(w).toFixed(1)} ${y(w).toFixed(1)}`;
  const rings = lowest ? LEVELS.map((part) => {
    const radii = values.map((value) => unit * Math.sqrt((2 * part * (path[0].loss || 1)) / Math.max(value, 1e-9)));
    return `<ellipse class="bp-ring" rx="${Math.min(radii[0], 1e4)}" ry="${Math.min(radii[1], 1e4)}" transform="translate(${spot(lowest)}) rotate(${-angle})"/>`;
  }).join("") : "";
  const now = [...model.arrays.w.data];
  const next = now.map((weight, n) => weight - rate * model.arrays.dw.data[n]);
  const far = Math.hypot(x(next) - x(now), y(next) - y(now));
  const ahead = now.map((weight, n) => weight + (next[n] - weight) * Math.max(1, far > 0.5 ? POINTER / far : 1));
  const way = inside.map(spot).join("L");
  root.innerHTML = `<svg width="${SIDE}" height="${SIDE}" role="img" aria-label="the loss over the two weights, from above; the arrow is the next step">
    <defs><marker id="bp-head" viewBox="0 0 8 8" refX="6" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z"/></marker><clipPath id="bp-square"><rect width="${SIDE}" height="${SIDE}"/></clipPath></defs>
    <g clip-path="url(#bp-square)"><path class="bp-axis" d="M0 ${SIDE / 2}H${SIDE}M${SIDE / 2} 0V${SIDE}"/>${rings}<path class="bp-way" d="M${way}"/>
    ${lowest ? `<path class="bp-lowest" transform="translate(${spot(lowest)})" d="M-5 0H5M0 -5V5"/>` : ""}
    ${Number.isFinite(far) ? `<path class="bp-ahead" marker-end="url(#bp-head)" d="M${spot(now)}L${spot(ahead)}"/><path class="bp-step-arrow" d="M${spot(now)}L${spot(next)}"/>` : ""}<circle class="bp-now" cx="${x(now)}" cy="${y(now)}" r="4"/></g>
    <text x="${SIDE - 3}" y="${SIDE / 2 - 5}" text-anchor="end">W[0, 0]</text><text x="${SIDE / 2 + 5}" y="11">${model.arrays.w.shape[0] === 2 ? "W[1, 0]" : "W[0, 1]"}</text></svg>`;
  return [SIDE, SIDE];
}
