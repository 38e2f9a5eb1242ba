/* MatrixView in the browser: draws what the model says and reports where the pointer, the keyboard's cursor and
 * the brush are. Nothing here knows what a layer is.
 *
 * A plain ES module: no build step, no import, no request. `render({ model, el })` needs of the model only
 * get, set, on, off and save_changes, so that a page without a kernel can drive it with an object like
 *
 *     const state = { _shape: [2, 2], _data: new DataView(new Float64Array([1, 2, 3, 4]).buffer), ... };
 *     const listeners = {};
 *     const model = {
 *       get: (name) => state[name],
 *       set: (name, value) => { state[name] = value; (listeners[`change:${name}`] ?? []).forEach((f) => f()); },
 *       on: (event, f) => (listeners[event] ??= []).push(f),
 *       off: (event, f) => { listeners[event] = (listeners[event] ?? []).filter((g) => g !== f); },
 *       save_changes: () => {},  // here the page looks up the state for model.get("hovered")
 *     };
 *
 * The state is what `MatrixView.get_state()` returns in Python: the names below, `_data` as float64.
 *
 * For tests and benchmarks the root element carries data attributes: data-hovered, data-selected, data-pinned
 * ("1,2" or ""), data-highlights (JSON), data-numbers ("true" when numbers are drawn), data-drawn (counts
 * redraws), data-strokes, data-geometry (JSON: where the cells are, in CSS pixels from the canvas's corner).
 */

const WATCHED = [
  "_data", "_shape", "_scale", "_texts", "_text_size", "_unit", "_cell", "_groups", "_described", "_kind",
  "_colors", "_row_labels", "_col_labels", "_channel_titles", "_indices", "_paint",
  "title", "note", "error", "description", "hovered", "selected", "pinned", "tool", "brush", "strokes",
];
const OVERLAY_ONLY = new Set(["_groups", "hovered", "selected", "pinned"]);
const CHROME_ONLY = new Set(["note", "error", "tool", "brush", "strokes", "description"]);

const GAP = 16; // CSS pixels between two channels
const SMALL_GAP = 4; // between small maps without titles
const MAX_WIDTH = 1160; // channels that do not fit go to the next line
const PAD = 4; // room for outlines at the edge
const LABEL_SIZE = 12;
const LABEL_CHARACTER = 7.3; // an estimate, so that the layout is the same on every machine
const LONGEST_LABEL = 150;
const INDEXED_CELL = 9; // smaller cells get no indices
const GRID_CELL = 9; // smaller cells get no lines between them
const HATCHED_CELL = 5;
const NAMED_CELL = 26; // NaN is written in cells of this size, whatever the numbers do
const LINE_HEIGHT = 21;
const NARROW = 400; // below, the legend has two lines of its own
const SMALLEST_WIDTH = 112;
const WIDEST_TITLE = 420;
const SPEAK_AFTER = 200; // ms: a screen reader hears where the cursor stays, not where it passes
const INK = "#1a1a1a";
const CORNERS = [[0, 0], [1, 0], [0, 1], [1, 1]]; // where the texts of the first, second… group go

const same = (a, b) =>
  a === b || (Array.isArray(a) && Array.isArray(b) && a.length === b.length && a.every((x, i) => x === b[i]));
const clamp = (x, low, high) => Math.min(high, Math.max(low, x));

function make(tag, className, parent, attributes = {}) {
  const node = document.createElement(tag);
  node.className = className;
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  parent?.append(node);
  return node;
}

// ------------------------------------------------------------------------------------------------ numbers

const SUPERSCRIPT = { "-": "⁻", 0: "⁰", 1: "¹", 2: "²", 3: "³", 4: "⁴", 5: "⁵", 6: "⁶", 7: "⁷", 8: "⁸", 9: "⁹" };

/** Write one number for the line below the matrix: up to five digits, a true minus sign. */
export function number(value) {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  if (Number.isInteger(value) && Math.abs(value) < 1e15) return String(value === 0 ? 0 : value).replace("-", "−");
  let [mantissa, exponent] = value.toPrecision(5).split("e");
  if (Math.abs(value) < 1e-4 && exponent === undefined) [mantissa, exponent] = value.toExponential(4).split("e");
  if (mantissa.includes(".")) mantissa = mantissa.replace(/\.?0+$/, "");
  const power = exponent === undefined ? "" : `×10${[...String(Number(exponent))].map((c) => SUPERSCRIPT[c]).join("")}`;
  return (mantissa + power).replace("-", "−");
}

// ------------------------------------------------------------------------------------------------- colours

const LINEAR = Float64Array.from({ length: 256 }, (_, i) => {
  const c = i / 255;
  return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
});

/** Relative luminance as WCAG 2 defines it. */
const luminance = (r, g, b) => 0.2126 * LINEAR[r] + 0.7152 * LINEAR[g] + 0.0722 * LINEAR[b];

function rgb(hex) {
  return [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));
}

/** White around dark accents, ink around pale ones: one of the two stands out on every cell. */
function casing(hex) {
  return 1.05 / (luminance(...rgb(hex)) + 0.05) >= 3.2 ? "#ffffff" : INK;
}

/** The 256 colours of the map: their channels, and whether black or white text reads on them. */
function readMap(hex) {
  const bytes = Uint8Array.from({ length: hex.length / 2 }, (_, i) => parseInt(hex.slice(2 * i, 2 * i + 2), 16));
  const ink = Array.from({ length: bytes.length / 3 }, (_, i) =>
    luminance(bytes[3 * i], bytes[3 * i + 1], bytes[3 * i + 2]) > 0.179 ? "#000000" : "#ffffff");
  return { bytes, ink };
}

// -------------------------------------------------------------------------------------------------- layout

/** Where everything is, in CSS pixels. Depends on shape, labels and cell size only, never on measured text. */
export function layoutOf(model) {
  const [rows, columns, given] = model.get("_shape");
  const channels = given ?? 1;
  const cell = model.get("_cell");
  const fitting = (labels, count) => (labels?.length === count ? labels : null);
  const rowLabels = fitting(model.get("_row_labels"), rows);
  const colLabels = fitting(model.get("_col_labels"), columns);
  const titles = fitting(model.get("_channel_titles"), channels);
  const indexed = model.get("_indices") && cell >= INDEXED_CELL && (given === undefined || cell >= 14);
  const gap = titles || cell >= INDEXED_CELL ? GAP : SMALL_GAP;
  const widest = (labels) => Math.max(...labels.map((label) => [...label].length)) * LABEL_CHARACTER;
  const step = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000].find((s) => s * cell >= 24) ?? 1000;

  let left = PAD;
  if (rowLabels) left += Math.min(widest(rowLabels), LONGEST_LABEL) + 8;
  else if (indexed && rows > 1) left += String(rows - 1).length * LABEL_CHARACTER + 8;
  let top = PAD;
  let upright = false;
  if (colLabels) {
    upright = widest(colLabels) > cell - 2; // too wide for a column: written upwards
    top += upright ? Math.min(widest(colLabels), LONGEST_LABEL) + 8 : LABEL_SIZE + 6;
  } else if (indexed && columns > 1) {
    top += LABEL_SIZE + 6;
  }
  const caption = titles ? 20 : 0;
  left = Math.ceil(left);
  top = Math.ceil(top);
  const width = columns * cell;
  const height = rows * cell;
  const across = clamp(Math.floor((MAX_WIDTH - left + gap) / (width + gap)), 1, channels);
  const lines = Math.ceil(channels / across);
  const lineHeight = caption + top + height + PAD;
  const panels = Array.from({ length: channels }, (_, c) => ({
    x: left + (c % across) * (width + gap),
    y: Math.floor(c / across) * (lineHeight + gap / 2) + caption + top,
    first: c % across === 0,
  }));
  return {
    rows, columns, channels, ranked: given !== undefined, cell, rowLabels, colLabels, titles, indexed, step,
    upright, panels, across, width, height, top, caption,
    totalWidth: left + across * width + (across - 1) * gap + PAD,
    totalHeight: lines * lineHeight + (lines - 1) * (gap / 2),
  };
}

/** The cell at a point of the canvas, or null. */
export function cellAt(layout, x, y) {
  for (let c = 0; c < layout.channels; c++) {
    const panel = layout.panels[c];
    const column = Math.floor((x - panel.x) / layout.cell);
    const row = Math.floor((y - panel.y) / layout.cell);
    if (row >= 0 && row < layout.rows && column >= 0 && column < layout.columns) {
      return layout.ranked ? [row, column, c] : [row, column];
    }
  }
  return null;
}

// ---------------------------------------------------------------------------------------------------- view

class View {
  constructor(model, el) {
    this.model = model;
    this.build(el);
    this.drawnCount = 0;
    this.cursor = null; // where the keyboard is
    this.keyed = false; // whether the keyboard moved last
    this.seen = { note: false, width: 0, lines: 1 };
    this.abort = new AbortController();
    this.handlers = WATCHED.map((name) => [`change:${name}`, () => this.changed(name)]);
    for (const [event, handler] of this.handlers) model.on(event, handler);
    this.listen();
    this.watchTheme();
    this.stale = { base: true, overlay: true, chrome: true };
    this.place();
    this.drawChrome(); // the size is right at once; the rest needs the theme, so it waits for the page
    this.schedule();
  }

  build(el) {
    this.root = make("div", "bp-matrix", el);
    this.heading = make("div", "bp-matrix-title", this.root);
    this.titleText = make("span", "", this.heading);
    this.unit = make("span", "bp-matrix-unit", this.heading);
    this.scroll = make("div", "bp-matrix-scroll", this.root);
    // JupyterLab leaves the keys alone inside an element with this attribute.
    this.stage = make("div", "bp-matrix-stage", this.scroll, {
      tabindex: "0", role: "application", "aria-roledescription": "matrix", "data-lm-suppress-shortcuts": "true",
    });
    this.base = make("canvas", "bp-matrix-base", this.stage, { "aria-hidden": "true" });
    this.overlay = make("canvas", "bp-matrix-overlay", this.stage, { "aria-hidden": "true" });
    if (this.model.get("_paint")) this.buildTools();
    this.foot = make("div", "bp-matrix-foot", this.root);
    this.readout = make("span", "bp-matrix-readout", this.foot, { "aria-hidden": "true" });
    this.legend = make("span", "bp-matrix-legend", this.foot);
    this.note = make("div", "bp-matrix-note", this.root);
    this.alert = make("div", "bp-matrix-alert", this.root, { role: "alert" });
    this.live = make("div", "bp-matrix-live", this.root, { role: "status", "aria-live": "polite" });
  }

  buildTools() {
    this.root.classList.add("bp-matrix-paint");
    this.tools = make("div", "bp-matrix-tools", this.root, { role: "toolbar", "aria-label": "Painting" });
    this.buttons = {};
    for (const [name, words] of [["brush", "Brush"], ["erase", "Erase"], ["clear", "Clear"]]) {
      const button = make("button", "bp-matrix-button", this.tools, { type: "button", "data-tool": name });
      button.textContent = words;
      this.buttons[name] = button;
    }
    const label = make("label", "bp-matrix-size", this.tools);
    make("span", "", label).textContent = "Size";
    this.size = make("input", "", label, { type: "range", min: "0.5", max: "4", step: "0.25" });
  }

  remove() {
    for (const [event, handler] of this.handlers) this.model.off(event, handler);
    this.abort.abort();
    this.themes.disconnect();
    cancelAnimationFrame(this.frame);
    clearTimeout(this.speaking);
    this.root.remove();
  }

  // ------------------------------------------------------------------------------------------------ changes

  changed(name) {
    if (name === "_groups" || name === "hovered" || name === "pinned") this.speak();
    this.stale.chrome = true;
    if (!CHROME_ONLY.has(name)) {
      this.stale.overlay = true;
      if (!OVERLAY_ONLY.has(name)) this.stale.base = true;
    }
    this.schedule();
  }

  schedule() {
    this.frame ??= requestAnimationFrame(() => this.draw());
  }

  redrawAll() {
    this.stale = { base: true, overlay: true, chrome: true };
    this.schedule();
  }

  watchTheme() {
    // The theme's style sheet may arrive long after the attribute. The colour of the text has a transition of
    // one millisecond, so that its end tells when the colour has changed.
    this.root.addEventListener("transitionend", () => this.redrawAll(), { signal: this.abort.signal });
    this.themes = new MutationObserver(() => this.redrawAll());
    this.themes.observe(document.body, {
      attributes: true, attributeFilter: ["class", "data-jp-theme-light", "data-jp-theme-name"],
    });
    this.themes.observe(document.documentElement, { attributes: true, attributeFilter: ["class", "data-theme"] });
    const { signal } = this.abort;
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.redrawAll(), { signal });
    window.addEventListener("resize", () => {
      if (this.ratio !== devicePixelRatio) this.redrawAll(); // moved to another screen, or zoomed
    }, { signal });
  }

  /** Set several traits and send them in one message. */
  send(changes) {
    let any = false;
    for (const [name, value] of Object.entries(changes)) {
      if (same(this.model.get(name), value)) continue;
      this.model.set(name, value);
      any = true;
    }
    if (any) this.model.save_changes();
  }

  // ------------------------------------------------------------------------------------------------ drawing

  /** Lay out; give the canvases their size. Returns whether it changed. */
  place() {
    this.layout = layoutOf(this.model);
    const { totalWidth, totalHeight } = this.layout;
    const ratio = devicePixelRatio || 1;
    if (this.colors !== this.model.get("_colors")) {
      this.colors = this.model.get("_colors");
      this.map = readMap(this.colors.map);
    }
    this.readValues();
    if (this.ratio === ratio && this.width === totalWidth && this.height === totalHeight) return false;
    Object.assign(this, { ratio, width: totalWidth, height: totalHeight });
    this.stage.style.width = `${totalWidth}px`;
    this.stage.style.height = `${totalHeight}px`;
    for (const canvas of [this.base, this.overlay]) {
      canvas.width = Math.round(totalWidth * ratio);
      canvas.height = Math.round(totalHeight * ratio);
    }
    return true;
  }

  draw() {
    this.frame = undefined;
    if (!this.root.isConnected) {
      this.schedule();
      return;
    }
    const { stale } = this;
    this.stale = { base: false, overlay: false, chrome: false };
    if ((stale.base || this.ratio !== devicePixelRatio) && this.place()) stale.base = stale.overlay = true;
    if (stale.base) this.drawBase();
    if (stale.overlay) this.drawOverlay();
    if (stale.chrome || stale.base) this.drawChrome();
    this.report(stale);
  }

  readValues() {
    const view = this.model.get("_data");
    const { rows, columns, channels } = this.layout;
    const count = rows * columns * channels;
    this.values = new Float64Array(count);
    if (!view || view.byteLength !== 8 * count) return;
    const data = view instanceof DataView ? view : new DataView(view.buffer ?? view, view.byteOffset ?? 0, 8 * count);
    for (let i = 0; i < count; i++) this.values[i] = data.getFloat64(8 * i, true);
  }

  at([row, column, channel = 0]) {
    const { columns, channels } = this.layout;
    return (row * columns + column) * channels + channel;
  }

  /** Which of the map's colours a value has. */
  shade(value) {
    const [low, high] = this.model.get("_scale");
    const last = this.map.ink.length - 1;
    return clamp(Math.floor(((value - low) / (high - low)) * (last + 1)), 0, last);
  }

  start(canvas) {
    const context = canvas.getContext("2d");
    context.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    context.clearRect(0, 0, this.width, this.height);
    return context;
  }

  drawBase() {
    const context = this.start(this.base);
    const { layout, values } = this;
    const { rows, columns, channels, cell } = layout;
    const style = getComputedStyle(this.root);
    const ink = style.color;
    this.font = style.fontFamily;
    const texts = this.model.get("_texts");
    this.numbered = texts.length === values.length;
    const pixels = new ImageData(columns, rows);
    const scratch = new OffscreenCanvas(columns, rows);
    for (let c = 0; c < channels; c++) {
      const panel = layout.panels[c];
      const bad = [];
      for (let i = 0; i < rows * columns; i++) {
        const value = values[i * channels + c];
        if (Number.isFinite(value)) {
          const shade = 3 * this.shade(value);
          for (let k = 0; k < 3; k++) pixels.data[4 * i + k] = this.map.bytes[shade + k];
        } else {
          pixels.data.fill(255, 4 * i, 4 * i + 3);
          bad.push(i);
        }
        pixels.data[4 * i + 3] = 255;
      }
      scratch.getContext("2d").putImageData(pixels, 0, 0);
      context.imageSmoothingEnabled = false;
      context.drawImage(scratch, panel.x, panel.y, layout.width, layout.height);
      for (const i of bad) this.hatch(context, panel.x + (i % columns) * cell, panel.y + Math.floor(i / columns) * cell);
      this.drawGrid(context, panel);
      this.drawLabels(context, panel, ink, c);
      if (this.numbered || bad.length) this.drawNumbers(context, panel, c, texts, bad);
    }
  }

  hatch(context, x, y) {
    const { cell } = this.layout;
    if (cell < HATCHED_CELL) {
      context.fillStyle = "#9a9a9a";
      context.fillRect(x, y, cell, cell);
      return;
    }
    context.save();
    context.beginPath();
    context.rect(x, y, cell, cell);
    context.clip();
    context.beginPath();
    const gap = cell < 16 ? 4 : 6;
    for (let offset = -cell; offset < cell; offset += gap) {
      context.moveTo(x + offset, y + cell);
      context.lineTo(x + offset + cell, y);
      context.moveTo(x + offset, y);
      context.lineTo(x + offset + cell, y + cell);
    }
    context.strokeStyle = "#8c8c8c";
    context.lineWidth = 0.8;
    context.stroke();
    context.restore();
  }

  drawGrid(context, panel) {
    const { rows, columns, cell, width, height } = this.layout;
    const crisp = (x) => (Math.round(x * this.ratio) + 0.5) / this.ratio;
    context.lineWidth = 1 / this.ratio;
    if (cell >= GRID_CELL) {
      context.beginPath();
      for (let j = 1; j < columns; j++) {
        context.moveTo(crisp(panel.x + j * cell), panel.y);
        context.lineTo(crisp(panel.x + j * cell), panel.y + height);
      }
      for (let i = 1; i < rows; i++) {
        context.moveTo(panel.x, crisp(panel.y + i * cell));
        context.lineTo(panel.x + width, crisp(panel.y + i * cell));
      }
      context.globalAlpha = cell >= 18 ? 1 : 0.55;
      context.strokeStyle = this.colors.hair;
      context.stroke();
      context.globalAlpha = 1;
    }
    context.lineWidth = 1;
    context.strokeStyle = this.colors.frame;
    context.strokeRect(panel.x - 0.5, panel.y - 0.5, width + 1, height + 1);
  }

  drawLabels(context, panel, ink, c) {
    const { rows, columns, cell, rowLabels, colLabels, titles, indexed, step, upright, width, top } = this.layout;
    context.fillStyle = ink;
    context.textBaseline = "middle";
    const font = `${LABEL_SIZE}px ${this.font}`;
    context.globalAlpha = 0.85;
    context.font = font;
    if (panel.first && (rowLabels || (indexed && rows > 1))) {
      context.textAlign = "right";
      for (let i = 0; i < rows; i += rowLabels ? 1 : step) {
        const text = rowLabels ? rowLabels[i] : String(i);
        if (rowLabels && cell < 11 && i % step) continue;
        context.fillText(text, panel.x - 6, panel.y + (i + 0.5) * cell, LONGEST_LABEL);
      }
    }
    if (colLabels || (indexed && columns > 1)) {
      context.textAlign = "center";
      for (let j = 0; j < columns; j += colLabels ? 1 : step) {
        const text = colLabels ? colLabels[j] : String(j);
        const x = panel.x + (j + 0.5) * cell;
        if (!upright) {
          context.fillText(text, x, panel.y - LABEL_SIZE / 2 - 4);
          continue;
        }
        if (cell < 11 && j % step) continue;
        context.save();
        context.translate(x, panel.y - 6);
        context.rotate(-Math.PI / 2);
        context.textAlign = "left";
        context.fillText(text, 0, 0, LONGEST_LABEL);
        context.restore();
      }
    }
    context.globalAlpha = 1;
    if (titles) {
      context.font = `600 13px ${this.font}`;
      context.textAlign = "left";
      context.fillText(titles[c], panel.x, panel.y - top + PAD - 8, Math.max(width + GAP - 4, 24));
    }
  }

  drawNumbers(context, panel, c, texts, bad) {
    const { columns, channels, cell, rows } = this.layout;
    const size = this.numbered ? this.model.get("_text_size") : Math.min(14, cell * 0.38);
    context.font = `${size}px ${this.font}`;
    context.textAlign = "center";
    context.textBaseline = "middle";
    const where = (i) => [panel.x + ((i % columns) + 0.5) * cell, panel.y + (Math.floor(i / columns) + 0.5) * cell];
    if (this.numbered) {
      for (let i = 0; i < rows * columns; i++) {
        const value = this.values[i * channels + c];
        if (!Number.isFinite(value)) continue;
        context.fillStyle = this.map.ink[this.shade(value)];
        const [x, y] = where(i);
        context.fillText(texts[i * channels + c], x, y + size * 0.06, cell - 2);
      }
    }
    if (!this.numbered && cell < NAMED_CELL) return;
    for (const i of bad) {
      const text = number(this.values[i * channels + c]);
      const [x, y] = where(i);
      const half = Math.min(context.measureText(text).width, cell - 4) / 2 + 2;
      context.fillStyle = "#ffffff";
      context.fillRect(x - half, y - size * 0.62, 2 * half, size * 1.24);
      context.fillStyle = "#000000";
      context.fillText(text, x, y + size * 0.06, cell - 4);
    }
  }

  // ------------------------------------------------------------------------------------------------- overlay

  /** The cells of a group as [row, column, channel, index in the group]. */
  spread(group) {
    const { rows, columns, channels, ranked } = this.layout;
    const cells = [];
    group.cells.forEach(([row, column, channel], n) => {
      if (row >= rows || column >= columns) return;
      if (ranked && channel === undefined) for (let c = 0; c < channels; c++) cells.push([row, column, c, n]);
      else if ((channel ?? 0) < channels) cells.push([row, column, channel ?? 0, n]);
    });
    return cells;
  }

  drawOverlay() {
    const context = this.start(this.overlay);
    const { layout, model } = this;
    const groups = model.get("_groups") ?? [];
    const taken = new Map(); // how many groups a cell already is in: their outlines go inside one another
    groups.forEach((group, position) => this.drawGroup(context, group, position, taken));
    groups.forEach((group, position) => this.drawTexts(context, group, position));
    const { hovered, selected, pinned } = { hovered: model.get("hovered"), selected: model.get("selected"), pinned: model.get("pinned") };
    const inside = (cell) => cell && cell[0] < layout.rows && cell[1] < layout.columns && (cell[2] ?? 0) < layout.channels;
    if (inside(selected) && !same(selected, pinned)) this.drawCorners(context, selected);
    if (inside(pinned)) this.drawCursor(context, pinned, true);
    if (inside(hovered) && !same(hovered, pinned)) this.drawCursor(context, hovered, false);
    if (model.get("_paint")) this.drawBrush(context);
  }

  pattern(position) {
    const patterns = this.colors.patterns;
    return patterns[position % patterns.length];
  }

  drawGroup(context, group, position, taken) {
    const { cell, panels } = this.layout;
    const cells = this.spread(group);
    if (!cells.length) return;
    const color = this.colors.accents[group.color];
    const key = ([row, column, c]) => (c * 4096 + row) * 4096 + column;
    const members = new Set(cells.map(key));
    const thick = cell >= 18 ? 3 : 2;
    const depth = Math.max(...cells.map((one) => taken.get(key(one)) ?? 0));
    for (const one of cells) taken.set(key(one), depth + 1);
    const inset = cell >= 18 ? thick / 2 + 0.5 + depth * (thick + 2) : 0;
    context.lineCap = "butt";
    context.lineJoin = "miter";
    if (group.weights) {
      for (const [row, column, c, n] of cells) {
        const weight = group.weights[n];
        const x = panels[c].x + column * cell;
        const y = panels[c].y + row * cell;
        if (cell >= 18) {
          this.stroke(context, color, 1 + (thick - 1) * weight, position, 0.25 + 0.75 * weight, () => {
            context.rect(x + inset, y + inset, cell - 2 * inset, cell - 2 * inset);
          });
        } else {
          context.globalAlpha = 0.1 + 0.7 * weight;
          context.fillStyle = color;
          context.fillRect(x, y, cell, cell);
          context.globalAlpha = 1;
        }
      }
      if (cell >= 18) return;
    }
    // One line around what hangs together, not a box for every cell.
    this.stroke(context, color, thick, position, group.weights ? 0.9 : 1, () => {
      for (const [row, column, c] of cells) {
        const has = (i, j) => members.has(key([row + i, column + j, c]));
        this.border(context, panels[c].x + column * cell, panels[c].y + row * cell, cell, inset, has);
      }
    });
  }

  /** Add the sides of a cell that have no neighbour in the group, `inset` pixels inside. */
  border(context, x, y, cell, inset, has) {
    const [above, below, before, after] = [has(-1, 0), has(1, 0), has(0, -1), has(0, 1)];
    const [x0, x1, y0, y1] = [x + inset, x + cell - inset, y + inset, y + cell - inset];
    if (!above && !below && !before && !after) {
      context.rect(x0, y0, x1 - x0, y1 - y0);
      return;
    }
    // A side reaches the cell's edge where the border goes on, and beyond it where the border turns outwards.
    const reach = (neighbour, diagonal) => (neighbour ? (diagonal ? -inset : 0) : inset);
    const line = (a, b, c, d) => { context.moveTo(a, b); context.lineTo(c, d); };
    if (!above) line(x + reach(before, has(-1, -1)), y0, x + cell - reach(after, has(-1, 1)), y0);
    if (!below) line(x + reach(before, has(1, -1)), y1, x + cell - reach(after, has(1, 1)), y1);
    if (!before) line(x0, y + reach(above, has(-1, -1)), x0, y + cell - reach(below, has(1, -1)));
    if (!after) line(x1, y + reach(above, has(-1, 1)), x1, y + cell - reach(below, has(1, 1)));
  }

  stroke(context, color, width, position, alpha, path) {
    const kind = this.pattern(position);
    const around = casing(color);
    context.globalAlpha = alpha;
    context.beginPath();
    path();
    context.setLineDash([]);
    context.lineCap = "square";
    context.strokeStyle = around;
    context.lineWidth = width + 2;
    context.stroke();
    context.strokeStyle = color;
    context.lineWidth = kind === "double" ? width + 1 : width;
    context.lineCap = kind === "solid" || kind === "double" ? "square" : "butt";
    if (kind === "dashed") context.setLineDash([3 * width, 1.6 * width]);
    if (kind === "dotted") context.setLineDash([width, width * 0.9]);
    context.stroke();
    context.setLineDash([]);
    if (kind === "double") {
      context.strokeStyle = around;
      context.lineWidth = Math.max(1, width / 2 - 0.2);
      context.stroke();
    }
    context.globalAlpha = 1;
    context.lineCap = "butt";
  }

  drawTexts(context, group, position) {
    const { cell, panels } = this.layout;
    if (!group.texts || cell < 18) return;
    const size = clamp(cell * 0.3, 10, 13);
    const [right, bottom] = CORNERS[position % CORNERS.length];
    context.font = `700 ${size}px ${this.font}`;
    context.textBaseline = "middle";
    context.textAlign = "center";
    for (const [row, column, c, n] of this.spread(group)) {
      const text = group.texts[n];
      if (!text) continue;
      const width = Math.min(context.measureText(text).width + 5, cell - 4);
      const height = size + 2;
      const x = panels[c].x + column * cell + (right ? cell - width + 1 : -1);
      const y = panels[c].y + row * cell + (bottom ? cell - height + 1 : -1);
      context.fillStyle = "#ffffff";
      context.strokeStyle = this.colors.inks[group.color];
      context.lineWidth = 1;
      context.beginPath();
      context.roundRect(x, y, width, height, 3);
      context.fill();
      context.stroke();
      context.fillStyle = this.colors.inks[group.color];
      context.fillText(text, x + width / 2, y + height / 2 + size * 0.06, width - 2);
    }
  }

  box([row, column, channel = 0]) {
    const { cell, panels } = this.layout;
    return [panels[channel].x + column * cell, panels[channel].y + row * cell, cell];
  }

  drawCursor(context, at, pinned) {
    const [x, y, cell] = this.box(at);
    const grow = cell < 12 ? 2 : 0.5;
    const thick = pinned ? 3 : 2;
    context.lineJoin = "miter";
    for (const [color, width] of [["#ffffff", thick + 2.5], [INK, thick]]) {
      context.strokeStyle = color;
      context.lineWidth = width;
      context.strokeRect(x - grow, y - grow, cell + 2 * grow, cell + 2 * grow);
    }
    if (!pinned) return;
    const radius = clamp(cell * 0.12, 3, 5); // the head of the pin
    context.beginPath();
    context.arc(x + cell / 2, y, radius, 0, 2 * Math.PI);
    context.fillStyle = INK;
    context.strokeStyle = "#ffffff";
    context.lineWidth = 1.5;
    context.fill();
    context.stroke();
  }

  drawCorners(context, at) {
    const [x, y, cell] = this.box(at);
    const leg = Math.max(3, cell * 0.22);
    context.beginPath();
    for (const [cx, cy, dx, dy] of [[x, y, 1, 1], [x + cell, y, -1, 1], [x, y + cell, 1, -1], [x + cell, y + cell, -1, -1]]) {
      context.moveTo(cx + dx * leg, cy);
      context.lineTo(cx, cy);
      context.lineTo(cx, cy + dy * leg);
    }
    for (const [color, width] of [["#ffffff", 4], [INK, 1.8]]) {
      context.strokeStyle = color;
      context.lineWidth = width;
      context.stroke();
    }
  }

  drawBrush(context) {
    const at = this.model.get("hovered");
    if (!at) return;
    const [x, y, cell] = this.box(at);
    const [cx, cy] = this.point ?? [x + cell / 2, y + cell / 2];
    for (const [color, width] of [["#ffffff", 3], [INK, 1.2]]) {
      context.beginPath();
      context.arc(cx, cy, (this.model.get("brush") + 0.3) * cell, 0, 2 * Math.PI);
      context.strokeStyle = color;
      context.lineWidth = width;
      context.stroke();
    }
  }

  // -------------------------------------------------------------------------------------------------- chrome

  drawChrome() {
    const { model, layout } = this;
    const title = model.get("title") ?? "";
    const unit = model.get("_unit") ?? "";
    this.titleText.textContent = title;
    this.titleText.title = title;
    this.unit.textContent = unit;
    this.heading.hidden = !title && !unit;
    // The width only grows: a longer title moves the neighbours once at most.
    const wanted = Math.min((title.length + unit.length) * 8.2 + 4, WIDEST_TITLE);
    this.seen.width = Math.max(this.seen.width, wanted, SMALLEST_WIDTH);
    const width = Math.ceil(Math.max(layout.totalWidth, this.seen.width));
    this.root.style.width = `${width}px`;
    const narrow = width < NARROW && !this.tools;
    this.seen.lines = Math.max(this.seen.lines, narrow ? 3 : 1);
    this.foot.style.height = `${this.seen.lines * LINE_HEIGHT}px`;
    this.foot.classList.toggle("bp-matrix-narrow", narrow);

    const at = model.get("hovered") ?? model.get("pinned");
    this.readout.textContent = at ? `${this.nameOf(at)} = ${number(this.values[this.at(at)])}` : "";
    this.drawLegend(model.get("_groups") ?? []);
    const note = model.get("note") ?? "";
    this.seen.note ||= note !== "";
    this.note.textContent = note;
    this.note.title = note;
    this.note.hidden = !this.seen.note;
    const error = model.get("error") ?? "";
    if (this.alert.textContent !== error) this.alert.textContent = error;
    this.alert.hidden = !error;
    const keys = model.get("_paint")
      ? "Arrow keys move, Space paints, Delete erases"
      : "Arrow keys move, Enter pins, Escape releases";
    const about = [title || "Matrix", model.get("description"), model.get("_described"), unit, keys];
    this.stage.setAttribute("aria-label", about.filter(Boolean).map((s) => s.replace(/\.$/, "")).join(". "));
    if (!this.tools) return;
    for (const tool of ["brush", "erase"]) {
      this.buttons[tool].setAttribute("aria-pressed", String(model.get("tool") === tool));
    }
    this.size.value = String(model.get("brush"));
  }

  drawLegend(groups) {
    const entries = groups.map((group, position) => [group, position]).filter(([group]) => group.label && group.cells.length);
    const key = JSON.stringify(entries.map(([group, position]) => [group.color, group.label, position]));
    if (key === this.legendKey) return;
    this.legendKey = key;
    this.legend.replaceChildren(...entries.map(([group, position]) => {
      const entry = make("span", "bp-matrix-entry", null, { title: group.label });
      const swatch = make("span", "bp-matrix-swatch", entry, { "aria-hidden": "true" });
      swatch.style.borderColor = this.colors.accents[group.color];
      swatch.style.borderStyle = this.pattern(position);
      make("span", "", entry).textContent = group.label;
      return entry;
    }));
    // Entries that do not fit get another line, which then stays.
    if (entries.length > 2 && this.legend.scrollHeight > this.legend.clientHeight + 2 && this.seen.lines < 6) {
      this.seen.lines += 1;
      this.foot.style.height = `${this.seen.lines * LINE_HEIGHT}px`;
    }
  }

  nameOf(at) {
    const { rowLabels, colLabels, titles } = this.layout;
    const row = rowLabels?.[at[0]] ?? String(at[0]);
    const column = colLabels?.[at[1]] ?? String(at[1]);
    const parts = at.length > 2 && !titles ? [row, column, String(at[2])] : [row, column];
    const indices = parts.every((part) => /^[−-]?\d+$/.test(part)) ? `[${parts.join(", ")}]` : parts.join(", ");
    return at.length > 2 && titles ? `${indices} of ${titles[at[2]]}` : indices;
  }

  /** Tell a screen reader where the cursor is and what it lights up, once it rests there. */
  speak() {
    clearTimeout(this.speaking);
    this.speaking = setTimeout(() => {
      const { model, layout } = this;
      if (!layout) return;
      const at = model.get("hovered") ?? model.get("pinned");
      if (!at || this.at(at) >= this.values.length) {
        this.live.textContent = "";
        return;
      }
      const row = layout.rowLabels?.[at[0]] ?? `row ${at[0]}`;
      const column = layout.colLabels?.[at[1]] ?? `column ${at[1]}`;
      const channel = at.length > 2 ? `, ${layout.titles?.[at[2]] ?? `channel ${at[2]}`}` : "";
      const words = [`${row}, ${column}${channel}: ${number(this.values[this.at(at)])}`];
      if (same(at, model.get("pinned"))) words.push("pinned");
      for (const group of model.get("_groups") ?? []) {
        const count = group.cells.length;
        if (group.label && count) words.push(`${group.label}: ${count} ${count === 1 ? "cell" : "cells"}`);
      }
      const text = words.join("; ");
      if (this.live.textContent !== text) this.live.textContent = text;
    }, SPEAK_AFTER);
  }

  report(stale) {
    const { model, root } = this;
    const write = (cell) => (cell ? cell.join(",") : "");
    this.drawnCount += 1;
    Object.assign(root.dataset, {
      hovered: write(model.get("hovered")),
      selected: write(model.get("selected")),
      pinned: write(model.get("pinned")),
      numbers: String(this.numbered),
      drawn: String(this.drawnCount),
      strokes: String(model.get("strokes")),
      kind: model.get("_kind"),
    });
    if (stale.overlay) {
      const groups = (model.get("_groups") ?? []).map((group, position) => ({ ...group, pattern: this.pattern(position) }));
      root.dataset.highlights = JSON.stringify(groups);
    }
    if (stale.base) {
      const { panels, cell, rows, columns } = this.layout;
      root.dataset.geometry = JSON.stringify({ panels: panels.map(({ x, y }) => [x, y]), cell, rows, columns });
    }
  }

  // -------------------------------------------------------------------------------------------------- events

  listen() {
    const { stage } = this;
    const { signal } = this.abort;
    const on = (type, handler, node = stage, options = {}) =>
      node.addEventListener(type, handler.bind(this), { signal, ...options });
    on("pointermove", this.pointerMoved);
    on("pointerleave", this.pointerLeft);
    on("pointerdown", this.pointerDown);
    on("pointerup", this.pointerUp);
    on("pointercancel", this.pointerUp);
    on("click", this.clicked);
    on("keydown", this.keyDown);
    on("keyup", this.keyUp);
    on("focus", this.focused);
    on("blur", this.blurred);
    if (!this.tools) return;
    on("click", () => this.send({ tool: "brush" }), this.buttons.brush);
    on("click", () => this.send({ tool: "erase" }), this.buttons.erase);
    on("click", () => this.clear(), this.buttons.clear);
    on("input", () => this.send({ brush: Number(this.size.value) }), this.size);
    // The notebook's own shortcuts must not hear the keys of these controls.
    on("keydown", (event) => event.key !== "Tab" && event.stopPropagation(), this.tools);
    this.tools.setAttribute("data-lm-suppress-shortcuts", "true");
  }

  pointOf(event) {
    const box = this.base.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  pointerMoved(event) {
    this.keyed = false;
    const point = this.pointOf(event);
    this.point = point;
    if (this.painting !== undefined && this.painting === event.pointerId) {
      const all = event.getCoalescedEvents?.() ?? [];
      for (const one of all.length ? all : [event]) this.paintTo(this.pointOf(one));
    }
    this.send({ hovered: cellAt(this.layout, ...point) });
    if (this.tools) {
      this.stale.overlay = true;
      this.schedule();
    }
  }

  pointerLeft() {
    this.point = undefined;
    if (!this.keyed) this.send({ hovered: null });
  }

  pointerDown(event) {
    if (event.button !== 0) return;
    this.stage.focus({ preventScroll: true });
    const point = this.pointOf(event);
    if (!this.tools || !cellAt(this.layout, ...point)) return;
    event.preventDefault();
    this.stage.setPointerCapture(event.pointerId);
    this.painting = event.pointerId;
    this.last = undefined;
    this.paintTo(point);
  }

  pointerUp(event) {
    if (this.painting !== event.pointerId) return;
    this.painting = undefined;
    this.last = undefined;
    if (this.flushing !== undefined) this.flush();
  }

  clicked(event) {
    if (this.tools) return;
    const cell = cellAt(this.layout, ...this.pointOf(event));
    if (cell) this.choose(cell);
  }

  choose(cell) {
    this.cursor = cell;
    this.send({ hovered: cell, selected: cell, pinned: same(cell, this.model.get("pinned")) ? null : cell });
  }

  focused() {
    // A click focuses too; only the keyboard shows its cursor at once.
    if (!this.stage.matches(":focus-visible") || this.model.get("hovered")) return;
    this.keyed = true;
    this.moveTo(this.cursor ?? this.model.get("pinned") ?? this.model.get("selected") ?? this.corner());
  }

  corner() {
    return this.layout.ranked ? [0, 0, 0] : [0, 0];
  }

  blurred() {
    this.held = false;
    if (this.keyed) {
      this.keyed = false;
      this.send({ hovered: null });
    }
  }

  moveTo([row, column, channel]) {
    const { rows, columns, channels, ranked } = this.layout;
    const cell = [clamp(row, 0, rows - 1), clamp(column, 0, columns - 1)];
    if (ranked) cell.push(clamp(channel ?? 0, 0, channels - 1));
    this.cursor = cell;
    this.keyed = true;
    this.point = undefined;
    this.send({ hovered: cell });
  }

  keyDown(event) {
    if (event.altKey || event.metaKey || event.key === "Tab") return;
    const { rows, columns, channels, ranked } = this.layout;
    const from = this.model.get("hovered") ?? this.cursor ?? this.corner();
    const [row, column, channel = 0] = from;
    const step = (right, down) => {
      let [i, j, c] = [row + down, column + right, channel];
      if (ranked && j >= columns && c + 1 < channels) [j, c] = [0, c + 1]; // on into the next channel
      else if (ranked && j < 0 && c > 0) [j, c] = [columns - 1, c - 1];
      const before = this.cursor ?? from;
      this.moveTo([i, j, c]);
      if (this.tools && (this.held || event.shiftKey)) this.paintLine(before, this.cursor);
    };
    const actions = {
      ArrowLeft: () => step(-1, 0),
      ArrowRight: () => step(1, 0),
      ArrowUp: () => step(0, -1),
      ArrowDown: () => step(0, 1),
      Home: () => this.moveTo(event.ctrlKey ? this.corner() : [row, 0, channel]),
      End: () => this.moveTo(event.ctrlKey ? [rows - 1, columns - 1, channels - 1] : [row, columns - 1, channel]),
      PageUp: () => this.moveTo([row, column, channel - 1]),
      PageDown: () => this.moveTo([row, column, channel + 1]),
      Escape: () => this.escape(),
    };
    if (this.tools) {
      actions[" "] = actions.Enter = () => {
        this.held = true;
        this.moveTo(from);
        this.paintLine(from, from);
      };
      actions.Delete = actions.Backspace = () => {
        this.moveTo(from);
        this.paintLine(from, from, "erase");
      };
    } else {
      actions.Enter = actions[" "] = () => {
        this.keyed = true;
        if (!event.repeat) this.choose(from);
      };
    }
    if (event.ctrlKey && !["Home", "End"].includes(event.key)) return;
    if (event.shiftKey && event.key === "Enter") return; // runs the notebook's cell
    const act = actions[event.key];
    if (!act) return;
    event.preventDefault();
    event.stopPropagation();
    act();
  }

  keyUp(event) {
    if (event.key === " " || event.key === "Enter") this.held = false;
  }

  escape() {
    if (this.model.get("pinned")) this.send({ pinned: null });
    else this.send({ hovered: null });
  }

  // ---------------------------------------------------------------------------------------------------- paint

  /** Paint from the last point to this one, in CSS pixels. */
  paintTo([x, y]) {
    const { cell, panels } = this.layout;
    const point = [(x - panels[0].x) / cell, (y - panels[0].y) / cell];
    this.segment(this.last ?? point, point, this.model.get("tool"));
    this.last = point;
  }

  paintLine([i0, j0], [i1, j1], tool = this.model.get("tool")) {
    this.segment([j0 + 0.5, i0 + 0.5], [j1 + 0.5, i1 + 0.5], tool);
    this.flush();
  }

  /** Lay a soft line between two points, in cells: full in the middle, grey at the edge, as MNIST's digits are. */
  segment([x0, y0], [x1, y1], tool) {
    const { rows, columns } = this.layout;
    const radius = this.model.get("brush");
    const reach = radius + 1;
    const [dx, dy] = [x1 - x0, y1 - y0];
    const length = dx * dx + dy * dy;
    const rowEnd = Math.min(rows - 1, Math.floor(Math.max(y0, y1) + reach));
    const columnEnd = Math.min(columns - 1, Math.floor(Math.max(x0, x1) + reach));
    for (let i = Math.max(0, Math.floor(Math.min(y0, y1) - reach)); i <= rowEnd; i++) {
      for (let j = Math.max(0, Math.floor(Math.min(x0, x1) - reach)); j <= columnEnd; j++) {
        const [px, py] = [j + 0.5 - x0, i + 0.5 - y0];
        const along = length ? clamp((px * dx + py * dy) / length, 0, 1) : 0;
        const distance = Math.hypot(px - along * dx, py - along * dy);
        const ink = clamp(radius + 0.6 - distance, 0, 1);
        const n = i * columns + j;
        this.values[n] = tool === "erase" ? Math.min(this.values[n], 1 - ink) : Math.max(this.values[n], ink);
      }
    }
    this.flushing ??= requestAnimationFrame(() => this.flush());
  }

  /** Send what is painted, once a frame. */
  flush() {
    if (this.flushing !== undefined) cancelAnimationFrame(this.flushing);
    this.flushing = undefined;
    this.model.set("_data", new DataView(this.values.slice().buffer));
    this.model.set("strokes", this.model.get("strokes") + 1);
    this.model.save_changes();
  }

  clear() {
    this.values.fill(0);
    this.flush();
  }
}

function render({ model, el }) {
  const view = new View(model, el);
  return () => view.remove();
}

export default { render };
