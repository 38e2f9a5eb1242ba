// A ball on the loss of one weight, J = ½(w·x − y)²: a slider moves it, a button takes a step against the slope.

import { decodeArrays } from "./arrays.js";
import { makeButton, makeSlider } from "./controls.js";
import { makeFrame } from "./frame.js";
import { clamp, cleared, element, written } from "./page.js";
import { bracketed, showLegend, showSum } from "./sum.js";

const HILL = { high: 290, left: 48, right: 14, top: 12, bottom: 34 }; // pixels
const [TENTH, NUDGE_SHOWN] = [0.1, 0.001];

export function downhill(el, spec, link) {
  const { w, rate } = spec.options;
  const { x, y } = Object.fromEntries(Object.entries(decodeArrays(spec.arrays)).map(([name, { data }]) => [name, data[0]]));
  const reach = Math.max(1.2 * Math.abs(w - y / x), 1);
  const stage = { x, y, w, rate, start: w, been: [], low: y / x - reach, high: y / x + reach };
  makeFrame(stage, el, link, {
    composition: "downhill", about: "A ball on the loss of one weight: move it, or let it step downhill", draw: drawHill,
    escape: () => moveBall(stage, stage.start), hear: { w: (value) => (stage.w = value) },
  });
  const { bar, field } = stage.frame;
  stage.slider = makeSlider(bar, { label: "the weight w", change: (value) => moveBall(stage, value) });
  makeButton(bar, "one step downhill", "against the slope, rate times as far", () => moveBall(stage, stage.w - rate * hillSlope(stage), [...stage.been, stage.w]));
  makeButton(bar, "back to the start", "the weight as it was at first", () => moveBall(stage, stage.start));
  stage.picture = field.appendChild(element("canvas", "", { "aria-hidden": "true" }));
  field.style.height = `${HILL.high}px`;
  return stage.frame.dispose;
}

const lossAt = ({ x, y }, w) => (w * x - y) ** 2 / 2;
const hillSlope = ({ x, y, w }) => x * (w * x - y);

function moveBall(stage, w, been = []) {
  Object.assign(stage, { w, been });
  stage.frame.tell("w", w);
  stage.frame.request();
}

function drawHill(stage) {
  const { frame, x, y, w, rate, been, low, high } = stage;
  const [slope, loss] = [hillSlope(stage), lossAt(stage, w)];
  stage.slider.show({ value: clamp(w, low, high), low, high, step: (high - low) / 1000, text: `w = ${written(w)}` });
  paintHill(stage, slope);
  const moves = slope ? `it moves by ${written(NUDGE_SHOWN * slope)}, that is ${written(slope)} times as far` : "it does not move";
  const [output, miss] = [w * x, w * x - y].map((value) => written(value));
  showSum(frame, [
    [{ text: `w = ${written(w)}`, role: "here" }, `   answer w·${bracketed(written(x))} = ${output}, wanted ${written(y)}:   J = ½·(${miss})² = `, { text: written(loss), role: "output" }],
    ["J when w is nudged by 0.001: ", { text: moves, role: "moved" }, "."],
    [been.length ? `Step ${been.length}: from ${written(been.at(-1))}, ${written(rate)} times the slope there, downhill.` : "The slope says which way is up, and how steep it is here. It does not say how far the bottom is."],
  ]);
  showLegend(frame, [["here", "the ball"], ["moved", "its slope, continued as a straight line"], ...(been.length ? [["output", "where it has been"]] : [])]);
}

function paintHill(stage, slope) {
  const { frame: { width, theme }, picture, w, been, low, high } = stage;
  const pen = cleared(picture, { width, height: HILL.high }, theme);
  const most = 1.05 * Math.max(lossAt(stage, low), lossAt(stage, high));
  const across = (value) => HILL.left + ((value - low) / (high - low)) * (width - HILL.left - HILL.right);
  const up = (loss) => HILL.high - HILL.bottom - (loss / most) * (HILL.high - HILL.top - HILL.bottom);
  const line = (color, thick, points, dash = []) => {
    Object.assign(pen, { strokeStyle: color, lineWidth: thick });
    pen.setLineDash(dash);
    pen.beginPath();
    for (const [value, loss] of points) pen.lineTo(across(value), up(loss));
    pen.stroke();
  };
  const dot = (value, size, color) => {
    pen.fillStyle = color;
    pen.beginPath();
    pen.arc(across(value), up(lossAt(stage, value)), size, 0, 7);
    pen.fill();
  };
  const { inks } = theme;
  Object.assign(pen, { fillStyle: theme.soft, font: `13px ${theme.font}` });
  for (let value = Math.ceil(low); value <= high; value += 1) pen.fillText(written(value), across(value), HILL.high - 20);
  pen.fillText("w", width - 8, HILL.high - 20);
  pen.fillText("J", 14, HILL.top + 6);
  line(theme.hair, 1, [[low, most], [low, 0], [high, 0]]);
  line(inks.output, 2.5, Array.from({ length: 101 }, (_, n) => low + ((high - low) * n) / 100).map((value) => [value, lossAt(stage, value)]));
  const beside = TENTH * (high - low);
  line(inks.moved, 2, [-beside, beside].map((far) => [w + far, lossAt(stage, w) + slope * far]), [6, 4]);
  for (const place of been) dot(place, 3.5, inks.output);
  dot(w, 8, inks.here);
}
