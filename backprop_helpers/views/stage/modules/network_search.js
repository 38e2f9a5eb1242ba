// From image to image of a kind.

import { makeSelect, makeStepper } from "./controls.js";
import { setOption } from "./network.js";
import { forwardNetwork } from "./network_compute.js";

const SEARCH = 30; // ms of a search for misread images between two frames

// The buttons under a given digit, made when they are first wanted.
export function openDigits(stage) {
  const { controls, parts: { digits } } = stage;
  if (controls.index) return;
  controls.index = makeStepper(digits, { label: "image", name: "", hint: "number of the image", change: (index) => searchImage(stage, index < stage.index ? -1 : 1) });
  controls.among = makeSelect(digits, { label: "which images − and + go through", change: (among) => (setOption(stage, { among }), searchImage(stage, 0)) });
}

export function showDigits({ controls, index, among, options, described }) {
  controls.index.show({ value: index, low: -1, high: Infinity });
  const kinds = options.pixels.labelled ? [["misread", "misread"], ...Array.from({ length: described.classes }, (_, k) => [String(k), `class ${k}`])] : [];
  controls.among.show({ choices: [["any", "any image"], ...kinds], value: among });
}

// by: 1 or −1; 0 stays where it is of the kind.
function searchImage(stage, by) {
  if (by || !isAmong(stage, stage.index)) return stepTo(stage, by || 1);
}

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
