// A grid of numbers: one canvas, redrawn whole; pointer, touch and keyboard; numbers that can be typed over and scrubbed.
//
//   const grid = makeGrid(frame, { name: "dx", letter: "dX", editable, on: { point, click, edit, key } });
//   grid.root                                       .bp-grid[data-name], to be put into the page
//   grid.draw(view)                                 in a frame; nothing is painted where the view is the same as before
//   grid.center(index), grid.box(index)             where a cell is in the window: [x, y]; {x, y, side}
//   on.point(index | null)                          the pointer or the keyboard is at a cell, or nowhere
//   on.click(index)                                 click, tap, Enter, space
//   on.edit(index, value, done)                     typed or scrubbed; done: false while it is still being scrubbed
// A view, which is not changed after it was drawn:
//   array, cell            { shape, data }: (H, W, …rest), (N,) as a row; the side of a cell in CSS pixels
//   scale                  of colors.kindScale
//   shown, across          which slices of `rest` stand side by side ([[0], [2]]), and how many in a row; without: all
//   lead                   how many axes are rows and columns, where it is not 2 (0: single cells)
//   slabs                  how many slices look out behind the one in front
//   ring, ringArray        padding [top, bottom, left, right]; the padded array, where the padding does not hold zeros
//   axes                   small indices along the edges
//   marks                  [{ role, cells: [index…], badges: ["1", …] }], roles of colors.ROLES; cells of the ring are fine
//   frames                 [{ role, from: index, size: [rows, columns] }]: one line round many cells; fractions are fine
//   fade                   cells without a mark are faded
//   blank(at), pale(at)    of a cell at this place in the data: not there yet; drawn as padding is
//   under(at)              a second, smaller line in the cell
//   plain                  without numbers (maps)
//   note, about            shown beside the letter; said by a screen reader

import { at } from "./arrays.js";
import { fitNumbers, paintCells, paintMarks } from "./grid_paint.js";
import { cellAt, cellBox, gridPlaces, indexOf, neighbourOf, sameIndex } from "./grid_places.js";
import { openEditor } from "./grid_edit.js";
import { written } from "./numbers.js";
import { makeElement } from "./page.js";

const ARROWS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
const STEP = 9; // pixels of a drag for one step of a number

export function makeGrid(frame, { name, letter, editable = false, on = {} }) {
  const root = makeElement("div", "bp-grid");
  root.dataset.name = name;
  const title = makeElement("div", "bp-grid-title", root);
  makeElement("b", "bp-letter", title).textContent = letter;
  const note = makeElement("span", "bp-note", title);
  const box = makeElement("div", "bp-grid-box", root);
  const canvas = makeElement("canvas", editable ? "bp-editable" : "", box, {
    tabindex: "0", role: "application", "aria-roledescription": "grid of numbers", "data-lm-suppress-shortcuts": "true",
  });
  const grid = {
    name, letter, editable, on, root, canvas, note, place: box,
    view: null, places: null, numbers: null, cursor: null, context: canvas.getContext("2d"),
    draw: (view) => drawGrid(frame, grid, view),
    box: (index) => boxInWindow(grid, index),
    center: (index) => centerInWindow(grid, index),
    edit: (index, text = null) => openEditor(grid, index, text),
  };
  listenToGrid(grid);
  return grid;
}

function drawGrid(frame, grid, view) {
  const key = sameView(grid.view, view) && grid.theme === frame.theme && grid.ratio === frame.ratio;
  if (key) return;
  const { context, canvas } = grid;
  const fitted = grid.view?.array === view.array && grid.view.cell === view.cell && grid.view.shown === view.shown;
  const places = gridPlaces(view);
  if (!fitted || grid.theme !== frame.theme) grid.numbers = fitNumbers(view, places, frame.theme);
  Object.assign(grid, { view, places, theme: frame.theme, ratio: frame.ratio });
  const [width, height] = [Math.round(places.width * frame.ratio), Math.round(places.height * frame.ratio)];
  if (canvas.width !== width || canvas.height !== height) {
    Object.assign(canvas, { width, height });
    canvas.style.width = `${places.width}px`;
    canvas.style.height = `${places.height}px`;
  }
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.clearRect(0, 0, width, height);
  const sheet = sheetOf(grid, frame);
  if (sheet) context.drawImage(sheet, 0, 0);
  context.setTransform(frame.ratio, 0, 0, frame.ratio, 0, 0);
  if (!sheet) paintCells(context, view, places, frame.theme, grid.numbers);
  paintMarks(context, view, places, frame.theme);
  describeGrid(grid);
}

// Cells and numbers on a sheet of their own, made when only the marks have moved, and kept while only they move.
function sheetOf(grid, frame) {
  const { marks, frames, note, about, ...rest } = grid.view;
  const painted = grid.view.fade ? grid.view : rest;
  const same = sameView(grid.painted, painted) && grid.paintedFor === frame.theme && grid.paintedAt === frame.ratio;
  if (same && grid.sheet) return grid.sheet;
  Object.assign(grid, { painted, paintedFor: frame.theme, paintedAt: frame.ratio, sheet: null });
  if (!same) return null;
  grid.sheet = document.createElement("canvas");
  grid.sheet.width = grid.canvas.width;
  grid.sheet.height = grid.canvas.height;
  const context = grid.sheet.getContext("2d");
  context.setTransform(frame.ratio, 0, 0, frame.ratio, 0, 0);
  paintCells(context, grid.view, grid.places, frame.theme, grid.numbers);
  return grid.sheet;
}

function describeGrid({ canvas, letter, note, view, places, numbers, editable }) {
  const text = [view.note ?? "", numbers?.factor ?? ""].filter(Boolean).join(" ");
  if (note.textContent !== text) note.textContent = text;
  const change = editable ? "; type to change" : "";
  const label = `${view.about ?? letter}, ${places.rows} by ${places.columns}; arrow keys move${change}`;
  if (canvas.getAttribute("aria-label") !== label) canvas.setAttribute("aria-label", label);
}

// Arrays and functions are the same only if they are the same object; lists are compared by what they hold.
function sameView(old, view) {
  const names = old ? new Set([...Object.keys(old), ...Object.keys(view)]) : ["array"];
  const alike = (a, b) => a === b || (!a?.data && Array.isArray(a) && JSON.stringify(a) === JSON.stringify(b));
  return [...names].every((name) => alike(old?.[name], view[name]));
}

function boxInWindow({ canvas, places }, index) {
  const inside = places && cellBox(places, index);
  if (!inside) return null;
  const corner = canvas.getBoundingClientRect();
  const zoom = corner.width / places.width || 1;
  return { x: corner.left + inside.x * zoom, y: corner.top + inside.y * zoom, side: inside.side * zoom };
}

function centerInWindow(grid, index) {
  const box = boxInWindow(grid, index);
  return box && [box.x + box.side / 2, box.y + box.side / 2];
}

function listenToGrid(grid) {
  const { canvas } = grid;
  const under = (event) => cellAt(grid.places, event.offsetX, event.offsetY);
  const say = (what, ...rest) => grid.on[what]?.(...rest);
  let press = null;
  canvas.addEventListener("pointermove", (event) => {
    if (press && scrub(grid, press, event)) return;
    const index = under(event);
    canvas.classList.toggle("bp-over", !!index);
    if (!sameIndex(index, grid.pointed)) say("point", (grid.pointed = index));
  });
  canvas.addEventListener("pointerleave", () => {
    if (!press?.moved && grid.pointed) say("point", (grid.pointed = null));
  });
  canvas.addEventListener("pointerdown", (event) => {
    const index = event.button === 0 ? under(event) : null;
    press = index && { index, x: event.clientX, value: at(grid.view.array, index), moved: false };
    if (press && grid.editable) canvas.setPointerCapture(event.pointerId);
    if (index) grid.cursor = index;
  });
  canvas.addEventListener("pointerup", (event) => {
    const done = press;
    press = null;
    if (done?.moved) say("edit", done.index, done.last, true);
    else if (done && sameIndex(done.index, under(event))) say("click", done.index);
  });
  canvas.addEventListener("pointercancel", () => (press = null));
  canvas.addEventListener("dblclick", (event) => {
    const index = under(event);
    if (index && grid.editable) openEditor(grid, index, null);
  });
  canvas.addEventListener("focus", () => {
    if (!canvas.matches(":focus-visible")) return;
    grid.cursor ??= indexOf(grid.places, 0, 0, 0);
    say("point", (grid.pointed = clamped(grid)));
  });
  canvas.addEventListener("blur", () => grid.pointed && say("point", (grid.pointed = null)));
  canvas.addEventListener("keydown", (event) => pressKey(grid, event));
}

// The cursor, or the first cell where the grid has become smaller or another slice is shown.
function clamped(grid) {
  const there = grid.cursor && cellBox(grid.places, grid.cursor);
  const fits = there && grid.cursor.every((n, axis) => n < grid.view.array.shape[axis]);
  return fits ? grid.cursor : (grid.cursor = indexOf(grid.places, 0, 0, 0));
}

function scrub(grid, press, event) {
  const steps = Math.trunc((event.clientX - press.x) / STEP);
  if (!grid.editable || !Number.isFinite(press.value) || (!steps && !press.moved)) return false;
  const unit = Number.isInteger(press.value) ? 1 : 10 ** Math.floor(Math.log10(Math.abs(press.value) || 1) - 0.5);
  press.moved = true;
  const value = Number((press.value + steps * unit).toPrecision(12));
  if (value !== press.last) grid.on.edit?.(press.index, value, false);
  press.last = value;
  return true;
}

function pressKey(grid, event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const index = clamped(grid);
  const arrow = ARROWS[event.key];
  if (arrow) {
    grid.cursor = neighbourOf(grid.places, index, ...arrow);
    grid.on.point?.((grid.pointed = grid.cursor));
  } else if (event.key === "Enter" || event.key === " ") {
    grid.on.click?.(index);
  } else if (grid.editable && /^[0-9.,+\-−n]$/.test(event.key)) {
    openEditor(grid, index, event.key);
  } else {
    return; // Escape is the frame's, Tab the page's
  }
  event.preventDefault();
  event.stopPropagation();
}

export const cellText = (grid, index) => `${grid.letter}[${index.join(", ")}] is ${written(at(grid.view.array, index))}`;
