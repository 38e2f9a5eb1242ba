// Puts grids into the field so that the whole fits, with cells as large as that allows, and draws them. Arrangements:
// contributing/stages.md.

import { coverField } from "./frame.js";
import { gridPlaces, TITLE } from "./grid.js";

const GAIN = 1.18; // an arrangement further down the list has to be so much better
const STEADY = 1.4; // and cells so much larger than before
const [NEAR, FAR, BELOW] = [16, 34, 12]; // between the grids of a cluster, between clusters, between rows
const [HIGHEST, OTHERS] = [640, 156]; // pixels: what JupyterLab shows at 1280×800; the sum, two lines of legend and what is between
const [LOW_WINDOW, SEEN] = [600, 330]; // a window so low, as at 150 %: there the sum and the field are seen together

// What the bar, the sum and the legend leave of the height; a narrow stage stands as high as it has to.
export function roomOf({ stacked, barHeight }) {
  return stacked ? Infinity : Math.min(HIGHEST - OTHERS - barHeight, innerHeight < LOW_WINDOW ? SEEN : Infinity);
}

export function arrange(frame, items, arrangements) {
  const sizes = Object.entries(items).map(([key, item]) => [key, extentOf(item, 10), extentOf(item, 30)]);
  const key = JSON.stringify([frame.width, frame.barHeight, frame.theme.ratio, sizes]);
  if (frame.arranged !== key) layOut(frame, items, arrangements);
  frame.arranged = key;
  for (const [name, { grid, view }] of Object.entries(items)) grid?.draw({ ...view, cell: frame.cells[name] });
}

function layOut(frame, items, arrangements) {
  const { rows, size } = chosen(frame, items, arrangements);
  const { spots, height } = placed(items, rows, size);
  frame.cells = {};
  const parts = Object.entries(spots).map(([key, [left, top]]) => {
    const { grid, root = grid.root } = items[key];
    if (grid) Object.assign(grid, { left, top });
    Object.assign(root.style, { left: `${left}px`, top: `${top}px` });
    frame.cells[key] = sideOf(items[key], size);
    return root;
  });
  showParts(frame, [...parts, frame.cover]);
  // The page below stands still: a stage grows where it must and does not shrink. To lay out a notebook costs a frame.
  const tallest = Math.max(height, frame.covered.width === frame.width ? frame.covered.height : 0);
  coverField(frame, tallest);
}

// The cells keep their size while they fit, and what is larger is no clear gain: what has not changed stands still.
function chosen(frame, items, arrangements) {
  let best = { size: 0 };
  arrangements.forEach((rows, n) => {
    const size = largestFitting(frame, items, rows);
    if (size > best.size * GAIN) best = { n, size, width: frame.width };
  });
  const { chosen: before } = frame;
  const rows = before?.width === frame.width && arrangements[before.n];
  const still = rows && best.size <= before.size * STEADY && fits(frame, placed(items, rows, before.size));
  const { n, size } = (frame.chosen = still ? before : best);
  return { rows: arrangements[n], size };
}

const sideOf = ({ most = 54, cell }, size) => Math.max(1, Math.min(most, cell ? cell(size) : size));

function extentOf(item, size) {
  if (item.size) return { width: item.size[0], height: item.size[1] };
  const { width, height } = gridPlaces(item.view, sideOf(item, size));
  return { width: Math.max(width, 26 + 6.8 * (item.view.note ?? "").length), height: height + TITLE };
}

// Where everything stands at a size: { spots: { key: [left, top] }, width, height }.
function placed(items, rows, size) {
  const spots = {};
  let [width, y] = [0, 0];
  for (const row of rows) {
    let [x, high] = [0, 0];
    for (const cluster of row) {
      const part = cluster.filter((key) => items[key] || Array.isArray(key));
      for (const key of part) {
        const { spots: inner = { [key]: [0, 0] }, ...extent } = Array.isArray(key) ? placed(items, key, size) : extentOf(items[key], size);
        for (const [name, [left, top]] of Object.entries(inner)) spots[name] = [x + left, y + top];
        x += extent.width + NEAR;
        high = Math.max(high, extent.height);
      }
      if (part.length) x += FAR - NEAR;
    }
    width = Math.max(width, x - FAR);
    if (high) y += high + BELOW;
  }
  return { spots, width, height: y - BELOW };
}

const fits = (frame, { width, height }) => width <= frame.width && height <= roomOf(frame);

function largestFitting(frame, items, rows) {
  let [low, high] = [1, frame.stacked ? 40 : 54];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (fits(frame, placed(items, rows, middle))) low = middle;
    else high = middle - 1;
  }
  return low;
}

// In this order, which is the keyboard's; what has the focus keeps it.
function showParts(frame, parts) {
  const { field, parts: before = [] } = frame;
  if (parts.length === before.length && parts.every((part, n) => part === before[n])) return;
  frame.parts = parts;
  const focused = field.contains(document.activeElement) && document.activeElement;
  field.replaceChildren(...parts);
  if (focused) focused.focus();
}
