// A gradient check in small: a function, three measurements of its slope, and how far they are from a gradient.
//
//   forward (f(x + ε) − f(x))/ε     central (f(x + ε) − f(x − ε))/2ε     complex step Im f(x + iε)/ε
//
// A number is [real, imaginary]; every operation is rounded, by the identity to 64 bits, by Math.fround to 32.

import { decodeNumber } from "./page.js";

export const METHODS = ["forward", "central", "complex"];
export const PRECISIONS = { float64: { round: (value) => value, digits: 16 }, float32: { round: Math.fround, digits: 8 } };
const [FEWEST, MOST, A_DECADE] = [-17, 0, 4]; // powers of ten of ε, and how many steps each has

// What is planted in a right gradient; the last two need more than one entry.
const PLANTED = {
  right: (gradient) => gradient,
  double: (gradient) => gradient.map((slope) => 2 * slope),
  slightly: (gradient) => gradient.map((slope) => 1.001 * slope),
  sign: (gradient) => gradient.map((slope) => -slope),
  zeros: (gradient) => gradient.map(() => 0),
  entry: (gradient) => gradient.with(-1, 0),
  reversed: (gradient) => gradient.toReversed(),
};

const plus = (r, [a, b], [c, d]) => [r(a + c), r(b + d)];
const times = (r, [a, b], [c, d]) => [r(r(a * c) - r(b * d)), r(r(a * d) + r(b * c))];
const expOf = (r, [a, b]) => [r(r(Math.exp(a)) * r(Math.cos(b))), r(r(Math.exp(a)) * r(Math.sin(b)))];
const logOf = (r, [a, b]) => [r(Math.log(r(Math.hypot(a, b)))), r(Math.atan2(b, a))];
const totalOf = (r, numbers) => numbers.reduce((sum, number) => plus(r, sum, number));

const KELVIN_WEIGHTS = [0.5, -1.25, 2, 0.75];
const FROM_ABOVE = [0.7, -1.3, 2.1, 0.4]; // of the ReLU's outputs
const TRUE_CLASS = 1;

// Each: x, f of x and its gradient.
export const SUBJECTS = {
  exp: { at: [1], value: (x, r) => expOf(r, x[0]), gradient: (x) => x.map(Math.exp) },
  cube: { at: [2], value: ([x], r) => times(r, times(r, x, x), x), gradient: ([x]) => [3 * x * x] },
  kelvin: { at: [301.5, 288.25, 296, 310.75], value: (x, r) => totalOf(r, x.map((n, k) => times(r, n, [KELVIN_WEIGHTS[k], 0]))), gradient: () => KELVIN_WEIGHTS },
  softmax: { at: [2, 1, 0, -1], value: crossEntropyOf, gradient: (z) => {
    const shares = z.map((score) => Math.exp(score - Math.max(...z)));
    const sum = shares.reduce((a, b) => a + b);
    return shares.map((share, k) => share / sum - (k === TRUE_CLASS ? 1 : 0));
  } },
  relu: { at: [-2, 3, -1, 0.001], value: (z, r) => totalOf(r, z.map((n, k) => (n[0] > 0 ? times(r, n, [r(FROM_ABOVE[k]), 0]) : [0, 0]))), gradient: (z) => z.map((n, k) => (n > 0 ? FROM_ABOVE[k] : 0)) },
};

// J = log Σ e^(z − max) − (z_y − max)
function crossEntropyOf(z, r) {
  const top = [-Math.max(...z.map(([real]) => real)), 0];
  const moved = z.map((score) => plus(r, score, top));
  return plus(r, logOf(r, totalOf(r, moved.map((score) => expOf(r, score)))), times(r, [-1, 0], moved[TRUE_CLASS]));
}

// The steps from small to large: 1e−17, 1.8e−17, …, 1; whole powers of ten exactly.
export function stepsOf() {
  const count = (MOST - FEWEST) * A_DECADE + 1;
  return Array.from({ length: count }, (_, n) => Number((10 ** (FEWEST + n / A_DECADE)).toPrecision(2)));
}

// What a measurement needs of f: { base, entries: [{ up, down, side }] }, each entry of x nudged alone.
function valuesAt({ at, value }, precision, epsilon) {
  const { round } = PRECISIONS[precision];
  const x = at.map((number) => [round(number), 0]);
  const nudge = round(epsilon);
  const nudged = (k, real, imaginary) => value(x.with(k, [round(x[k][0] + real), imaginary]), round);
  const entries = x.map((_, k) => ({ up: nudged(k, nudge, 0)[0], down: nudged(k, -nudge, 0)[0], side: nudged(k, 0, nudge)[1] }));
  return { base: value(x, round)[0], entries };
}

function slopesOf({ up, down, side }, base, epsilon, round) {
  const nudge = round(epsilon);
  return { forward: round(round(up - base) / nudge), central: round(round(up - down) / round(2 * nudge)), complex: round(side / nudge) };
}

// |analytic − numeric| / max of their sizes; 0/0 is 0.
export function relativeErrorOf(analytic, numeric) {
  return Object.is(analytic + 0, numeric + 0) ? 0 : Math.abs(analytic - numeric) / Math.max(Math.abs(analytic), Math.abs(numeric));
}

// All that is measured, at every step: { steps, analytic, measured: [{ base, entries: [{ up, down, side, slopes }] }],
// worst: { forward: [{ error, entry }, …], … }, floor }. `recorded`: Python's values where the page has no such function.
export function measure({ subject, precision, bug, recorded }) {
  const { round } = PRECISIONS[precision];
  const steps = recorded?.steps ?? stepsOf();
  const source = SUBJECTS[subject];
  const right = recorded ? recorded[precision].gradient : source.gradient(source.at.map(round));
  const analytic = PLANTED[bug](right.map(round)).map(round);
  const measured = steps.map((epsilon, n) => {
    const { base, entries } = recorded ? readValues(recorded[precision].values[n]) : valuesAt(source, precision, epsilon);
    return { base, entries: entries.map((values) => ({ ...values, slopes: slopesOf(values, base, epsilon, round) })) };
  });
  const worst = Object.fromEntries(METHODS.map((method) => [method, measured.map(({ entries }) => worstOf(entries.map(({ slopes }, k) => relativeErrorOf(analytic[k], slopes[method]))))]));
  const floor = worstOf(analytic.map((slope, k) => relativeErrorOf(slope, round(right[k])))).error; // what no ε can lower
  return { steps, analytic, measured, worst, floor };
}

const readValues = ({ base, entries }) => ({
  base: decodeNumber(base), entries: entries.map((values) => Object.fromEntries(Object.entries(values).map(([part, value]) => [part, decodeNumber(value)]))),
});

// The largest error and where it is; a NaN is the largest of all.
function worstOf(errors) {
  const key = (error) => (Number.isNaN(error) ? Infinity : error);
  const entry = errors.reduce((most, error, k) => (key(error) > key(errors[most]) ? k : most), 0);
  return { error: errors[entry], entry };
}

// How many digits two numbers share: all for an error of 0, none from 1 on.
export const digitsShared = (error, most) => (error === 0 ? most : Number.isFinite(error) ? Math.min(most, Math.max(0, Math.floor(-Math.log10(error)))) : 0);
