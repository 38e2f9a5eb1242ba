// The frame of every stage: its parts, one drawing per frame, theme, size, reduced motion, what a screen reader hears.
//
//   const frame = makeFrame(el, { composition, about, draw, handle });
//   frame.root      .bp-stage[data-composition][data-drawn]; root.bpStage = { state(), cellCenter(name, index), sumText() }
//   frame.bar, frame.sum, frame.field, frame.legend       the parts, from top to bottom: put controls and grids into them
//   frame.request()          draw once, in the next animation frame; draw(frame) is called with everything measured
//   frame.animate(ms, (t) => …)  → Promise    t from 0 to 1, eased; at once where motion is reduced; the next one ends it
//   frame.width, frame.stacked, frame.ratio, frame.still (reduced motion)
//   frame.theme              { dark, ink, soft, ground, hair, font, digit }
//   frame.say(text)          for screen readers: after a pause, and only what is new
//   frame.room()             the height that is left for the field: measured again when frame.barHolds has changed
//   frame.listen(target, type, handler), frame.onDispose(f), frame.dispose()
// handle: { state: () => anything, grids: { dx: grid }, escape: () => … }

import { isDark } from "./colors.js";
import { makeElement } from "./page.js";

const HIGHEST = 640; // pixels: what JupyterLab shows at 1280×800
const STACKED = 480; // below this width one thing stands under the other
const [ZOOMED, SEEN] = [700, 330]; // at 150 % the sum and the field are seen together
const LEGEND = 48; // two lines, also while there is one

export function makeFrame(el, { composition, about, draw, handle }) {
  const root = makeElement("div", "bp-stage", el, {
    role: "group", "aria-label": about, "data-composition": composition, "data-drawn": "0", "data-lm-suppress-shortcuts": "true",
  });
  const frame = { root, still: false, ratio: 1, width: 0, theme: null, ends: [], about };
  for (const part of ["bar", "sum", "field", "legend"]) frame[part] = makeElement("div", `bp-${part}`, root);
  frame.sum.setAttribute("aria-hidden", "true");
  frame.live = makeElement("div", "bp-live", root, { role: "status" });
  Object.assign(frame, {
    onDispose: (end) => frame.ends.push(end),
    listen: (target, type, handler) => {
      target.addEventListener(type, handler);
      frame.ends.push(() => target.removeEventListener(type, handler));
    },
    request: () => requestDrawing(frame, draw),
    animate: (time, step) => animateFrame(frame, time, step),
    say: (text) => sayLater(frame, text),
    room: () => roomLeft(frame),
    dispose: () => {
      frame.gone = true;
      for (const end of frame.ends) end();
      root.remove();
    },
  });
  watchPage(frame);
  listenForEscape(frame, handle);
  root.bpStage = {
    state: handle.state,
    cellCenter: (name, index) => handle.grids[name]?.center(index) ?? null,
    sumText: () => frame.sum.textContent.replace(/\s+/g, " ").trim(),
  };
  return frame;
}

function requestDrawing(frame, draw) {
  if (frame.pending || frame.gone) return;
  frame.pending = requestAnimationFrame(() => {
    frame.pending = 0;
    if (frame.gone || !frame.width) return;
    draw(frame);
    frame.root.dataset.drawn = String(Number(frame.root.dataset.drawn) + 1);
  });
}

// Light or dark, and the fonts: what the page has made of the style sheet's variables.
function readTheme(frame) {
  const style = getComputedStyle(frame.root);
  const read = (name) => style.getPropertyValue(name).trim();
  const theme = {
    dark: isDark(style.color), ink: style.color, soft: getComputedStyle(frame.legend).color,
    font: style.fontFamily, ground: read("--bp-page"), hair: read("--bp-hair"), digit: digitWidth(style.fontFamily),
  };
  if (JSON.stringify(theme) === JSON.stringify(frame.theme)) return;
  frame.theme = theme;
  frame.root.classList.toggle("bp-dark", theme.dark);
  frame.request();
}

// The width of a digit, in the size of its type.
function digitWidth(font) {
  const context = document.createElement("canvas").getContext("2d");
  context.font = `100px ${font}`;
  return context.measureText("0").width / 100;
}

function watchPage(frame) {
  const again = () => {
    frame.ratio = Math.max(1, devicePixelRatio || 1);
    readTheme(frame);
    frame.request();
  };
  const sizes = new ResizeObserver(([{ contentRect }]) => {
    if (!contentRect.width || Math.abs(contentRect.width - frame.width) < 1) return;
    frame.width = contentRect.width;
    frame.stacked = frame.width < STACKED;
    frame.root.classList.toggle("bp-stacked", frame.stacked);
    again();
  });
  const themes = new MutationObserver(again);
  const watched = { attributes: true, attributeFilter: ["class", "data-theme", "data-jp-theme-name", "data-jp-theme-light", "data-vscode-theme-kind"] };
  themes.observe(document.documentElement, watched);
  themes.observe(document.body, watched);
  sizes.observe(frame.root);
  frame.onDispose(() => (sizes.disconnect(), themes.disconnect()));
  frame.listen(window, "resize", again);
  frame.listen(matchMedia("(prefers-color-scheme: dark)"), "change", again);
  // A theme's style sheet may come long after its name: the text's colour has a transition of 1 ms, whose end tells.
  frame.listen(frame.root, "transitionend", (event) => event.target === frame.root && again());
  const motion = matchMedia("(prefers-reduced-motion: reduce)");
  const rest = () => (frame.still = motion.matches);
  frame.listen(motion, "change", rest);
  rest();
}

function listenForEscape(frame, handle) {
  frame.listen(frame.root, "keydown", (event) => {
    if (event.key !== "Escape") return;
    handle.escape?.();
    event.preventDefault();
    event.stopPropagation();
  });
}

function animateFrame(frame, time, step) {
  frame.cut?.();
  if (frame.still || frame.gone) return Promise.resolve(step(1));
  return new Promise((resolve) => {
    const begun = performance.now();
    let running = true;
    frame.cut = () => {
      if (!running) return;
      running = false;
      frame.cut = null;
      step(1);
      resolve();
    };
    const tick = (now) => {
      if (!running) return;
      const t = Math.min(1, Math.max(0, (now - begun) / time));
      if (t >= 1 || frame.gone) return frame.cut();
      step(t * t * (3 - 2 * t));
      requestAnimationFrame(tick);
    };
    requestAnimationFrame(tick);
  });
}

function sayLater(frame, text) {
  clearTimeout(frame.saying);
  frame.saying = setTimeout(() => {
    if (!frame.gone && frame.live.textContent !== text) frame.live.textContent = text;
  }, 250);
}

// What the bar, the sum and the legend leave of the height; a narrow stage stands as high as it has to.
function roomLeft(frame) {
  if (frame.stacked) return Infinity;
  const key = `${frame.width} ${frame.barHolds ?? ""} ${frame.theme.font}`;
  if (frame.roomFor !== key) Object.assign(frame, { roomFor: key, taken: frame.bar.offsetHeight + frame.sum.offsetHeight });
  const taken = frame.taken + LEGEND + 30;
  return Math.min(HIGHEST - taken, frame.width < ZOOMED ? SEEN : Infinity);
}
