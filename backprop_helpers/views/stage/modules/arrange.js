// Puts grids into the field so that the whole fits, with cells as large as that allows.
//
//   arrange(frame, items, arrangements) → { key: cell size }
//   items          { key: { root, view, cell?: (size) => size, most?, head? } }    cell: this grid's own size at a common `size`;
//                  most: its largest cell; head: pixels above the canvas (title); gridless items give `extent: [width, height]`
//   arrangements   [[row, …], …]; a row is a list of clusters, a cluster a list of keys: [["x", "dx"], ["z", "dz"]].
//                  The one with the largest cells is taken, but what stands first is left only for a clear gain.

import { gridExtent } from "./grid_places.js";
import { makeElement } from "./page.js";

const [LARGEST, STACKED_LARGEST] = [54, 40];
const GAIN = 1.18; // an arrangement further down the list has to be so much better
const HEAD = 23; // the title above a grid
const NEAR = 16; // between the grids of a cluster
const FAR = 34; // between clusters
const BELOW = 12; // between rows

const sideOf = (item, size) => Math.max(1, Math.min(item.most ?? LARGEST, item.cell ? item.cell(size) : size));

function extentOf(item, size) {
  if (item.extent) return { width: item.extent[0], height: item.extent[1] };
  const { width, height } = gridExtent(item.view, sideOf(item, size));
  return { width: Math.max(width, item.least ?? 0), height: height + (item.head ?? HEAD) };
}

function fits(items, rows, size, width, height) {
  let tall = -BELOW;
  for (const row of rows) {
    let [wide, high] = [-FAR, 0];
    for (const cluster of row) {
      wide += FAR - NEAR;
      for (const key of cluster) {
        const extent = extentOf(items[key], size);
        wide += extent.width + NEAR;
        high = Math.max(high, extent.height);
      }
    }
    if (wide > width) return false;
    tall += high + BELOW;
  }
  return tall <= height;
}

function largestFitting(items, rows, { width, stacked }, height) {
  let [low, high] = [1, stacked ? STACKED_LARGEST : LARGEST];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (fits(items, rows, middle, width, height)) low = middle;
    else high = middle - 1;
  }
  return low;
}

export function arrange(frame, items, arrangements) {
  const height = frame.room();
  let [best, size] = [null, 0];
  for (const arrangement of arrangements) {
    const rows = arrangement.map((row) => row.map((cluster) => cluster.filter((key) => items[key])).filter((c) => c.length));
    const found = largestFitting(items, rows.filter((row) => row.length), frame, height);
    if (found > size * GAIN) [best, size] = [rows.filter((row) => row.length), found];
  }
  placeRows(frame, items, best);
  return Object.fromEntries(Object.keys(items).map((key) => [key, items[key].extent ? 0 : sideOf(items[key], size)]));
}

// Moves the grids only where the arrangement has changed: what has the focus keeps it.
function placeRows(frame, items, rows) {
  const name = JSON.stringify(rows);
  if (frame.arranged === name) return;
  frame.arranged = name;
  const focused = frame.field.contains(document.activeElement) ? document.activeElement : null;
  frame.field.replaceChildren(...rows.map((row) => {
    const line = makeElement("div", "bp-row");
    for (const cluster of row) {
      const together = makeElement("div", "bp-cluster", line);
      for (const key of cluster) together.append(items[key].root);
    }
    return line;
  }));
  focused?.focus();
}
