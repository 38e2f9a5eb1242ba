// The written sum: every number in the colour of its cell, cut where it grows too long.
//
//   showSum(frame, parts)                       parts: strings and { text, role }; the screen reader hears the same text
//   sumOfProducts({ name, terms, total, extra, rest, budget }) → parts of "dX[1, 1] = 1·2 + (−2)·3 = −4"
//     terms: [[{ value, role }, { value, role }], …]    one or more factors each
//     extra: [{ value, role }]                          alone, in front (a bias)
//     rest: { value, text }                             what is not spelled out: "(other channels: 12)"
//     budget                                            characters that fit; later terms stand together: "(13 more: −4)"
//   showLegend(frame, [[role | "padding" | …, words], …])         each mark that is on screen, once

import { roleColor } from "./colors.js";
import { sumNumbers } from "./numbers.js";
import { makeElement } from "./page.js";

const bracketed = (text) => (text.startsWith("−") ? `(${text})` : text);

export function sumOfProducts({ name, terms, total, extra = [], rest = null, budget = 150 }) {
  const alone = rest ? [...extra, rest] : extra;
  const values = [...alone.map(({ value }) => [value]), ...terms.map((term) => term.map(({ value }) => value))];
  const numbers = sumNumbers(values, total);
  const parts = [{ text: name, role: "here" }, " = "];
  let [length, first] = [name.length + 14 + (rest ? rest.text.length + 12 : 0), true];
  const plus = () => (first ? ((first = false), "") : " + ");
  for (const { value, role } of extra) parts.push(plus(), { text: bracketed(numbers.factor(value)), role });
  for (const [n, term] of terms.entries()) {
    const texts = term.map(({ value }) => bracketed(numbers.factor(value)));
    length += texts.join("·").length + 3;
    if (length > budget && n < terms.length - 1) {
      const later = terms.slice(n);
      const sum = later.reduce((all, factors) => all + factors.reduce((product, { value }) => product * value, 1), 0);
      parts.push(plus(), `(${later.length} more: ${numbers.factor(sum)})`);
      break;
    }
    parts.push(plus());
    term.forEach(({ role }, m) => parts.push(...(m ? ["·"] : []), { text: texts[m], role }));
  }
  if (rest) parts.push(plus(), `(${rest.text}: ${numbers.factor(rest.value)})`);
  if (first) parts.push("0");
  if (terms.length + alone.length > 1 || terms[0]?.length > 1) {
    parts.push(numbers.exact ? " = " : " ≈ ", { text: numbers.total, role: "here" });
  }
  return parts;
}

export function showSum(frame, lines) {
  const key = JSON.stringify([lines, frame.theme.dark]);
  if (frame.summed === key) return;
  frame.summed = key;
  const texts = lines.map((parts) => parts.map((part) => part.text ?? part).join(""));
  frame.sum.replaceChildren(...lines.map((parts) => {
    const line = makeElement("div", parts.some((part) => part.role) ? "bp-sum-line" : "bp-sum-line bp-sum-words");
    for (const part of parts) {
      if (typeof part === "string") line.append(part);
      else {
        const span = makeElement("span", part.role === "here" ? "bp-total" : "bp-factor", line);
        span.textContent = part.text;
        span.style.color = roleColor(part.role, frame.theme.dark);
      }
    }
    return line;
  }));
  frame.say(texts.join(". "));
}

// A swatch for each mark: the same line as in the cells.
export function showLegend(frame, entries) {
  const key = JSON.stringify([entries, frame.theme.dark]);
  if (frame.legended === key) return;
  frame.legended = key;
  frame.legend.replaceChildren(...entries.map(([role, words]) => {
    const entry = makeElement("span", "bp-entry");
    const swatch = makeElement("i", `bp-swatch bp-swatch-${role}`, entry);
    swatch.setAttribute("aria-hidden", "true");
    entry.append(words);
    return entry;
  }));
}
