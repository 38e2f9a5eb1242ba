// Steppers − 3 +, a choice of words, a switch, and the row of keys that plays a sequence. Real buttons with real names.
// Each is made once, stands in `parent`, and is given its state by show(…) in the frame's drawing.
//
//   makeStepper(parent, { label, hint, change(value) })       .show({ value, low, high, text? }): what is not legal cannot be pressed
//   makePair(parent, { label, hint, change([rows, columns]) })   .show({ value: [r, c], ranges: [[low, high], [low, high]], both: [low, high], apart, texts? })
//   makeChoice(parent, { label, options: { key: [text, hint] }, change(key) })    .show(key)
//   makeSwitch(parent, { label, hint, change(on) })           .show(on)
//   makePlayer(parent, { label, unit, change(n), pace })      .show({ value, count, text? }); .stop(); .playing
//   makeNote(parent)                                          .show(text)

import { makeElement } from "./page.js";

function makeButton(parent, text, label, press) {
  const button = makeElement("button", "bp-button", parent, { type: "button", "aria-label": label, title: label });
  button.textContent = text;
  button.addEventListener("click", press);
  return button;
}

// A button that ends at its limit keeps the focus: it is marked, not disabled.
function allow(button, legal) {
  button.setAttribute("aria-disabled", String(!legal));
}

const legal = (button) => button.getAttribute("aria-disabled") !== "true";

export function makeStepper(parent, { label, hint = "", change }) {
  const root = makeElement("span", "bp-stepper", parent, { role: "group", "aria-label": label });
  if (hint) root.title = hint;
  const name = makeElement("span", "bp-name", root);
  name.textContent = label;
  let now = { value: 0, low: 0, high: 0 };
  const step = (by) => (legal(by < 0 ? less : more) ? change(now.value + by) : undefined);
  const less = makeButton(root, "−", `${label}: less`, () => step(-1));
  const value = makeElement("output", "bp-value", root);
  const more = makeButton(root, "+", `${label}: more`, () => step(1));
  return {
    root,
    show: (state) => {
      now = state;
      allow(less, state.value > state.low);
      allow(more, state.value < state.high);
      const text = state.text ?? String(state.value);
      if (value.textContent !== text) value.textContent = text;
    },
    rename: (text) => (name.textContent = text),
  };
}

export function makePair(parent, { label, hint, change }) {
  const root = makeElement("span", "bp-pair", parent);
  let now = [0, 0];
  const both = makeStepper(root, { label, hint, change: (n) => change([n, n]) });
  const rows = makeStepper(root, { label: `${label} ↓`, hint, change: (n) => change([n, now[1]]) });
  const columns = makeStepper(root, { label: "→", hint, change: (n) => change([now[0], n]) });
  columns.root.setAttribute("aria-label", `${label} of the columns`);
  return {
    root,
    show: ({ value, ranges, both: range, apart, texts }) => {
      now = value;
      both.root.hidden = apart;
      rows.root.hidden = columns.root.hidden = !apart;
      both.show({ value: value[0], low: range[0], high: range[1], text: texts?.[0] });
      rows.show({ value: value[0], low: ranges[0][0], high: ranges[0][1], text: texts?.[0] });
      columns.show({ value: value[1], low: ranges[1][0], high: ranges[1][1], text: texts?.[1] });
    },
  };
}

export function makeChoice(parent, { label, options, change }) {
  const root = makeElement("span", "bp-choice", parent, { role: "group", "aria-label": label });
  makeElement("span", "bp-name", root).textContent = label;
  const buttons = Object.entries(options).map(([key, [text, hint]]) => {
    const button = makeButton(root, text, hint ?? text, () => change(key));
    button.removeAttribute("aria-label"); // its text is its name
    return [key, button];
  });
  return {
    root,
    show: (chosen) => buttons.forEach(([key, button]) => button.setAttribute("aria-pressed", String(key === chosen))),
  };
}

export function makeSwitch(parent, { label, hint = label, change }) {
  const button = makeButton(parent, label, hint, () => change(button.getAttribute("aria-pressed") !== "true"));
  button.classList.add("bp-switch");
  if (/\w/.test(label)) button.removeAttribute("aria-label"); // a word is its own name, arrows are not
  return { root: button, show: (on) => button.setAttribute("aria-pressed", String(on)) };
}

export function makePlayer(parent, { label, unit, change, pace = 900 }) {
  const root = makeElement("span", "bp-player", parent, { role: "group", "aria-label": label });
  let now = { value: 0, count: 0 };
  let timer = 0;
  const stop = () => {
    clearInterval(timer);
    timer = 0;
    play.textContent = "▶";
    play.setAttribute("aria-label", "play");
  };
  const move = (value, byHand = true) => {
    if (byHand) stop();
    if (value >= 0 && value <= now.count && value !== now.value) change(value, byHand);
  };
  const tick = () => (now.value < now.count ? move(now.value + 1, false) : stop());
  const start = () => {
    if (now.value >= now.count) change(0, true);
    play.textContent = "❙❙";
    play.setAttribute("aria-label", "pause");
    timer = setInterval(tick, Math.max(60, Math.min(pace, 12000 / now.count)));
  };
  const back = makeButton(root, "◂", `one ${unit} back`, () => move(now.value - 1));
  const play = makeButton(root, "▶", "play", () => (timer ? stop() : start()));
  const next = makeButton(root, "▸", `next ${unit}`, () => move(now.value + 1));
  const range = makeElement("input", "bp-range", root, { type: "range", min: "0", step: "1", "aria-label": label });
  range.addEventListener("input", () => move(Number(range.value)));
  const text = makeElement("output", "bp-count", root);
  return {
    root, stop,
    show: (state) => {
      now = state;
      allow(back, state.value > 0);
      allow(next, state.value < state.count);
      if (Number(range.max) !== state.count) range.max = String(state.count);
      if (Number(range.value) !== state.value) range.value = String(state.value);
      const words = state.text ?? `${state.value} of ${state.count} ${unit}${state.count === 1 ? "" : "s"}`;
      if (text.textContent !== words) text.textContent = words;
    },
  };
}

export function makeNote(parent) {
  const root = makeElement("span", "bp-note", parent);
  return { root, show: (text) => root.textContent !== text && (root.textContent = text) };
}
