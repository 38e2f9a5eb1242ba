// Paints what stands in the cells of a view on a canvas.

import { offset } from "./arrays.js";
import { colorOf, inkOn } from "./colors.js";
import { indexOf, panelCorner } from "./grid_places.js";
import { gridNumbers } from "./numbers.js";

// How numbers are written in the cells: { size, factor, text(value) }, or null where cells are too small for them.
export function fitNumbers(view, places, { digit }) {
  if (view.cell < 15 || view.plain) return null;
  const values = [...cellsOf(view, places)].map(({ value }) => value);
  const { factor, most, text } = gridNumbers(values);
  const wanted = Math.min(19, view.cell * 0.42);
  for (let decimals = most; decimals >= 0; decimals -= 1) {
    const longest = Math.max(...values.map((value) => (Number.isNaN(value) ? 1 : text(value, decimals).length)));
    const size = Math.min(wanted, (view.cell - 3) / (longest * digit));
    if (size >= Math.min(wanted, decimals ? 9 : 8.5)) return { size, factor, text: (value) => text(value, decimals) };
  }
  return null;
}

// Every cell of every slice; those of the padding are pale.
export function* cellsOf({ array, ringArray, look }, places) {
  const { rows, columns, cell, ring: [top, bottom, left, right], panels } = places;
  for (let panel = 0; panel < panels.length; panel += 1) {
    const corner = panelCorner(places, panel);
    for (let row = -top; row < rows + bottom; row += 1) {
      for (let column = -left; column < columns + right; column += 1) {
        const [x, y] = [corner.x + (column + left) * cell, corner.y + (row + top) * cell];
        if (row >= 0 && column >= 0 && row < rows && column < columns) {
          const place = offset(array.shape, indexOf(places, panel, row, column));
          yield { x, y, place, value: array.data[place], look: look?.(place) };
        } else {
          const value = ringArray ? ringArray.data[offset(ringArray.shape, [row + top, column + left, ...panels[panel]])] : 0;
          yield { x, y, value, look: "pale" };
        }
      }
    }
  }
}

export function paintCells(context, view, places, theme, numbers) {
  places.panels.forEach((_, panel) => paintGround(context, places, panel, theme));
  for (const cell of cellsOf(view, places)) paintCell(context, view, places.cell, cell, theme, numbers);
}

// Slabs behind, small indices along the edges, and the hairlines that show between the cells.
function paintGround(context, places, panel, theme) {
  const { rows, columns, cell, ring: [top, , left], wide, high, slab, axis, lead } = places;
  const { x, y } = panelCorner(places, panel);
  for (let shift = slab; shift >= 0; shift -= 4) {
    context.fillStyle = theme.ground;
    context.fillRect(x + shift, y - shift, wide, high);
    if (shift) strokeBox(context, [x + shift + 0.5, y - shift + 0.5, wide, high], theme.hair, 1, []);
  }
  context.fillStyle = theme.hair;
  context.fillRect(x + left * cell, y + top * cell, columns * cell + 1, rows * cell + 1);
  if (!axis) return;
  context.fillStyle = theme.soft;
  context.font = `10px ${theme.font}`;
  for (let n = 0; n < columns; n += 1) context.fillText(n, x + (n + left + 0.5) * cell, y - slab - 7);
  for (let n = 0; n < rows && lead > 1 && !panel; n += 1) context.fillText(n, x - 8, y + (n + top + 0.5) * cell + 1);
}

function paintCell(context, view, side, { x, y, value, place, look }, theme, numbers) {
  const [pale, line] = [look === "pale", side < 8 ? 0 : 1];
  const rgb = look === "blank" ? theme.paper : colorOf(view.scale, value, theme.ramps);
  const ground = pale ? rgb.map((c, n) => 0.45 * c + 0.55 * theme.paper[n]) : rgb;
  context.fillStyle = `rgb(${ground})`;
  context.fillRect(x + line, y + line, side - line, side - line);
  context.fillStyle = theme.soft;
  if (look === "blank") return context.fillRect(x + side / 2, y + side / 2, 2 * line, 2 * line);
  if (pale && line) strokeBox(context, [x + 0.5, y + 0.5, side, side], side < 20 ? theme.hair : theme.soft, 1, [1, 2]);
  if (Number.isNaN(value)) for (let n = 3; n < side; n += 4) context.fillRect(x, y + n, side, 0.5); // hatched
  if (!numbers) return;
  const under = side >= 34 && view.under?.(place);
  const size = Number.isNaN(value) ? Math.min(numbers.size, (side - 4) / 2) : numbers.size * (pale ? 0.9 : 1);
  if (!pale || value) context.fillStyle = inkOn(ground);
  context.font = `${size}px ${theme.font}`;
  context.fillText(numbers.text(value), x + side / 2, y + side * (under ? 0.38 : 0.5) + 1);
  if (!under) return;
  context.font = `${Math.max(9, size * 0.7)}px ${theme.font}`;
  context.fillText(under, x + side / 2, y + side * 0.76);
}

export function strokeBox(context, box, color, width, dash) {
  context.setLineDash(dash);
  context.strokeStyle = color;
  context.lineWidth = width;
  context.strokeRect(...box);
}
