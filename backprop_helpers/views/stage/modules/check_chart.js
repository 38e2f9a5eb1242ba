// The V: relative error against ε, both axes in powers of ten, as an SVG. Hover looks at a step, press or drag keeps it.

import { METHODS } from "./check_compute.js";
import { clamp, element, written } from "./page.js";

const [LEFT, RIGHT, TOP, BOTTOM] = [56, 12, 8, 40]; // pixels round the curves
const [V_TOP, V_FOOT] = [0.7, -17.6]; // powers of ten of the error
const EXACT = -17.2; // where an error of 0 stands
export const THRESHOLD = 1e-7; // of gradient_check
const TICKS = [0, -4, -8, -12, -16];

export const powerText = (value) => (value === 1 ? "1" : value.toExponential().replace("-", "−"));

export const shortError = (error) => (error === 0 ? "0" : Number.isFinite(error) ? (error >= 0.095 ? written(Number(error.toPrecision(2))) : powerText(Number(error.toPrecision(1)))) : "none");

export function makeChart(on) {
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
export const acrossTo = ({ stride }, place) => LEFT + place * stride;
const pointOf = (chart, error, place) => `${acrossTo(chart, place).toFixed(1)} ${downTo(chart, error).toFixed(1)}`;

// The curves, drawn where they or the size are new; an error of 0 is an open dot on the lowest line.
export function drawCurves(chart, { steps, worst }, ghost, { width, height }) {
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
  chart.curves.innerHTML = `<svg width="${width}" height="${height}" aria-hidden="true">${grid}${line(exact, "bp-v-grid", label(exact, "exact"))}${across}${limit}${ghosts}${lines}</svg>`;
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
  return `<g class="bp-v-${name}"><path class="bp-v-line" d="${path}"/>${name === "ghost" ? "" : dots}</g>`;
}

// The steps that are kept and looked at, and a mark on every curve there.
export function drawPlace(chart, { steps, worst }, { kept, place, method }) {
  const { width, height, over, root } = chart;
  const [x, bottom] = [acrossTo(chart, place), height - BOTTOM];
  const line = (at, name) => `<path class="${name}" d="M${at} ${TOP}V${bottom}"/>`;
  const marks = METHODS.map((name) => {
    const { error } = worst[name][place];
    return Number.isFinite(error) ? `<path class="bp-v-mark bp-v-${name}" transform="translate(${pointOf(chart, error, place)}) scale(${name === method ? 1.25 : 0.9})" d="${SHAPES[name]}"/>` : "";
  }).join("");
  const text = `ε = ${powerText(steps[place])}`;
  const middle = clamp(x, LEFT + 20, width - RIGHT - 30);
  const flag = `<rect class="bp-v-flag" x="${middle - 38}" y="${bottom + 2}" width="76" height="19" rx="9.5"/><text class="bp-v-step" x="${middle}" y="${bottom + 16}" text-anchor="middle">${text}</text>`;
  const name = `<text class="bp-v-words" x="${width - RIGHT}" y="${height - 4}" text-anchor="end">the step ε</text><text class="bp-v-words" x="2" y="${height - 4}">relative error ↑</text>`;
  over.innerHTML = `<svg width="${width}" height="${height}" aria-hidden="true">${line(acrossTo(chart, kept), "bp-v-kept")}${kept === place ? "" : line(x, "bp-v-looked")}${marks}${flag}${name}</svg>`;
  Object.assign(root, { ariaValueMax: String(steps.length - 1), ariaValueNow: String(kept), ariaValueText: text });
}

const SHAPES = { forward: "M-5 -5h10v10h-10z", central: "M-5.5 0a5.5 5.5 0 1 0 11 0a5.5 5.5 0 1 0 -11 0z", complex: "M0 -6l6 10.5h-12z" };
