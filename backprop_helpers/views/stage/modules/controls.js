// Real buttons with real names. Each stands in `parent` and is given its state by show(…) in every drawing.

import { clamp, element } from "./page.js";

const part = (parent, ...what) => parent.appendChild(element(...what));

// Written only where it is new: writing costs style.
export function put(target, name, value) {
  if (target[name] !== value) target[name] = value;
}

// At its limit a button is marked, not disabled: it keeps the focus. A word is its own name, a sign is not.
export function makeButton(parent, text, label, press) {
  const button = part(parent, "button", "bp-button", { type: "button", title: label }, text);
  if (!/\w/.test(text)) button.ariaLabel = label;
  button.onclick = () => button.ariaDisabled !== "true" && press();
  return button;
}

// − 3 +
export function makeStepper(parent, { label, name = label, hint = label, change }) {
  const root = part(parent, "span", "bp-stepper", { role: "group", "aria-label": label, title: hint }, element("span", "bp-name", {}, name));
  let now = 0;
  const less = makeButton(root, "−", `${label}: less`, () => change(now - 1));
  const output = part(root, "output", "bp-value");
  const more = makeButton(root, "+", `${label}: more`, () => change(now + 1));
  return { root, show: ({ value, low, high, text = String(value) }) => {
    now = value;
    put(less, "ariaDisabled", String(value <= low));
    put(more, "ariaDisabled", String(value >= high));
    put(output, "textContent", text);
  } };
}

// Which axes the steppers of pairs change.
export const AXES = { both: ["both", "change rows and columns together"], rows: ["↓", "change the rows alone"], columns: ["→", "change the columns alone"] };
const CHANGED = { both: [0, 1], rows: [0], columns: [1] };

// A stepper for rows and columns, `ranges` of each.
export function showPair(stepper, axes, [rows, columns], ranges, text = rows === columns ? String(rows) : `${rows}×${columns}`) {
  const [low, high] = [0, 1].map((end) => (end ? Math.min : Math.max)(...CHANGED[axes].map((axis) => ranges[axis][end])));
  stepper.show({ value: axes === "columns" ? columns : rows, low, high, text });
}

export const changedPair = (axes, pair, value) => pair.map((n, axis) => (CHANGED[axes].includes(axis) ? value : n));

// One of several words.
export function makeChoice(parent, { label, options, change }) {
  const root = part(parent, "span", "bp-choice", { role: "group", "aria-label": label }, element("span", "bp-name", {}, label));
  const buttons = Object.entries(options).map(([key, [text, hint = text]]) => [key, makeButton(root, text, hint, () => change(key))]);
  return { root, show: (chosen) => buttons.forEach(([key, button]) => put(button, "ariaPressed", String(key === chosen))) };
}

// One of many words.
export function makeSelect(parent, { label, name = "", change }) {
  const select = element("select", "bp-select", { "aria-label": label });
  select.onchange = () => change(select.value);
  part(parent, "span", "bp-choice", {}, ...(name ? [element("span", "bp-name", {}, name)] : []), select);
  let now = "";
  return { root: select, show: ({ choices, value }) => {
    const key = JSON.stringify(choices);
    if (now !== key) select.replaceChildren(...choices.map(([name, text]) => element("option", "", { value: name }, text)));
    now = key;
    if (select.value !== value) select.value = value;
  } };
}

// On or off.
export function makeSwitch(parent, { label, hint = label, change }) {
  const root = makeButton(parent, label, hint, () => change(root.ariaPressed !== "true"));
  return { root, show: (on) => put(root, "ariaPressed", String(on)) };
}

export function makeSlider(parent, { label, name = "", change }) {
  if (name) part(parent, "span", "bp-name", {}, name);
  const root = part(parent, "input", "bp-range", { type: "range", "aria-label": label });
  const output = part(parent, "output", "bp-count");
  root.oninput = () => change(Number(root.value));
  return { root, show: ({ value, low, high, step = 1, text }) => {
    for (const [name, number] of Object.entries({ min: low, max: high, step, value })) put(root, name, String(number));
    put(output, "textContent", text);
  } };
}

// ◂ ▶ ▸ and a slider: through a sequence, by hand or by itself.
export function makePlayer(parent, { label, unit, change }) {
  const root = part(parent, "span", "bp-player", { role: "group", "aria-label": label });
  let [now, most, timer] = [0, 0, 0];
  const stop = () => {
    timer = clearInterval(timer);
    Object.assign(play, { textContent: "▶", ariaLabel: "play" });
  };
  const start = () => {
    if (now >= most) change(0);
    timer = setInterval(() => (now < most ? change(now + 1) : stop()), clamp(12000 / most, 60, 900));
    Object.assign(play, { textContent: "❙❙", ariaLabel: "pause" });
  };
  const move = (value) => (stop(), change(value));
  const back = makeButton(root, "◂", `one ${unit} back`, () => move(now - 1));
  const play = makeButton(root, "▶", "play", () => (timer ? stop() : start()));
  const next = makeButton(root, "▸", `next ${unit}`, () => move(now + 1));
  const slider = makeSlider(root, { label, change: move });
  return { root, stop, show: ({ value, count }) => {
    [now, most] = [value, count];
    put(back, "ariaDisabled", String(value <= 0));
    put(next, "ariaDisabled", String(value >= count));
    slider.show({ value, low: 0, high: count, text: `${value} of ${count} ${unit}${count === 1 ? "" : "s"}` });
  } };
}
