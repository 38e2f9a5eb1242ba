// Networks with a layer that only Python knows: it runs them.

import { makeArray, sizeOf } from "./arrays.js";
import { softmaxOf } from "./network_compute.js";
import { shapeOf } from "./network_maps.js";

// Python answers with all maps, activations first, in the order of the layers.
export async function runByPython(stage) {
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
