// A graph of single numbers: nudge one and see which others move, and by how much, along every edge; send the messages
// back, and see where each gate sends what it gets. An edge carries its slope, forward and backward the same.

import { decodeArrays, encodeArrays, makeArray } from "./arrays.js";
import { makePlayer, makeSlider } from "./controls.js";
import { makeFrame } from "./frame.js";
import { messagesBack, runGraph, sendersOf, slopesFrom } from "./graph_compute.js";
import { makeGraph, sendAlong, showGraph } from "./graph_draw.js";
import { nudgeSentences } from "./nudge_words.js";
import { clamp, element } from "./page.js";
import { showLegend, showSum } from "./sum.js";

const SIZES = [0, 0.001, 0.01, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10];
const STRIDE = 9; // pixels of a drag to the next size

export function nudgeGraph(el, spec, link) {
  const { nodes, epsilon, messages } = spec.options;
  const stage = { nodes, epsilon, messages, given: decodeArrays(spec.arrays), senders: sendersOf(nodes), pointed: -1 };
  const placeOf = (selected) => nodes.findIndex(({ name }) => name === selected?.array);
  stage.nudged = placeOf(spec.selected);
  makeFrame(stage, el, link, {
    composition: "nudgeGraph", about: "A computation as a graph: nudge a number, send messages back", draw: drawNudge,
    escape: () => nudge(stage, -1, 0),
    hear: {
      selected: (selected) => (stage.nudged = placeOf(selected)),
      epsilon: (value) => (stage.epsilon = value),
      messages: (count) => (stage.messages = count),
      arrays: (json) => (stage.given = decodeArrays(json)),
    },
  });
  makeNudgeControls(stage);
  makeGraph(stage.frame, nodes, {
    point: (n) => ((stage.pointed = n), stage.frame.request()),
    click: (n) => nudge(stage, stage.nudged === n && stage.epsilon ? -1 : n, stage.epsilon || 0.5),
    scrub: (n, pixels, start) => nudge(stage, n, sizeAt(start + Math.trunc(pixels / STRIDE))),
    step: (n, steps) => nudge(stage, n, sizeAt(placeIn(stage, n) + steps)),
    start: (n) => placeIn(stage, n),
    value: (n) => stage.given[nodes[n].name].data[0],
    edit: (n, value) => {
      stage.given = { ...stage.given, [nodes[n].name]: makeArray([], [value]) };
      stage.frame.tell("arrays", () => encodeArrays(stage.given));
      stage.frame.request();
    },
  });
  stage.frame.root.bpStage.cellCenter = (name) => stage.frame.graph.centerOf(nodes.findIndex((node) => node.name === name));
  return stage.frame.dispose;
}

const sizeAt = (place) => Math.sign(place) * SIZES[clamp(Math.abs(place), 0, SIZES.length - 1)];

// Where epsilon stands among the sizes; 0 for a node that is not nudged.
function placeIn({ nudged, epsilon }, n) {
  if (n !== nudged) return 0;
  const near = SIZES.map((size) => Math.abs(size - Math.abs(epsilon)));
  return Math.sign(epsilon) * near.indexOf(Math.min(...near));
}

function nudge(stage, n, epsilon) {
  Object.assign(stage, { nudged: n, epsilon: n < 0 ? 0 : epsilon });
  stage.frame.tell("selected", n < 0 ? null : { array: stage.nodes[n].name, index: [] });
  stage.frame.tell("epsilon", stage.epsilon);
  stage.frame.request();
}

function makeNudgeControls(stage) {
  const { frame } = stage;
  stage.slider = makeSlider(frame.bar, { label: "the nudge ε", change: (place) => nudge(stage, Math.max(0, stage.nudged), sizeAt(place)) });
  frame.bar.append(element("span", "bp-name", {}, "messages back"));
  stage.player = makePlayer(frame.bar, { label: "messages back", unit: "gate", change: (count) => {
    const more = count === stage.messages + 1;
    stage.messages = count;
    frame.tell("messages", count);
    frame.request();
    if (more) requestAnimationFrame(() => requestAnimationFrame(() => sendAlong(frame, stage.senders[count - 1])));
  } });
  frame.ends.push(stage.player.stop);
}

// All that the picture says, computed anew in every drawing: it is a few numbers.
function graphFound({ nodes, given, nudged, epsilon, messages }) {
  const inputs = Object.fromEntries(Object.entries(given).map(([name, { data }]) => [name, data[0]]));
  const { values, slopes } = runGraph(nodes, inputs);
  const after = nudged < 0 ? values : runGraph(nodes, inputs, nudged, epsilon).values;
  const promised = nudged < 0 ? nodes.map(() => null) : slopesFrom(nodes, slopes, nudged);
  const moved = after.map((value, n) => (Object.is(value, values[n]) || nudged < 0 ? 0 : tidy(value - values[n], value, values[n])));
  return { values, slopes, after, promised, moved, gradients: messagesBack(nodes, slopes, messages), full: messagesBack(nodes, slopes) };
}

// 0.3 − 0.1 is 0.2: what is rounding of the two numbers is dropped.
function tidy(change, ...of) {
  const unit = Math.max(...of.map(Math.abs)) * 2 ** -50;
  if (Math.abs(change) < 4 * unit) return 0;
  return Number.isFinite(change) ? Number(change.toPrecision(clamp(Math.floor(Math.log10(Math.abs(change) / unit)) - 1, 1, 12))) : change;
}

function drawNudge(stage) {
  const { frame, nodes, nudged, epsilon, senders } = stage;
  stage.found = graphFound(stage);
  const name = nodes[Math.max(0, nudged)].name;
  stage.slider.show({ value: placeIn(stage, nudged), low: 1 - SIZES.length, high: SIZES.length - 1, text: `nudge ${name} by ε = ${String(epsilon).replace("-", "−")}` });
  stage.player.show({ value: clamp(stage.messages, 0, senders.length), count: senders.length });
  showGraph(frame, stage);
  showSum(frame, nudgeSentences(stage));
  const sign = epsilon && nudged >= 0;
  showLegend(frame, [
    ["here", sign ? "nudged" : "looked at"], ...(sign ? [["moved", "moves with it"], ["broken", "more than 5 % off its promise"]] : []),
    ["weight", "on an edge: its slope", "solid"], sign ? ["moved", "below: the change it promises", "solid"] : ["output", "below: the message that went back; d in a node: their sum", "solid"],
  ]);
}
