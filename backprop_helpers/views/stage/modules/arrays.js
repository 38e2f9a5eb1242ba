// Arrays as NumPy lays them out: { shape, data }, the last index running fastest.

import { decodeNumber } from "./page.js";

// Zeros where no numbers are given. A Float64Array is kept, not copied.
export function makeArray(shape, data = new Float64Array(sizeOf(shape))) {
  const size = sizeOf(shape);
  if (data.length !== size) throw new RangeError(`makeArray: data must hold ${size} numbers for shape (${shape}); it holds ${data.length}`);
  return { shape: [...shape], data: data instanceof Float64Array ? data : Float64Array.from(data) };
}

export const sizeOf = (shape) => shape.reduce((product, n) => product * n, 1);

// Where an index lies in `data`: ((i₀·n₁ + i₁)·n₂ + i₂)…
export function offset(shape, index) {
  let place = 0;
  for (let axis = 0; axis < shape.length; axis++) place = place * shape[axis] + index[axis];
  return place;
}

export const at = (array, index) => array.data[offset(array.shape, index)];

export const withNumber = ({ shape, data }, index, value) => ({ shape, data: data.with(offset(shape, index), value) });

// Every index of a shape, in row-major order.
export function indicesOf(shape) {
  return shape.reduce((all, n) => all.flatMap((start) => Array.from({ length: n }, (_, i) => [...start, i])), [[]]);
}

// Each index once.
export const distinct = (indices) => [...new Map(indices.map((index) => [String(index), index])).values()];

export const decodeArray = ({ shape, data }) => makeArray(shape, data.map(decodeNumber));

export const decodeArrays = (named) => Object.fromEntries(Object.entries(named).map(([name, json]) => [name, decodeArray(json)]));

// Bytes, as JSON holds them.
export function decodeBase64(text) {
  const characters = atob(text);
  const bytes = new Uint8Array(characters.length);
  for (let n = 0; n < bytes.length; n++) bytes[n] = characters.charCodeAt(n);
  return bytes;
}

// For JSON: integers as they are, all else to six significant digits.
export function encodeArray({ shape, data }) {
  const encode = (value) => (Number.isInteger(value) ? value : Number(value.toPrecision(6)));
  const word = (value) => (Number.isNaN(value) ? "nan" : value > 0 ? "inf" : "-inf");
  return { shape: [...shape], data: Array.from(data, (value) => (Number.isFinite(value) ? encode(value) : word(value))) };
}

export const encodeArrays = (named, names = Object.keys(named)) => Object.fromEntries(names.map((name) => [name, encodeArray(named[name])]));
