// A grid of numbers under pointer, touch and keyboard; numbers can be typed over, scrubbed or painted. Views and events:
// contributing/stages.md.

import { at } from "./arrays.js";
import { TYPED, typeOver } from "./edit.js";
import { fitNumbers, paintCells, paintMarks } from "./grid_paint.js";
import { cellAt, cellBox, gridPlaces, indexOf, middleOf, neighbourOf, sameIndex, TITLE } from "./grid_places.js";
import { cleared, element } from "./page.js";

const ARROWS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
const STEP = 9; // pixels of a drag for one step of a number

export function makeGrid(frame, { name, letter, on }) {
  const canvas = element("canvas", on.edit || on.paint ? "bp-editable" : "", { tabindex: "0", role: "application", "aria-roledescription": "grid of numbers" });
  const note = element("span", "bp-note");
  const root = element("div", "bp-grid", { "data-name": name }, element("div", "bp-grid-title", {}, element("b", "bp-letter", {}, letter), note), canvas);
  const grid = { name, letter, on, root, canvas, note, left: 0, top: 0 };
  grid.draw = (view) => drawGrid(frame, grid, view);
  listenToGrid(grid);
  grid.centerOf = (index) => {
    const middle = grid.places && middleOf(grid.places, index);
    const { left, top } = canvas.getBoundingClientRect();
    return middle && [left + middle[0], top + middle[1]];
  };
  return (frame.grids[name] = grid);
}

// Cells are painted where something in them has changed; marks in every frame, on the canvas over all grids.
function drawGrid(frame, grid, view) {
  const { theme } = frame;
  const { marks = [], frames = [], fade, badge, note, about, ...cells } = view;
  grid.view = view;
  if (grid.theme !== theme || !sameCells(grid.cells, cells)) {
    const places = gridPlaces(view);
    Object.assign(grid, { cells, theme, places, numbers: fitNumbers(view, places, theme) });
    paintCells(cleared(grid.canvas, places, theme), view, places, theme, grid.numbers);
  }
  const { canvas, places, numbers } = grid;
  grid.note.textContent = [note, numbers?.factor].filter(Boolean).join(" ");
  canvas.ariaLabel = `${about ?? grid.letter}, ${places.rows} by ${places.columns}; arrow keys move${grid.on.edit ? "; type to change" : ""}`;
  if (!fade && !marks.some(({ cells }) => cells.length) && !frames.length) return;
  const { over } = frame;
  over.translate(grid.left, grid.top + TITLE);
  paintMarks(over, view, places, theme);
  over.translate(-grid.left, -grid.top - TITLE);
}

// Arrays and functions are the same only if they are the same object; lists are compared by what they hold.
function sameCells(old, cells) {
  const alike = (a, b) => a === b || (!a?.data && typeof a === "object" && JSON.stringify(a) === JSON.stringify(b));
  return !!old && Object.keys({ ...old, ...cells }).every((name) => alike(old[name], cells[name]));
}

function listenToGrid(grid) {
  const { canvas, on } = grid;
  const under = (event) => cellAt(grid.places, event.offsetX, event.offsetY);
  const point = (index) => sameIndex(index, grid.pointed) || on.point?.((grid.pointed = index));
  let press = null;
  Object.assign(canvas, {
    onpointermove: (event) => {
      const index = under(event);
      if (press && dragOver(grid, press, event, index)) return;
      canvas.classList.toggle("bp-over", !!index);
      point(index);
    },
    onpointerleave: () => press?.moved || point(null),
    onpointerdown: (event) => {
      const index = event.button === 0 ? under(event) : null;
      press = index && { index, x: event.clientX, value: at(grid.view.array, index), over: index };
      if (!index) return;
      grid.cursor = index;
      if (on.edit || on.paint) canvas.setPointerCapture(event.pointerId);
      on.paint?.(index, true);
    },
    onpointerup: (event) => {
      if (press?.moved) on.edit(press.index, press.last, true);
      else if (press && sameIndex(press.index, under(event))) on.click?.(press.index);
      press = null;
    },
    onpointercancel: () => (press = null),
    ondblclick: (event) => on.edit && under(event) && openEditor(grid, under(event), null),
    onfocus: () => canvas.matches(":focus-visible") && point(cursorOf(grid)),
    onblur: () => point(null),
    onkeydown: (event) => pressKey(grid, event, point),
  });
}

// A pressed pointer that moves paints, or scrubs the number it was pressed on.
function dragOver({ on }, press, event, index) {
  if (on.paint && index && !sameIndex(index, press.over)) on.paint((press.over = index), false);
  const steps = Math.trunc((event.clientX - press.x) / STEP);
  if (!on.edit || !Number.isFinite(press.value) || (!steps && !press.moved)) return !!on.paint;
  const unit = Number.isInteger(press.value) ? 1 : 10 ** Math.floor(Math.log10(Math.abs(press.value)) - 0.5);
  const value = Number((press.value + steps * unit).toPrecision(12));
  press.moved = true;
  if (value !== press.last) on.edit(press.index, (press.last = value), false);
  return true;
}

// Where the keyboard is; the first cell where the grid has become smaller or another slice is shown.
function cursorOf(grid) {
  const { cursor, places } = grid;
  const middle = cursor && middleOf(places, cursor);
  return (grid.cursor = (middle && cellAt(places, ...middle)) ?? indexOf(places, 0, 0, 0));
}

function pressKey(grid, event, point) {
  const { key } = event;
  const index = cursorOf(grid);
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (ARROWS[key]) point((grid.cursor = neighbourOf(grid.places, index, ARROWS[key])));
  else if (key === "Enter" || key === " ") grid.on.click?.(index);
  else if (grid.on.edit && TYPED.test(key)) openEditor(grid, index, key);
  else return; // Escape is the frame's, Tab the page's
  event.preventDefault();
  event.stopPropagation();
}

// An input over the cell.
function openEditor({ places, view, letter, on, root, canvas }, index, typed) {
  const { x, y, side } = cellBox(places, index);
  const place = `left: ${x + side / 2 - 24}px; top: ${y + TITLE}px; width: 49px; height: ${side + 1}px`;
  const name = `${letter}[${index.join(", ")}]`;
  typeOver(root, canvas, { name, value: at(view.array, index), typed, place, keep: (number) => on.edit(index, number, true) });
}
