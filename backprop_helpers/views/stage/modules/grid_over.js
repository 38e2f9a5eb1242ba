// What only some views lay over their cells: painters that a view names.

import { offset } from "./arrays.js";
import { cellsOf } from "./grid_paint.js";

// What has no part, behind a veil.
export function paintVeil(context, { array, marks }, places, theme) {
  const kept = new Set(marks.flatMap(({ cells }) => cells.map((cell) => offset(array.shape, cell))));
  context.globalAlpha = 0.8;
  context.fillStyle = `rgb(${theme.paper})`;
  for (const { x, y, place } of cellsOf({ array }, places)) if (!kept.has(place)) context.fillRect(x, y, places.cell, places.cell);
  context.globalAlpha = 1;
}

// The number of a product, in the corner: the same in all the grids that it joins.
export function paintBadge(context, role, theme, { x, y, side }, text) {
  context.font = `600 ${Math.min(10, side * 0.26)}px ${theme.font}`;
  context.lineWidth = 3;
  context.strokeStyle = `rgb(${theme.paper})`;
  context.fillStyle = theme.inks[role];
  for (const paint of ["strokeText", "fillText"]) context[paint](text, x + 4 + 3 * text.length, y + 8);
}
