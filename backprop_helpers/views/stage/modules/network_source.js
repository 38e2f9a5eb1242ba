// Where a network's weights and images come from: the spec, a file beside the page, or Python. None of it is waited for:
// the digit is shown before the weights are here.

import { decodeBase64, makeArray, sizeOf } from "./arrays.js";

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
export function makeSource({ options }, { ask }, changed, failed) {
  const { steps, examples, weights } = options;
  const source = { networks: Array(steps.length).fill(null), images: new Map(), asked: {} };
  const keep = async (bytes) => {
    const { networksOf } = await import("./network_run.js");
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
