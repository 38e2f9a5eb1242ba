// The table of products of a linear layer. Every product is a card (z, x, w). Piled by z the cards add up to Z, piled by w
// to dW, piled by x to dX: the same cards. Hover a card to see its three places; hover a number to see its cards.

import { arrange, roomOf } from "./arrange.js";
import { at, decodeArrays, encodeArray, withNumber } from "./arrays.js";
import { kindScale } from "./colors.js";
import { makeChoice } from "./controls.js";
import { makeFrame } from "./frame.js";
import { makeGrid } from "./grid.js";
import { clamp, element, written } from "./page.js";
import { cardsOf, FACTORS, indexIn, pilesOf, shortIndex, SUMS, valueOf } from "./product_piles.js";
import { convBackward, convForward, convGeometry } from "./conv_layer.js";
import { fcBackward, fcForward, fcGeometry, poolBackward, poolForward, poolGeometry } from "./products.js";
import { showLegend, showSum, sumOfProducts } from "./sum.js";

const NAMES = { x: "X", w: "W", z: "Z", dx: "dX", dw: "dW", dz: "dZ" };
const OWNERS = { x: "input", dx: "input", w: "weight", dw: "weight", z: "output", dz: "output" };
const KINDS = { x: "value", z: "value", w: "weight", dx: "gradient", dw: "gradient", dz: "gradient" };
const CHOICES = {
  z: ["output: Z", "all products of one output together"],
  w: ["weight: dW", "all products of one weight together"],
  x: ["input: dX", "all products of one pixel together"],
};
const [BESIDE, BETWEEN, ABOVE] = [290, 12, 19]; // pixels: the grids beside the cards; between piles; above a pile

export function productTable(el, spec, link) {
  const stage = { spec, given: decodeArrays(spec.arrays), by: spec.options.by, held: spec.selected, pointed: null, cards: [] };
  const hear = {
    by: (by) => pile(stage, by),
    selected: (spot) => (stage.held = spot),
    arrays: (json) => {
      Object.assign(stage.given, decodeArrays(json));
      recomputeTable(stage);
    },
  };
  stage.frame = makeFrame(el, link, {
    composition: "productTable", about: "The products of a layer, piled in three ways", draw: () => drawTable(stage),
    state: () => tableState(stage), escape: () => hold(stage, null), hear,
  });
  makeTable(stage);
  recomputeTable(stage);
  return stage.frame.dispose;
}

const tableState = ({ by, held, pointed, cards, layer, lit }) => ({
  by, held, pointed, cards, lit: [...lit], sums: Object.fromEntries(Object.keys(NAMES).map((name) => [name, [...(layer.arrays[name]?.data ?? [])]])),
});

// The layer's arrays, forward and backward, and its cards.
function recomputeTable(stage) {
  const { given: { x, w, b, dz }, spec: { options } } = stage;
  const { layer, stride, padding, dilation, size } = options;
  let computed;
  if (layer === "conv") {
    const geometry = convGeometry({ x: x.shape, w: w.shape, stride, padding, dilation });
    computed = { geometry, arrays: { x, w, z: convForward(geometry, x, w, b), dz, ...convBackward(geometry, dz, x, w) } };
  } else if (layer === "fc") {
    const geometry = fcGeometry({ x: x.shape, w: w.shape });
    computed = { geometry, arrays: { x, w, z: fcForward(geometry, x, w, b), dz, ...fcBackward(geometry, dz, x, w) } };
  } else {
    const geometry = poolGeometry({ x: x.shape, size, stride, mode: layer });
    const { z, winners } = poolForward(geometry, x);
    const share = { shape: geometry.w, data: new Float64Array(geometry.w[0] * geometry.w[1]).fill(winners ? 1 : 1 / (geometry.w[0] * geometry.w[1])) };
    computed = { geometry, winners, arrays: { x, w: share, z, dz, ...poolBackward(geometry, dz, winners) } };
  }
  stage.layer = computed;
  stage.cards = cardsOf(computed);
  stage.piled = null;
  stage.views = null;
  stage.frame.request();
}

// The page's parts -----------------------------------------------------------------------------------------

function makeTable(stage) {
  const { frame, spec } = stage;
  const pooled = !["conv", "fc"].includes(spec.options.layer);
  const { w, ...others } = CHOICES;
  stage.choice = makeChoice(frame.bar, { label: "pile the cards by", options: pooled ? others : { z: CHOICES.z, w, x: CHOICES.x }, change: (by) => (pile(stage, by), frame.tell("by", by)) });
  stage.table = element("div", "bp-cards", { tabindex: "0", role: "listbox", "aria-label": "the products; arrow keys go from one to the next" });
  for (const name of pooled ? ["x", "dx", "z", "dz"] : ["x", "dx", "w", "dw", "z", "dz"]) tableGrid(stage, name);
  listenToCards(stage);
}

function tableGrid(stage, name) {
  const editable = ["x", "w", "dz"].includes(name);
  return makeGrid(stage.frame, { name, letter: NAMES[name], on: {
    point: (index) => point(stage, index && { array: name, index }),
    click: (index) => hold(stage, { array: name, index }),
    edit: editable && ((index, value, done) => {
      stage.given[name] = withNumber(stage.given[name], index, value);
      recomputeTable(stage);
      if (done) stage.frame.tell("arrays", Object.fromEntries(Object.entries(stage.given).map(([key, array]) => [key, encodeArray(array)])));
    }),
  } });
}

function listenToCards(stage) {
  const { table } = stage;
  const under = (event) => event.target.closest(".bp-card, .bp-pile")?.dataset;
  const spotOf = (data) => data && (data.card ? { array: "card", index: [Number(data.card)] } : { array: SUMS[stage.by], index: data.index.split(",").map(Number) });
  table.addEventListener("pointerover", (event) => point(stage, spotOf(under(event))));
  table.addEventListener("pointerleave", () => point(stage, null));
  table.addEventListener("click", (event) => under(event) && hold(stage, spotOf(under(event))));
  table.addEventListener("keydown", (event) => {
    const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (event.key === "Enter" && stage.pointed) hold(stage, stage.pointed);
    if (!by) return;
    const now = stage.pointed?.array === "card" ? stage.order.indexOf(stage.pointed.index[0]) : by < 0 ? 0 : -1;
    point(stage, { array: "card", index: [stage.order.at((now + by) % stage.order.length)] });
    event.preventDefault();
    event.stopPropagation();
  });
  table.addEventListener("blur", () => point(stage, null));
}

function point(stage, spot) {
  stage.pointed = spot ?? null;
  stage.frame.request();
}

function hold(stage, spot) {
  stage.held = spot && JSON.stringify(spot) !== JSON.stringify(stage.held) ? spot : null;
  if (!stage.held) stage.pointed = null;
  stage.frame.tell("selected", stage.held);
  stage.frame.request();
}

function pile(stage, by) {
  Object.assign(stage, { by, piled: null });
  if (stage.held && Object.values(SUMS).includes(stage.held.array)) stage.held = null;
  stage.table.classList.add("bp-moving");
  stage.frame.request();
}

// Drawing --------------------------------------------------------------------------------------------------

function drawTable(stage) {
  const { frame, cards } = stage;
  stage.choice.show(stage.by);
  layCards(stage);
  const spot = stage.pointed ?? stage.held;
  const lit = spot ? cards.flatMap((card, n) => (spot.array === "card" ? n === spot.index[0] : String(indexIn(card, spot.array)) === String(spot.index)) ? [n] : []) : [];
  stage.lit = new Set(lit);
  cards.forEach((_, n) => stage.boxes[n].classList.toggle("bp-lit", stage.lit.has(n)));
  stage.table.classList.toggle("bp-some-lit", lit.length > 0);
  const active = spot?.array === "card" ? stage.boxes[spot.index[0]].id : "";
  if (stage.table.getAttribute("aria-activedescendant") !== active) stage.table.setAttribute("aria-activedescendant", active);
  drawGrids(stage, spot);
  showSum(frame, sentences(stage, spot));
  showLegend(frame, [["here", "looked at"], ["input", "input x"], ["weight", "weight w"], ["output", "output z"]]);
}

function drawGrids(stage, spot) {
  const { layer: { arrays, geometry }, cards, lit, frame } = stage;
  const scales = (stage.views ??= Object.fromEntries(["value", "weight", "gradient"].map((kind) => [
    kind, kindScale(Object.keys(KINDS).filter((name) => KINDS[name] === kind && arrays[name]).map((name) => arrays[name]), kind),
  ])));
  const items = { cards: { root: stage.table, size: stage.extent } };
  for (const [name, grid] of Object.entries(frame.grids)) {
    const array = arrays[name];
    const [rows, columns = 1] = array.shape;
    const slices = array.shape.slice(2).reduce((product, n) => product * n, 1);
    const padding = geometry.padding ?? [0, 0, 0, 0];
    const ring = name === "x" && padding.some(Boolean) && columns * slices < 8 ? padding : undefined;
    const role = spot?.array === name ? "here" : OWNERS[name];
    const cells = [...new Map([...lit].map((n) => [String(indexIn(cards[n], name)), indexIn(cards[n], name)])).values()];
    const note = shortIndex(array.shape, array.shape).join("×");
    items[name] = { grid, view: { array, scale: scales[KINDS[name]], axes: true, note, marks: [{ role, cells }], ring }, most: 40 };
  }
  const pairs = [["x", "dx"], ["w", "dw"], ["z", "dz"]].map((pair) => [pair]);
  arrange(frame, items, [frame.stacked ? [[["cards"]], ...pairs] : [[["cards"], [pairs]]]]);
}

// Cards move by the style sheet's transition; their boxes are kept while only the piles change.
function layCards(stage) {
  const { table, cards, by, layer, frame } = stage;
  const key = `${by} ${frame.width} ${cards.length}`;
  if (stage.piled === key) return;
  stage.piled = key;
  const ways = [false, true].map((tall) => sizedPiles(frame, pilesOf(layer, cards, by, tall)));
  const { piles, rows, columns, down, across, card } = ways[1].card.width > ways[0].card.width && ways[1].card.height >= 20 ? ways[1] : ways[0];
  const pitch = [rows * card.height + ABOVE + BETWEEN, columns * card.width + BETWEEN];
  boxesFor(stage);
  for (const old of table.querySelectorAll(".bp-pile")) old.remove();
  stage.order = [];
  for (const pile of piles) {
    const [top, left] = pile.place.map((n, axis) => n * pitch[axis]);
    headOf(stage, pile, { top, left, width: columns * card.width });
    const start = left + ((columns - pile.columns) * card.width) / 2;
    for (const { n, slot } of pile.cards) {
      stage.order.push(n);
      fillCard(stage, n, card);
      stage.boxes[n].style.transform = `translate(${start + slot[1] * card.width}px, ${top + ABOVE + slot[0] * card.height}px)`;
    }
  }
  stage.extent = [frame.stacked ? frame.width : Math.max(across * pitch[1] - BETWEEN, frame.width - BESIDE - 40), down * pitch[0]];
  Object.assign(table.style, { width: `${stage.extent[0]}px`, height: `${stage.extent[1]}px` });
}

function sizedPiles(frame, found) {
  const { rows, columns, down, across } = found;
  const [wide, high] = [frame.stacked ? frame.width : frame.width - BESIDE - 30, frame.stacked ? 460 : roomOf(frame) - 8];
  const width = clamp(Math.floor((wide - (across - 1) * BETWEEN) / across / columns), 24, 92);
  return { ...found, card: { width, height: clamp(Math.floor((high / down - ABOVE - BETWEEN) / rows), 17, 42) } };
}

function boxesFor(stage) {
  if (stage.boxes?.length === stage.cards.length) return;
  stage.table.replaceChildren();
  const id = `bp-${Math.random().toString(36).slice(2)}`;
  stage.boxes = stage.cards.map((_, n) => stage.table.appendChild(element("div", "bp-card", { role: "option", "data-card": n, id: `${id}-${n}`, "aria-selected": "false" })));
}

function headOf({ table, layer, by }, { index, cards }, { top, left, width }) {
  const name = SUMS[by];
  const head = element("div", `bp-pile bp-ink-${OWNERS[name]}`, { "data-index": index.join(), role: "presentation" });
  head.style.cssText = `left:${left}px; top:${top}px; width:${width}px`;
  table.append(head);
  const total = cards.length ? written(at(layer.arrays[name], index)) : "0";
  head.textContent = width < 110 ? total : `${entryOf(layer, name, index)} = ${total}`;
}

function fillCard({ boxes, cards, by, layer }, n, { width, height }) {
  const [box, card] = [boxes[n], cards[n]];
  Object.assign(box.style, { width: `${width - 3}px`, height: `${height - 3}px` });
  const factors = valueOf(card, by, layer.arrays);
  const texts = factors.map((value, m) => (m && value < 0 ? `(${written(value)})` : written(value)));
  const colored = (name, text) => `<span class="bp-ink-${OWNERS[name]}">${text}</span>`;
  const product = FACTORS[by].map((name, m) => colored(name, texts[m])).join("·");
  const triple = ["z", "x", "w"].map((name) => colored(name, shortIndex(layer.geometry[name], card[name]).join(""))).join(" ");
  box.style.fontSize = `${clamp(width / 5, 10, 15)}px`;
  box.innerHTML = width < 36 ? "" : `<b>${product}</b>${height < 30 || width < 52 ? "" : `<i>${triple}</i>`}`;
  box.setAttribute("aria-label", `${texts.join(" times ")}: output ${card.z}, input ${card.x}, weight ${card.w}`);
}

const entryOf = ({ geometry }, name, index) => `${NAMES[name]}[${shortIndex(geometry[name.replace("d", "")], index).join(", ")}]`;

function sentences(stage, spot) {
  const { layer, cards, by, lit, given } = stage;
  const { arrays, geometry } = layer;
  const entry = (name, index) => entryOf(layer, name, index);
  if (!spot) return [
    [`${cards.length} products, one a card: an output z, the input x that it reads, the weight w between them.`],
    [`Now they lie in piles by ${{ z: "output: each pile adds up to an entry of Z", w: "weight: times dZ, each pile adds up to an entry of dW", x: "input: times dZ, each pile adds up to an entry of dX" }[by]}. Pile them another way: they are the same cards.`],
  ];
  if (spot.array === "card") {
    const card = cards[spot.index[0]];
    const lives = Object.keys(SUMS).filter((key) => !(key === "w" && geometry.kind === "pool"));
    const parts = lives.flatMap((key, n) => {
      const values = valueOf(card, key, arrays).map((value) => (value < 0 ? `(${written(value)})` : written(value)));
      const factors = FACTORS[key].flatMap((name, m) => [...(m ? ["·"] : []), { text: values[m], role: OWNERS[name] }]);
      return [...(n ? [",  "] : []), ...factors, " into ", { text: entry(SUMS[key], card[key]), role: OWNERS[key] }];
    });
    return [[`One product: ${entry("z", card.z)} reads ${entry("x", card.x)} through ${entry("w", card.w)}. It goes`], parts];
  }
  const sum = { z: "z", dz: "z", w: "w", dw: "w", x: "x", dx: "x" }[spot.array];
  const terms = [...lit].map((n) => valueOf(cards[n], sum, arrays).map((value, m) => ({ value, role: OWNERS[FACTORS[sum][m]] })));
  const extra = sum === "z" && given.b ? [[{ value: given.b.data[spot.index.at(-1)], role: "bias" }]] : [];
  const words = `${lit.size} ${lit.size === 1 ? "card has" : "cards have"} this ${{ z: "output", w: "weight", x: "input" }[sum]}.`;
  const total = at(arrays[SUMS[sum]], spot.index);
  const inSum = geometry.kind === "pool" && sum === "w" ? [words] : sumOfProducts({ name: entry(SUMS[sum], spot.index), terms: [...extra, ...terms], total });
  return [[words], inSum];
}
