// The colours of plots/_style.py (a test holds the two together), light and dark, and what a value or a mark gets of them.
//   kindScale([arrays], kind)      {low, high}: one for all grids of a kind ("value", "weight", "gradient", "digit")
//   cellColor(scale, value, dark)  CSS colour; zero is paper, in every scale
//   inkOn(color)                   black or white, whichever reads better on it
//   roleColor(role, dark)          the colour of a mark and of its numbers in the sum; ROLES lists patterns and widths too

export const SEQUENTIAL = [
  "#fbfcf0", "#e3f2c0", "#b4dfa6", "#74c3a4", "#41a0a8", "#2f7a9c", "#33538a", "#35306f", "#2c1f5c",
];
export const DIVERGING = [
  "#174f87", "#3f7db5", "#6aa6cd", "#b5d5e7", "#ffffff", "#f9c4a9", "#e58368", "#c64a45", "#96202f",
];
export const ACCENTS = {
  blue: "#0072B2", vermillion: "#D55E00", green: "#009E73", purple: "#CC79A7",
  orange: "#E69F00", sky: "#56B4E9", yellow: "#F0E442", black: "#000000",
};
export const INKS = {
  blue: "#00639B", vermillion: "#AF4D00", green: "#00755A", purple: "#A0477B",
  orange: "#8A5C00", sky: "#1F6E9C", yellow: "#6E6600", black: "#000000",
};
// On a dark page: dark at zero, bright where there is much.
const SEQUENTIAL_DARK = [
  "#23282c", "#1f3f45", "#1f5a60", "#27787a", "#3c9890", "#63b59c", "#93cfa4", "#c2e4b0", "#ecf6cf",
];
const DIVERGING_DARK = [
  "#a5d3f7", "#70afe3", "#447fb4", "#2f4f6d", "#23282c", "#6b4336", "#b2593f", "#e67f62", "#ffb59c",
];
const INKS_DARK = {
  blue: "#6fbdf2", vermillion: "#ff9a66", green: "#55cfa6", purple: "#e9a3cb",
  orange: "#f0b64a", sky: "#8fd0f5", yellow: "#e8dd5a", black: "#ffffff",
};
export const PAPER = { light: "#ffffff", dark: "#23282c" };

// A mark: colour, dashes (none: a full line) and width. Never colour alone.
export const ROLES = {
  here: { ink: "black", dash: [], width: 2.5 },
  input: { ink: "blue", dash: [], width: 2 },
  weight: { ink: "green", dash: [5, 2.5], width: 2 },
  output: { ink: "vermillion", dash: [2, 2], width: 2.5 },
  bias: { ink: "purple", dash: [8, 2, 2, 2], width: 2 },
  moved: { ink: "orange", dash: [1, 3], width: 3 },
};

export function roleColor(role, dark) {
  return (dark ? INKS_DARK : INKS)[ROLES[role].ink];
}

export function kindScale(arrays, kind) {
  let [low, high] = [0, 0];
  for (const array of arrays) {
    for (const value of array.data) {
      if (value < low && value > -Infinity) low = value;
      if (value > high && value < Infinity) high = value;
    }
  }
  const bound = Math.max(-low, high) || 1;
  return low < 0 || kind === "weight" || kind === "gradient" ? { low: -bound, high: bound, kind } : { low: 0, high: bound, kind };
}

const rgbOf = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));

function ramp(stops) {
  return Array.from({ length: 257 }, (_, step) => {
    const place = (step / 256) * (stops.length - 1);
    const first = Math.min(Math.floor(place), stops.length - 2);
    const [from, to] = [rgbOf(stops[first]), rgbOf(stops[first + 1])];
    return `rgb(${from.map((c, n) => Math.round(c + (to[n] - c) * (place - first))).join(",")})`;
  });
}

const RAMPS = {};

function rampOf(name, dark) {
  const key = `${name}${dark}`;
  if (name === "digit") return (RAMPS[key] ??= ramp(dark ? ["#23282c", "#f4f4f4"] : ["#ffffff", "#000000"]));
  if (name === "sequential") return (RAMPS[key] ??= ramp(dark ? SEQUENTIAL_DARK : SEQUENTIAL));
  return (RAMPS[key] ??= ramp(dark ? DIVERGING_DARK : DIVERGING));
}

// Small values beside large ones keep a tint: X beside a Z that is thirty times as large.
const bent = (part) => Math.sign(part) * Math.min(1, Math.abs(part)) ** 0.65;

export function cellColor(scale, value, dark) {
  if (value === 0 || Number.isNaN(value)) return dark ? PAPER.dark : PAPER.light;
  const { low, high, kind } = scale;
  const place = low < 0 ? 0.5 + bent(value / high) / 2 : bent(value / high);
  return rampOf(low < 0 ? "diverging" : kind === "digit" ? "digit" : "sequential", dark)[Math.round(place * 256)];
}

function luminanceOf(color) {
  const channels = color.startsWith("#") ? rgbOf(color) : color.match(/[\d.]+/g).slice(0, 3).map(Number);
  const [r, g, b] = channels.map((c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

const INK_ON = new Map();

export function inkOn(color) {
  if (!INK_ON.has(color)) INK_ON.set(color, luminanceOf(color) > 0.179 ? "#000000" : "#ffffff");
  return INK_ON.get(color);
}

export const isDark = (textColor) => luminanceOf(textColor) > 0.4;
