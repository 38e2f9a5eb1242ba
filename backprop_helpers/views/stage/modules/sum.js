// The written sum, every number in the colour of its cell; the legend of the marks; and what flies.

import { colorOf, inkOn } from "./colors.js";
import { boxOf } from "./grid_places.js";
import { sumNumbers } from "./numbers.js";
import { element, written } from "./page.js";

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
  frame.say(lines.map((parts) => parts.map((part) => part.text ?? part).join("")).join(". "));
}

// Each mark that is on screen, as it is in the cells: [[role | "padding" | "plain", words], …].
export function showLegend(frame, entries) {
  if (!isNew(frame, "legended", entries)) return;
  frame.legend.replaceChildren(...entries.map(([role, words]) => element("span", "", {}, element("i", `bp-swatch bp-mark-${role}`), words)));
}

// Cells travel over the stage, [{ from, to, value, scale, role }], from box to box (of boxOf); a size is that of many
// cells: a window slides. At once where motion is reduced.
export async function fly(frame, flights, duration = 550) {
  frame.land?.();
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) return;
  const { theme: { ramps }, field } = frame;
  const flyers = flights.filter(({ from, to }) => from && to).map(({ from, to, value, scale, role, size: [rows, columns] = [1, 1] }) => {
    const flyer = element("span", `bp-flyer bp-mark-${role}`, {}, scale ? written(value) : "");
    const rgb = scale && colorOf(scale, value, ramps);
    if (rgb) Object.assign(flyer.style, { background: `rgb(${rgb})`, color: inkOn(rgb) });
    field.append(flyer);
    const frames = [from, to].map(({ x, y, side }) => ({
      left: `${x}px`, top: `${y}px`, width: `${columns * side}px`, height: `${rows * side}px`, fontSize: `${side * 0.36}px`, lineHeight: `${side - 4}px`,
    }));
    return { flyer, motion: flyer.animate(frames, { duration, easing: "ease-in-out" }) };
  });
  frame.land = () => flyers.forEach(({ motion }) => motion.finish());
  await Promise.allSettled(flyers.map(({ motion }) => motion.finished));
  flyers.forEach(({ flyer }) => flyer.remove());
}

// The numbers of the written sum come from their cells: flights for fly, once the sum has been drawn.
export function sumFlights(frame) {
  const corner = frame.field.getBoundingClientRect();
  return (frame.arriving ?? []).map(([made, { value, role, cell: [name, index] }]) => {
    const { left, top, height } = made.getBoundingClientRect();
    const to = { x: left - corner.left, y: top - corner.top, side: height };
    return { from: boxOf(frame.grids[name], index), to, value, scale: frame.grids[name]?.view?.scale, role };
  });
}
