// A whole network under the pointer: all maps forward and backward, for a digit of the data or one that is drawn. Hover a
// cell for its sums, what it sees and what it sends back; change the label in J; go through the training.

import { decodeArray, makeArray, offset, sizeOf } from "./arrays.js";
import { convBackward } from "./conv_layer.js";
import { makeChoice, makeSlider, makeStepper, makeSwitch } from "./controls.js";
import { makeFrame } from "./frame.js";
import { backwardNetwork, forwardNetwork, softmaxOf } from "./network_compute.js";
import { indexInPanel } from "./network_maps.js";
import { clearPaper, copyOntoPaper, imageOnPaper, makePaper, paintInk, paintStep } from "./network_pad.js";
import { makeSource } from "./network_source.js";
import { arrayAt, boxOfCell, columnsOf, layNetwork, markNetwork, paintNetwork, shapeOf, showBars } from "./network_view.js";
import { backwardLine, brief, filterLines, forwardLine, seenAndSent } from "./network_words.js";
import { element } from "./page.js";
import { receptiveField, sentBack } from "./receptive_field.js";
import { showLegend, showSum } from "./sum.js";

const NETWORK_TRAITS = ["index", "label", "step", "layer", "channel", "drawing", "prepared", "among"];
const SEARCH = 30; // ms of a search for misread images between two frames

export function network(el, spec, link) {
  const { options } = spec;
  const { network: described } = options;
  const stage = { ...Object.fromEntries(NETWORK_TRAITS.map((name) => [name, options[name]])), options, described, link, held: spec.selected, pointed: null, version: 0 };
  stage.target = stage.label = null;
  const stale = () => ((stage.stale = true), (stage.version += 1), stage.frame.request());
  const hear = { selected: (spot) => (stage.held = spot), revision: () => renewNetwork(stage) };
  for (const name of NETWORK_TRAITS) if (name !== "label") hear[name] = (value) => ((stage[name] = value), stale(), name === "step" && wantStep(stage));
  hear.label = (value) => ((stage.asked = value), stale());
  Object.assign(stage, { asked: options.label, stale: true, again: stale, message: "" });
  stage.frame = makeFrame(el, link, {
    composition: "network", about: "A network, forward and backward", draw: () => drawNetwork(stage), state: () => networkState(stage),
    escape: () => holdCell(stage, null), hear,
  });
  stage.enlarge = (name) => setOption(stage, { layer: name, channel: 0 });
  makeParts(stage);
  listenToMaps(stage);
  stage.frame.root.bpStage.cellCenter = (name, index) => centreOfCell(stage, name, index);
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

function setOption(stage, values) {
  Object.assign(stage, values);
  for (const [name, value] of Object.entries(values)) stage.frame.tell(name, value);
  wantStep(stage);
  wantImage(stage);
  stage.again();
}

function networkState({ index, label, target, asked, step, layer, channel, drawing, pointed, held, probabilities, back, image, parts, options, drawn, source }) {
  return {
    index, label, target, asked, step, layer, channel, drawing, pointed, held, probabilities: probabilities ?? null, loss: back?.loss ?? null,
    image: image ? [...image.data] : null, verdict: parts.verdict.textContent, steps: options.steps, blank: drawing && !drawn, ready: !!source.networks[step],
  };
}

// The page's parts -----------------------------------------------------------------------------------------

function makeSelect(parent, { label, change }) {
  const select = element("select", "bp-select", { "aria-label": label });
  select.onchange = () => change(select.value);
  parent.append(select);
  let now = "";
  return { root: select, show: ({ choices, value }) => {
    const key = JSON.stringify(choices);
    if (now !== key) select.replaceChildren(...choices.map(([name, text]) => element("option", "", { value: name }, text)));
    now = key;
    if (select.value !== value) select.value = value;
  } };
}

function makeParts(stage) {
  const { frame, described, options } = stage;
  const { input_shape: [side, , deep] } = described;
  const { bar, field } = frame;
  const drawable = described.input_shape.length === 3 && deep === 1 && side === described.input_shape[1] && side >= 8 && side <= 64;
  stage.source = null;
  stage.paper = makePaper(drawable ? side : 8, (done) => (done ? drawnAnew(stage) : stage.again()));
  stage.canvas = element("canvas", "bp-maps", { tabindex: "0", role: "application", "aria-label": "the network's maps; arrow keys go from cell to cell, Enter holds one" });
  const parts = { pad: stage.paper.canvas, cropped: element("canvas", "bp-step", { "aria-hidden": "true" }), scaled: element("canvas", "bp-step", { "aria-hidden": "true" }) };
  for (const name of ["names", "digits", "ink", "verdict", "bars", "errors", "filters"]) parts[name] = element("div", `bp-${name}`);
  parts.verdict.role = "status";
  stage.parts = parts;
  field.append(stage.canvas, ...Object.values(parts), frame.cover);
  const controls = {};
  if (drawable) controls.source = makeChoice(bar, { label: "digit", options: { false: ["given", "an image of the data"], true: ["drawn", "draw with the mouse, a pen or a finger"] }, change: (key) => setOption(stage, { drawing: key === "true" }) });
  bar.append(element("span", "bp-name bp-tight", {}, "label in J"));
  controls.label = makeSelect(bar, { label: "label in J: the class that the loss asks for", change: (value) => ((stage.asked = value), frame.tell("label", value), stage.again()) });
  if (options.steps.length > 1) {
    stage.training = bar.appendChild(element("span", "bp-training", {}, element("span", "bp-name", {}, "training step")));
    controls.step = makeSlider(stage.training, { label: "training step", change: (step) => setOption(stage, { step }) });
  }
  controls.channel = makeStepper(bar, { label: "map", change: (channel) => setOption(stage, { channel }) });
  controls.all = makeSwitch(bar, { label: "all layers", change: () => setOption(stage, { layer: "all", channel: 0 }) });
  makeDigitControls(stage, controls);
  stage.controls = controls;
}

function makeDigitControls(stage, controls) {
  const { digits, ink } = stage.parts;
  const hint = "number of the image";
  controls.index = makeStepper(digits, { label: "image", name: "", hint, change: (index) => stepTo(stage, index < stage.index ? -1 : 1) });
  controls.among = makeSelect(digits, { label: "which images − and + go through", change: (among) => (setOption(stage, { among }), isAmong(stage, stage.index) || stepTo(stage, 1)) });
  controls.clear = makeSwitch(ink, { label: "clear", hint: "new paper", change: () => (clearPaper(stage.paper), drawnAnew(stage)) });
  controls.copy = makeSwitch(ink, { label: "copy", hint: "draw on a copy of the given image", change: () => (copyOntoPaper(stage.paper, stage.source.images.get(stage.index).image()), drawnAnew(stage)) });
  controls.prepared = makeSwitch(ink, { label: "prepare", hint: "as MNIST was made: cut out, scaled into 20×20, centred; off: the network gets the drawing as it is", change: (prepared) => (setOption(stage, { prepared }), drawnAnew(stage)) });
}

// Python gets what the network gets.
function drawnAnew(stage) {
  stage.again();
  stage.frame.tell("drawn", () => (stage.drawn ? Array.from(stage.drawn.image.data, (value) => Number(value.toFixed(6))) : null));
}

// Among the images ------------------------------------------------------------------------------------------

function isAmong({ among, source, network: net }, n) {
  const image = source.images.get(n);
  if (among === "any" || !image) return true;
  if (among !== "misread") return image.label === Number(among);
  const scores = forwardNetwork(net, image.image()).probabilities;
  return scores.indexOf(scores.reduce((a, b) => Math.max(a, b))) !== image.label;
}

// The next image of its kind, going round; a search for misread ones lets the page draw between.
async function stepTo(stage, by) {
  const { source, options, among } = stage;
  const search = (stage.search = {});
  if (options.pixels.count > source.images.size && !(await source.digits())) stage.message = "This page has these images alone.";
  const known = [...source.images.keys()].sort((a, b) => a - b);
  let place = known.indexOf(stage.index);
  let pause = performance.now() + SEARCH;
  const wrong = among === "misread" && stage.described.python ? await misreadByPython(stage) : null;
  for (let tried = 1; tried <= known.length; tried += 1) {
    place = (place + by + known.length) % known.length;
    if (wrong ? wrong[known[place]] : isAmong(stage, known[place])) {
      stage.message = "";
      return setOption(stage, { index: known[place] });
    }
    if (performance.now() < pause) continue;
    stage.message = `Searching: ${tried.toLocaleString("en")} of ${known.length.toLocaleString("en")} images …`;
    stage.frame.request();
    await new Promise((resolve) => setTimeout(resolve));
    if (stage.search !== search) return;
    pause = performance.now() + SEARCH;
  }
  stage.message = among === "misread" ? "The network misreads none of these images." : "There is no such image.";
  stage.frame.request();
}

const misreadByPython = async ({ link, step }) => new Uint8Array(await link.ask({ ask: "misread", step }));

// From the image to the maps -------------------------------------------------------------------------------

function choicesOfLabel({ described: { classes }, label }) {
  const own = label === null ? [] : [["true", `the true one (${label})`]];
  return [...own, ["prediction", "the prediction"], ["second", "the second choice"], ...Array.from({ length: classes }, (_, k) => [String(k), String(k)])];
}

function targetOf({ asked, label, probabilities }) {
  const order = [...probabilities.keys()].sort((a, b) => probabilities[b] - probabilities[a]);
  if (asked === "true" && label !== null) return label;
  if (asked === "second") return order[1];
  return asked === "true" || asked === "prediction" ? order[0] : Number(asked);
}

function takeImage(stage) {
  const { drawing, source, index, paper, prepared } = stage;
  stage.drawn = drawing ? imageOnPaper(paper, prepared) : null;
  const found = drawing ? null : source.images.get(index);
  stage.image = drawing ? stage.drawn?.image ?? null : found?.image() ?? null;
  stage.label = found?.label ?? null;
}

function recomputeNetwork(stage) {
  const { described, source, step } = stage;
  stage.stale = false;
  takeImage(stage);
  stage.network = described.python ? described : source.networks[step];
  if (stage.network && !described.python) takeFilters(stage);
  if (!stage.image || !stage.network) return void Object.assign(stage, { run: null, back: null, probabilities: null, target: null });
  if (described.python) return void runByPython(stage);
  const run = forwardNetwork(stage.network, stage.image);
  stage.probabilities = run.probabilities;
  stage.target = targetOf(stage);
  Object.assign(stage, { run, back: backwardNetwork(stage.network, run, stage.target) });
  if (stage.w) filterGradient(stage);
}

// A layer that only Python knows: it answers with all maps, activations first, in the order of the layers.
async function runByPython(stage) {
  const { described, version, link, image, step, asked, label } = stage;
  try {
    const bytes = await link.ask({ ask: "run", step, label: asked === "true" && label !== null ? String(label) : asked === "true" ? "prediction" : asked }, [Float32Array.from(image.data).buffer]);
    if (!bytes || stage.version !== version) return;
    const values = Float64Array.from(new Float32Array(bytes));
    let start = 0;
    const take = () => Object.fromEntries(["input", ...described.layers.map(({ name }) => name)].map((name) => {
      const shape = shapeOf(described, name);
      return [name, makeArray(shape, values.slice(start, (start += sizeOf(shape))))];
    }));
    const [activations, gradients] = [take(), take()];
    stage.probabilities = softmaxOf(activations[described.layers.at(-1).name].data);
    stage.target = values[start];
    Object.assign(stage, { run: { activations, caches: null }, back: { gradients, loss: values[start + 1] }, message: "" });
  } catch (error) {
    stage.message = error.message;
  }
  stage.frame.request();
}

// The filters of the first layer with weights, from its first channel, and J's gradient at them.
function takeFilters(stage) {
  const layer = stage.network.layers.find(({ w }) => w);
  Object.assign(stage, layer?.w.shape.length === 4 ? { w: layer.w, filters: `${layer.name}.w`, shownW: firstChannel(layer.w) } : { w: null });
}

function firstChannel({ shape: [rows, columns, deep, count], data }) {
  return makeArray([rows, columns, count], Float64Array.from({ length: rows * columns * count }, (_, n) => data[Math.floor(n / count) * deep * count + (n % count)]));
}

function filterGradient(stage) {
  const { network: { layers }, run, back, w } = stage;
  const n = layers.findIndex((layer) => layer.w === w);
  const x = run.activations[n ? layers[n - 1].name : "input"];
  stage.dw = convBackward(layers[n].geometry, back.gradients[layers[n].name], x, w).dw;
  stage.shownDw = firstChannel(stage.dw);
}

// Under the pointer ----------------------------------------------------------------------------------------

function listenToMaps(stage) {
  const { canvas, frame } = stage;
  const under = (event) => spotAt(stage, event.offsetX * frame.theme.ratio, event.offsetY * frame.theme.ratio);
  Object.assign(canvas, {
    onpointermove: (event) => pointAtCell(stage, under(event)),
    onpointerleave: () => pointAtCell(stage, null),
    onpointerdown: (event) => event.pointerType !== "mouse" && pointAtCell(stage, under(event)),
    onclick: (event) => holdCell(stage, under(event)),
    onblur: () => pointAtCell(stage, null),
    onfocus: () => canvas.matches(":focus-visible") && pointAtCell(stage, stage.held ?? firstSpot(stage)),
    onkeydown: (event) => pressNetworkKey(stage, event),
  });
}

function spotAt({ panels }, x, y) {
  for (const panel of panels ?? []) {
    const index = indexInPanel(panel, x, y);
    if (index) return { name: panel.name, index, backward: !!panel.backward, weights: !!panel.weights };
  }
  return null;
}

const sameSpot = (a, b) => JSON.stringify(a) === JSON.stringify(b);
const firstSpot = ({ panels: [panel] }) => ({ name: panel.name, index: panel.shape.map(() => 0), backward: false, weights: false });

function pointAtCell(stage, spot) {
  if (sameSpot(spot, stage.pointed)) return;
  stage.pointed = spot;
  stage.canvas.classList.toggle("bp-over", !!spot);
  stage.frame.request();
}

function holdCell(stage, spot) {
  stage.held = sameSpot(spot, stage.held) ? null : spot;
  if (!spot) stage.pointed = null;
  stage.frame.tell("selected", stage.held);
  stage.frame.request();
}

// An arrow goes on until it meets another cell, of the same map or of the next one.
function pressNetworkKey(stage, event) {
  const [dx, dy] = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] }[event.key] ?? [0, 0];
  const now = stage.pointed ?? stage.held ?? firstSpot(stage);
  if (event.key === "Enter" || event.key === " ") holdCell(stage, now);
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

function centreOfCell(stage, key, index) {
  const [name, backward] = [key.replace("d ", ""), key.startsWith("d ")];
  const panel = panelOf(stage, { name, index, backward, weights: name.endsWith(".w") });
  const box = panel && boxOfCell(stage, panel, index);
  const { left, top } = stage.frame.field.getBoundingClientRect();
  return box && [left + box.x + box.wide / 2, top + box.y + box.high / 2];
}

// Drawing --------------------------------------------------------------------------------------------------

function drawNetwork(stage) {
  const { frame } = stage;
  if (stage.stale) recomputeNetwork(stage);
  stage.narrow = frame.width < 600;
  layNetwork(stage);
  paintNetwork(stage);
  showControls(stage);
  showDrawing(stage);
  showVerdict(stage);
  showBars(stage);
  showWords(stage);
}

function showControls(stage) {
  const { controls, drawing, index, among, step, layer, channel, described, options, label, asked } = stage;
  controls.source?.show(String(drawing));
  const choices = choicesOfLabel(stage);
  controls.label.show({ choices, value: asked === "true" && label === null ? "prediction" : asked });
  controls.step?.show({ value: step, low: 0, high: options.steps.length - 1, text: `${options.steps[step]}` });
  const large = columnsOf(described).find(({ name }) => name === layer);
  controls.channel.root.hidden = controls.all.root.hidden = !large;
  if (large) controls.channel.show({ value: channel, low: 0, high: large.shape[2] - 1 });
  controls.index.show({ value: index, low: -1, high: Infinity });
  const kinds = options.pixels.labelled ? [["misread", "misread"], ...Array.from({ length: described.classes }, (_, k) => [String(k), `class ${k}`])] : [];
  controls.among.show({ choices: [["any", "any"], ...kinds], value: among });
  controls.prepared.show(stage.prepared);
}

function showDrawing({ drawing, paper, drawn, parts, frame: { theme } }) {
  if (!drawing) return;
  paintInk(paper.canvas, paper.ink, theme);
  paintStep(parts.cropped, drawn?.steps?.cropped, 40, theme);
  paintStep(parts.scaled, drawn?.steps?.scaled, 40, theme);
}

// What is read, and J; never a class where nothing was drawn, or where the network says NaN.
function verdictOf({ image, drawing, network: net, probabilities, label, back }) {
  if (!image) return drawing ? ["nothing drawn yet", ""] : ["", ""];
  if (!net || !probabilities) return ["…", ""];
  if (probabilities.some(Number.isNaN)) return ["no answer: NaN", ""];
  const best = probabilities.indexOf(probabilities.reduce((a, b) => Math.max(a, b)));
  const truth = label === null ? "" : best === label ? " ✓" : ` ✗ (${label})`;
  return [`reads ${/^8|^11$|^18$/.test(best) ? "an" : "a"} ${best}${truth}`, `J = ${brief(back.loss)}`];
}

function showVerdict(stage) {
  const words = verdictOf(stage);
  const key = words.join("|");
  if (stage.said === key) return;
  stage.said = key;
  stage.parts.verdict.replaceChildren(element("b", "", {}, words[0]), element("small", "", {}, words[1]));
}

function idleWords({ drawing, image, network: net, message, described, options }) {
  if (message) return [[message]];
  if (drawing && !image) return [["Draw a digit on the paper: press, and move."], ["It is cut out, scaled into 20×20 pixels and centred, as MNIST's digits were; then the network reads it."]];
  if (!net) return [[`The network's ${described.parameters.toLocaleString("en")} weights are on their way${options.bits === 16 ? ` (${Math.round(described.parameters / 500)} kB)` : ""}.`]];
  return [["Point at a cell: what it is the sum of, forward and backward; which pixels it sees; what it sends back."], ["A click holds it, Escape lets it go. A layer's name shows its maps large, one at a time."]];
}

// Each group of layers has a scale of its own: how much its strongest colour is.
function legendOfScales({ groups, scales, run }) {
  if (!run) return [["plain", "above the names: what each layer says; below: ∂J/∂ each cell"]];
  const most = (name) => brief(scales[name].bound, 2);
  const spans = groups.map((names) => `${names[0]}${names.length > 1 ? `–${names.at(-1)}` : ""} ${most(names[0])} | ${most(`d ${names[0]}`)}`);
  return [["plain", `strongest colours, above | below: ${[`input ${most("input")} | ${most("d input")}`, ...spans].join(",  ")}`]];
}

function showWords(stage) {
  const { run, held, pointed, network: net, back } = stage;
  const spot = pointed ?? held;
  const legend = legendOfScales(stage);
  if (!spot || !run || (spot.weights && !stage.w)) {
    showSum(stage.frame, idleWords(stage));
    return showLegend(stage.frame, legend);
  }
  if (spot.weights) {
    const marked = { name: stage.filters, index: [spot.index[0], spot.index[1], 0, spot.index[2]] };
    markNetwork(stage, spot, { field: null, before: null, sent: null });
    showSum(stage.frame, filterLines(marked, stage.w, stage.dw));
    return showLegend(stage.frame, [["here", "the weight, and its gradient"]]);
  }
  const before = beforeOf(stage, spot.name);
  const known = run.caches !== null;
  const gradient = back.gradients[spot.name].data[offset(back.gradients[spot.name].shape, spot.index)];
  const answer = known ? null : answerOfPython(stage, spot, before);
  const field = known ? receptiveField(net, spot.name, spot.index) : answer?.field ?? null;
  const sent = known ? before !== null && gradient !== 0 && sentBack(net, run, back.gradients, spot.name, spot.index, before) : answer?.sent ?? null;
  markNetwork(stage, spot, { field, before, sent: sent || null });
  showSum(stage.frame, [forwardLine(stage, spot), backwardLine(stage, spot), seenAndSent(spot, field, before, sent, gradient)]);
  return showLegend(stage.frame, [["here", "the cell, and its gradient"], ["input", "what it sees"], ...(sent ? [["plain", `${before}, below: this cell's share alone`]] : [])]);
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

