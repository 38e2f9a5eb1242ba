// The frame of every stage: its parts, one drawing an animation frame, theme and size, Python, a screen reader.
// What a composition gets and gives: contributing/stages.md.

import { inkOn, rampOf } from "./colors.js";
import { cleared, element } from "./page.js";

const INKS = ["here", "input", "weight", "output", "bias", "moved"];

// `stage`: { held, pointed }, and from now on { frame }; it is what `draw` gets.
export function makeFrame(stage, el, link, { composition, about, draw, escape = () => hold(stage, null), hear = {} }) {
  const parts = Object.fromEntries(["bar", "sum", "field", "legend"].map((part) => [part, element("div", `bp-${part}`)]));
  const live = element("div", "bp-live", { role: "status" });
  const root = element("div", "bp-stage", {
    role: "group", "aria-label": about, "data-composition": composition, "data-drawn": "0", "data-lm-suppress-shortcuts": "true",
  }, ...Object.values(parts), live);
  const frame = {
    ...parts, root, cover: element("canvas", "bp-cover"), covered: { width: 1, height: 1 }, grids: {}, late: {}, ends: [], untold: new Map(), width: 0, barHeight: 0,
    request: () => requestDrawing(frame, () => draw(stage)),
    // Where marks are painted: who asks for it paints, and it is cleared before the next drawing.
    get over() {
      frame.marked = true;
      return frame.cover.getContext("2d");
    },
    // Python hears of many changes in a row only the last, and when the page is at rest: its answer costs a frame.
    tell: (name, value) => {
      frame.untold.set(name, value);
      later(frame, "telling", 200, () => tellNow(frame, link));
    },
    say: (text) => later(frame, "saying", 250, () => (live.textContent = text)),
    dispose: () => {
      cancelAnimationFrame(frame.pending);
      frame.pending = -1;
      tellNow(frame, link);
      for (const end of frame.ends) end();
      root.remove();
    },
  };
  root.bpStage = { stage, cellCenter: (name, index) => frame.grids[name]?.centerOf(index) ?? null, sumText: () => frame.sum.textContent.replace(/\s+/g, " ") };
  root.onkeydown = (event) => hearKey(event, escape);
  const heard = { selected: (spot) => (stage.held = spot), ...hear };
  for (const [name, listener] of Object.entries(heard)) frame.ends.push(link.on(name, (value) => (listener(value), frame.request())));
  el.append(root);
  watchPage(frame);
  return (stage.frame = frame);
}

// What a first picture does without: imported by the first drawing that asks, null until it is here and drawn.
export function whenHere({ late, request }, name, imported) {
  if (!(name in late)) {
    late[name] = null;
    imported().then((module) => ((late[name] = module), request()), (error) => {
      delete late[name];
      throw error;
    });
  }
  return late[name];
}

// Hold what was clicked, or let it go: clicked again, or null. `stage`: { frame, held, pointed }.
export function hold(stage, spot) {
  stage.held = spot && JSON.stringify(spot) !== JSON.stringify(stage.held) ? spot : null;
  if (!stage.held) stage.pointed = null;
  stage.frame.tell("selected", stage.held);
  stage.frame.request();
}

// What is not there any more is neither held nor pointed at.
export function keepInside(stage, shapeOf) {
  for (const name of ["held", "pointed"]) {
    const shape = stage[name] && shapeOf(stage[name]);
    if (shape && stage[name].index.some((n, axis) => n >= shape[axis])) stage[name] = null;
  }
}

// Plain keys end here: to JupyterLab an arrow on a slider or a letter on a button is a command for the notebook.
function hearKey(event, escape) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
  event.stopPropagation();
  if (event.key !== "Escape") return;
  escape?.();
  event.preventDefault();
}

// Drawn at once, so that the next frame shows it; what is asked for after that, in the frame itself.
function requestDrawing(frame, draw) {
  frame.stale = true;
  if (frame.pending) return;
  frame.pending = requestAnimationFrame(() => {
    frame.pending = 0;
    if (frame.stale) drawNow(frame, draw);
    if (frame.width) frame.root.dataset.drawn = Number(frame.root.dataset.drawn) + 1;
  });
  queueMicrotask(() => frame.stale && drawNow(frame, draw));
}

function drawNow(frame, draw) {
  frame.stale = false;
  if (!frame.width || frame.pending < 0) return;
  if (frame.marked) cleared(frame.cover, frame.covered, frame.theme);
  frame.marked = false;
  draw();
}

// The height of the field, and of the canvas for the marks over all of it.
export function coverField(frame, height) {
  frame.covered = { width: frame.width, height };
  frame.field.style.height = `${height}px`;
  cleared(frame.cover, frame.covered, frame.theme);
}

// Colours and fonts: what the page has made of the style sheet's variables.
function readTheme(frame) {
  const style = getComputedStyle(frame.root);
  const read = (name) => style.getPropertyValue(`--bp-${name}`).trim();
  frame.root.classList.toggle("bp-dark", inkOn(style.color.match(/[\d.]+/g).map(Number)) === "#000");
  const measure = frame.cover.getContext("2d");
  measure.font = `100px ${style.fontFamily}`;
  const ramps = Object.fromEntries(["value", "signed", "digit"].map((name) => [name, rampOf(read(name).split(" "))]));
  frame.theme = {
    ramps, inks: Object.fromEntries(INKS.map((name) => [name, read(name)])), paper: ramps.digit[0], soft: read("soft"), ground: read("page"),
    hair: read("hair"), font: style.fontFamily, digit: measure.measureText("0").width / 100, ratio: Math.max(1, devicePixelRatio),
  };
  frame.request();
}

function watchPage(frame) {
  const { root, bar, ends } = frame;
  const sizes = new ResizeObserver(() => {
    const [width, barHeight] = [root.clientWidth - 4, bar.offsetHeight];
    if (width <= 0 || (width === frame.width && barHeight === frame.barHeight)) return;
    if (width !== frame.width) frame.sum.style.height = frame.summed = "";
    Object.assign(frame, { width, barHeight, longSum: Infinity, stacked: width < 480, narrow: width < 690 });
    for (const name of ["stacked", "narrow"]) root.classList.toggle(`bp-${name}`, frame[name]);
    readTheme(frame);
  });
  sizes.observe(root);
  sizes.observe(bar);
  const again = () => readTheme(frame);
  addEventListener("resize", again); // of the window: a zoom
  // A theme is a page's attribute, and its style sheet may come long after: the text's colour has a transition.
  const themes = new MutationObserver(again);
  for (const page of [document.documentElement, document.body]) themes.observe(page, { attributes: true });
  root.ontransitionend = ({ target }) => target === root && again();
  ends.push(() => sizes.disconnect(), () => themes.disconnect(), () => removeEventListener("resize", again));
}

// Of many calls in a row only the last acts, when all is at rest.
function later(frame, name, wait, act) {
  clearTimeout(frame[name]);
  frame[name] = setTimeout(act, wait);
}

function tellNow({ untold }, link) {
  for (const [name, value] of untold) link.set(name, typeof value === "function" ? value() : value);
  untold.clear();
}
