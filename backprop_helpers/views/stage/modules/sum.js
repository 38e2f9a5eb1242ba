// The written sum, every number in the colour of its cell; and the legend of the marks.

import { element, sumNumbers } from "./page.js";

export const bracketed = (text) => (text.startsWith("−") ? `(${text})` : text);

// The parts of "dX[1, 1] = 1·2 + (−2)·3 = −4" for showSum.
//   terms   [[{ value, role, cell? }, …], …]: the factors of each; cell: [grid, index], where its number comes from
//   rest    { value, text }: what is not spelled out: "(other channels: 12)"
//   budget  characters that fit; later terms stand together: "(13 more: −4)"
export function sumOfProducts({ name, terms, total, rest = null, budget = 150 }) {
  const factors = terms.map((term) => term.map(({ value }) => value));
  const numbers = sumNumbers(rest ? [...factors, [rest.value]] : factors, total);
  const aside = (text, value) => [`(${text}: ${numbers.factor(value)})`];
  const summands = terms.map((term) => term.flatMap((factor, m) => [...(m ? ["·"] : []), { ...factor, text: bracketed(numbers.factor(factor.value)) }]));
  let length = name.length + 14 + (rest ? rest.text.length + 12 : 0);
  const fit = summands.findIndex((parts) => (length += parts.reduce((sum, part) => sum + (part.text ?? part).length, 3)) > budget);
  if (fit >= 0 && fit < terms.length - 1) {
    const left = factors.slice(fit).map((values) => values.reduce((a, b) => a * b));
    summands.splice(fit, left.length, aside(`${left.length} more`, left.reduce((a, b) => a + b)));
  }
  if (rest) summands.push(aside(rest.text, rest.value));
  const sum = summands.flatMap((parts, n) => (n ? [" + ", ...parts] : parts));
  const result = sum.length > 1 ? [numbers.exact ? " = " : " ≈ ", { text: numbers.total, role: "here" }] : [];
  return [{ text: name, role: "here" }, " = ", ...(sum.length ? sum : ["0"]), ...result];
}

// Whether what is to be shown differs from before.
const isNew = (frame, what, content) => frame[what] !== (frame[what] = JSON.stringify(content));

// Lines of parts: strings and { text, role, cell? }. A screen reader hears them too.
export function showSum(frame, lines) {
  if (!isNew(frame, "summed", lines)) return;
  frame.arriving = [];
  frame.sum.replaceChildren(...lines.map((parts) => element("div", parts.some(({ role }) => role) ? "" : "bp-words", {}, ...parts.map((part) => {
    const { text, role, cell } = part;
    const made = role ? element("b", `bp-ink-${role}`, {}, text) : part;
    if (cell) frame.arriving.push([made, part]);
    return made;
  }))));
  if (frame.sum.textContent.length < 0.7 * frame.longSum) frame.sum.classList.remove("bp-tight");
  setTimeout(fitSum, 0, frame); // when the page has been laid out, to ask for sizes costs nothing
  frame.say(lines.map((parts) => parts.map((part) => part.text ?? part).join("")).join(". "));
}

// Never cut: what is long stands smaller, for the field must not move under the pointer; more lines are the last resort.
function fitSum(frame) {
  const { sum } = frame;
  const isCut = () => sum.scrollHeight > sum.clientHeight;
  if (!isCut()) return;
  frame.longSum = Math.min(frame.longSum, sum.textContent.length);
  sum.classList.add("bp-tight");
  if (isCut()) sum.style.height = `${sum.scrollHeight}px`;
}

// Each mark that is on screen, as it is in the cells: [[role | "padding" | "plain", words, "solid" | "dashed" | "dotted" of a line], …].
export function showLegend(frame, entries) {
  if (!isNew(frame, "legended", entries)) return;
  frame.legend.replaceChildren(...entries.map(([role, words, line]) => element("span", "", {}, element("i", `bp-swatch ${line ? `bp-line-${line} bp-ink` : "bp-mark"}-${role}`), words)));
}

// Cells travel over the stage: see fly.js.
export const fly = async (...flights) => (await import("./fly.js")).flyOver(...flights);
