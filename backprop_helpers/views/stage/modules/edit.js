// Typing over a number.

import { element, readNumber, written } from "./page.js";

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
