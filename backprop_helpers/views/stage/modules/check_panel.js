// The slope at one ε beside the gradient, the digits that agree in ink; and the subtraction that it was made by.

import { shortError, powerText } from "./check_chart.js";
import { digitsShared, METHODS, PRECISIONS, relativeErrorOf } from "./check_compute.js";
import { clamp, element, written } from "./page.js";

const TITLES = { analytic: "gradient", forward: "forward", central: "central", complex: "complex step" };
const FORMULAS = { forward: "(f(x + ε) − f(x)) / ε", central: "(f(x + ε) − f(x − ε)) / 2ε", complex: "Im f(x + iε) / ε" };
const NUDGED = { forward: [["up", "x + ε"], ["base", "x"]], central: [["up", "x + ε"], ["down", "x − ε"]], complex: [["side", "x + iε"]] };

// on: method(name), entry(k)
export function makePanel(on) {
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

const putIn = (target, text) => target.textContent === text || (target.textContent = text);

export function fillPanel(panel, { found: { analytic, measured, worst, steps }, precision, method }, place, entry) {
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
function putDigits({ ink, pale, root }, text, count) {
  let [end, seen, begun] = [0, 0, false];
  while (end < text.length && seen < count) {
    begun ||= /[1-9]/.test(text[end]);
    if (begun && /\d/.test(text[end])) seen += 1;
    end += 1;
  }
  putIn(ink, count ? text.slice(0, end) : "");
  putIn(pale, count ? text.slice(end) : text);
  root.classList.toggle("bp-none-agree", !count);
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
  return ["difference", start < 0 ? text : text.slice(0, start), start < 0 ? "" : text.slice(start), `${Math.min(left, digits)} of ${digits} digits left`];
}
