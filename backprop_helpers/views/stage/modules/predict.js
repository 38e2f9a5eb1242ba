// A question before the answer: asks for a guess, keeps the answer until there is one, says how far off it was.
// A guess stays in the page: it is not stored, and nobody is told.

import { decodeNumber, element, readNumber, written } from "./page.js";

// spec.options: kind "number" | "choice" | "cell", question, answer, unit, tolerance, choices, name, then
export function predict(el, spec) {
  const { question, kind, then = "" } = spec.options;
  const root = element("div", "bp-stage bp-predict", { "data-composition": "predict", role: "group", "aria-label": "Predict first" });
  root.dataset.lmSuppressShortcuts = "true"; // in JupyterLab, keys mean here what they mean elsewhere
  const reply = element("p", "bp-reply", { role: "status" });
  const again = element("button", "bp-quiet", { type: "button" }, "ask me again");
  const asked = { number: askNumber, choice: askChoice, cell: askCell }[kind](spec, (value) => {
    if (value === null) return reply.replaceChildren("A number, please, such as 3, 0.5 or 1/2.");
    reply.replaceChildren(verdictOn(spec, value), " ", again, element("span", "bp-then", {}, then));
  });
  again.onclick = () => {
    reply.replaceChildren();
    asked.reset();
  };
  root.append(element("p", "bp-question", {}, question), asked.part, reply);
  root.bpStage = { sumText: () => reply.textContent };
  el.append(root);
  return () => root.remove();
}

function askNumber({ options: { unit = "", question } }, answered) {
  const input = element("input", "", { size: "7", autocomplete: "off", "aria-label": `Your guess: ${question}` });
  const button = element("button", "", { type: "button" }, "That is my guess");
  button.onclick = () => {
    const value = readNumber(input.value);
    input.ariaInvalid = String(value === null);
    answered(value);
    if (value === null) return input.focus();
    input.readOnly = button.hidden = true;
  };
  input.onkeydown = (event) => event.key === "Enter" && button.click();
  const reset = () => {
    input.readOnly = button.hidden = false;
    input.value = "";
    input.focus();
  };
  return { part: element("div", "bp-ask", {}, input, element("span", "", {}, unit), button), reset };
}

function askChoice({ options: { choices, answer } }, answered) {
  return pick("bp-ask", choices.map((text) => element("button", "", { type: "button" }, text)), [answer], answered);
}

function askCell({ arrays: { grid }, options: { answer, shape, name = "" } }, answered) {
  const [rows, columns] = shape;
  const cells = Array.from({ length: rows * columns }, (_, at) => {
    const text = grid ? written(decodeNumber(grid.data[at])) : "";
    const label = `${name}[${Math.floor(at / columns)}, ${at % columns}] ${text}`;
    return element("button", "", { type: "button", tabindex: at ? -1 : 0, "aria-label": label.trim() }, text);
  });
  const { part, reset } = pick("bp-cells", cells, answer.map(([i, j]) => i * columns + j), answered);
  part.style.gridTemplateColumns = `repeat(${columns}, auto)`;
  part.onkeydown = (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns }[event.key];
    const at = cells.indexOf(event.target) + step;
    if (!step) return;
    event.preventDefault();
    const wraps = Math.abs(step) === 1 && columns > 1 && at % columns === (step > 0 ? 0 : columns - 1);
    if (!cells[at] || wraps) return;
    event.target.tabIndex = -1;
    cells[at].tabIndex = 0;
    cells[at].focus();
  };
  return { part: element("div", "bp-ask", {}, element("span", "bp-name", {}, name), part), reset };
}

// Buttons of which one is the guess: then the right ones carry ✓, and a wrong guess ✗.
function pick(className, buttons, right, answered) {
  const part = element("div", className, { role: "group" }, ...buttons);
  part.onclick = ({ target }) => {
    const at = buttons.indexOf(target.closest("button"));
    if (at < 0 || part.dataset.done) return;
    part.dataset.done = "true";
    for (const [other, button] of buttons.entries()) {
      button.ariaDisabled = "true";
      if (other === at) button.dataset.mark = "✗";
      if (right.includes(other)) button.dataset.mark = "✓";
    }
    answered(at);
  };
  const reset = () => {
    delete part.dataset.done;
    for (const button of buttons) {
      button.ariaDisabled = null;
      delete button.dataset.mark;
    }
    buttons[0].focus();
  };
  return { part, reset };
}

// How far off a guess was, in words.
function verdictOn({ options }, guess) {
  const { kind, answer, unit = "", choices, shape, name = "", tolerance = 0 } = options;
  if (kind === "choice") return guess === answer ? `Yes: ${choices[answer]}.` : `No: ${choices[answer]}.`;
  if (kind === "number") {
    const off = farOff(guess, answer, tolerance);
    return `${off ? "It is" : "Yes:"} ${written(answer)} ${unit}`.trim() + (off && `; yours is ${off}`) + ".";
  }
  const columns = shape[1];
  const aways = answer.map(([i, j]) => [Math.abs(i - Math.floor(guess / columns)), Math.abs(j - (guess % columns))]);
  const nearest = aways.reduce((best, one) => (one[0] + one[1] < best[0] + best[1] ? one : best));
  const far = ["row", "column"].map((word, axis) => nearest[axis] && `${nearest[axis]} ${word}${nearest[axis] > 1 ? "s" : ""}`);
  const cells = answer.map(([i, j]) => `${name}[${i}, ${j}]`).join(" or ");
  return nearest[0] + nearest[1] ? `It is ${cells}; yours is ${far.filter(Boolean).join(" and ")} off.` : `Yes: ${cells}.`;
}

function farOff(guess, answer, tolerance) {
  const [gap, ratio] = [guess - answer, guess / answer];
  const digits = (value) => written(Number(value.toPrecision(2)));
  if (Math.abs(gap) <= tolerance + 1e-6 * Math.abs(answer)) return "";
  if (ratio >= 3) return `${digits(ratio)} times too large`;
  if (ratio > 0 && ratio <= 1 / 3) return `${digits(1 / ratio)} times too small`;
  return `${written(Math.abs(gap))} too ${gap > 0 ? "high" : "low"}`;
}
