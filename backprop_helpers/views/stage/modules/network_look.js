// What a network's stage shows of a cell: its sums, what it sees, what it sends back; and where the keyboard goes.

import { decodeArray, offset } from "./arrays.js";
import { colorOf, kindScale } from "./colors.js";
import { hold } from "./frame.js";
import { pointAtCell, sameSpot, spotAt } from "./network.js";
import { cellOfPanel, unravelled } from "./network_maps.js";
import { columnsOf } from "./network_view.js";
import { backwardLine, filterLines, forwardLine, seenAndSent } from "./network_words.js";
import { productsOf } from "./products.js";
import { positionOf, receptiveField, sentBack } from "./receptive_field.js";

// The lines of the sum and the legend; the cells are marked.
export function lookAt(stage, spot) {
  const { run, network: net, back } = stage;
  if (spot.weights) {
    const marked = { name: stage.filters, index: [spot.index[0], spot.index[1], 0, spot.index[2]] };
    markNetwork(stage, spot, { field: null, before: null, sent: null });
    return [filterLines(marked, stage.w, stage.dw), [["here", "the weight, and its gradient"]]];
  }
  const before = beforeOf(stage, spot.name);
  const known = run.caches !== null;
  const gradient = back.gradients[spot.name].data[offset(back.gradients[spot.name].shape, spot.index)];
  const answer = known ? null : answerOfPython(stage, spot, before);
  const field = known ? receptiveField(net, spot.name, spot.index) : answer?.field ?? null;
  const sent = known ? before !== null && gradient !== 0 && sentBack(net, run, back.gradients, spot.name, spot.index, before) : answer?.sent ?? null;
  markNetwork(stage, spot, { field, before, sent: sent || null });
  return [
    [forwardLine(stage, spot), backwardLine(stage, spot), seenAndSent(spot, field, before, sent, gradient)],
    [["here", "the cell, and its gradient"], ["input", "what it sees"], ...(sent ? [["plain", `${before}, below: this cell's share alone`]] : [])],
  ];
}

// The layer in sight that a cell sends its gradient to.
function beforeOf({ described }, name) {
  const names = ["input", ...columnsOf(described).map((layer) => layer.name)];
  return names[names.indexOf(name) - 1] ?? null;
}

// A cell of a network that only Python knows: it is asked once, and drawn when the answer has come.
function answerOfPython(stage, { name, index }, before) {
  const key = JSON.stringify([name, index, stage.version]);
  if (stage.answer?.key === key) return stage.answer;
  const answer = (stage.answer = { key, field: null, sent: null });
  stage.link.ask({ ask: "cell", name, index, before }).then((bytes) => {
    const { field, sent } = JSON.parse(new TextDecoder().decode(bytes));
    Object.assign(answer, { field, sent: sent && decodeArray(sent) });
    stage.frame.request();
  }).catch((error) => ((stage.message = error.message), stage.frame.request()));
  return answer;
}

const firstSpot = ({ panels: [panel] }) => ({ name: panel.name, index: panel.shape.map(() => 0), backward: false, weights: false });

export const focusCell = (stage) => pointAtCell(stage, stage.held ?? firstSpot(stage));

// An arrow goes on until it meets another cell, of the same map or of the next one.
export function pressNetworkKey(stage, event) {
  const [dx, dy] = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] }[event.key] ?? [0, 0];
  const now = stage.pointed ?? stage.held ?? firstSpot(stage);
  if (event.key === "Enter" || event.key === " ") hold(stage, now);
  else if (!dx && !dy) return;
  else {
    const { ratio } = stage.frame.theme;
    const panel = panelOf(stage, now);
    const box = boxOfCell(stage, panel, now.index);
    let [x, y] = [(box.x + box.wide / 2) * ratio, (box.y + box.high / 2) * ratio];
    const { width, height } = stage.canvas;
    for (let next = now; x >= 0 && y >= 0 && x < width && y < height; [x, y] = [x + dx, y + dy]) {
      next = spotAt(stage, x, y);
      if (next && !sameSpot(next, now)) {
        pointAtCell(stage, next);
        break;
      }
    }
  }
  event.preventDefault();
  event.stopPropagation();
}

const panelOf = ({ panels }, spot) => panels.find((panel) => panel.name === spot.name && !!panel.backward === !!spot.backward && !!panel.weights === !!spot.weights
  && (panel.block.strip || panel.color || panel.channels.includes(spot.index[2])));

export function centreOfCell(stage, key, index) {
  const [name, backward] = [key.replace("d ", ""), key.startsWith("d ")];
  const panel = panelOf(stage, { name, index, backward, weights: name.endsWith(".w") });
  const box = panel && boxOfCell(stage, panel, index);
  const { left, top } = stage.frame.field.getBoundingClientRect();
  return box && [left + box.x + box.wide / 2, top + box.y + box.high / 2];
}

// Marks

function boxOfCell(stage, panel, index) {
  const cell = cellOfPanel(panel, index);
  const { ratio } = stage.frame.theme;
  return cell && { x: cell.x / ratio, y: cell.y / ratio, wide: cell.wide / ratio, high: cell.high / ratio };
}

function strokeAround({ over, theme }, { x, y, wide, high }, role) {
  const dash = { here: [], input: [], weight: [5, 2.5], output: [2, 2] }[role];
  for (const [color, width, lines] of [[`rgb(${theme.paper})`, 3.5, []], [theme.inks[role], 1.8, dash]]) {
    Object.assign(over, { strokeStyle: color, lineWidth: width });
    over.setLineDash(lines);
    over.strokeRect(x - 1, y - 1, wide + 2, high + 2);
  }
  over.setLineDash([]);
}

function markNetwork(stage, spot, { field, before, sent }) {
  const { panels, frame, network, run } = stage;
  const of = (name, backward) => panels.filter((panel) => panel.name === name && !!panel.backward === backward && !panel.weights);
  for (const panel of before === null ? [] : of(before, true)) if (sent) paintSent(stage, panel, sent);
  for (const panel of before === null || !run.caches ? [] : of(before, false)) {
    for (const box of windowBoxes(stage, panel, network.layers[positionOf(network, spot.name) - 1], spot.index)) strokeAround(frame, box, "input");
  }
  if (field && spot.name !== "input") for (const panel of [...of("input", false), ...of("input", true)]) for (const box of fieldBoxes(stage, panel, field)) strokeAround(frame, box, "input");
  for (const panel of panels.filter(({ name }) => name === spot.name)) {
    const box = boxOfCell(stage, panel, spot.index);
    if (box) strokeAround(frame, box, "here");
  }
}

const around = (a, b) => ({ x: a.x, y: a.y, wide: b.x + b.wide - a.x, high: b.y + b.high - a.y });

// One frame a map, from the first to the last pixel seen; a vector has one round all.
function fieldBoxes(stage, panel, { rows, columns, channels }) {
  if (panel.block.strip) return [{ ...around(boxOfCell(stage, panel, unravelled(panel.shape, columns[0])), boxOfCell(stage, panel, unravelled(panel.shape, columns.at(-1)))) }];
  return (panel.color ? [0] : channels.filter((c) => panel.channels.includes(c))).map((c) =>
    around(boxOfCell(stage, panel, [rows[0], columns[0], c]), boxOfCell(stage, panel, [rows.at(-1), columns.at(-1), c])));
}

// What the cell reads in the layer right before it.
function windowBoxes(stage, panel, layer, index) {
  if (layer.type === "ReLU") return [boxOfCell(stage, panel, index)].filter(Boolean);
  if (!layer.geometry || panel.shape.length !== 3) return [];
  const read = productsOf(layer.geometry, "z", index).filter(({ inside }) => inside).map(({ x }) => x);
  const maps = [...new Set(read.map((x) => x[2]))].filter((c) => panel.color || panel.channels.includes(c));
  return (panel.color ? [0] : maps).map((c) => {
    const own = read.filter((x) => x[2] === c);
    return around(boxOfCell(stage, panel, own[0]), boxOfCell(stage, panel, own.at(-1)));
  });
}

// What one cell adds to the gradients before it, in place of what all of them add.
function paintSent(stage, panel, sent) {
  const { frame: { over, theme } } = stage;
  const { ratio } = theme;
  const scale = kindScale([sent], "gradient");
  over.globalAlpha = 0.88;
  over.fillStyle = theme.ground;
  over.fillRect(panel.x / ratio, panel.y / ratio, panel.block.width / ratio, panel.block.height / ratio);
  over.globalAlpha = 1;
  sent.data.forEach((value, place) => {
    const box = value !== 0 && boxOfCell(stage, panel, unravelled(sent.shape, place));
    if (!box) return;
    over.fillStyle = `rgb(${colorOf(scale, value, theme.ramps)})`;
    over.fillRect(box.x, box.y, box.wide, box.high);
  });
}
