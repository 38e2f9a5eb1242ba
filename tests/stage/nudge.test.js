// Graphs of numbers against what Python wrote into data.json: see test_nudge.py.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

import { messagesBack, runGraph, sendersOf, slopesFrom } from "./modules/graph_compute.js";
import { layOutGraph } from "./modules/graph_draw.js";
import { bentGates, nudgeSentences } from "./modules/nudge_words.js";

const DATA = JSON.parse(readFileSync("data.json", "utf8"));

function near(found, expected, words) {
  assert.ok(Math.abs(found - expected) <= 1e-9 * Math.max(1, Math.abs(expected)), `${words}: ${found}, not ${expected}`);
}

DATA.graphs.forEach(({ nodes, inputs, values, gradients, nudged, epsilon, after }, number) => {
  test(`graph ${number}`, () => {
    const run = runGraph(nodes, inputs);
    const received = messagesBack(nodes, run.slopes);
    const moved = runGraph(nodes, inputs, nudged, epsilon).values;
    nodes.forEach(({ name }, n) => {
      near(run.values[n], values[name], name);
      near(received[n], gradients[name], `d${name}`);
      near(moved[n], after[name], `${name} nudged`);
    });
    near(slopesFrom(nodes, run.slopes, nudged).at(-1) ?? 0, gradients[nodes[nudged].name], "the promise");
  });

  test(`layout ${number}`, () => {
    const { places, edges, columns, rows } = layOutGraph(nodes.map(({ reads }) => reads));
    for (const { from, to, via } of edges) {
      const way = [places[from], ...via, places[to]].map(({ column }) => column);
      assert.deepEqual(way, way.map((_, n) => way[0] + n));
    }
    const all = [...places, ...edges.flatMap(({ via }) => via)];
    all.forEach((one, n) => all.slice(n + 1).forEach((other) => {
      const least = one.passes || other.passes ? 0.3 : 0.99;
      assert.ok(one.column !== other.column || Math.abs(one.row - other.row) > least, `${one.row} and ${other.row} in column ${one.column}`);
    }));
    assert.ok(all.every(({ column, row }) => column < columns && row > -0.5 && row < rows));
  });
});

for (const { nodes, inputs, nudged, epsilon, target, says, bent } of DATA.verdicts) {
  test(`verdict: ${says}`, () => {
    const [n, seen] = [nudged, target].map((name) => nodes.findIndex((node) => node.name === name));
    const { values, slopes } = runGraph(nodes, inputs);
    const after = runGraph(nodes, inputs, n, epsilon).values;
    const found = { values, slopes, after, promised: slopesFrom(nodes, slopes, n), moved: after.map((value, m) => value - values[m]), gradients: messagesBack(nodes, slopes) };
    const stage = { nodes, nudged: n, epsilon, pointed: seen === nodes.length - 1 ? -1 : seen, found, senders: sendersOf(nodes), messages: 99 };
    const text = nudgeSentences(stage).map((parts) => parts.map((part) => part.text ?? part).join("")).join("\n");
    assert.ok(text.includes(says), text);
    assert.deepEqual(bentGates(stage).map((m) => nodes[m].name), bent);
  });
}
