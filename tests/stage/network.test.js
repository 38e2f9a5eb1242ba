// The network's stage against what Python wrote into data.json: see test_network.py.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

import { decodeArray, indicesOf, makeArray } from "./modules/arrays.js";
import { backwardNetwork, decodeNetwork, forwardNetwork } from "./modules/network_compute.js";
import { cellOfPanel, firstMaps, fitColumns, indexInPanel } from "./modules/network_maps.js";
import { copyOntoPaper, imageOnPaper } from "./modules/network_pad.js";
import { backwardLine, forwardLine } from "./modules/network_look.js";
import { brief } from "./modules/page.js";

const { networks = [], drawings = [], shapes = [], briefs = [], firsts = [] } = JSON.parse(readFileSync("data.json", "utf8"));
const textOf = (parts) => parts.map((part) => part.text ?? part).join("");
const numberOf = (text) => Number(text.replace(/[()]/g, "").replaceAll("−", "-"));

// What a reader with a pencil gets of "a·b + c + (12 smaller: d) ≈ e", and e.
function pencilled(text) {
  const [, , sum, total] = text.match(/^(.*?) = (.*) [=≈] (\S+)$/) ?? [];
  if (!sum) return null;
  const terms = sum.replace(/\(\d+ smaller: ([^)]*)\)/g, "$1").split(" + ");
  return [terms.reduce((all, term) => all + term.split("·").reduce((a, b) => a * numberOf(b), 1), 0), total];
}

networks.forEach(({ network: json, image, label, cells }, number) => {
  test(`sums of network ${number} add up`, () => {
    const network = decodeNetwork(json);
    const run = forwardNetwork(network, decodeArray(image));
    const stage = { network, run, back: backwardNetwork(network, run, label), probabilities: run.probabilities, target: label, narrow: number % 2 === 1 };
    let added = 0;
    for (const [name, index] of cells) {
      for (const write of [forwardLine, backwardLine]) {
        const text = textOf(write(stage, { name, index }));
        assert.ok(!/NaN|undefined|null/.test(text), text);
        const found = !text.includes("ŷ") && /smaller|·.*[=≈]/.test(text) && pencilled(text);
        if (!found) continue;
        const decimals = (found[1].split(".")[1] ?? "").length;
        assert.ok(Math.abs(found[0] - numberOf(found[1])) <= 0.5001 * 10 ** -decimals, text);
        added += 1;
      }
    }
    assert.ok(added > 0, "no sum was written");
  });
});

drawings.forEach(({ image, prepared, expected }, number) => {
  test(`drawing ${number} is prepared as Python does`, () => {
    const given = decodeArray(image);
    const paper = { size: 28, side: 84, ink: makeArray([84, 84]) };
    copyOntoPaper(paper, given);
    const { data } = imageOnPaper(paper, prepared).image;
    decodeArray(expected).data.forEach((value, n) => assert.ok(Math.abs(value - data[n]) < 1 / 255, `pixel ${n}: ${data[n]}, expected ${value}`));
  });
});

shapes.forEach(({ columns, width, height, ratio }, number) => {
  test(`maps ${number} lie beside each other and are found under the pointer`, () => {
    const fitted = fitColumns(columns, { width, height, ratio, between: 9 });
    if (fitted.height <= height) assert.ok(fitted.blocks.reduce((sum, block) => sum + block.width, 9 * (columns.length - 1)) <= width);
    columns.forEach(({ shape, channels }, n) => {
      const panel = { shape, channels, block: fitted.blocks[n], x: 7, y: 5 };
      const seen = new Set();
      for (const index of indicesOf(shape)) {
        const { x, y, wide, high } = cellOfPanel(panel, index);
        assert.ok(x >= 7 && y >= 5 && x + wide <= 7 + panel.block.width && y + high <= 5 + panel.block.height, `${index} sticks out`);
        assert.deepEqual(indexInPanel(panel, x, y), index);
        assert.deepEqual(indexInPanel(panel, x + wide - 1, y + high - 1), index);
        seen.add(`${x} ${y}`);
      }
      assert.equal(seen.size, indicesOf(shape).length, "two cells lie on each other");
      assert.equal(indexInPanel(panel, 6, 5), null);
      assert.equal(indexInPanel(panel, 7 + panel.block.width, 5), null);
    });
  });
});

briefs.forEach(([value, digits, text]) => {
  test(`${value} is written ${text}`, () => assert.equal(brief(value, digits), text));
});

firsts.forEach(([shape, count]) => {
  test(`of ${shape} the first ${count} maps are shown`, () => assert.deepEqual(firstMaps(shape), [...Array(count).keys()]));
});
