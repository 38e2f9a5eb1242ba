// Where the cells of a view lie: its slices side by side, in CSS pixels.

import { indicesOf } from "./arrays.js";

const [AXIS, EDGE, SLAB, GAP] = [14, 3, 4, 12]; // small indices; lines of marks; a slab behind; between slices

export const TITLE = 23; // pixels above the canvas of a grid

export function gridPlaces(view, cell = view.cell) {
  const { shape } = view.array;
  const lead = view.lead ?? Math.min(2, shape.length);
  const [rows, columns] = [lead < 2 ? 1 : shape[0], lead < 1 ? 1 : shape[lead - 1]];
  const ring = view.ring ?? [0, 0, 0, 0];
  const panels = view.shown ?? indicesOf(shape.slice(lead));
  const across = Math.min(panels.length, view.across ?? panels.length);
  const slab = SLAB * Math.min(3, view.slabs ?? 0);
  const axis = view.axes && lead && cell >= 20 ? AXIS : 0;
  const [wide, high] = [(columns + ring[2] + ring[3]) * cell, (rows + ring[0] + ring[1]) * cell];
  const width = axis + 2 * EDGE + slab + across * (wide + GAP) - GAP;
  const height = axis + 2 * EDGE + slab + Math.ceil(panels.length / across) * (high + GAP) - GAP;
  return { lead, rows, columns, ring, cell, panels, across, slab, axis, wide, high, width, height };
}

// The corner of a slice, padding included.
export function panelCorner({ across, axis, slab, wide, high }, panel) {
  return { x: axis + EDGE + (panel % across) * (wide + GAP), y: axis + EDGE + slab + Math.floor(panel / across) * (high + GAP) };
}

export const sameIndex = (a, b) => String(a) === String(b);

// { x, y, side }; fractions and cells of the padding are fine; null for a slice that is not shown.
export function cellBox(places, index) {
  const { lead, panels, cell: side, ring } = places;
  const panel = panels.findIndex((slice) => sameIndex(slice, index.slice(lead)));
  const [row, column] = [lead < 2 ? 0 : index[0], lead < 1 ? 0 : index[lead - 1]];
  const { x, y } = panelCorner(places, panel);
  return panel < 0 ? null : { x: x + (column + ring[2]) * side, y: y + (row + ring[0]) * side, side };
}

// The middle of a cell, [x, y], or null.
export function middleOf(places, index) {
  const box = cellBox(places, index);
  return box && [box.x + box.side / 2, box.y + box.side / 2];
}

// Where a cell is in the field: { x, y, side }; null for a slice that is not shown.
export function boxOf(grid, index) {
  const box = grid?.places && cellBox(grid.places, index);
  return box ? { ...box, x: box.x + grid.left, y: box.y + grid.top + TITLE } : null;
}

export const indexOf = ({ lead, panels }, panel, row, column) => [...[row, column].slice(2 - lead), ...panels[panel]];

// The index under a point, or null.
export function cellAt(places, x, y) {
  const { panels, cell, ring, rows, columns } = places;
  for (let panel = 0; panel < panels.length; panel += 1) {
    const corner = panelCorner(places, panel);
    const [row, column] = [Math.floor((y - corner.y) / cell) - ring[0], Math.floor((x - corner.x) / cell) - ring[2]];
    if (row >= 0 && column >= 0 && row < rows && column < columns) return indexOf(places, panel, row, column);
  }
  return null;
}

// The next cell in a direction, also of the next slice; `index` where there is none.
export function neighbourOf(places, index, [down, right]) {
  const [x, y] = middleOf(places, index);
  for (let way = places.cell; way < places.width + places.height; way += places.cell) {
    const next = cellAt(places, x + right * way, y + down * way);
    if (next) return next;
  }
  return index;
}
