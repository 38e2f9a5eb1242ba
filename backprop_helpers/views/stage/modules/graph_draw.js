// Draws a graph of numbers: nodes as boxes that can be pulled, edges with the slope above and what goes along below.

import { TYPED, typeOver } from "./grid_keys.js";
import { BROKEN, isKept, shortText } from "./nudge_words.js";
import { element, written } from "./page.js";

const [HIGH, BETWEEN_ROWS, BESIDE_LEAST, BESIDE_MOST, ACROSS] = [60, 22, 34, 92, 46]; // pixels; ACROSS where it runs down
const SVG = "http://www.w3.org/2000/svg";

function vector(parent, tag, attributes = {}) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return parent.appendChild(made);
}

// A number that has little room.
function alongText(number, signed) {
  const text = written(Number(number.toPrecision(Math.abs(number) < 0.1 ? 2 : 3)));
  return signed && number > 0 ? `+${text}` : text;
}

const putText = (target, text) => target.textContent === text || (target.textContent = text);
const putClass = (target, name) => target.getAttribute("class") === name || target.setAttribute("class", name);

// on: point(n), click(n), scrub(n, pixels, start), step(n, by), start(n), value(n), edit(n, value)
export function makeGraph(frame, nodes, on) {
  const layout = layOutGraph(nodes.map(({ reads }) => reads));
  const root = element("div", "bp-graph");
  const drawing = vector(root, "svg", { "aria-hidden": "true" });
  const edges = layout.edges.map((edge) => ({
    ...edge, spread: graphSpreadOf(edge, layout.edges), path: vector(drawing, "path", { class: "bp-edge" }), slope: vector(drawing, "text", { class: "bp-edge-slope" }), along: vector(drawing, "text"),
  }));
  const boxes = nodes.map((node, n) => makeNode(root, node, n, on));
  const wide = Math.min(118, Math.max(64, ...nodes.map(({ label }) => 6.3 * label.length + 16)));
  const centerOf = (n) => {
    const { left, top, width, height } = boxes[n].root.getBoundingClientRect();
    return [left + width / 2, top + height / 2];
  };
  frame.field.append(root);
  frame.graph = { root, drawing, layout, edges, boxes, wide, centerOf };
}

// Where an edge is written on: away from where it meets others.
function graphSpreadOf({ from, to }, edges) {
  const [forked, meeting] = [edges.filter((edge) => edge.from === from).length > 1, edges.filter((edge) => edge.to === to).length > 1];
  return forked === meeting ? 0.5 : forked ? 0.66 : 0.34;
}

function makeNode(parent, { name, label, steps }, n, on) {
  const [value, below] = [element("b"), element("span", "bp-node-d")];
  const root = parent.appendChild(element("div", "bp-node", {
    tabindex: "0", role: "slider", "aria-label": `nudge of ${name}`, "aria-valuemin": "-10", "aria-valuemax": "10", "data-node": name,
  }, element("span", "bp-node-label", {}, label), element("span", "bp-node-value", {}, value), below));
  const type = (typed) => typeOver(root, root, { name, value: on.value(n), typed, keep: (number) => on.edit(n, number) });
  let press = null;
  Object.assign(root, {
    onpointerenter: () => on.point(n), onpointerleave: () => on.point(-1),
    onfocus: () => root.matches(":focus-visible") && on.point(n), onblur: () => on.point(-1),
    onpointerdown: (event) => {
      if (event.button !== 0 || event.target.matches("input")) return;
      press = { x: event.clientX, start: on.start(n), moved: false };
      root.setPointerCapture(event.pointerId);
    },
    onpointermove: ({ clientX }) => {
      if (press && (press.moved ||= Math.abs(clientX - press.x) > 5)) on.scrub(n, clientX - press.x, press.start);
    },
    onpointerup: () => {
      if (press && !press.moved) on.click(n);
      press = null;
    },
    onpointercancel: () => (press = null),
    ondblclick: () => steps || type(null),
    onkeydown: (event) => {
      const by = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key];
      if (event.target !== root || event.ctrlKey || event.metaKey || event.altKey) return;
      if (by) on.step(n, by);
      else if (event.key === "Enter" || event.key === " ") on.click(n);
      else if (!steps && TYPED.test(event.key)) type(event.key);
      else return;
      event.preventDefault();
      event.stopPropagation();
    },
  });
  return { root, value, below };
}

// From left to right where there is room, else from top to bottom.
function placeGraph({ graph, width, field }) {
  const { root, layout: { places, columns, rows }, wide, boxes, drawing } = graph;
  if (graph.width === width) return;
  graph.width = width;
  const beside = columns > 1 ? (width - columns * wide) / (columns - 1) : 0;
  const across = columns === 1 || beside >= BESIDE_LEAST;
  const tight = Math.min(wide, (width - 14 * Math.ceil(rows - 1)) / rows);
  const pitch = across ? [wide + Math.min(BESIDE_MOST, beside), HIGH + BETWEEN_ROWS] : [HIGH + ACROSS, Math.max(58, Math.min(wide + 34, rows > 1 ? (width - tight) / (rows - 1) : wide))];
  const side = across ? wide : Math.max(58, Math.min(wide, pitch[1] - 10));
  const spot = ({ column, row }) => (across ? [column * pitch[0] + side / 2, row * pitch[1] + HIGH / 2] : [row * pitch[1] + side / 2, column * pitch[0] + HIGH / 2]);
  const size = across ? [(columns - 1) * pitch[0] + side, (rows - 1) * pitch[1] + HIGH] : [(rows - 1) * pitch[1] + side, (columns - 1) * pitch[0] + HIGH];
  boxes.forEach(({ root: box }, n) => {
    const [x, y] = spot(places[n]);
    box.style.cssText = `left: ${x - side / 2}px; top: ${y - HIGH / 2}px; width: ${side}px; height: ${HIGH}px`;
  });
  graph.edges.forEach((edge) => placeEdge(edge, { spot, places, across, reach: across ? side / 2 : HIGH / 2 }));
  for (const [name, value] of Object.entries({ width: size[0], height: size[1] })) drawing.setAttribute(name, value);
  Object.assign(root.style, { width: `${size[0]}px`, height: `${size[1]}px` });
  field.style.height = `${size[1] + 4}px`;
  root.classList.toggle("bp-wide-graph", size[0] > width);
}

// On the curve from start to end, a part of the way.
function pointBetween(start, end, across, part) {
  const [along, aside] = [1.5 * (1 - part) * part + part ** 3, part * part * (3 - 2 * part)];
  const [x, y] = across ? [along, aside] : [aside, along];
  return [start[0] + (end[0] - start[0]) * x, start[1] + (end[1] - start[1]) * y];
}

function placeEdge({ path, slope, along, from, to, via, bow, spread }, { spot, places, across, reach }) {
  const onward = ([x, y], by) => (across ? [x + by, y] : [x, y + by]);
  const aside = ([x, y]) => (across ? [x, y + 38 * bow] : [x + 74 * bow, y]);
  const stops = [[onward(spot(places[from]), reach)], ...via.map((place) => [onward(spot(place), -reach), onward(spot(place), reach)]), [onward(spot(places[to]), -reach - 5)]];
  let line = `M${stops[0][0]}`;
  let middle = null;
  for (let n = 1; n < stops.length; n += 1) {
    const [start, end] = [stops[n - 1].at(-1), stops[n][0]];
    const half = across ? (end[0] - start[0]) / 2 : (end[1] - start[1]) / 2;
    line += `C${aside(onward(start, half))} ${aside(onward(end, -half))} ${end}${stops[n][1] ? `L${stops[n][1]}` : ""}`;
    const [x, y] = pointBetween(start, end, across, spread);
    middle = across ? [x, y + 28 * bow] : [x + 55 * bow, y];
  }
  const [x, y] = stops.at(-1)[0];
  path.dataset.line = line; // a message goes along it
  path.setAttribute("d", `${line}${across ? `M${x - 4} ${y - 4}L${x + 2} ${y}L${x - 4} ${y + 4}` : `M${x - 4} ${y - 4}L${x} ${y + 2}L${x + 4} ${y - 4}`}`);
  for (const [text, dy] of [[slope, -4], [along, 13]]) {
    text.setAttribute("x", middle[0]);
    text.setAttribute("y", middle[1] + dy);
  }
}

export function showGraph(frame, stage) {
  placeGraph(frame);
  const { graph } = frame;
  const { nodes, nudged, epsilon, pointed, messages, senders, found } = stage;
  const { values, after, slopes, promised, moved, gradients } = found;
  const sent = new Set(senders.slice(0, messages));
  nodes.forEach(({ name }, n) => {
    const { root, value, below } = graph.boxes[n];
    const active = nudged >= 0 && epsilon;
    putText(value, shortText(after[n]));
    if (active) putText(below, moved[n] ? alongText(moved[n], true) : "");
    else putText(below, gradients[n] === null ? "" : `d ${shortText(gradients[n])}`);
    putClass(below, `bp-node-d ${active ? "bp-ink-moved" : "bp-ink-output"}`);
    const promise = active && promised[n] !== null ? promised[n] * epsilon : 0;
    const broken = active && !isKept(moved[n], promise) && Math.abs(moved[n] - promise) > BROKEN * Math.abs(promise);
    putClass(root, ["bp-node", nodes[n].steps ? "" : "bp-node-input", active && n === nudged ? "bp-nudged" : active && moved[n] ? "bp-moves" : "", pointed === n ? "bp-looked" : "", broken ? "bp-broken" : ""].filter(Boolean).join(" "));
    const now = n === nudged ? epsilon : 0;
    if (root.ariaValueNow !== String(now)) root.ariaValueNow = String(now);
    const heard = `${name} = ${shortText(values[n])}, nudged by ${shortText(now)}`;
    if (root.ariaValueText !== heard) root.ariaValueText = heard;
  });
  for (const { from, to, slot, path, slope, along } of graph.edges) {
    const carries = nudged >= 0 && epsilon && moved[from] && to !== nudged;
    const back = !(nudged >= 0 && epsilon) && sent.has(to);
    const number = carries ? slopes[to][slot] * moved[from] : back ? gradients[to] * slopes[to][slot] : null;
    putText(slope, `·${alongText(slopes[to][slot], false)}`);
    putText(along, number === null ? "" : alongText(number, carries));
    putClass(along, carries ? "bp-edge-moved" : "bp-edge-back");
    putClass(path, `bp-edge${carries ? " bp-carries" : back ? " bp-went" : ""}${slopes[to][slot] === 0 ? " bp-closed" : ""}`);
  }
}

// The messages of one gate travel back along its edges.
export function sendAlong({ graph, root }, gate) {
  if (matchMedia("(prefers-reduced-motion: reduce)").matches || !root.isConnected) return;
  for (const { to, path, along } of graph.edges) {
    if (to !== gate) continue;
    const pill = graph.root.appendChild(element("span", "bp-message", { "aria-hidden": "true" }, along.textContent));
    pill.style.offsetPath = `path("${path.dataset.line}")`;
    pill.animate([{ offsetDistance: "100%" }, { offsetDistance: "0%" }], { duration: 700, easing: "ease-in-out" }).finished.finally(() => pill.remove());
  }
}

// Lays out a graph that is computed from left to right: nodes in columns, few crossings, no edge behind a node.

const SWEEPS = 12;
const mean = (numbers) => numbers.reduce((sum, n) => sum + n, 0) / numbers.length;
const isInput = ({ behind }) => !behind.length;

// Where a point would like to be. Edges past other nodes run straight, then what is computed; an input gives way.
function wishOf(point) {
  const near = [...point.ahead, ...point.behind].map((other) => [other.row, point.passes && other.passes ? 12 : point.passes || other.passes || isInput(other) ? 1 : 4]);
  const weight = near.reduce((sum, [, own]) => sum + own, 0);
  return weight ? near.reduce((sum, [row, own]) => sum + own * row, 0) / weight : point.row;
}

// reads: for each node, the nodes that it reads. Returns { places: [{ column, row }], edges: [{ from, to, slot, bow, via }],
// columns, rows }: `via` are the places between the two where the edge passes; `bow` parts edges with the same ends.
export function layOutGraph(reads) {
  const column = columnsFor(reads);
  const points = reads.map((_, n) => ({ column: column[n], ahead: [], behind: [], width: 1 }));
  const edges = reads.flatMap((from, to) => from.map((m, slot) => {
    const via = [];
    let last = points[m];
    const join = (point) => (last.ahead.push(point), point.behind.push(last), (last = point));
    for (let c = column[m] + 1; c < column[to]; c += 1) via.push(join({ column: c, ahead: [], behind: [], width: 0.62, passes: true }));
    join(points[to]);
    const same = from.filter((other) => other === m).length;
    return { from: m, to, slot, via, bow: same > 1 ? from.slice(0, slot).filter((other) => other === m).length - (same - 1) / 2 : 0 };
  }));
  const levels = Array.from({ length: Math.max(...column) + 1 }, () => []);
  for (const point of [...points, ...edges.flatMap(({ via }) => via)]) levels[point.column].push(point);
  const ordered = orderedLevels(levels);
  placeRows(ordered);
  for (const { via } of edges) straighten(via, ordered);
  const least = Math.min(...ordered.flat().map(({ row }) => row));
  for (const point of ordered.flat()) point.row -= least;
  for (const point of points) point.row = Math.round(2 * point.row) / 2; // what is one apart stays so
  const rows = Math.max(...ordered.flat().map(({ row }) => row)) + 1;
  return { places: points, edges, columns: levels.length, rows };
}

// Right of all that it reads; an input close to its first reader.
function columnsFor(reads) {
  const column = [];
  for (const from of reads) column.push(Math.max(-1, ...from.map((m) => column[m])) + 1);
  const readers = (n) => column.filter((_, to) => reads[to].includes(n));
  return column.map((c, n) => (reads[n].length || !readers(n).length ? c : Math.min(...readers(n)) - 1));
}

function orderedLevels(levels) {
  let best = null;
  for (let sweep = 0; sweep < SWEEPS; sweep += 1) {
    const side = sweep % 2 ? "ahead" : "behind";
    levels.forEach((level) => level.forEach((point, n) => (point.order = n - (level.length - 1) / 2)));
    for (const level of side === "behind" ? levels : [...levels].reverse()) {
      const wish = new Map(level.map((point) => [point, point[side].length ? mean(point[side].map(({ order }) => order)) : point.order]));
      level.sort((a, b) => wish.get(a) - wish.get(b));
      level.forEach((point, n) => (point.order = n - (level.length - 1) / 2));
    }
    const crossed = crossings(levels);
    if (!best || crossed < best.crossed) best = { crossed, levels: levels.map((level) => [...level]) };
  }
  return best.levels;
}

function crossings(levels) {
  const lines = (level) => level.flatMap((point, n) => point.ahead.map((other) => [n, other.order]));
  return levels.flatMap((level) => {
    const all = lines(level);
    return all.flatMap(([a, b], n) => all.slice(n + 1).filter(([c, d]) => (a - c) * (b - d) < 0));
  }).length;
}

// Each point towards its wish, as far as those in its column leave room: first what is computed, then the inputs.
function placeRows(levels) {
  for (const level of levels) level.forEach((point, n) => (point.row = n ? level[n - 1].row + gapOf(level, n - 1, n) : 0));
  for (let round = 0; round < 60; round += 1) {
    for (const level of round % 2 ? levels : [...levels].reverse()) {
      const places = level.map((_, n) => n);
      const firm = places.filter((n) => !isInput(level[n]));
      placeFirm(level, firm.length ? firm : places);
      if (firm.length) placeInputs(level, firm);
    }
  }
}

// The distance of two points in a column, with room for those between.
const gapOf = (level, a, b) => level.slice(a, b).reduce((sum, point, n) => sum + (point.width + level[a + n + 1].width) / 2, 0);

function placeFirm(level, places) {
  const wish = places.map((n) => wishOf(level[n]));
  const [down, up] = [[], []];
  places.forEach((n, k) => (down[k] = k ? Math.max(wish[k], down[k - 1] + gapOf(level, places[k - 1], n)) : wish[k]));
  for (let k = places.length - 1; k >= 0; k -= 1) up[k] = k < places.length - 1 ? Math.min(wish[k], up[k + 1] - gapOf(level, places[k], places[k + 1])) : wish[k];
  places.forEach((n, k) => (level[n].row = (down[k] + up[k]) / 2));
}

// An edge past several columns at one height, where nothing stands there.
function straighten(via, levels) {
  const row = via.length > 1 ? mean(via.map((point) => point.row)) : 0;
  const free = (point) => levels[point.column].every((other) => other === point || Math.abs(other.row - row) >= 0.85 * ((other.width + point.width) / 2));
  if (via.length > 1 && via.every(free)) for (const point of via) point.row = row;
}

function placeInputs(level, firm) {
  level.forEach((point, n) => {
    if (!isInput(point)) return;
    const below = firm.find((other) => other > n);
    const high = below === undefined ? Infinity : level[below].row - gapOf(level, n, below);
    const low = n ? level[n - 1].row + gapOf(level, n - 1, n) : -Infinity;
    point.row = Math.max(low, Math.min(high, wishOf(point)));
  });
}
