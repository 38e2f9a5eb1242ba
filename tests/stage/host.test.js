// Run by Node.js from tests/stage/test_host.py: what a composition gets of anywidget's model.

import assert from "node:assert/strict";
import { test } from "node:test";

import { specOf } from "./modules/host.js";

const spec = { composition: "far", arrays: {}, options: { stride: 1, mode: "max", title: "t" } };
const read = (traits) => specOf({ get: (name) => ({ spec, ...traits })[name] });

test("an option that is a trait is read as it stands now, null too", () => {
  assert.deepEqual(read({ stride: null, mode: "average" }).options, { stride: null, mode: "average", title: "t" });
  assert.deepEqual(read({ stride: 0 }).options, { stride: 0, mode: "max", title: "t" });
  assert.equal(spec.options.stride, 1);
});

test("what is selected is null or what the model says", () => {
  assert.equal(read({}).selected, null);
  assert.deepEqual(read({ selected: { array: "z" } }).selected, { array: "z" });
});
