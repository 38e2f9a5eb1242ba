// What flies: small copies of cells that travel over the stage from one grid to another.
//
//   fly(frame, [{ from: box, to: box, cells: [{ row, column, color, text }], role }], time, also(t)) → Promise
//     box: { x, y, side } in the window (grid.box(index)); cells lie around it, in its side; pointer and layout do not notice.

import { inkOn } from "./colors.js";
import { strokeRole } from "./grid_paint.js";
import { makeElement } from "./page.js";

function canvasOver(frame) {
  const corner = frame.root.getBoundingClientRect();
  const canvas = makeElement("canvas", "bp-flight", frame.root, { "aria-hidden": "true" });
  canvas.width = Math.round(corner.width * frame.ratio);
  canvas.height = Math.round(corner.height * frame.ratio);
  const context = canvas.getContext("2d");
  context.scale(frame.ratio, frame.ratio);
  context.textAlign = "center";
  context.textBaseline = "middle";
  return { canvas, context, corner };
}

export async function fly(frame, flights, time = 550, also = () => {}) {
  if (frame.still) return;
  frame.cut?.();
  const { canvas, context, corner } = canvasOver(frame);
  const flying = flights.filter(({ from, to }) => from && to);
  await frame.animate(time, (t) => {
    also(t);
    context.clearRect(0, 0, corner.width, corner.height);
    if (t < 1) for (const flight of flying) paintFlight(context, frame, flight, t, corner);
  });
  canvas.remove();
}

function paintFlight(context, frame, { from, to, cells, role }, t, corner) {
  const mix = (a, b) => a + (b - a) * t;
  const side = mix(from.side, to.side);
  const [x, y] = [mix(from.x, to.x) - corner.left, mix(from.y, to.y) - corner.top - Math.sin(Math.PI * t) * 14];
  context.globalAlpha = 0.82;
  for (const { row, column, color, text } of cells) {
    const [left, top] = [x + column * side, y + row * side];
    context.fillStyle = color;
    context.fillRect(left, top, side, side);
    strokeRole(context, role, frame.theme, { x: left, y: top, side });
    if (side < 15) continue;
    context.fillStyle = inkOn(color);
    context.font = `${Math.min(side * 0.4, (side - 3) / (frame.theme.digit * text.length))}px ${frame.theme.font}`;
    context.fillText(text, left + side / 2, top + side / 2 + 1);
  }
  context.globalAlpha = 1;
}
