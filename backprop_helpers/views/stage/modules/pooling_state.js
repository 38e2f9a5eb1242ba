// A pooling layer in one setting, what a cell of it takes part in.
//
//   pooledOf({ x, dz, size, stride, mode })    the layer's arrays, who won, who tied, which pixels are read
//   pooledMarks(model, spot, channel)          { x, z, dx, dz }: marks and frames for a cell, or for none

import { at, distinct, indicesOf, makeArray, offset } from "./arrays.js";
import { windowsOver } from "./conv_layer.js";
import { written } from "./page.js";
import { poolBackward, poolForward, poolGeometry, termsOf } from "./products.js";

const LETTERS = "abcdefghijklmnopqrstuvwxyz";

// An array of any number of rows and columns: cut, or repeated from its start.
export function repeatedTo([rows, columns, depth], given) {
  const [have, wide] = given.shape;
  return makeArray([rows, columns, depth], indicesOf([rows, columns, depth]).map(([i, j, c]) => at(given, [i % have, j % wide, c])));
}

export function pooledOf({ x, dz: given, size, stride, mode }) {
  const geometry = poolGeometry({ x: x.shape, size, stride, mode });
  const { z, winners } = poolForward(geometry, x);
  const dz = repeatedTo(z.shape, given);
  const { dx } = poolBackward(geometry, dz, winners);
  const read = new Set(indicesOf(x.shape).filter((pixel) => windowsOver(geometry, pixel).length).map((pixel) => offset(x.shape, pixel)));
  const model = { geometry, x, z, dz, dx, winners, read, window: (output) => termsOf(geometry, output).map((product) => product.x) };
  return { ...model, paid: winners && everyTiePaid(model) };
}

export const winnerOf = (model, output) => (model.winners ? model.window(output)[at(model.winners, output)] : null);

// The outputs that read a pixel, in reading order.
export const readersOf = (geometry, pixel) => windowsOver(geometry, pixel).map(([output]) => [...output, pixel[2]]).reverse();

// The pixels that hold a window's maximum, the winner first; a NaN equals nothing.
export function tiedIn(model, output) {
  const top = at(model.z, output);
  return Number.isNaN(top) ? [winnerOf(model, output)] : model.window(output).filter((pixel) => at(model.x, pixel) === top);
}

// What dX would be if every tied pixel got its window's whole gradient: not what the layer does.
function everyTiePaid(model) {
  const dx = makeArray(model.x.shape);
  for (const output of indicesOf(model.z.shape)) {
    for (const pixel of tiedIn(model, output)) dx.data[offset(dx.shape, pixel)] += at(model.dz, output);
  }
  return dx;
}

// The outputs whose winner is not what it was, with both winners; none where the windows are others.
export function jumpsBetween(before, now) {
  if (!before?.winners || !now.winners || String(before.z.shape) !== String(now.z.shape) || String(before.geometry.w) !== String(now.geometry.w)) return [];
  return indicesOf(now.z.shape).filter((output) => at(before.winners, output) !== at(now.winners, output))
    .map((output) => ({ output, from: winnerOf(before, output), to: winnerOf(now, output) }));
}

// Marks

export function pooledMarks(model, spot, channel) {
  if (!spot) return atRest(model, channel);
  const { geometry } = model;
  if (spot.array === "z" || spot.array === "dz") {
    const output = spot.index;
    const [here, frames] = [[{ role: "here", cells: [output] }], [frameOf(geometry, output)]];
    const paid = model.winners ? winnersAnd(model, [output]) : [{ role: "output", cells: model.window(output) }];
    return { z: { marks: here }, dz: { marks: here }, x: { marks: paid, frames }, dx: { marks: paid, frames } };
  }
  const readers = readersOf(geometry, spot.index);
  const [won, lost] = splitBy(readers, (output) => !model.winners || String(winnerOf(model, output)) === String(spot.index));
  const marks = [{ role: "output", cells: won }, { role: "input", cells: lost }];
  const here = { role: "here", from: spot.index, size: [1, 1] }; // over the windows' lines
  const pixel = { frames: [...readers.map((output) => frameOf(geometry, output)), here] };
  return { x: pixel, dx: pixel, z: { marks }, dz: { marks } };
}

const splitBy = (list, test) => [list.filter(test), list.filter((item) => !test(item))];

const frameOf = ({ stride, w }, [i, j, c]) => ({ role: "input", from: [i * stride[0], j * stride[1], c], size: w });

// Winners, and the pixels that are as large but come later.
function winnersAnd(model, outputs) {
  const found = outputs.map((output) => tiedIn(model, output));
  const [won, tied] = [distinct(found.map(([first]) => first)), distinct(found.flatMap(([, ...others]) => others))];
  const winners = new Set(won.map(String));
  return [{ role: "output", cells: won }, { role: "bias", cells: tied.filter((pixel) => !winners.has(String(pixel))) }];
}

// The windows' letters: { x: place => "ad", z: place => "a" }, of the windows that a pixel wins and of an output's own.
export function lettersOf(model) {
  const [rows, columns, depth] = model.z.shape;
  if (!model.winners || rows * columns > LETTERS.length) return {};
  const won = new Map();
  for (const output of indicesOf(model.z.shape)) {
    const place = offset(model.x.shape, winnerOf(model, output));
    won.set(place, (won.get(place) ?? "") + LETTERS[output[0] * columns + output[1]]);
  }
  return { x: (place) => won.get(place), z: (place) => LETTERS[Math.floor(place / depth)] };
}

// No cell: every winner.
function atRest(model, channel) {
  if (!model.winners) return { x: {}, dx: {}, z: {}, dz: {} };
  const paid = { marks: winnersAnd(model, indicesOf(model.z.shape).filter((output) => output[2] === channel)) };
  return { x: paid, dx: paid, z: {}, dz: {} };
}

// The words for no cell.
export function linesAtRest({ z: { shape: [rows, columns] }, geometry: { w }, winners, dz }, channel) {
  const windows = `${rows * columns} ${rows * columns === 1 ? "window" : "windows"} of ${w.join("×")}`;
  const sent = indicesOf(dz.shape).filter((index) => index[2] === channel).reduce((sum, index) => sum + at(dz, index), 0);
  return [
    [winners ? `${windows}. Each hands its whole gradient to its largest pixel, which has its letter.` : `${windows}. Each shares its gradient out equally: every pixel in it gets 1/${w[0] * w[1]}.`],
    [`What comes in is handed on: dZ and dX both add up to ${written(sent)}. Point at a cell; drag a number of X past the largest of its window.`],
  ];
}
