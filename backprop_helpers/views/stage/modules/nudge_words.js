// What the graph of nudges says about the node that is looked at, and about a promise.

import { written } from "./page.js";
import { bracketed, sumOfProducts } from "./sum.js";

const VERBS = {
  add: "+ distributes: each input gets the message as it is.",
  subtract: "− distributes, and turns the sign for what is taken away.",
  multiply: "× swaps: each input gets the message times the other one's value.",
  divide: "÷ is × by 1/b: what is below gets its share with a minus.",
  max: "max routes: the larger input gets the whole message, the other nothing. A tie goes to the first.",
  min: "min routes: the smaller input gets the whole message, the other nothing.",
};
const KINKED = ["relu", "max", "min"];
const KEPT = 1e-9; // of a promise: rounding
export const BROKEN = 0.05;

export const shortText = (value) => written(Number.isFinite(value) ? Number(value.toPrecision(4)) : value);
const signedText = (value) => (value < 0 ? shortText(value) : `+${shortText(value)}`);

// Whether what moved is what was promised, but for rounding.
export const isKept = (moved, promised) => Math.abs(moved - promised) <= KEPT * Math.max(1e-3, Math.abs(promised), Math.abs(moved));

export function nudgeSentences(stage) {
  const { nodes, nudged, epsilon, pointed, found } = stage;
  const here = pointed >= 0 && pointed !== nudged ? pointed : -1;
  if (nudged < 0 || !epsilon) return pointed >= 0 ? [valueLine(stage, pointed), ...backwardLines(stage, pointed)] : openingLines(stage);
  const target = here >= 0 ? here : nodes.length - 1;
  if (found.promised[target] === null) return [[`${nodes[target].name} does not read ${nodes[nudged].name}: it cannot move.`], backwardLines(stage, target)[0]];
  return [promiseLine(stage, target), verdictLine(stage, target), here >= 0 ? backwardLines(stage, here)[0] : movedLine(stage)];
}

function openingLines({ nodes, messages, senders }) {
  const last = nodes.at(-1).name;
  return [
    ["Pull a number sideways to nudge it, or click it. Type over an input. Point at a node to read its sum."],
    [messages ? `${Math.min(messages, senders.length)} of ${senders.length} gates have sent their message back.` : `Backward begins with d${last} = 1: ${last} moves as far as ${last} does. Press ▸: the last gate sends it on.`],
  ];
}

function valueLine({ nodes, found: { values } }, n) {
  const { name, text, formula, reads, steps } = nodes[n];
  if (!steps) return [{ text: name, role: "here" }, ` = ${shortText(values[n])}, an input.`];
  const parts = formula.map((part) => (typeof part === "number" ? { text: bracketed(shortText(values[reads[part]])), role: "input" } : part));
  return [{ text: name, role: "here" }, ` = ${text} = `, ...parts, " = ", { text: shortText(values[n]), role: "here" }];
}

// What it has received, term by term; and what its gate does with it.
function backwardLines({ nodes, found: { slopes, gradients }, senders, messages }, n) {
  const { name, steps } = nodes[n];
  const sent = new Set(senders.slice(0, messages));
  const readers = nodes.flatMap(({ reads }, to) => reads.flatMap((m, slot) => (m === n ? [{ to, slot }] : [])));
  const terms = readers.filter(({ to }) => sent.has(to)).map(({ to, slot }) => [{ value: gradients[to], role: "output" }, { value: slopes[to][slot], role: "weight" }]);
  const left = readers.length - terms.length;
  const fork = readers.length > 1 ? `   A fork adds: ${readers.length} edges leave ${name}${left ? `, ${left} not heard from yet` : ""}.` : "";
  const received = n === nodes.length - 1 ? [`d${name} = 1: here the way back begins.`]
    : terms.length ? [...sumOfProducts({ name: `d${name}`, terms, total: gradients[n] }), fork] : [`d${name}: no message has arrived yet.${fork}`];
  return [received, [steps ? verbOf(nodes[n], slopes[n]) : "What arrives at an input stays: it is the gradient."]];
}

function verbOf({ steps, name, reads }, slopes) {
  const [[op, ...given]] = steps;
  if (reads.length > 1) return VERBS[op];
  if (op === "relu") return slopes[0] ? `${name} is an open switch: the message passes.` : `${name} is a closed switch: nothing passes, slope 0.`;
  if (op === "add") return "+ distributes: the message as it is, for a number added has no slope of its own.";
  const constant = ["multiply", "negate", "subtract"].includes(op) || (op === "divide" && given[0] === null);
  return `${name} multiplies the message by its slope ${shortText(slopes[0])}${constant && steps.length === 1 ? ", the same everywhere." : ", which is another one elsewhere."}`;
}

function promiseLine({ nodes, nudged, epsilon, found: { promised, moved } }, target) {
  const [from, name] = [nodes[nudged].name, nodes[target].name];
  const slope = promised[target];
  return [
    { text: `${from} ${signedText(epsilon)}`, role: "here" }, `   ${name}: promised  slope · ε = `, { text: bracketed(shortText(slope)), role: "weight" }, "·",
    { text: bracketed(shortText(epsilon)), role: "here" }, ` = ${shortText(slope * epsilon)},  moved  `, { text: shortText(moved[target]), role: "moved" },
  ];
}

// Which gate was the first to leave its slope; a promise of 0 is kept where something is closed, not where all is straight.
function verdictLine(stage, target) {
  const { nodes, nudged, epsilon, found: { moved, promised, after } } = stage;
  const [is, was] = [moved[target], promised[target] * epsilon];
  if (!Number.isFinite(after[target]) || !Number.isFinite(was)) return [`${nodes[target].name} is ${shortText(after[target])} there: no promise can be compared.`];
  const bent = bentGates(stage, target);
  const crossed = bent.filter((n) => KINKED.includes(nodes[n].steps[0][0]));
  const where = crossed.length ? `${namesOf(nodes, crossed)} crossed its kink` : `${namesOf(nodes, bent.slice(0, 1))} is the first to bend`;
  if (isKept(is, was)) {
    if (bent.length) return [`Kept, though ${where}: it did not reach ${nodes[target].name}, or cancelled.`];
    const shut = was ? [] : closedGates(stage, target);
    return [shut.length ? `Kept exactly, because ${namesOf(nodes, shut)} lets nothing through: a slope of 0 stands on the way.`
      : target === nudged ? "This is the nudge itself." : "Kept exactly: between here and there every gate on the way is a straight line."];
  }
  const share = Math.abs((is - was) / was);
  const percent = Number.isFinite(share) ? `off by ${signedText(is - was)}, ${shortText(Number((100 * share).toPrecision(2)))} % of the promise` : `off by ${signedText(is - was)}, where nothing was promised`;
  return [`${percent}${share <= BROKEN ? ": still good" : ": the nudge is too large"}; ${where}.`];
}

const namesOf = (nodes, places) => places.map((n) => nodes[n].name).join(" and ");
const onTheWay = ({ nodes, nudged, found: { promised } }, target) => nodes.map((_, n) => n).filter((n) => n > nudged && n <= target && promised[n] !== null);

// Gates that moved by other than slope times what their inputs moved.
export function bentGates(stage, target = stage.nodes.length - 1) {
  const { nodes, found: { slopes, moved } } = stage;
  return onTheWay(stage, target).filter((n) => {
    const straight = nodes[n].reads.reduce((sum, m, k) => sum + (moved[m] ? slopes[n][k] * moved[m] : 0), 0);
    return !isKept(moved[n], straight);
  });
}

const closedGates = (stage, target) => onTheWay(stage, target).filter((n) => {
  const { nodes, found: { slopes, moved } } = stage;
  return !moved[n] && nodes[n].reads.some((m, k) => moved[m] && slopes[n][k] === 0);
});

function movedLine({ nodes, nudged, found: { moved } }) {
  const names = nodes.filter((_, n) => n !== nudged && moved[n]).map(({ name }) => name);
  return [names.length ? `Moved: ${names.join(", ")}. ` : "Nothing else moved. ", "Point at another node to read its promise; Escape lets go."];
}
