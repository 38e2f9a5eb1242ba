// Paints a view (see grid.js) on a canvas, whole: slabs behind, cells, numbers, padding, what fades, marks, frames.
//   paintCells(context, view, places, theme, numbers)    all but the marks; theme: {dark, ink, soft, ground, hair, font, digit} of the frame
//   fitNumbers(view, places, theme)              {size, factor, text(value)} or null where the cells are too small for numbers
//   paintMarks(context, view, places, theme)             marks and frames
//   strokeRole(context, role, theme, box)        one mark; also used by what flies

import { offset } from "./arrays.js";
import { PAPER, ROLES, cellColor, inkOn, roleColor } from "./colors.js";
import { cellBox, indexOf, panelCorner } from "./grid_places.js";
import { gridNumbers } from "./numbers.js";

const SMALLEST = 8.5; // pixels of type; below it a grid is a map
const FADED = 0.2;

export function fitNumbers(view, places, theme) {
  if (view.cell < 15 || view.plain) return null;
  const values = [];
  for (const [at] of cellsOf(view, places)) values.push(view.array.data[at]);
  const numbers = gridNumbers(values);
  const wanted = Math.min(19, view.cell * 0.42);
  for (let decimals = numbers.most; decimals >= 0; decimals -= 1) {
    let longest = 1;
    for (const value of values) if (!Number.isNaN(value)) longest = Math.max(longest, numbers.text(value, decimals).length);
    const size = Math.min(wanted, (view.cell - 3) / (longest * theme.digit));
    if (size >= Math.min(wanted, decimals ? 9 : SMALLEST)) {
      return { size, factor: numbers.factor, text: (value) => numbers.text(value, decimals) };
    }
  }
  return null;
}

// Every shown cell: [place in the data, row, column, panel].
function* cellsOf(view, places) {
  for (let panel = 0; panel < places.panels.length; panel += 1) {
    for (let row = 0; row < places.rows; row += 1) {
      for (let column = 0; column < places.columns; column += 1) {
        yield [offset(view.array.shape, indexOf(places, panel, row, column)), row, column, panel];
      }
    }
  }
}

export function paintCells(context, view, places, theme, numbers) {
  context.textAlign = "center";
  context.textBaseline = "middle";
  for (let panel = 0; panel < places.panels.length; panel += 1) {
    const corner = panelCorner(places, panel);
    if (places.slab) paintSlabs(context, places, corner, theme);
    context.globalAlpha = view.fade ? FADED * 2 : 1;
    paintRing(context, view, places, panel, theme, numbers);
    context.globalAlpha = 1;
    if (places.axis) paintIndices(context, places, corner, theme, panel === 0);
  }
  const kept = view.fade ? keptCells(view) : null;
  const tiny = places.cell < 8;
  if (tiny) paintPaper(context, places, theme);
  for (const [at, row, column, panel] of cellsOf(view, places)) {
    if (tiny && view.array.data[at] === 0) continue;
    const box = cellBox(places, indexOf(places, panel, row, column));
    context.globalAlpha = kept && !kept.has(at) ? FADED : 1;
    if (view.blank?.(at)) paintBlank(context, box, theme);
    else paintCell(context, view, at, box, theme, numbers);
  }
  context.globalAlpha = 1;
  for (let panel = 0; panel < places.panels.length; panel += 1) paintLines(context, places, panel, theme);
}

function paintPaper(context, places, theme) {
  context.fillStyle = theme.dark ? PAPER.dark : PAPER.light;
  for (let panel = 0; panel < places.panels.length; panel += 1) {
    const { x, y, side } = cellBox(places, indexOf(places, panel, 0, 0));
    context.fillRect(x, y, places.columns * side, places.rows * side);
  }
}

function keptCells(view) {
  return new Set(view.marks.flatMap(({ cells }) => cells.map((cell) => offset(view.array.shape, cell))));
}

function paintCell(context, view, at, { x, y, side }, theme, numbers) {
  const value = view.array.data[at];
  const color = cellColor(view.scale, value, theme.dark);
  if (view.pale?.(at)) return paintPale(context, value, color, { x, y, side }, theme, numbers);
  context.fillStyle = color;
  context.fillRect(x, y, side, side);
  if (Number.isNaN(value)) paintHatch(context, x, y, side, theme);
  if (!numbers) return;
  const under = side >= 34 ? view.under?.(at) : null;
  const nan = Number.isNaN(value);
  const size = nan ? Math.min(numbers.size, (side - 4) / 2) : numbers.size;
  context.fillStyle = nan || context.globalAlpha < 1 ? theme.ink : inkOn(color);
  context.font = `${size}px ${theme.font}`;
  context.fillText(numbers.text(value), x + side / 2, y + side / 2 + 1 - (under ? side * 0.12 : 0));
  if (!under) return;
  context.font = `${Math.max(9, size * 0.7)}px ${theme.font}`;
  context.fillText(under, x + side / 2, y + side * 0.76);
}

function paintHatch(context, x, y, side, theme) {
  context.save();
  context.beginPath();
  context.rect(x, y, side, side);
  context.clip();
  context.beginPath();
  for (let shift = -side; shift < side; shift += 5) {
    context.moveTo(x + shift, y + side);
    context.lineTo(x + shift + side, y);
  }
  context.strokeStyle = theme.hair;
  context.lineWidth = 1;
  context.stroke();
  context.restore();
}

function paintBlank(context, { x, y, side }, theme) {
  context.fillStyle = theme.dark ? PAPER.dark : PAPER.light;
  context.fillRect(x, y, side, side);
  if (side < 8) return;
  context.fillStyle = theme.soft;
  context.fillRect(x + side / 2 - 1, y + side / 2 - 1, 2, 2);
}

// A zero that was put in, or a number that has had its turn: pale, with a dotted frame.
function paintPale(context, value, color, { x, y, side }, theme, numbers) {
  const faded = context.globalAlpha;
  context.globalAlpha = faded * 0.45;
  context.fillStyle = color;
  context.fillRect(x, y, side, side);
  if (side >= 8) {
    context.setLineDash([1, 2]);
    context.strokeStyle = theme.soft;
    context.lineWidth = 1;
    context.strokeRect(x + 0.5, y + 0.5, side - 1, side - 1);
    context.setLineDash([]);
  }
  context.globalAlpha = faded;
  if (!numbers) return;
  context.fillStyle = theme.soft;
  context.font = `${numbers.size * 0.9}px ${theme.font}`;
  context.fillText(numbers.text(value), x + side / 2, y + side / 2 + 1);
}

// The padding: pale, dotted; its zeros, or what falls into it (`view.ringArray`, of the padded shape).
function paintRing(context, view, places, panel, theme, numbers) {
  const [top, bottom, left, right] = places.ring;
  if (!(top || bottom || left || right)) return;
  const padded = view.ringArray;
  for (let row = -top; row < places.rows + bottom; row += 1) {
    for (let column = -left; column < places.columns + right; column += 1) {
      if (row >= 0 && column >= 0 && row < places.rows && column < places.columns) continue;
      const box = cellBox(places, indexOf(places, panel, row, column));
      const value = padded ? padded.data[offset(padded.shape, [row + top, column + left, ...places.panels[panel]])] : 0;
      paintPale(context, value, cellColor(view.scale, value, theme.dark), box, theme, numbers);
    }
  }
}

function paintLines(context, places, panel, theme) {
  const { x, y } = cellBox(places, indexOf(places, panel, 0, 0));
  const { cell, rows, columns } = places;
  context.beginPath();
  const every = cell >= 8 ? 1 : 0;
  for (let row = 0; row <= rows; row += every || rows) {
    context.moveTo(x, y + row * cell + 0.5);
    context.lineTo(x + columns * cell + 1, y + row * cell + 0.5);
  }
  for (let column = 0; column <= columns; column += every || columns) {
    context.moveTo(x + column * cell + 0.5, y);
    context.lineTo(x + column * cell + 0.5, y + rows * cell + 1);
  }
  context.strokeStyle = theme.hair;
  context.lineWidth = 1;
  context.stroke();
}

function paintSlabs(context, places, { x, y }, theme) {
  context.strokeStyle = theme.hair;
  context.fillStyle = theme.ground;
  context.lineWidth = 1;
  for (let shift = places.slab; shift > 0; shift -= 4) {
    context.fillRect(x + shift, y - shift, places.wide, places.high);
    context.strokeRect(x + shift + 0.5, y - shift + 0.5, places.wide, places.high);
  }
  context.fillRect(x, y, places.wide, places.high);
}

function paintIndices(context, places, { x, y }, theme, withRows) {
  if (!places.lead) return;
  const { cell, rows, columns, ring } = places;
  context.fillStyle = theme.soft;
  context.font = `10px ${theme.font}`;
  for (let column = 0; column < columns; column += 1) {
    context.fillText(String(column), x + (column + ring[2] + 0.5) * cell, y - places.slab - 7);
  }
  if (!withRows || places.lead < 2) return;
  for (let row = 0; row < rows; row += 1) context.fillText(String(row), x - 8, y + (row + ring[0] + 0.5) * cell + 1);
}

export function paintMarks(context, view, places, theme) {
  context.textAlign = "center";
  context.textBaseline = "middle";
  const depth = new Map();
  for (const { role, cells, badges } of view.marks ?? []) {
    cells.forEach((cell, n) => {
      const box = cellBox(places, cell);
      if (!box) return;
      const key = cell.join();
      const inset = depth.get(key) ?? 0;
      depth.set(key, inset + 1);
      strokeRole(context, role, theme, box, inset * 3);
      if (badges?.[n] && box.side >= 30) paintBadge(context, box, badges[n], roleColor(role, theme.dark), theme);
    });
  }
  for (const { role, from, size } of view.frames ?? []) paintFrame(context, places, role, from, size, theme);
}

// The number of a product, in the corner: the same in all the grids that it joins.
function paintBadge(context, { x, y, side }, text, color, theme) {
  const small = Math.min(10, side * 0.26);
  context.font = `600 ${small}px ${theme.font}`;
  context.fillStyle = theme.dark ? PAPER.dark : PAPER.light;
  context.fillRect(x + 2, y + 2, small * 0.62 * text.length + 3, small + 2);
  context.fillStyle = color;
  context.fillText(text, x + 3.5 + small * 0.31 * text.length, y + 3.5 + small / 2);
}

export function strokeRole(context, role, theme, { x, y, side, wide = side, high = side }, inset = 0) {
  const { dash, width } = ROLES[role];
  const thin = Math.min(side, high, wide) < 9;
  const edge = (thin ? 0.5 : width / 2) + inset;
  const box = [x + 0.5 + edge, y + 0.5 + edge, wide - 2 * edge, high - 2 * edge];
  if (box[2] <= 0 || box[3] <= 0) return;
  context.setLineDash([]);
  context.strokeStyle = theme.dark ? PAPER.dark : PAPER.light;
  context.lineWidth = thin ? 1.5 : width + 1.5;
  context.strokeRect(...box);
  context.setLineDash(thin ? [] : dash);
  context.strokeStyle = roleColor(role, theme.dark);
  context.lineWidth = thin ? 1.5 : width;
  context.strokeRect(...box);
  context.setLineDash([]);
}

function paintFrame(context, places, role, from, size, theme) {
  const box = cellBox(places, from);
  if (!box) return;
  strokeRole(context, role, theme, { ...box, wide: size[1] * box.side, high: size[0] * box.side }, -1);
}
