// All maps of a network on one canvas: above the names what each layer says, below them the gradient of J at every cell.
// A panel is a layer's output there: { name, backward, shape, x, y, … } in device pixels.

import { offset, sizeOf } from "./arrays.js";
import { inkOn } from "./colors.js";

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
export function mapsOf({ x, y, block, block: { rows, columns, side, strip, count, width, height } }) {
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
export function palettesOf(theme) {
  const packed = ([r, g, b]) => (255 << 24) | (b << 16) | (g << 8) | r;
  const palettes = Object.fromEntries(Object.entries(theme.ramps).map(([name, ramp]) => [name, Int32Array.from(ramp, packed)]));
  const hatch = packed(inkOn(theme.paper) === "#000" ? [150, 150, 150] : [120, 120, 120]);
  return { ...palettes, theme, paper: packed(theme.paper), hatch, bend: Float64Array.from({ length: 1025 }, (_, n) => (n / 1024) ** 0.65) };
}

// pixels: Int32Array of an image `stride` pixels wide; values: the array at the panel; scale: of kindScale.
export function paintPanel(pixels, stride, panel, { data }, scale, palettes) {
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
