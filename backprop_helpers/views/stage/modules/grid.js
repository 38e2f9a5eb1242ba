// A grid of numbers under pointer, touch and keyboard; numbers can be typed over, scrubbed or painted. Views and events:
// contributing/stages.md.

import { at } from "./arrays.js";
import { whenHere } from "./frame.js";
import { fitNumbers, paintCells } from "./grid_paint.js";
import { cellAt, gridPlaces, middleOf, sameIndex, TITLE } from "./grid_places.js";
import { cleared, element } from "./page.js";

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

// Cells are painted where something in them has changed; marks in every frame, on the canvas over all grids.
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
  grid.note.textContent = [note, numbers?.factor].filter(Boolean).join(" ");
  canvas.ariaLabel = `${about ?? grid.letter}, ${places.rows} by ${places.columns}; arrow keys move${grid.on.edit ? "; type to change" : ""}`;
  if (!fade && !marks.some(({ cells }) => cells.length) && !frames.length) return;
  const { over } = frame;
  over.translate(grid.left, grid.top + TITLE);
  marker(over, view, places, theme);
  over.translate(-grid.left, -grid.top - TITLE);
}

// Arrays and functions are the same only if they are the same object; lists are compared by what they hold.
function sameCells(old, cells) {
  const alike = (a, b) => a === b || (!a?.data && typeof a === "object" && JSON.stringify(a) === JSON.stringify(b));
  return !!old && Object.keys({ ...old, ...cells }).every((name) => alike(old[name], cells[name]));
}

// The keyboard, typing and scrubbing come with the first focus or press.
function listenToGrid(frame, grid) {
  const { canvas, on } = grid;
  const keys = () => whenHere(frame, "keys", () => import("./grid_keys.js"));
  const under = (event) => cellAt(grid.places, event.offsetX, event.offsetY);
  const point = (index) => sameIndex(index, grid.pointed) || on.point?.((grid.pointed = index));
  let press = null;
  Object.assign(canvas, {
    onpointermove: (event) => {
      const index = under(event);
      if (press && on.paint && index && !sameIndex(index, press.over)) on.paint((press.over = index), false);
      if (press && (on.paint || (on.edit && keys()?.scrub(on, press, event)))) return;
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
