// The table of products of a linear layer. Every product is a card (z, x, w). Piled by z the cards add up to Z, piled by w
// to dW, piled by x to dX: the same cards. Hover a card to see its three places; hover a number to see its cards.

import { arrange, roomOf } from "./arrange.js";
import { at, decodeArrays, distinct, encodeArrays, indicesOf, makeArray, offset, sizeOf, withNumber } from "./arrays.js";
import { kindScale } from "./colors.js";
import { makeChoice } from "./controls.js";
import { hold, makeFrame } from "./frame.js";
import { makeGrids, paintMarks, sameIndex } from "./grid.js";
import { clamp, element, written } from "./page.js";
import { convGeometry, fcGeometry, termsOf } from "./products.js";
import { bracketed, showLegend, showSum, sumOfProducts } from "./sum.js";

// Of every array: its letter, the colour of its cells' marks, its scale.
const ARRAYS = {
  x: ["X", "input", "value"], dx: ["dX", "input", "gradient"], w: ["W", "weight", "weight"], dw: ["dW", "weight", "gradient"],
  z: ["Z", "output", "value"], dz: ["dZ", "output", "gradient"],
};
const [BESIDE, BETWEEN, ABOVE, LEGIBLE] = [290, 12, 19, 36]; // pixels: the grids beside the cards; between piles; above a pile; of a card that can be read

const letterOf = (name) => ARRAYS[name][0];
const ownerOf = (name) => ARRAYS[name][1];

export function productTable(el, spec, link) {
  const stage = { options: spec.options, given: decodeArrays(spec.arrays), by: spec.options.by, held: spec.selected, pointed: null };
  makeFrame(stage, el, link, {
    composition: "productTable", about: "The products of a layer, piled in three ways", draw: drawTable,
    hear: { by: (by) => pile(stage, by), arrays: (json) => recomputeTable(stage, decodeArrays(json)) },
  });
  makeTable(stage);
  recomputeTable(stage, {});
  return stage.frame.dispose;
}

// With other numbers.
function recomputeTable(stage, changed) {
  Object.assign(stage.given, changed);
  stage.layer = layerOf(stage.options, stage.given);
  const { x, w, z, dx, dw, dz } = stage.layer.arrays;
  stage.scales = { value: kindScale([x, z], "value"), weight: kindScale([w], "weight"), gradient: kindScale([dx, dw, dz], "gradient") };
  stage.piled = null;
  stage.frame.request();
}

function makeTable(stage) {
  const { frame } = stage;
  const options = Object.fromEntries(Object.keys(SUMS).map((by) => [by, [`${ownerOf(by)}: ${letterOf(SUMS[by])}`, `all products of one ${ownerOf(by)} together`]]));
  stage.choice = makeChoice(frame.bar, { label: "pile the cards by", options, change: (by) => (pile(stage, by), frame.tell("by", by)) });
  stage.table = element("div", "bp-cards", { tabindex: "0", role: "listbox", "aria-label": "the products; arrow keys go from one to the next" });
  const letters = Object.keys(ARRAYS).map((name) => [name, letterOf(name)]);
  makeGrids(stage, Object.fromEntries(letters), { editable: Object.keys(stage.given), edit: (name, index, value, done) => {
    recomputeTable(stage, { [name]: withNumber(stage.given[name], index, value) });
    if (done) frame.tell("arrays", encodeArrays(stage.given));
  } });
  listenToCards(stage);
}

function listenToCards(stage) {
  const { table } = stage;
  const spotUnder = ({ target }) => {
    const { card, index } = target.closest(".bp-card, .bp-pile")?.dataset ?? {};
    if (index) return { array: SUMS[stage.by], index: index.split(",").map(Number) };
    return card ? cardSpot(Number(card)) : null;
  };
  const leave = () => point(stage, null);
  Object.assign(table, {
    onpointerover: (event) => point(stage, spotUnder(event)),
    onclick: (event) => spotUnder(event) && hold(stage, spotUnder(event)),
    onkeydown: (event) => pressCardKey(stage, event),
    onpointerleave: leave,
    onblur: leave,
  });
}

function pressCardKey(stage, event) {
  const { pointed, order } = stage;
  const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
  if (event.key === "Enter" && pointed) hold(stage, pointed);
  if (!by) return;
  const now = pointed?.array === "card" ? order.indexOf(pointed.index[0]) : by < 0 ? 0 : -1;
  point(stage, cardSpot(order.at((now + by) % order.length)));
  event.preventDefault();
  event.stopPropagation();
}

const cardSpot = (n) => ({ array: "card", index: [n] });

function point(stage, spot) {
  stage.pointed = spot;
  stage.frame.request();
}

function pile(stage, by) {
  Object.assign(stage, { by, piled: null });
  if (Object.values(SUMS).includes(stage.held?.array)) stage.held = null;
  stage.table.classList.add("bp-moving");
  stage.frame.request();
}

function drawTable(stage) {
  const { frame, layer: { cards }, table } = stage;
  stage.choice.show(stage.by);
  layCards(stage);
  const spot = stage.pointed ?? stage.held;
  const isLit = (card, n) => (spot?.array === "card" ? n === spot.index[0] : spot && sameIndex(indexIn(card, spot.array), spot.index));
  stage.lit = new Set(cards.flatMap((card, n) => (isLit(card, n) ? [n] : [])));
  stage.boxes.forEach((box, n) => box.classList.toggle("bp-lit", stage.lit.has(n)));
  table.classList.toggle("bp-some-lit", stage.lit.size > 0);
  table.setAttribute("aria-activedescendant", spot?.array === "card" ? stage.boxes[spot.index[0]].id : "");
  drawGrids(stage, spot);
  showSum(frame, sentences(stage, spot));
  showLegend(frame, [["here", "looked at"], ["input", "input x"], ["weight", "weight w"], ["output", "output z"]]);
}

function drawGrids(stage, spot) {
  const { layer: { arrays, geometry, cards }, lit, frame, scales } = stage;
  const items = { cards: { root: stage.table, size: stage.extent } };
  for (const [name, grid] of Object.entries(frame.grids)) {
    const array = arrays[name];
    const [, owner, kind] = ARRAYS[name];
    const small = sizeOf(array.shape) / array.shape[0] < 8;
    const cells = distinct([...lit].map((n) => indexIn(cards[n], name)));
    const marks = [{ role: spot?.array === name ? "here" : owner, cells }];
    const note = shortIndex(array.shape, array.shape).join("×");
    const ring = name === "x" && small ? geometry.padding : undefined;
    items[name] = { grid, view: { array, scale: scales[kind], axes: true, note, marker: paintMarks, marks, ring }, most: 40 };
  }
  const pairs = [["x", "dx"], ["w", "dw"], ["z", "dz"]].map((pair) => [pair]);
  arrange(frame, items, [frame.stacked ? [[["cards"]], ...pairs] : [[["cards"], [pairs]]]]);
}

// Cards move by the style sheet's transition; their boxes are kept while only the piles change.
function layCards(stage) {
  const { table, layer, by, frame } = stage;
  const key = `${by} ${frame.width}`;
  if (stage.piled === key) return;
  stage.piled = key;
  const [wide, tall] = [false, true].map((tall) => sizedPiles(frame, pilesOf(layer, by, tall)));
  const better = (one, other) => (other.card.width > one.card.width && other.card.height >= 20 ? other : one);
  const chosen = better(wide, tall);
  const { piles, rows, columns, down, across, card } = chosen.card.width < LEGIBLE ? better(chosen, sizedPiles(frame, inColumns(pilesOf(layer, by, false)))) : chosen;
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

// A pile's cards below each other.
function inColumns(found) {
  const piles = found.piles.map((pile) => ({ ...pile, columns: 1, cards: pile.cards.map(({ n }, row) => ({ n, slot: [row, 0] })) }));
  return { ...found, piles, rows: Math.max(...piles.map(({ cards }) => cards.length)), columns: 1 };
}

function sizedPiles(frame, found) {
  const { rows, columns, down, across } = found;
  const [wide, high] = [frame.stacked ? frame.width : frame.width - BESIDE - 30, frame.stacked ? 460 : roomOf(frame) - 8];
  const width = clamp(Math.floor((wide - (across - 1) * BETWEEN) / across / columns), 24, 92);
  return { ...found, card: { width, height: clamp(Math.floor((high / down - ABOVE - BETWEEN) / rows), 17, 42) } };
}

function boxesFor(stage) {
  const { table, layer: { cards } } = stage;
  if (stage.boxes?.length === cards.length) return;
  const id = `bp-${Math.random().toString(36).slice(2)}`;
  stage.boxes = cards.map((_, n) => element("div", "bp-card", { role: "option", "data-card": n, id: `${id}-${n}`, "aria-selected": "false" }));
  table.replaceChildren(...stage.boxes);
}

function headOf({ table, layer, by }, { index, cards }, { top, left, width }) {
  const name = SUMS[by];
  const total = cards.length ? written(at(layer.arrays[name], index)) : "0";
  const text = width < 110 ? total : `${entryOf(layer, name, index)} = ${total}`;
  const style = `left:${left}px; top:${top}px; width:${width}px`;
  table.append(element("div", `bp-pile bp-ink-${ownerOf(name)}`, { "data-index": index.join(), role: "presentation", style }, text));
}

function fillCard({ boxes, by, layer }, n, { width, height }) {
  const [box, card] = [boxes[n], layer.cards[n]];
  const [first, second] = factorsOfCard(card, by, layer.arrays).map((value) => written(value));
  const colored = (name, text) => element("span", `bp-ink-${ownerOf(name)}`, {}, text);
  const [one, other] = FACTORS[by];
  const product = element("b", "", {}, colored(one, first), "·", element("wbr"), colored(other, bracketed(second)));
  const places = ["z", "x", "w"].flatMap((name) => [colored(name, shortIndex(layer.geometry[name], card[name]).join("")), " "]);
  Object.assign(box.style, { width: `${width - 3}px`, height: `${height - 3}px`, fontSize: `${clamp(Math.min(width / 5, (width - 7) / (0.62 * (first.length + bracketed(second).length + 1))), height < 34 ? 7 : 11, 15)}px` });
  box.replaceChildren(...(width < LEGIBLE ? [] : [product]), ...(height < 30 || width < 52 ? [] : [element("i", "", {}, ...places)]));
  box.ariaLabel = `${first} times ${second}: output ${card.z}, input ${card.x}, weight ${card.w}`;
}

const entryOf = ({ arrays }, name, index) => `${letterOf(name)}[${shortIndex(arrays[name].shape, index).join(", ")}]`;

function sentences({ layer, by, lit, given }, spot) {
  const { arrays, geometry, cards } = layer;
  if (!spot) return [
    [`${cards.length} products, one a card: an output z, the input x that it reads, the weight w between them.`],
    [`Now they lie in piles by ${ownerOf(by)}: ${by === "z" ? "" : "times dZ, "}each pile adds up to an entry of ${letterOf(SUMS[by])}. Pile them another way: they are the same cards.`],
  ];
  if (spot.array === "card") return cardSentences(layer, cards[spot.index[0]]);
  const sum = spot.array.replace("d", "");
  const words = [`${lit.size} ${lit.size === 1 ? "card has" : "cards have"} this ${ownerOf(sum)}.`];
  const factors = (n) => factorsOfCard(cards[n], sum, arrays).map((value, m) => ({ value, role: ownerOf(FACTORS[sum][m]) }));
  const bias = sum === "z" ? [[{ value: given.b.data[spot.index.at(-1)], role: "bias" }]] : [];
  const total = at(arrays[SUMS[sum]], spot.index);
  return [words, sumOfProducts({ name: entryOf(layer, SUMS[sum], spot.index), terms: [...bias, ...[...lit].map(factors)], total })];
}

// Which sums a card goes into, and with which factors.
function cardSentences(layer, card) {
  const entry = (name) => ({ text: entryOf(layer, name, card[name.replace("d", "")]), role: ownerOf(name) });
  const ways = Object.keys(SUMS).map((sum) => {
    const [one, other] = factorsOfCard(card, sum, layer.arrays).map((value, m) => ({ text: bracketed(written(value)), role: ownerOf(FACTORS[sum][m]) }));
    return [one, "·", other, " into ", entry(SUMS[sum])];
  });
  return [[`One product: ${entry("z").text} reads ${entry("x").text} through ${entry("w").text}. It goes`], ways.flatMap((way, n) => (n ? [",  ", ...way] : way))];
}

// The cards of the table of products, their sums, and where they lie: piled by output, by weight or by input.

const FACTORS = { z: ["x", "w"], w: ["x", "dz"], x: ["dz", "w"] };
export const SUMS = { z: "z", w: "dw", x: "dx" };

export const indexIn = (card, array) => card[array.replace("d", "")];

// The two factors of a product: x·w where Z is summed, x·dz for dW, dz·w for dX. In the padding x is 0.
export const factorsOfCard = (card, by, arrays) => FACTORS[by].map((name) => (name === "x" && !card.inside ? 0 : at(arrays[name], indexIn(card, name))));

// { geometry, arrays, cards }. Every sum is made of the products; those in the padding are no cards.
export function layerOf(options, { x, w, b, dz }) {
  const { layer, stride, padding, dilation } = options;
  const shapes = { x: x.shape, w: w.shape };
  const geometry = layer === "fc" ? fcGeometry(shapes) : convGeometry({ ...shapes, stride, padding, dilation });
  const products = indicesOf(geometry.z).flatMap((index) => termsOf(geometry, index));
  const cards = products.filter(({ inside }) => inside);
  const arrays = { x, dz, w };
  const biases = indicesOf(geometry.z).map((index) => b.data[index.at(-1)]);
  arrays.z = summed(products, "z", arrays, makeArray(geometry.z, biases));
  arrays.dx = summed(cards, "x", arrays, makeArray(x.shape));
  arrays.dw = summed(products, "w", arrays, makeArray(w.shape));
  return { geometry, arrays, cards };
}

function summed(products, by, arrays, sums) {
  for (const product of products) {
    const [a, b] = factorsOfCard(product, by, arrays);
    sums.data[offset(sums.shape, product[by])] += a * b;
  }
  return sums;
}

// Without the last axes where there is only one slice.
function shortIndex(shape, index) {
  let last = index.length;
  while (last > 2 && shape[last - 1] === 1) last -= 1;
  return index.slice(0, last);
}

// An array of any rank on paper: rows by the first index, columns by the second, further slices beside or below.
function placeOn(shape, [row, column, ...rest], tall) {
  const slice = rest.reduce((place, n, axis) => place * shape[axis + 2] + n, 0);
  return tall ? [row + shape[0] * slice, column] : [row, column + shape[1] * slice];
}

// Inside a pile a card lies as in the array that still varies, close together.
function slotsOf({ geometry }, cards, by) {
  const other = by !== "z" ? "z" : geometry.kind === "fc" ? "x" : "w"; // a row of X lies in a row
  const places = cards.map((card) => placeOn(geometry[other], card[other]));
  const [rows, columns] = [0, 1].map((axis) => [...new Set(places.map((place) => place[axis]))].sort((a, b) => a - b));
  return { rows: rows.length, columns: columns.length, slots: places.map(([r, c]) => [rows.indexOf(r), columns.indexOf(c)]) };
}

// { piles: [{ index, place: [row, column], cards: [{ n, slot: [row, column] }] }], and how many piles and slots stand below
// and beside each other }; tall: slices below each other.
export function pilesOf(layer, by, tall) {
  const { cards, geometry: { [by]: shape } } = layer;
  const places = indicesOf(shape).map((index) => placeOn(shape, index, tall));
  const piles = indicesOf(shape).map((index, pile) => {
    const own = [...cards.keys()].filter((n) => sameIndex(cards[n][by], index));
    const { slots, ...size } = slotsOf(layer, own.map((n) => cards[n]), by);
    return { index, place: places[pile], cards: own.map((n, m) => ({ n, slot: slots[m] })), ...size };
  });
  const most = (name) => Math.max(1, ...piles.map((pile) => pile[name]));
  const [down, across] = [0, 1].map((axis) => 1 + Math.max(...places.map((place) => place[axis])));
  return { piles, rows: most("rows"), columns: most("columns"), down, across };
}
