// What flies: cells and windows over the stage, the numbers of a written sum.

import { colorOf, inkOn } from "./colors.js";
import { boxOf } from "./grid.js";
import { element, written } from "./page.js";

// Cells travel over the stage, [{ from, to, value, scale, role }], from box to box (of boxOf); a size is that of many
// cells: a window slides. At once where motion is reduced.
export async function flyOver(frame, flights, duration = 550) {
  frame.land?.();
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) return;
  const { theme: { ramps }, field } = frame;
  const flyers = flights.filter(({ from, to }) => from && to).map(({ from, to, value, scale, role, size: [rows, columns] = [1, 1] }) => {
    const flyer = element("span", `bp-flyer bp-mark-${role}`, {}, scale ? written(value) : "");
    const rgb = scale && colorOf(scale, value, ramps);
    if (rgb) Object.assign(flyer.style, { background: `rgb(${rgb})`, color: inkOn(rgb) });
    field.append(flyer);
    const frames = [from, to].map(({ x, y, side }) => ({
      left: `${x}px`, top: `${y}px`, width: `${columns * side}px`, height: `${rows * side}px`, fontSize: `${side * 0.36}px`, lineHeight: `${side - 4}px`,
    }));
    return { flyer, motion: flyer.animate(frames, { duration, easing: "ease-in-out" }) };
  });
  frame.land = () => flyers.forEach(({ motion }) => motion.finish());
  await Promise.allSettled(flyers.map(({ motion }) => motion.finished));
  flyers.forEach(({ flyer }) => flyer.remove());
}

// The numbers of the written sum come from their cells: flights for flyOver, once the sum has been drawn.
export function sumFlights(frame) {
  const corner = frame.field.getBoundingClientRect();
  return (frame.arriving ?? []).map(([made, { value, role, cell: [name, index] }]) => {
    const { left, top, height } = made.getBoundingClientRect();
    const to = { x: left - corner.left, y: top - corner.top, side: height };
    return { from: boxOf(frame.grids[name], index), to, value, scale: frame.grids[name]?.view?.scale, role };
  });
}
