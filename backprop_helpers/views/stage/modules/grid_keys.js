// A grid under the keyboard; its numbers typed over and scrubbed.

import { at } from "./arrays.js";
import { cellAt, cellBox, indexOf, middleOf, neighbourOf, TITLE } from "./grid.js";
import { element, readNumber, written } from "./page.js";

const ARROWS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
const STEP = 9; // pixels of a drag for one step of a number

// A pressed pointer that moves scrubs the number it was pressed on; whether it does.
export function scrub(on, press, event) {
  const steps = Math.trunc((event.clientX - press.x) / STEP);
  if (!Number.isFinite(press.value) || (!steps && !press.moved)) return false;
  const unit = Number.isInteger(press.value) ? 1 : 10 ** Math.floor(Math.log10(Math.abs(press.value)) - 0.5);
  const value = Number((press.value + steps * unit).toPrecision(12));
  press.moved = true;
  if (value !== press.last) on.edit(press.index, (press.last = value), false);
  return true;
}

// Where the keyboard is; the first cell where the grid has become smaller or another slice is shown.
export function cursorOf(grid) {
  const { cursor, places } = grid;
  const middle = cursor && middleOf(places, cursor);
  return (grid.cursor = (middle && cellAt(places, ...middle)) ?? indexOf(places, 0, 0, 0));
}

export function pressKey(grid, event, point) {
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
export function openEditor({ places, view, letter, on, root, canvas }, index, typed) {
  const { x, y, side } = cellBox(places, index);
  const place = `left: ${x + side / 2 - 24}px; top: ${y + TITLE}px; width: 49px; height: ${side + 1}px`;
  const name = `${letter}[${index.join(", ")}]`;
  typeOver(root, canvas, { name, value: at(view.array, index), typed, place, keep: (number) => on.edit(index, number, true) });
}

// Typing over a number.

// Keys that begin to type over a number.
export const TYPED = /^[0-9.,+\-−n]$/;

// An input in `parent`: Enter keeps what was typed, Escape does not, leaving keeps it if it is a number. `back` gets the
// focus again; `typed` is the key it began with, or null.
export function typeOver(parent, back, { name, value, typed, place = "", keep }) {
  const input = element("input", "bp-edit", { inputmode: "decimal", "aria-label": `new value of ${name}`, style: place });
  input.value = typed ?? written(value);
  const close = (number) => {
    input.onblur = null;
    input.remove();
    if (number !== null && !Object.is(number, value)) keep(number);
  };
  input.onblur = () => close(readNumber(input.value));
  input.onkeydown = (event) => {
    event.stopPropagation();
    const number = readNumber(input.value);
    const refused = event.key === "Enter" && number === null;
    input.ariaInvalid = refused ? "true" : null;
    if (refused || !["Enter", "Escape"].includes(event.key)) return;
    close(event.key === "Enter" ? number : null);
    back.focus();
  };
  parent.append(input);
  input.focus();
  if (typed === null) input.select();
}
