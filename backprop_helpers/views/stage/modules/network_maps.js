// All maps of a network on one canvas: above the names what each layer says, below them the gradient of J at every cell.
// A panel is a layer's output there: { name, backward, shape, x, y, … } in device pixels.

import { makeArray, offset, sizeOf } from "./arrays.js";
import { colorOf, inkOn, kindScale } from "./colors.js";
import { put } from "./controls.js";
import { coverField } from "./frame.js";
import { brief, cleared, element, written } from "./page.js";

const [MAP_GAP, THIN, WIDE, STRIP, LARGEST] = [2, 20, 30, 24, 46]; // CSS pixels

// A vector is a strip that is folded where it is long: cells of (rows, columns), one "channel".
function blockOf({ shape, channels, ragged }, height, ratio, slim) {
  if (shape.length === 3) return { ragged, rows: shape[0], columns: shape[1], count: channels.length, gap: Math.round(MAP_GAP * ratio) };
  const size = sizeOf(shape);
  const columns = Math.ceil(size / Math.max(1, Math.floor(height / Math.ceil(2 * ratio))));
  return { rows: Math.ceil(size / columns), columns, count: 1, gap: 0, strip: true, slim };
}

// Numbers of maps beside each other that leave no hole, and of few maps any.
const acrosses = ({ count, ragged }) => Array.from({ length: count }, (_, n) => n + 1).filter((n) => count % n === 0 || (ragged ?? count < 4) || n === count);

// The block with `across` maps beside each other, as large as the height allows; null where a cell is below a pixel.
function fitBlock(block, across, height, ratio) {
  const { rows, columns, count, gap, strip, slim } = block;
  const down = Math.ceil(count / across);
  const most = Math.round((strip ? STRIP : LARGEST) * ratio);
  const side = Math.min(most, Math.floor(((height + gap) / down - gap) / rows));
  if (side < 1) return null;
  const wide = strip ? Math.max(side, Math.round((columns > 1 ? 5 : (rows > 20 ? THIN : WIDE) * slim) * ratio)) : side;
  return { ...block, across, side, wide, width: across * (columns * wide + gap) - gap, height: down * (rows * side + gap) - gap };
}

function smallestBlock(block, height, ratio) {
  for (const across of acrosses(block)) {
    const fitted = fitBlock(block, across, height, ratio);
    if (fitted) return fitted;
  }
  return fitBlock(block, block.count, block.rows, ratio);
}

// The next larger cells: what is fitted, or null.
function largerBlock(fitted, height, ratio) {
  const larger = acrosses(fitted).map((across) => fitBlock(fitted, across, height, ratio));
  return larger.find((block) => block && block.side > fitted.side) ?? null;
}

// Layers beside each other in a width. The smallest maps grow first, those of one shape together; a network that is too
// wide gets slimmer strips, then more height.
export function fitColumns(columns, { width, height, ratio, between }) {
  const room = width - between * (columns.length - 1);
  const widthOf = (blocks) => blocks.reduce((sum, { width: wide }) => sum + wide, 0);
  const smallest = (high, slim) => columns.map((column) => smallestBlock(blockOf(column, high, ratio, slim), high, ratio));
  for (let high = height; ; high = Math.ceil(high * 1.12)) {
    const slim = [1, 0.6].find((part) => widthOf(smallest(high, part)) <= room) ?? 0.3;
    const blocks = smallest(high, slim);
    const used = () => widthOf(blocks);
    if (used() > room && high < 4 * height) continue;
    for (;;) {
      const alikes = blocks.map((block) => blocks.filter((other) => ["rows", "columns", "count"].every((name) => block[name] === other[name])));
      const growing = alikes.filter(([first], n) => first === blocks[n]).map((alike) => [alike, largerBlock(alike[0], high, ratio)]).filter(([, larger]) => larger);
      growing.sort(([[a]], [[b]]) => a.side * a.columns - b.side * b.columns);
      const next = growing.find(([alike, larger]) => used() + alike.length * (larger.width - alike[0].width) <= room);
      if (!next) break;
      for (const block of next[0]) Object.assign(block, next[1]);
    }
    return { blocks, height: Math.max(...blocks.map(({ height: tall }) => tall)) };
  }
}

// Where one map begins, and the cell at an index, in device pixels: { x, y, wide, high }; null where it is not shown.
export function cellOfPanel(panel, index) {
  const { shape, block, channels, x, y } = panel;
  if (block.strip) {
    const place = offset(shape, index);
    return { x: x + Math.floor(place / block.rows) * block.wide, y: y + (place % block.rows) * block.side, wide: block.wide, high: block.side };
  }
  const map = panel.color ? 0 : channels.indexOf(index[2]);
  if (map < 0) return null;
  const corner = cornerOfMap(panel, map);
  return { x: corner.x + index[1] * block.side, y: corner.y + index[0] * block.side, wide: block.side, high: block.side };
}

// The maps of a panel as boxes.
function mapsOf({ x, y, block, block: { rows, columns, side, strip, count, width, height } }) {
  if (strip) return [{ x, y, wide: width, high: height }];
  return Array.from({ length: count }, (_, map) => ({ ...cornerOfMap({ x, y, block }, map), wide: columns * side, high: rows * side }));
}

function cornerOfMap({ x, y, block: { across, columns, rows, side, gap } }, map) {
  return { x: x + (map % across) * (columns * side + gap), y: y + Math.floor(map / across) * (rows * side + gap) };
}

// The index under a point in device pixels, or null.
export function indexInPanel(panel, x, y) {
  const { shape, block, channels } = panel;
  const [left, top] = [x - panel.x, y - panel.y];
  if (left < 0 || top < 0) return null;
  if (block.strip) {
    const [row, column] = [Math.floor(top / block.side), Math.floor(left / block.wide)];
    const place = column * block.rows + row;
    return row < block.rows && column < block.columns && place < sizeOf(shape) ? unravelled(shape, place) : null;
  }
  const [pitch, fall] = [block.columns * block.side + block.gap, block.rows * block.side + block.gap];
  const [across, down] = [Math.floor(left / pitch), Math.floor(top / fall)];
  const [row, column] = [Math.floor((top - down * fall) / block.side), Math.floor((left - across * pitch) / block.side)];
  const map = down * block.across + across;
  return across < block.across && map < block.count && row < block.rows && column < block.columns ? [row, column, panel.color ? 0 : channels[map]] : null;
}

export function unravelled(shape, place) {
  return shape.map((n, axis) => Math.floor(place / sizeOf(shape.slice(axis + 1))) % n);
}

// 32-bit colours of a theme's ramps, and the bend that lets small values keep a tint.
function palettesOf(theme) {
  const packed = ([r, g, b]) => (255 << 24) | (b << 16) | (g << 8) | r;
  const palettes = Object.fromEntries(Object.entries(theme.ramps).map(([name, ramp]) => [name, Int32Array.from(ramp, packed)]));
  const hatch = packed(inkOn(theme.paper) === "#000" ? [150, 150, 150] : [120, 120, 120]);
  return { ...palettes, theme, paper: packed(theme.paper), hatch, bend: Float64Array.from({ length: 1025 }, (_, n) => (n / 1024) ** 0.65) };
}

// pixels: Int32Array of an image `stride` pixels wide; values: the array at the panel; scale: of kindScale.
function paintPanel(pixels, stride, panel, { data }, scale, palettes) {
  const { block: { rows, columns, side, wide, count, strip }, shape, channels } = panel;
  const depth = strip ? 1 : shape[2];
  for (let map = 0; map < count; map += 1) {
    const corner = strip ? panel : cornerOfMap(panel, map);
    for (let row = 0; row < rows; row += 1) {
      for (let column = 0; column < columns; column += 1) {
        const place = strip ? column * rows + row : (row * columns + column) * depth + channels[map];
        if (place >= data.length) continue;
        const color = panel.color ? mixedColor(data, place, scale) : packedColor(data[place], scale, palettes, row + column);
        const start = (corner.y + row * side) * stride + corner.x + column * wide;
        for (let line = start; line < start + side * stride; line += stride) {
          for (let right = 0; right < wide; right += 1) pixels[line + right] = color;
        }
      }
    }
  }
}

function packedColor(value, { bound, ramp }, palettes, parity) {
  if (value === 0) return palettes.paper;
  if (Number.isNaN(value)) return parity % 2 ? palettes.hatch : palettes.paper;
  const bent = palettes.bend[Math.round(1024 * Math.min(1, Math.abs(value / bound)))] * (value < 0 ? -1 : 1);
  return palettes[ramp][Math.round(256 * (ramp === "signed" ? 0.5 + bent / 2 : Math.max(0, bent)))];
}

function mixedColor(data, place, { bound }) {
  const [r, g, b] = [0, 1, 2].map((c) => Math.round(255 * Math.min(1, Math.max(0, data[place + c] / bound || 0))));
  return (255 << 24) | (b << 16) | (g << 8) | r;
}

// How a network lies on the page: the digit, then a column for every layer, then the ten bars; above the names activations,
// below them gradients, so that each layer's two stand over each other. In a narrow page the digit and the bars come first.

const [HALF, LOW, MIDDLE, UNDER, BARS, APART] = [238, 168, 32, 66, 110, 12]; // CSS pixels
const STEP_SIDE = 42;
const MOST_CELLS = 20_000; // of a layer's maps

// The layers that do more than rescale or renumber.
export const columnsOf = ({ layers }) => layers.filter(({ type }) => type !== "Standardize" && type !== "Flatten");

export const shapeOf = ({ input_shape: input, layers }, name) => (name === "input" ? input : layers.find((layer) => layer.name === name).shape);

const allOf = (shape) => (shape.length === 3 ? [...Array(shape[2]).keys()] : [0]);

// Of many large maps the first, as many as leave no hole: the page is not wide enough for all.
export function firstMaps(shape) {
  const all = allOf(shape);
  const most = Math.max(1, MOST_CELLS / (shape[0] * shape[1]));
  return all.length <= 1 || all.length <= most ? all : all.slice(0, Math.max(...all.filter((n) => n && n <= most && all.length % n === 0)));
}

const shapeText = ({ shape, channels, large }) => (shape.length < 3 || large || channels.length === shape[2] ? "" : `${channels.length} of `) + shape.join("×");

function columnsShown({ described, layer, channel }) {
  const column = ({ name, shape }) => ({ name, shape, channels: firstMaps(shape) });
  const all = columnsOf(described);
  const place = all.findIndex(({ name }) => name === layer);
  if (place < 0) return all.map(column);
  return [...all.slice(Math.max(0, place - 1), place + 1).map(column), { ...column(all[place]), channels: [channel], large: true }];
}

// Everything that the sizes depend on; laid out anew only where it is another.
export function layNetwork(stage) {
  const { frame, described, layer, channel, drawing, w } = stage;
  const { width, narrow, theme: { ratio } } = frame;
  const key = [width, ratio, layer, channel, drawing, w?.shape].join();
  if (stage.laid === key) return;
  stage.laid = key;
  const side = narrow ? Math.min(140, Math.floor((width - 120) / 2)) : width < 780 ? 112 : width < 900 ? 140 : 168;
  const [top, left] = narrow ? [side + UNDER + 12, 1] : [1, side + 1 + APART];
  const right = narrow ? width - 1 : width - BARS - APART;
  const columns = columnsShown(stage);
  const { blocks, height } = fitColumns(columns, { width: Math.floor((right - left) * ratio), height: Math.round((narrow ? LOW : HALF) * ratio), ratio, between: 8 * ratio });
  const half = Math.max(narrow ? 0 : HALF, Math.ceil(height / ratio));
  const spots = { side, narrow, top, half, names: top + half, below: top + half + MIDDLE, height: top + 2 * half + MIDDLE + 2, left, right };
  stage.panels = [...inputPanels(stage, spots, ratio), ...layerPanels(columns, blocks, spots, ratio)];
  stage.spots = spots;
  sizeCanvas(stage);
  placeParts(stage);
}

function layerPanels(columns, blocks, { top, half, below, left, right }, ratio) {
  const used = blocks.reduce((sum, { width }) => sum + width, 0);
  const gap = Math.min(40 * ratio, ((right - left) * ratio - used) / Math.max(1, blocks.length - 1));
  let x = left * ratio;
  return blocks.flatMap((block, n) => {
    const at = { ...columns[n], block, x: Math.round(x) };
    x += block.width + gap;
    return [{ ...at, y: Math.round((top + half) * ratio) - block.height }, { ...at, y: Math.round(below * ratio), backward: true }];
  });
}

// The input, its gradient, the steps of a drawing, and the filters of the first layer with their gradient.
function inputPanels({ described: { input_shape: shape }, drawing, w, filters }, { side, narrow, below, half }, ratio) {
  const fit = (room, shown, channels, x, y, more) => {
    const [block] = fitColumns([{ shape: shown, channels, ragged: true }], { width: room * ratio, height: (more.height ?? room) * ratio, ratio, between: 0 }).blocks;
    return { shape: shown, channels, block, x: Math.round(x * ratio), y: Math.round(y * ratio), ...more };
  };
  const color = shape.length === 3 && shape[2] === 3;
  const channels = color ? [0] : allOf(shape);
  const [gx, gy] = narrow ? [side + 9, 1] : [1, below];
  const input = drawing ? [STEP_SIDE, 2 * STEP_SIDE + 12, side + 30] : [side, 1, 1];
  const panels = [
    fit(input[0], shape, channels, input[1], input[2], { name: "input", color }),
    fit(side, shape, allOf(shape), gx, gy, { name: "input", backward: true }),
  ];
  if (!w) return panels;
  const [fx, fy] = narrow ? [side + 9, side + 19] : [1, below + side + 20];
  const shown = [w.shape[0], w.shape[1], w.shape[3]];
  const [room, height] = [(side - 8) / 2, narrow ? UNDER - 14 : half - side - 22];
  const filter = (x, backward) => fit(room, shown, allOf(shown), x, fy, { name: filters, weights: true, height, backward });
  return [...panels, filter(fx, false), filter(fx + room + 8, true)];
}

function sizeCanvas({ frame, canvas, spots: { height }, spots }) {
  const size = { width: frame.width, height };
  const { ratio } = frame.theme;
  cleared(canvas, size, frame.theme);
  spots.bitmap = new ImageData(Math.max(1, Math.round(size.width * ratio)), Math.max(1, Math.round(height * ratio)));
  spots.pixels = new Int32Array(spots.bitmap.data.buffer);
  coverField(frame, height);
}

const placeAt = ({ style }, x, y, width) => Object.assign(style, { left: `${x}px`, top: `${y}px`, ...(width ? { width: `${width}px` } : {}) });

function placeParts(stage) {
  const { parts, panels, spots, frame, drawing, described, layer, w, filters } = stage;
  const { side, narrow, names, below } = spots;
  const { ratio } = frame.theme;
  placeAt(parts.pad, 0, 0);
  Object.assign(parts.pad.style, { width: `${side}px`, height: `${side}px` });
  parts.pad.hidden = parts.ink.hidden = !drawing;
  parts.digits.hidden = drawing;
  for (const part of [parts.digits, parts.ink]) placeAt(part, 0, side + 4, side);
  [parts.cropped, parts.scaled].forEach((canvas, n) => {
    canvas.hidden = !drawing;
    placeAt(canvas, n * (STEP_SIDE + 6), side + 30);
  });
  placeAt(parts.verdict, narrow ? 2 * side + 16 : spots.right + APART, narrow ? side + 8 : names, narrow ? frame.width - 2 * side - 16 : BARS);
  parts.filters.hidden = !w;
  parts.filters.textContent = w ? `${filters}${w.shape[2] > 1 ? ", c = 0" : ""} | gradient` : "";
  placeAt(parts.filters, narrow ? side + 8 : 0, narrow ? side + 3 : below + side + 4);
  const columns = panels.filter(({ name, backward }) => !backward && name !== "input" && name !== filters);
  const input = element("span", "bp-layer", {}, element("b", "", {}, "input"), element("small", "", {}, described.input_shape.join("×")));
  if (!narrow) placeAt(input, 0, names + 1);
  const tight = columns.some((panel, n) => n && middleOfPanel(panel, ratio) - middleOfPanel(columns[n - 1], ratio) < 3.3 * (panel.name.length + columns[n - 1].name.length));
  const roomy = tight ? [] : withRoom(columns, ratio);
  parts.names.replaceChildren(...(narrow ? [] : [input]), ...columns.map((panel, n) => layerName(stage, panel, columns, n, names + (tight && n % 2 ? 13 : 0), roomy)));
  parts.names.dataset.layer = layer;
}

const middleOfPanel = ({ x, block }, ratio) => (x + block.width / 2) / ratio;

// The panels whose shapes can be written side by side, the widest first.
function withRoom(columns, ratio) {
  const clear = (a, b) => Math.abs(middleOfPanel(a, ratio) - middleOfPanel(b, ratio)) > 3.4 * (shapeText(a).length + shapeText(b).length) + 4;
  const sorted = [...columns].sort((a, b) => b.block.width - a.block.width);
  return sorted.reduce((kept, panel) => (kept.every((other) => clear(panel, other)) ? [...kept, panel] : kept), []);
}

function layerName(stage, panel, columns, n, top, roomy) {
  const { name, shape, large, channels } = panel;
  const { ratio } = stage.frame.theme;
  const enlarges = shape.length === 3 && !large;
  const middle = middleOfPanel(panel, ratio);
  const room = Math.min(...[columns[n - 1], columns[n + 1]].filter(Boolean).map((other) => Math.abs(middleOfPanel(other, ratio) - middle)));
  const words = large ? `${name}[…, ${channels[0]}]` : name;
  const made = element(enlarges ? "button" : "span", "bp-layer", enlarges ? { type: "button", title: `${name}, ${shape.join("×")}: show one of its maps large` } : {}, element("b", "", {}, words));
  made.classList.toggle("bp-small", room < 38);
  if (roomy.includes(panel)) made.append(element("small", "", {}, shapeText(panel)));
  if (enlarges) made.onclick = () => stage.enlarge(name);
  placeAt(made, middle, top + 1);
  made.classList.add("bp-centred");
  return made;
}

// A layer with weights and all up to the next one share a scale, forward and backward: the same number, the same colour.
function scalesOf(stage) {
  const { described, run, back, image, w, dw, filters } = stage;
  const scales = { input: kindScale(image ? [image] : [], described.input_shape.length === 3 ? "digit" : "value") };
  const groups = [];
  if (run) {
    scales["d input"] = kindScale([back.gradients.input], "gradient");
    for (const { name, type } of columnsOf(described)) {
      if (!groups.length || type === "Conv" || type === "FullyConnected") groups.push([]);
      groups.at(-1).push(name);
    }
    for (const names of groups) {
      const [value, gradient] = [run.activations, back.gradients].map((of, backward) => kindScale(names.map((name) => of[name]), backward ? "gradient" : "value"));
      for (const name of names) Object.assign(scales, { [name]: value, [`d ${name}`]: gradient });
    }
    if (w) scales[`d ${filters}`] = kindScale([dw], "gradient");
  }
  if (w) scales[filters] = kindScale([w], "weight");
  return { scales, groups };
}

const keyOf = ({ name, backward }) => (backward ? `d ${name}` : name);

export function arrayAt(stage, { name, backward, weights }) {
  const { run, back, image, shownW, shownDw } = stage;
  if (weights) return backward ? (run && shownDw) : shownW;
  if (name === "input" && !backward) return image;
  return run ? (backward ? back.gradients : run.activations)[name] : null;
}

export function paintNetwork(stage) {
  const { panels, spots, canvas, frame: { theme, late }, painted, run, image } = stage;
  if (painted && painted.spots === spots && painted.theme === theme && painted.run === run && painted.image === image) return;
  const palettes = painted?.theme === theme ? painted.palettes : palettesOf(theme);
  stage.painted = { spots, theme, run, image, palettes };
  Object.assign(stage, scalesOf(stage));
  const { bitmap, pixels } = spots;
  const nothing = { bound: 1, ramp: "value" };
  for (const panel of panels) paintPanel(pixels, bitmap.width, panel, arrayAt(stage, panel) ?? makeArray(panel.shape), stage.scales[keyOf(panel)] ?? nothing, palettes);
  const context = canvas.getContext("2d");
  context.putImageData(bitmap, 0, 0);
  for (const panel of panels) {
    const array = arrayAt(stage, panel);
    if (array) late.run?.writeNumbers(context, panel, array, theme, theme.ratio, (value, ramps) => colorOf(stage.scales[keyOf(panel)], value, ramps));
  }
  outlinePanels(context, stage);
}

// A hairline round every map: most gradients are paper.
function outlinePanels(context, { panels, frame: { theme: { hair, ratio } } }) {
  context.strokeStyle = hair;
  context.lineWidth = 1;
  for (const panel of panels) {
    for (const { x, y, wide, high } of mapsOf(panel)) context.strokeRect(x / ratio - 0.5, y / ratio - 0.5, wide / ratio + 1, high / ratio + 1);
  }
}

const errorText = (e) => (Math.abs(e) >= 0.001 || e === 0 ? written(e, 3) : brief(e, 2));
const percent = (p) => (p < 1e-4 ? "< 0.01 %" : p > 0.9999 ? "> 99.99 %" : `${(100 * p).toFixed(2)} %`);

// Beside the last layer's cells, or by themselves; at most eighteen, the most likely ones.
export function showBars(stage) {
  const { parts, panels, spots, described, probabilities, target, label, frame } = stage;
  const last = panels.filter(({ name }) => name === described.layers.at(-1).name);
  const { block } = last[0] ?? {};
  const beside = !spots.narrow && block && block.columns === 1 && block.side >= 12 * frame.theme.ratio;
  const high = beside ? block.side / frame.theme.ratio : spots.narrow ? Math.min(17, spots.side / 10) : 20;
  const classes = [...Array(described.classes).keys()];
  const most = Math.max(1, Math.floor((spots.narrow ? spots.side : spots.half) / high));
  const shown = classes.length <= most || !probabilities ? classes.slice(0, most) : classes.sort((a, b) => probabilities[b] - probabilities[a]).slice(0, most);
  const [x, width] = spots.narrow ? [2 * spots.side + 16, frame.width - 2 * spots.side - 16] : [spots.right + 6, BARS + APART - 6];
  const top = beside ? last[0].y / frame.theme.ratio : spots.narrow ? 0 : spots.names - shown.length * high;
  const silent = !probabilities || probabilities.some(Number.isNaN);
  const rows = [[parts.bars, top, (k) => (silent ? null : probabilities[k]), percent]];
  if (beside) rows.push([parts.errors, last[1].y / frame.theme.ratio, (k) => (silent ? null : probabilities[k] - (k === target ? 1 : 0)), errorText]);
  parts.errors.hidden = !beside;
  for (const [part, y, valueOf, text] of rows) {
    placeAt(part, x, y, width);
    while (part.children.length < shown.length) part.append(element("div", "bp-prob", {}, element("b"), element("i"), element("span")));
    while (part.children.length > shown.length) part.lastChild.remove();
    shown.forEach((k, n) => fillBar(part.children[n], { k, value: valueOf(k), text, high, wanted: k === target, true: k === label }));
  }
}

function fillBar(row, { k, value, text, high, wanted, true: truth }) {
  const [name, bar, number] = row.children;
  put(row.style, "height", `${high}px`);
  put(name, "textContent", `${k}`);
  put(row, "className", `bp-prob${wanted ? " bp-wanted" : ""}${truth ? " bp-true" : ""}`);
  put(bar.style, "backgroundSize", `${value === null ? 0 : Math.min(100, 100 * Math.abs(value))}% 100%`);
  put(bar, "className", value < 0 ? "bp-less" : "");
  put(number, "textContent", value === null ? "" : text(value));
}
