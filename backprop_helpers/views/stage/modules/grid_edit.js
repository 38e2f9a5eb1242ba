// A number is typed over in place: an input over its cell. Enter keeps it, Escape does not, leaving keeps what is a number.

import { at } from "./arrays.js";
import { cellBox } from "./grid_places.js";
import { parseNumber, written } from "./numbers.js";
import { makeElement } from "./page.js";

export function openEditor(grid, index, typed) {
  const { x, y, side } = cellBox(grid.places, index);
  const wide = Math.max(side, 44);
  const value = at(grid.view.array, index);
  const input = makeElement("input", "bp-edit", grid.place, {
    type: "text", inputmode: "decimal", autocomplete: "off", "aria-label": `new value of ${grid.letter}[${index.join(", ")}]`,
  });
  Object.assign(input.style, { left: `${x + side / 2 - wide / 2}px`, top: `${y}px`, width: `${wide + 1}px`, height: `${side + 1}px` });
  input.value = typed ?? written(value, Number.isInteger(value) ? 0 : null);
  let open = true;
  const close = (keep) => {
    const number = keep ? parseNumber(input.value) : null;
    if (!open) return;
    open = false;
    const focused = document.activeElement === input;
    input.remove();
    if (focused) grid.canvas.focus();
    if (number !== null && number !== value) grid.on.edit?.(index, number, true);
  };
  input.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (event.key === "Escape") close(false);
    if (event.key !== "Enter") return;
    if (parseNumber(input.value) === null) input.setAttribute("aria-invalid", "true");
    else close(true);
  });
  input.addEventListener("input", () => input.removeAttribute("aria-invalid"));
  input.addEventListener("blur", () => close(true));
  input.focus();
  if (typed === null) input.select();
}
