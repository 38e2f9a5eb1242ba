// What is written about a cell of a pooling layer.

import { at } from "./arrays.js";
import { sumNumbers, written } from "./page.js";
import { readersOf, tiedIn, winnerOf } from "./pooling.js";
import { bracketed } from "./sum.js";

const WRITTEN = 12; // terms of a sum that are spelled out

const nameIn = ({ x }, letter, index) => `${letter}[${(x.shape[2] > 1 ? index : index.slice(0, 2)).join(", ")}]`;

function joinedTerms(values, role, sign) {
  const numbers = sumNumbers(values.map((value) => [value]), values.reduce((a, b) => a + b, 0));
  const shown = values.slice(0, WRITTEN).map((value) => numbers.factor(value));
  const parts = shown.flatMap((text, n) => [...(n ? [sign] : []), { text: sign === ", " ? text : n ? bracketed(text) : text, role }]);
  return values.length > WRITTEN ? [...parts, `${sign}… ${values.length - WRITTEN} more`] : parts;
}

function result(value) {
  const text = written(value);
  const exact = !Number.isFinite(value) || Math.abs(Number(text.replace("−", "-")) - value) < 1e-9;
  return [exact ? " = " : " ≈ ", { text, role: "here" }];
}

// The written sums of a cell.
export function pooledLines(model, spot) {
  return spot.array === "z" || spot.array === "dz" ? linesOfOutput(model, spot) : linesOfPixel(model, spot);
}

function linesOfOutput(model, { index }) {
  const pixels = model.window(index);
  const values = pixels.map((pixel) => at(model.x, pixel));
  const [name, gradient] = [{ text: nameIn(model, "Z", index), role: "here" }, { text: written(at(model.dz, index)), role: "here" }];
  const sent = { text: nameIn(model, "dZ", index), role: "here" };
  if (!model.winners) {
    return [
      [name, " = (", ...joinedTerms(values, "input", " + "), `)/${pixels.length}`, ...result(at(model.z, index))],
      [sent, " = ", gradient, `: each of its ${pixels.length} pixels gets a share of ${written(at(model.dz, index) / pixels.length)}`],
    ];
  }
  const [first, ...others] = tiedIn(model, index);
  const tie = others.length ? `, the first of ${others.length + 1} equals in reading order` : "";
  return [
    [name, " = max(", ...joinedTerms(values, "input", ", "), ")", ...result(at(model.z, index))],
    [sent, " = ", gradient, " goes to ", { text: nameIn(model, "X", first), role: "output" }, `${tie}; ${marginOf(model, index, first, others.length)}`],
  ];
}

// How far the winner is from the tie.
function marginOf(model, output, first, ties) {
  const value = at(model.x, first);
  const others = model.window(output).filter((pixel) => String(pixel) !== String(first)).map((pixel) => at(model.x, pixel));
  if (Number.isNaN(value)) return "a NaN wins against every number";
  if (ties) return "the others get 0";
  return others.length ? `the next is smaller by ${written(value - Math.max(...others))}` : "it is alone in its window";
}

function linesOfPixel(model, { index }) {
  const readers = readersOf(model.geometry, index);
  const name = { text: nameIn(model, "dX", index), role: "here" };
  if (!readers.length) return [[name, " = 0"], ["No window reads this pixel: it has no part in Z, and no gradient comes back."]];
  const paying = model.winners ? readers.filter((output) => String(winnerOf(model, output)) === String(index)) : readers;
  const gradients = paying.map((output) => at(model.dz, output));
  const windows = `${readers.length} ${readers.length === 1 ? "window reads" : "windows read"} this pixel`;
  const value = at(model.dx, index);
  if (!model.winners) {
    const places = model.geometry.w[0] * model.geometry.w[1];
    return [[name, " = (", ...joinedTerms(gradients, "output", " + "), `)/${places}`, ...result(value)], [`${windows}: their shares add.`]];
  }
  const outputs = paying.slice(0, 4).map((output) => nameIn(model, "Z", output)).join(", ");
  const wins = paying.length ? `it wins ${paying.length}: ${outputs}${paying.length > 4 ? ", …" : ""}${paying.length > 1 ? "; what they send adds" : ""}.` : "it wins none, so nothing comes back.";
  return [[name, " = ", ...(gradients.length ? joinedTerms(gradients, "output", " + ") : ["0"]), ...(gradients.length > 1 ? result(value) : [])], [`${windows}, ${wins}`]];
}
