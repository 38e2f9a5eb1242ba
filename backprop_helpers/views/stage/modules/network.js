// A whole network under the pointer: all maps forward and backward, for a digit of the data or one that is drawn. Hover a
// cell for its sums, what it sees and what it sends back; change the label in J; go through the training.

import { decodeBase64, makeArray, sizeOf } from "./arrays.js";
import { makeChoice, makeSelect, makeSlider, makeStepper, makeSwitch } from "./controls.js";
import { hold, makeFrame, whenHere } from "./frame.js";
import { arrayAt, columnsOf, indexInPanel, layNetwork, paintNetwork, showBars } from "./network_maps.js";
import { brief, element } from "./page.js";
import { showLegend, showSum } from "./sum.js";

// What comes later: what computes first, for the others need it too.
const LATE = { run: () => import("./network_run.js"), look: () => import("./network_look.js"), pad: () => import("./network_pad.js"), search: () => import("./network_search.js") };
const NETWORK_TRAITS = ["index", "label", "step", "layer", "channel", "drawing", "prepared", "among"];

export function network(el, spec, link) {
  const { options } = spec;
  const { network: described } = options;
  const stage = { ...Object.fromEntries(NETWORK_TRAITS.map((name) => [name, options[name]])), options, described, link, held: spec.selected, pointed: null, version: 0 };
  stage.target = stage.label = null;
  const stale = () => ((stage.stale = true), (stage.version += 1), stage.frame.request());
  const hear = { revision: () => renewNetwork(stage) };
  for (const name of NETWORK_TRAITS) if (name !== "label") hear[name] = (value) => ((stage[name] = value), stale(), name === "step" && wantStep(stage));
  hear.label = (value) => ((stage.asked = value), stale());
  Object.assign(stage, { asked: options.label, stale: true, again: stale, message: "" });
  makeFrame(stage, el, link, { composition: "network", about: "A network, forward and backward", draw: drawNetwork, hear });
  stage.enlarge = (name) => setOption(stage, { layer: name, channel: 0 });
  makeParts(stage);
  listenToMaps(stage);
  stage.frame.root.bpStage.cellCenter = async (name, index) => (await LATE.look()).centreOfCell(stage, name, index);
  stage.frame.root.bpStage.values = (name) => [...(arrayAt(stage, { name: name.replace("d ", ""), backward: name.startsWith("d ") })?.data ?? [])];
  renewNetwork(stage);
  return stage.frame.dispose;
}

// The weights come when they come; the digit is shown before.
function renewNetwork(stage) {
  const failed = (words) => ((stage.message = words), stage.frame.request());
  stage.source = makeSource({ options: stage.options }, stage.link, stage.again, failed);
  stage.source.last();
  wantStep(stage);
  wantImage(stage);
}

const wantStep = ({ source, step, described, again }) => described.python || source.networks[step] || (step < source.networks.length - 1 && source.every().then(again));
const wantImage = ({ source, index }) => source.images.has(index) || source.digits();

export function setOption(stage, values) {
  Object.assign(stage, values);
  for (const [name, value] of Object.entries(values)) stage.frame.tell(name, value);
  wantStep(stage);
  wantImage(stage);
  stage.again();
}

function makeParts(stage) {
  const { frame, described, options } = stage;
  const { input_shape: [side, , deep] } = described;
  const { bar, field } = frame;
  const drawable = described.input_shape.length === 3 && deep === 1 && side === described.input_shape[1] && side >= 8 && side <= 64;
  Object.assign(stage, { source: null, paperSize: drawable ? side : 8 });
  stage.canvas = element("canvas", "bp-maps", { tabindex: "0", role: "application", "aria-label": "the network's maps; arrow keys go from cell to cell, Enter holds one" });
  const parts = { pad: element("canvas", "bp-pad"), cropped: element("canvas", "bp-step", { "aria-hidden": "true" }), scaled: element("canvas", "bp-step", { "aria-hidden": "true" }) };
  for (const name of ["names", "digits", "ink", "verdict", "bars", "errors", "filters"]) parts[name] = element("div", `bp-${name}`);
  parts.verdict.role = "status";
  stage.parts = parts;
  field.append(stage.canvas, ...Object.values(parts), frame.cover);
  const controls = {};
  if (drawable) controls.source = makeChoice(bar, { label: "digit", options: { false: ["given", "an image of the data"], true: ["drawn", "draw with the mouse, a pen or a finger"] }, change: (key) => setOption(stage, { drawing: key === "true" }) });
  controls.label = makeSelect(bar, { name: "label in J", label: "label in J: the class that the loss asks for", change: (value) => ((stage.asked = value), frame.tell("label", value), stage.again()) });
  if (options.steps.length > 1) {
    const training = bar.appendChild(element("span", "bp-training"));
    controls.step = makeSlider(training, { label: "training step", name: "training step", change: (step) => setOption(stage, { step }) });
  }
  controls.channel = makeStepper(bar, { label: "map", change: (channel) => setOption(stage, { channel }) });
  controls.all = makeSwitch(bar, { label: "all layers", change: () => setOption(stage, { layer: "all", channel: 0 }) });
  stage.controls = controls;
}

function choicesOfLabel({ described: { classes }, label }) {
  const own = label === null ? [] : [["true", `the true one (${label})`]];
  return [...own, ["prediction", "the prediction"], ["second", "the second choice"], ...Array.from({ length: classes }, (_, k) => [String(k), String(k)])];
}

function takeImage(stage, pad) {
  const { drawing, source, index, paper, prepared } = stage;
  stage.drawn = pad ? pad.imageOnPaper(paper, prepared) : null;
  const found = drawing ? null : source.images.get(index);
  stage.image = drawing ? stage.drawn?.image ?? null : found?.image() ?? null;
  stage.label = found?.label ?? null;
}

// With the network, the run; with the paper, what is drawn on it, or the buttons that go from image to image.
function recomputeNetwork(stage) {
  const { described, source, step, frame, drawing } = stage;
  const runs = whenHere(frame, "run", LATE.run);
  const pad = drawing && whenHere(frame, "pad", LATE.pad);
  const search = !drawing && whenHere(frame, "search", LATE.search);
  if (pad) pad.openPad(stage);
  if (search) search.openDigits(stage);
  takeImage(stage, pad);
  stage.network = described.python ? described : source.networks[step];
  runs?.runNetwork(stage);
  Object.assign(stage, { shown: null, stale: !runs || !(pad || search) });
}

function listenToMaps(stage) {
  const { canvas, frame, controls } = stage;
  const under = (event) => spotAt(stage, event.offsetX * frame.theme.ratio, event.offsetY * frame.theme.ratio);
  // A stroke over the given digit is the first of a drawing; a finger scrolls the page.
  let pressed = null;
  const press = (event, spot) => (pressed = controls.source && event.pointerType === "mouse" && spot?.name === "input" && !spot.backward ? [event.offsetX, event.offsetY] : null);
  const drawn = (event) => pressed && event.buttons === 1 && Math.hypot(event.offsetX - pressed[0], event.offsetY - pressed[1]) > 5;
  Object.assign(canvas, {
    onpointermove: (event) => (drawn(event) ? ((pressed = null), setOption(stage, { drawing: true })) : pointAtCell(stage, under(event))),
    onpointerleave: () => pointAtCell(stage, null),
    onpointerdown: (event) => (press(event, under(event)), event.pointerType !== "mouse" && pointAtCell(stage, under(event))),
    onclick: (event) => hold(stage, under(event)),
    onblur: () => pointAtCell(stage, null),
    onfocus: async () => (lookOf(stage), canvas.matches(":focus-visible") && (await LATE.look()).focusCell(stage)),
    onkeydown: async (event) => (lookOf(stage) ?? (await LATE.look())).pressNetworkKey(stage, event),
  });
}

export function spotAt({ panels }, x, y) {
  for (const panel of panels ?? []) {
    const index = indexInPanel(panel, x, y);
    if (index) return { name: panel.name, index, backward: !!panel.backward, weights: !!panel.weights };
  }
  return null;
}

export const sameSpot = (a, b) => JSON.stringify(a) === JSON.stringify(b);

export function pointAtCell(stage, spot) {
  if (sameSpot(spot, stage.pointed)) return;
  stage.pointed = spot;
  stage.canvas.classList.toggle("bp-over", !!spot);
  stage.frame.request();
}

function drawNetwork(stage) {
  const { frame } = stage;
  if (stage.stale) recomputeNetwork(stage);
  stage.narrow = frame.narrow;
  layNetwork(stage);
  paintNetwork(stage);
  showWords(stage);
  const { painted, version } = stage;
  if (stage.shown?.painted === painted && stage.shown.version === version) return; // pointing changes nothing else
  stage.shown = { painted, version };
  showControls(stage);
  if (stage.drawing) frame.late.pad?.showDrawing(stage);
  else frame.late.search?.showDigits(stage);
  showVerdict(stage);
  showBars(stage);
}

function showControls(stage) {
  const { controls, drawing, step, layer, channel, described, options, label, asked } = stage;
  controls.source?.show(String(drawing));
  const choices = choicesOfLabel(stage);
  controls.label.show({ choices, value: asked === "true" && label === null ? "prediction" : asked });
  controls.step?.show({ value: step, low: 0, high: options.steps.length - 1, text: `${options.steps[step]}` });
  const large = columnsOf(described).find(({ name }) => name === layer);
  controls.channel.root.hidden = controls.all.root.hidden = !large;
  if (large) controls.channel.show({ value: channel, low: 0, high: large.shape[2] - 1 });
}

// What is read, and J; never a class where nothing was drawn, or where the network says NaN.
function verdictOf({ image, drawing, network: net, probabilities, label, back }) {
  if (!image) return drawing ? ["no ink yet", ""] : ["", ""];
  if (!net || !probabilities) return ["…", ""];
  if (probabilities.some(Number.isNaN)) return ["no answer: NaN", ""];
  const best = probabilities.indexOf(probabilities.reduce((a, b) => Math.max(a, b)));
  const wrong = label !== null && best !== label;
  return [`reads ${/^8|^11$|^18$/.test(best) ? "an" : "a"} ${best}${wrong ? " ✗" : label === null ? "" : " ✓"}`, `${wrong ? `true: ${label}, ` : ""}J = ${brief(back.loss)}`];
}

function showVerdict(stage) {
  const words = verdictOf(stage);
  const key = words.join("|");
  if (stage.said === key) return;
  stage.said = key;
  stage.parts.verdict.replaceChildren(element("b", "", {}, words[0]), element("small", "", {}, words[1]));
}

function idleWords({ drawing, image, paper, network: net, message, described, options, controls: { source: drawable } }) {
  if (message) return [[message]];
  if (drawing && !image && paper && !paper.hand) return [["Draw a digit on the paper: press, and move."], ["It is cut out, scaled into 20×20 pixels and centred, as MNIST's digits were; then the network reads it."]];
  if (!net) return [[`The network's ${described.parameters.toLocaleString("en")} weights are on their way${options.bits === 16 ? ` (${Math.round(described.parameters / 500)} kB)` : ""}.`]];
  const paperHere = drawing ? paper?.hand : drawable && globalThis.matchMedia?.("(pointer: fine)").matches;
  const start = paperHere ? "Draw your own digit over this one, or point" : "Point";
  return [[`${start} at a cell: what it is the sum of, forward and backward; which pixels it sees; what it sends back.`], ["A click holds it, Escape lets it go. A layer's name shows its maps large, one at a time."]];
}

// Each group of layers has a scale of its own: how much its strongest colour is.
function legendOfScales({ groups, scales, run }) {
  if (!run) return [["plain", "above the names: what each layer says; below: ∂J/∂ each cell"]];
  const most = (name) => brief(scales[name].bound, 2);
  const spans = groups.map((names) => `${names[0]}${names.length > 1 ? `–${names.at(-1)}` : ""} ${most(names[0])} | ${most(`d ${names[0]}`)}`);
  return [["plain", `strongest colours, above | below: ${[`input ${most("input")} | ${most("d input")}`, ...spans].join(",  ")}`]];
}

const lookOf = ({ frame }) => whenHere(frame, "look", LATE.look);

function showWords(stage) {
  const { run, held, pointed, w, frame } = stage;
  const spot = pointed ?? held;
  const look = spot && run && (w || !spot.weights) && lookOf(stage);
  const [lines, legend] = look ? look.lookAt(stage, spot) : [idleWords(stage), legendOfScales(stage)];
  showSum(frame, lines);
  showLegend(frame, legend);
}

// Where a network's weights and images come from: the spec, a file beside the page, or Python. None of it is waited for:
// the digit is shown before the weights are here.

// Images as bytes of 0 to 255, or as float32, one after the other; then a byte each for the labels, if there are any.
function imagesOf({ network: { input_shape: shape }, pixels: { bits, labelled } }, bytes) {
  const size = sizeOf(shape);
  const count = bytes.byteLength / (size * (bits / 8) + (labelled ? 1 : 0));
  const values = bits === 8 ? new Uint8Array(bytes, 0, count * size) : new Float32Array(bytes, 0, count * size);
  const labels = labelled ? new Uint8Array(bytes, count * size * (bits / 8)) : null;
  const image = (n) => makeArray(shape, Float64Array.from(values.subarray(n * size, (n + 1) * size), (value) => (bits === 8 ? value / 255 : value)));
  return Array.from({ length: count }, (_, n) => ({ image: () => image(n), label: labels ? labels[n] : null }));
}

// ask(question, buffers) → a promise of bytes, or null where nobody answers. `changed` is called when something has come,
// `failed` with words when it has not.
function makeSource({ options }, { ask }, changed, failed) {
  const { steps, examples, weights } = options;
  const source = { networks: Array(steps.length).fill(null), images: new Map(), asked: {} };
  const keep = async (bytes) => {
    const { networksOf } = await LATE.run();
    networksOf(options, bytes).forEach((network, n, { length }) => (source.networks[steps.length - length + n] = network));
  };
  imagesOf(options, decodeBase64(examples.pixels).buffer).forEach((image, n) => source.images.set(examples.indices[n], image));
  const once = (name, take) => (source.asked[name] ??= (async () => {
    const bytes = await ask({ ask: name });
    if (bytes) await take(bytes);
    changed();
    return !!bytes;
  })().catch((error) => (failed(`The ${name} did not come: ${error.message}`), false)));
  Object.assign(source, {
    last: async () => {
      if (weights) await keep(decodeBase64(weights).buffer);
      else if (!options.network.python) await once("last", keep);
      changed();
    },
    every: () => once("weights", keep),
    digits: () => once("images", (bytes) => imagesOf(options, bytes).forEach((image, n) => source.images.set(n, image))),
  });
  return source;
}
