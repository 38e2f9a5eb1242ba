// The colour of a value. The ramps stand in the style sheet, light and dark, as those of the figures.

// One scale for all arrays of a kind ("value", "weight", "gradient", "digit"); zero is paper in every one.
export function kindScale(arrays, kind) {
  let [low, high] = [0, 0];
  for (const { data } of arrays) {
    for (const value of data) {
      if (value < low && value > -Infinity) low = value;
      if (value > high && value < Infinity) high = value;
    }
  }
  const signed = low < 0 || kind === "weight" || kind === "gradient";
  return { bound: Math.max(-low, high) || 1, ramp: signed ? "signed" : kind === "digit" ? "digit" : "value" };
}

// 257 colours [r, g, b] from the first stop, "#rrggbb", to the last.
export function rampOf(stops) {
  const rgb = stops.map((hex) => [1, 3, 5].map((start) => parseInt(hex.slice(start, start + 2), 16)));
  return Array.from({ length: 257 }, (_, step) => {
    const place = (step / 256) * (rgb.length - 1);
    const first = Math.min(Math.floor(place), rgb.length - 2);
    return rgb[first].map((c, n) => Math.round(c + (rgb[first + 1][n] - c) * (place - first)));
  });
}

// [r, g, b]; small values beside large ones keep a tint. `ramps`: { value, signed, digit }, of a frame's theme.
export function colorOf({ bound, ramp }, value, ramps) {
  const part = Number.isNaN(value) ? 0 : Math.sign(value) * Math.min(1, Math.abs(value / bound)) ** 0.65;
  if (part === 0) return ramps.digit[0]; // paper
  return ramps[ramp][Math.round(256 * (ramp === "signed" ? 0.5 + part / 2 : Math.max(0, part)))];
}

function luminanceOf(rgb) {
  const [r, g, b] = rgb.map((c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

// Black or white, whichever reads better on it.
export const inkOn = (rgb) => (luminanceOf(rgb) > 0.179 ? "#000" : "#fff");
