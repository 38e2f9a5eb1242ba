// A grid of numbers under pointer, touch and keyboard; numbers can be typed over, scrubbed or painted. Views and events:
// contributing/stages.md.

import { at, indicesOf, offset } from "./arrays.js";
import { colorOf, inkOn } from "./colors.js";
import { put } from "./controls.js";
import { hold, whenHere } from "./frame.js";
import { cleared, element, gridNumbers } from "./page.js";

export function makeGrid(frame, { name, letter, on }) {
  const canvas = element("canvas", on.edit || on.paint ? "bp-editable" : "", { tabindex: "0", role: "application", "aria-roledescription": "grid of numbers" });
  const note = element("span", "bp-note");
  const root = element("div", "bp-grid", { "data-name": name }, element("div", "bp-grid-title", {}, element("b", "bp-letter", {}, letter), note), canvas);
  const grid = { name, letter, on, root, canvas, note, left: 0, top: 0 };
  grid.draw = (view) => drawGrid(frame, grid, view);
  listenToGrid(frame, grid);
  grid.centerOf = (index) => {
    const middle = grid.places && middleOf(grid.places, index);
    const { left, top } = canvas.getBoundingClientRect();
    return middle && [left + middle[0], top + middle[1]];
  };
  return (frame.grids[name] = grid);
}

// Those of a stage, { name: letter }: pointed at, { array, index }, and held. The numbers of the `editable` are changed by
// edit(name, index, value, done).
export function makeGrids(stage, letters, { arrayOf = (name) => name, click = (spot) => hold(stage, spot), editable = [], edit }) {
  for (const [name, letter] of Object.entries(letters)) {
    const spot = (index) => index && { array: arrayOf(name), index };
    const point = (index) => ((stage.pointed = spot(index)), stage.frame.request());
    makeGrid(stage.frame, { name, letter, on: { point, click: (index) => click(spot(index)), edit: editable.includes(name) && ((...given) => edit(name, ...given)) } });
  }
}

// Cells are painted where something has changed; marks every time, on the canvas over all grids.
function drawGrid(frame, grid, view) {
  const { theme } = frame;
  const { marks = [], frames = [], fade, badge, marker, note, about, ...cells } = view;
  grid.view = view;
  if (grid.theme !== theme || !sameCells(grid.cells, cells)) {
    const places = gridPlaces(view);
    Object.assign(grid, { cells, theme, places, numbers: fitNumbers(view, places, theme) });
    paintCells(cleared(grid.canvas, places, theme), view, places, theme, grid.numbers);
  }
  const { canvas, places, numbers } = grid;
  put(grid.note, "textContent", [note, numbers?.factor].filter(Boolean).join(" "));
  put(canvas, "ariaLabel", `${about ?? grid.letter}, ${places.rows} by ${places.columns}; arrow keys move${grid.on.edit ? "; type to change" : ""}`);
  if (!fade && !marks.some(({ cells }) => cells.length) && !frames.length) return;
  const { over } = frame;
  over.translate(grid.left, grid.top + TITLE);
  marker(over, view, places, theme);
  over.translate(-grid.left, -grid.top - TITLE);
}

// Arrays and functions are the same as the same object; lists by what they hold.
function sameCells(old, cells) {
  const alike = (a, b) => a === b || (!a?.data && typeof a === "object" && JSON.stringify(a) === JSON.stringify(b));
  return !!old && Object.keys({ ...old, ...cells }).every((name) => alike(old[name], cells[name]));
}

// To the next grid it is one drawing, not two.
function pointerOf(frame, grid) {
  const { on } = grid;
  return {
    point: (index) => (cancelAnimationFrame(frame.leaving), sameIndex(index, grid.pointed) || on.point?.((grid.pointed = index))),
    leave: () => ((grid.pointed = null), (frame.leaving = requestAnimationFrame(() => on.point?.(null)))),
  };
}

// The keyboard, typing and scrubbing come with the first focus or press.
function listenToGrid(frame, grid) {
  const { canvas, on } = grid;
  const keys = () => whenHere(frame, "keys", () => import("./grid_keys.js"));
  const under = (event) => cellAt(grid.places, event.offsetX, event.offsetY);
  const { point, leave } = pointerOf(frame, grid);
  let press = null;
  Object.assign(canvas, {
    onpointermove: (event) => {
      const index = under(event);
      if (press && on.paint && index && !sameIndex(index, press.over)) on.paint((press.over = index), false);
      if (press && (on.paint || (on.edit && keys()?.scrub(on, press, event)))) return;
      canvas.classList.toggle("bp-over", !!index);
      point(index);
    },
    onpointerleave: () => press?.moved || leave(),
    onpointerdown: (event) => {
      const index = event.button === 0 ? under(event) : null;
      press = index && { index, x: event.clientX, value: at(grid.view.array, index), over: index };
      if (!index) return;
      grid.cursor = index;
      if (on.edit || on.paint) canvas.setPointerCapture(event.pointerId);
      if (on.edit) keys();
      on.paint?.(index, true);
    },
    onpointerup: (event) => {
      if (press?.moved) on.edit(press.index, press.last, true);
      else if (press && sameIndex(press.index, under(event))) on.click?.(press.index);
      press = null;
    },
    onpointercancel: () => (press = null),
    ondblclick: (event) => on.edit && under(event) && keys()?.openEditor(grid, under(event), null),
    onfocus: async () => {
      keys();
      const { cursorOf } = await import("./grid_keys.js");
      if (canvas.matches(":focus-visible")) point(cursorOf(grid));
    },
    onblur: () => point(null),
    onkeydown: async (event) => (keys() ?? (await import("./grid_keys.js"))).pressKey(grid, event, point),
  });
}

// Where the cells of a view lie: its slices side by side, in CSS pixels.

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
function panelCorner({ across, axis, slab, wide, high }, panel) {
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

// Paints what stands in the cells of a view on a canvas.

// How numbers are written in the cells: { size, factor, text(value) }, or null where cells are too small for them.
function fitNumbers(view, places, { digit }) {
  if (view.cell < 15 || view.plain) return null;
  const values = [...cellsOf(view, places)].map(({ value }) => value);
  const { factor, most, text } = gridNumbers(values);
  const wanted = Math.min(19, view.cell * 0.42);
  for (let decimals = most; decimals >= 0; decimals -= 1) {
    const texts = values.map((value) => (Number.isNaN(value) ? "N" : text(value, decimals)));
    if (texts.some((short, n) => short === "≈0" && text(values[n]) !== short)) return null; // 0.24 is not ≈0
    const longest = Math.max(...texts.map((short) => short.length));
    const size = Math.min(wanted, (view.cell - 3) / (longest * digit));
    if (size >= Math.min(wanted, decimals ? 9 : 8.5)) return { size, factor, text: (value) => text(value, decimals) };
  }
  return null;
}

// Every cell of every slice; those of the padding are pale.
function* cellsOf({ array, ringArray, look }, places) {
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

function paintCells(context, view, places, theme, numbers) {
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

function strokeBox(context, box, color, width, dash) {
  context.setLineDash(dash);
  context.strokeStyle = color;
  context.lineWidth = width;
  context.strokeRect(...box);
}

// Marks over the cells of a view: a painter that it names as `marker`.

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

// What only some views lay over their cells: painters that a view names.

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
