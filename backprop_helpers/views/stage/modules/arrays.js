// Arrays as NumPy lays them out: { shape, data }, the last index running fastest.

// `data`: numbers in row-major order, zeros where nothing is given. A Float64Array is kept, not copied.
export function makeArray(shape, data) {
  const size = sizeOf(shape);
  let numbers = data ?? new Float64Array(size);
  if (!(numbers instanceof Float64Array)) numbers = Float64Array.from(numbers);
  if (numbers.length !== size) {
    const fault = `data must hold ${size} numbers for shape (${shape})`;
    throw new RangeError(`makeArray: ${fault}; it holds ${numbers.length}`);
  }
  return { shape: [...shape], data: numbers };
}

export function sizeOf(shape) {
  return shape.reduce((product, n) => product * n, 1);
}

// Where an index lies in `data`: ((i₀·n₁ + i₁)·n₂ + i₂)…
export function offset(shape, index) {
  let place = 0;
  for (let axis = 0; axis < shape.length; axis++) place = place * shape[axis] + index[axis];
  return place;
}

export function at(array, index) {
  return array.data[offset(array.shape, index)];
}

// Every index of a shape, in row-major order.
export function indicesOf(shape) {
  let indices = [[]];
  for (const n of shape) {
    indices = indices.flatMap((start) => Array.from({ length: n }, (_, i) => [...start, i]));
  }
  return indices;
}

const NOT_FINITE = { nan: NaN, inf: Infinity, "-inf": -Infinity };

// From JSON, in which NaN and the infinities are the words "nan", "inf" and "-inf".
export function decodeArray(json) {
  return makeArray(json.shape, json.data.map((value) => {
    const number = typeof value === "string" ? NOT_FINITE[value] : value;
    if (typeof number === "number") return number;
    throw new TypeError(`decodeArray: ${JSON.stringify(value)} is not a number`);
  }));
}

// For JSON: integers as they are, all else to six significant digits.
export function encodeArray(array) {
  return { shape: [...array.shape], data: Array.from(array.data, encodeNumber) };
}

export function encodeNumber(value) {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  return Number.isInteger(value) ? value : Number(value.toPrecision(6));
}
