// Times the network in the page: see stage_compute.py. Prints the milliseconds of every run as JSON.

import { readFileSync } from "node:fs";

import { decodeArray } from "./modules/arrays.js";
import { backwardNetwork, decodeNetwork, forwardNetwork } from "./modules/network_compute.js";

const { network: json, image: pixels, repeats } = JSON.parse(readFileSync("data.json", "utf8"));
const times = { decode: [], forward: [], backward: [] };
let network = null;

function timed(name, work) {
  const start = performance.now();
  const result = work();
  times[name].push(performance.now() - start);
  return result;
}

network = timed("decode", () => decodeNetwork(json));
const image = decodeArray(pixels);
for (let n = 0; n < repeats; n++) {
  const run = timed("forward", () => forwardNetwork(network, image));
  timed("backward", () => backwardNetwork(network, run, n % network.classes));
}
console.log(JSON.stringify(times));
