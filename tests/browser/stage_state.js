// What tests read of a stage, as JSON: what its composition knows, and what its grids show.
(root) => {
  const { stage } = root.bpStage;
  const picked = (names, of = stage) => Object.fromEntries(names.split(" ").map((name) => [name, of[name]]));
  const nearest = ({ found: { steps }, epsilon }) => {
    const apart = steps.map((step) => Math.abs(Math.log(step / epsilon)));
    return apart.indexOf(Math.min(...apart));
  };
  const own = {
    convolution: ({ state: { store, given, caps, order, ...setting }, model: { count } }) => ({ ...setting, step: Math.min(setting.step ?? count, count), count }),
    downhill: ({ x, y, w, been }) => ({ w, loss: (w * x - y) ** 2 / 2, slope: x * (w * x - y), been }),
    gradientCheck: ({ found: { steps, analytic, measured, worst, floor }, entry, method }) => {
      const place = stage.pointed ?? nearest(stage);
      const errors = Object.fromEntries(Object.entries(worst).map(([name, all]) => [name, all.map(({ error }) => error)]));
      const looked = { looked: steps[place], entry: entry ?? worst[method][place].entry };
      return { ...picked("subject precision bug method epsilon"), ...looked, analytic, floor, slopes: measured[place].entries.map(({ slopes }) => slopes), errors };
    },
    learningKernel: ({ path }) => ({ ...picked("rate step held pointed limit"), losses: path.map(({ loss }) => loss) }),
    network: ({ parts, source, step, image, back, drawing, drawn, options, probabilities }) => ({
      ...picked("index label target asked step layer channel drawing pointed held"), probabilities: probabilities ?? null, loss: back?.loss ?? null,
      image: image ? [...image.data] : null, verdict: parts.verdict.textContent, steps: options.steps, blank: drawing && !drawn, ready: !!source.networks[step],
    }),
    nudgeGraph: ({ nodes, nudged, pointed, found }) => ({
      ...picked("epsilon messages"), nudged: nodes[nudged]?.name ?? null, pointed: nodes[pointed]?.name ?? null,
      ...Object.fromEntries(["values", "moved", "gradients"].map((key) => [key, Object.fromEntries(nodes.map(({ name }, n) => [name, found[key][n]]))])),
    }),
    pooling: ({ setting }) => ({ ...setting, ...picked("held pointed jumps") }),
    productTable: ({ layer: { cards }, lit }) => ({ ...picked("by held pointed"), cards, lit: [...lit] }),
    reluGates: ({ model }) => ({ ...picked("bias held pointed flipped"), ...picked("dead db", model) }),
    softmaxScores: ({ z, label, held, model: { e, y, dz, loss, jacobian } }) => ({ z: [...z.data], label, held, e: [...e], y: [...y], dz: [...dz], loss, jacobian: [...jacobian.data] }),
  }[root.dataset.composition];
  const shown = Object.values(stage.frame.grids).filter((grid) => grid.view && grid.root.isConnected);
  const grids = shown.map(({ name, numbers, view: { array: { shape, data }, marks, frames = [], cell, fade, ring } }) => [
    name, { shape, data: [...data], marks, frames, cell, fade: !!fade, ring, numbers: !!numbers },
  ]);
  return { ...own(stage), grids: Object.fromEntries(grids) };
}
