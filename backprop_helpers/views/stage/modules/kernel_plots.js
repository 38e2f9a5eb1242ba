// The loss after each step; and, for two weights, the bowl seen from above: where W is, its way, and the next step.

import { clamp, written } from "./page.js";

const [LOSS_WIDE, LOSS_HIGH, SIDE] = [250, 170, 196]; // pixels
const [LEFT_OF, BELOW_OF, OVER] = [44, 22, 16]; // pixels round a plot
const POINTER = 26; // pixels: the least length of the arrow
const LEVELS = [1, 0.5, 0.2, 0.05, 0.01];

export function drawLosses(root, { path, limit, rate }, small) {
  const width = small ? LOSS_WIDE : LOSS_WIDE + 130;
  const most = Math.max(10, Math.ceil((path.length - 1) / 10) * 10);
  const top = Math.max(...path.map(({ loss }) => loss).filter(Number.isFinite)) || 1;
  const across = (n) => LEFT_OF + (n / most) * (width - LEFT_OF - 10);
  const down = (loss) => OVER + (1 - clamp(loss / top, 0, 1)) * (LOSS_HIGH - OVER - BELOW_OF);
  const points = path.filter(({ loss }) => Number.isFinite(loss)).map(({ loss }, n) => `${across(n).toFixed(1)},${down(loss).toFixed(1)}`);
  const label = (x, y, text, anchor) => `<text x="${x}" y="${y}" text-anchor="${anchor}">${text}</text>`;
  const [x, y] = (points.at(-1) ?? "-9,-9").split(",");
  root.innerHTML = `<svg width="${width}" height="${LOSS_HIGH}" role="img" aria-label="the loss after each step"><path class="bp-axis" d="M${LEFT_OF} ${OVER}V${down(0)}H${width - 10}"/>
    ${label(LEFT_OF - 5, OVER + 4, top < 1e5 ? written(Number(top.toPrecision(2))) : top.toExponential(0).replace("e+", "e"), "end")}${label(LEFT_OF - 5, down(0) + 4, "0", "end")}${label(LEFT_OF + 4, 10, "loss J", "start")}
    ${label(across(most), LOSS_HIGH - 6, `${most} steps`, "end")}${label(LEFT_OF, LOSS_HIGH - 6, "0", "middle")}
    <polyline class="bp-loss${rate < limit ? "" : " bp-climbs"}" points="${points.join(" ")}"/><circle class="bp-now" cx="${x}" cy="${y}" r="4"/></svg>`;
  return [width, LOSS_HIGH];
}

export function drawBowl(root, { path, rate, model }, { lowest, values, angle }) {
  const inside = path.map(({ w }) => [...w.data]).filter((w) => w.every((weight) => Math.abs(weight) < 1e4));
  const reach = 1.2 * Math.max(1, ...[...inside, lowest ?? [0, 0]].flat().map(Math.abs));
  const [x, y] = [([a]) => SIDE / 2 + (a / reach) * (SIDE / 2 - 4), ([, b]) => SIDE / 2 - (b / reach) * (SIDE / 2 - 4)];
  const unit = (SIDE / 2 - 4) / reach;
  const spot = (w) => `${x(w).toFixed(1)} ${y(w).toFixed(1)}`;
  const rings = lowest ? LEVELS.map((part) => {
    const radii = values.map((value) => unit * Math.sqrt((2 * part * (path[0].loss || 1)) / Math.max(value, 1e-9)));
    return `<ellipse class="bp-ring" rx="${Math.min(radii[0], 1e4)}" ry="${Math.min(radii[1], 1e4)}" transform="translate(${spot(lowest)}) rotate(${-angle})"/>`;
  }).join("") : "";
  const now = [...model.arrays.w.data];
  const next = now.map((weight, n) => weight - rate * model.arrays.dw.data[n]);
  const far = Math.hypot(x(next) - x(now), y(next) - y(now));
  const ahead = now.map((weight, n) => weight + (next[n] - weight) * Math.max(1, far > 0.5 ? POINTER / far : 1));
  const way = inside.map(spot).join("L");
  root.innerHTML = `<svg width="${SIDE}" height="${SIDE}" role="img" aria-label="the loss over the two weights, from above; the arrow is the next step">
    <defs><marker id="bp-head" viewBox="0 0 8 8" refX="6" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z"/></marker><clipPath id="bp-square"><rect width="${SIDE}" height="${SIDE}"/></clipPath></defs>
    <g clip-path="url(#bp-square)"><path class="bp-axis" d="M0 ${SIDE / 2}H${SIDE}M${SIDE / 2} 0V${SIDE}"/>${rings}<path class="bp-way" d="M${way}"/>
    ${lowest ? `<path class="bp-lowest" transform="translate(${spot(lowest)})" d="M-5 0H5M0 -5V5"/>` : ""}
    ${Number.isFinite(far) ? `<path class="bp-ahead" marker-end="url(#bp-head)" d="M${spot(now)}L${spot(ahead)}"/><path class="bp-step-arrow" d="M${spot(now)}L${spot(next)}"/>` : ""}<circle class="bp-now" cx="${x(now)}" cy="${y(now)}" r="4"/></g>
    <text x="${SIDE - 3}" y="${SIDE / 2 - 5}" text-anchor="end">W[0, 0]</text><text x="${SIDE / 2 + 5}" y="11">${model.arrays.w.shape[0] === 2 ? "W[1, 0]" : "W[0, 1]"}</text></svg>`;
  return [SIDE, SIDE];
}
