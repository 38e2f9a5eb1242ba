// Paper to draw a digit on, and what a network gets of it.

import { makeArray } from "./arrays.js";
import { makeSwitch } from "./controls.js";
import { prepareDigit } from "./digit.js";
import { setOption } from "./network.js";
import { element } from "./page.js";

const [FINER, BRUSH] = [3, 3.1]; // cells of the paper for a pixel of the image; the brush's radius in cells
const WRITING = 1800; // ms in which a page writes its digit

// The paper and its buttons, made when they are first wanted.
export function openPad(stage) {
  if (stage.paper) return;
  const { parts: { pad, ink }, controls, paperSize } = stage;
  stage.paper = makePaper(pad, paperSize, (done) => (done ? drawnAnew(stage) : stage.again()));
  controls.clear = makeSwitch(ink, { label: "clear", hint: "new paper", change: () => (clearPaper(stage.paper), drawnAnew(stage)) });
  controls.copy = makeSwitch(ink, { label: "copy", hint: "draw on a copy of the given image", change: () => (clearPaper(stage.paper), copyOntoPaper(stage.paper, stage.source.images.get(stage.index).image()), drawnAnew(stage)) });
  controls.prepared = makeSwitch(ink, { label: "prepare", hint: "cut out, scaled into 20×20, centred, as MNIST was; off: as it is drawn", change: (prepared) => (setOption(stage, { prepared }), drawnAnew(stage)) });
  if (stage.options.hand) writeByItself(stage);
}

// A digit that the page writes, for the eye to see where one draws; whoever presses on the paper begins anew.
// options.hand: strokes, lists of points [across, down] in parts of the paper's side, as far from each other as time passes.
function writeByItself(stage) {
  const { paper, frame, options: { hand } } = stage;
  const moves = hand.flatMap((stroke) => stroke.map((point, n) => [stroke[n - 1] ?? point, point].map((ends) => ends.map((part) => part * paper.side))));
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  let [done, start] = [0, null];
  paper.hand = frame.field.appendChild(element("div", "bp-hand", { "aria-hidden": "true" }));
  const write = (now) => {
    if (!paper.hand || frame.pending < 0) return;
    if (stage.network) start ??= now; // the maps follow the hand
    const [before, end] = [done, still ? moves.length : Math.ceil(moves.length * Math.min(1, (now - (start ?? now)) / WRITING))];
    for (; done < end; done += 1) strokeTo(paper, ...moves[done]);
    if (done === moves.length) {
      paper.hand.textContent = "draw here";
      return drawnAnew(stage);
    }
    if (done > before) stage.again();
    requestAnimationFrame(write);
  };
  requestAnimationFrame(write);
}

// Python gets what the network gets.
function drawnAnew(stage) {
  stage.again();
  stage.frame.tell("drawn", () => (stage.drawn ? Array.from(stage.drawn.image.data, (value) => Number(value.toFixed(6))) : null));
}

export function showDrawing({ controls, paper, drawn, prepared, parts, spots: { side }, frame: { theme } }) {
  controls.prepared.show(prepared);
  if (paper.hand) Object.assign(paper.hand.style, { top: `${side - 24}px`, width: `${side}px` });
  paintInk(paper.canvas, paper.ink, theme);
  paintStep(parts.cropped, drawn?.steps?.cropped, 40, theme);
  paintStep(parts.scaled, drawn?.steps?.scaled, 40, theme);
}

function makePaper(canvas, size, changed) {
  const side = FINER * size;
  Object.assign(canvas, { width: side, height: side, role: "img", ariaLabel: `paper, ${size} by ${size} pixels: draw a digit` });
  const paper = { size, side, canvas, ink: makeArray([side, side]) };
  let last = null;
  const place = (event) => [event.offsetX * (side / canvas.clientWidth), event.offsetY * (side / canvas.clientHeight)];
  const begin = (event) => {
    canvas.setPointerCapture(event.pointerId);
    if (paper.hand) clearPaper(paper);
    strokeTo(paper, (last = place(event)), last);
    changed(false);
  };
  Object.assign(canvas, {
    onpointerdown: (event) => event.button === 0 && begin(event),
    onpointermove: (event) => {
      if (event.buttons !== 1) return;
      if (!last) return begin(event); // pressed before the paper was there
      for (const point of event.getCoalescedEvents?.() ?? [event]) strokeTo(paper, last, (last = place(point)));
      changed(false);
    },
    onpointerup: () => last && ((last = null), changed(true)),
    onpointercancel: () => (last = null),
  });
  return paper;
}

// Ink along a line, with a soft edge.
function strokeTo({ side, ink }, [x0, y0], [x1, y1]) {
  const data = Float64Array.from(ink.data);
  const length = Math.hypot(x1 - x0, y1 - y0);
  const span = (a, b) => [Math.max(0, Math.floor(Math.min(a, b) - BRUSH - 1)), Math.min(side - 1, Math.ceil(Math.max(a, b) + BRUSH + 1))];
  const [[left, right], [top, bottom]] = [span(x0, x1), span(y0, y1)];
  for (let i = top; i <= bottom; i += 1) {
    for (let j = left; j <= right; j += 1) {
      const [dx, dy] = [j + 0.5 - x0, i + 0.5 - y0];
      const part = length ? Math.min(1, Math.max(0, (dx * (x1 - x0) + dy * (y1 - y0)) / length ** 2)) : 0;
      const distance = Math.hypot(dx - part * (x1 - x0), dy - part * (y1 - y0));
      data[i * side + j] = Math.max(data[i * side + j], Math.min(1, Math.max(0, BRUSH + 0.5 - distance)));
    }
  }
  ink.data.set(data);
}

function clearPaper(paper) {
  paper.ink.data.fill(0);
  paper.hand = paper.hand?.remove(); // what the reader draws is the reader's
}

// An image of the data, to be drawn on.
export function copyOntoPaper({ ink, side, size }, { data }) {
  ink.data.forEach((_, n) => (ink.data[n] = Math.min(1, Math.max(0, data[Math.floor(Math.floor(n / side) / FINER) * size + Math.floor((n % side) / FINER)]))));
}

// → { image, steps }: prepared as MNIST was, or only reduced; null while nothing is drawn.
export function imageOnPaper({ ink, side, size }, prepared) {
  if (!ink.data.some((value) => value > 0)) return null;
  if (prepared) {
    const steps = prepareDigit(ink, { size, box: Math.max(1, Math.round((size * 20) / 28)) });
    return { image: steps.image, steps };
  }
  const image = makeArray([size, size, 1]);
  ink.data.forEach((value, n) => (image.data[Math.floor(Math.floor(n / side) / FINER) * size + Math.floor((n % side) / FINER)] += value / FINER ** 2));
  return { image, steps: null };
}

// Ink as the theme has it, at the size of the array, scaled by the page.
function paintInk(canvas, { shape: [rows, columns], data }, { ramps }) {
  Object.assign(canvas, { width: columns, height: rows });
  const picture = new ImageData(columns, rows);
  data.forEach((value, n) => picture.data.set([...ramps.digit[Math.round(256 * value)], 255], 4 * n));
  canvas.getContext("2d").putImageData(picture, 0, 0);
}

// A step of the preparation, as large as fits a square.
function paintStep(canvas, array, room, theme) {
  canvas.hidden = !array;
  if (!array) return;
  paintInk(canvas, array, theme);
  const scale = room / Math.max(...array.shape);
  canvas.style.width = `${Math.max(1, array.shape[1] * scale)}px`;
  canvas.style.height = `${Math.max(1, array.shape[0] * scale)}px`;
}
