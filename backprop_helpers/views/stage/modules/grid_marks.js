// Marks over the cells of a view: a painter that it names as `marker`.

import { cellBox } from "./grid_places.js";
import { strokeBox } from "./grid_paint.js";

// A mark's dashes (none: a full line) and its width: never colour alone.
const LINES = { here: [[], 2.5], input: [[], 2], weight: [[5, 2.5], 2], output: [[2, 2], 2.5], bias: [[8, 2, 2, 2], 2], moved: [[1, 3], 3] };

// Marks, and frames round many cells.
export function paintMarks(context, view, places, theme) {
  const { marks = [], frames = [] } = view;
  view.fade?.(context, view, places, theme);
  const inset = new Map();
  for (const { role, cells, badges } of marks) {
    cells.forEach((cell, n) => {
      const box = cellBox(places, cell);
      if (!box) return;
      const depth = inset.get(String(cell)) ?? 0;
      inset.set(String(cell), depth + 3);
      strokeRole(context, role, theme, box, depth);
      if (badges?.[n] && box.side >= 30) view.badge(context, role, theme, box, badges[n]);
    });
  }
  for (const { role, from, size } of frames) {
    const box = cellBox(places, from);
    if (box) strokeRole(context, role, theme, box, -1, size);
  }
}

function strokeRole(context, role, theme, { x, y, side }, inset, [rows, columns] = [1, 1]) {
  const thin = side < 9;
  const [dash, width] = thin ? [[], 1.5] : LINES[role];
  const edge = 0.5 + inset + (thin ? 0.5 : width / 2);
  const box = [x + edge, y + edge, columns * side + 1 - 2 * edge, rows * side + 1 - 2 * edge];
  if (box[2] <= 0 || box[3] <= 0) return;
  strokeBox(context, box, `rgb(${theme.paper})`, thin ? 1.5 : width + 1.5, []);
  strokeBox(context, box, theme.inks[role], width, dash);
}
