// A convolution's gradients after some of its outputs have been pressed.

import { indicesOf } from "./arrays.js";
import { backwardOf, once, placeOf } from "./convolution_state.js";

// The outputs [i′, j′] in the order of the learner, those never asked for in the order of the page.
export function orderOf({ order }, { geometry: { z } }) {
  const chosen = order.filter(([i, j]) => i < z[0] && j < z[1]);
  return [...chosen, ...indicesOf(z.slice(0, 2)).filter((output) => !chosen.some((one) => String(one) === String(output)))];
}

// What has arrived after the first `step` outputs of the order; how the outputs look then.
export function afterSteps(model, order, step) {
  const { K } = model;
  if (step >= model.count) return model.whole;
  const done = new Uint8Array(model.count);
  for (const output of order.slice(0, step)) done[placeOf(model, output)] = 1;
  const gone = (place) => done[Math.floor(place / K)];
  return { ...backwardOf(model, done), blank: (place) => !gone(place) && "blank", pale: (place) => gone(place) && "pale" };
}

// The same, made once for a model.
export function pressed(state, model, step) {
  const order = once(model, `order ${state.order}`, () => orderOf(state, model));
  return { order, arrived: once(model, `${step} of ${state.order}`, () => afterSteps(model, order, step)) };
}
