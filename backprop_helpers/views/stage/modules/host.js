// The door between a composition and anywidget's model: traits go both ways, all else lives in the trait `spec`.

// The spec as it stands now: an option that is a trait, and what is selected, are read from the model. A trait may be null;
// what is no trait is undefined.
export function specOf(model) {
  const spec = model.get("spec");
  const now = (name, given) => (model.get(name) === undefined ? given : model.get(name));
  const options = Object.fromEntries(Object.entries(spec.options).map(([name, given]) => [name, now(name, given)]));
  return { ...spec, options, selected: model.get("selected") ?? null };
}

// set(name, value) tells Python; on(name, listener) hears what Python, or another view, set; returns its end.
export function linkOf(model) {
  let own = false; // a listener is not told what its own composition has just set
  const trait = (name) => (name === "arrays" ? "spec" : name);
  return {
    set(name, value) {
      own = true;
      model.set(trait(name), name === "arrays" ? { ...model.get("spec"), arrays: value } : value);
      own = false;
      model.save_changes();
    },
    on(name, listener) {
      const heard = () => own || listener(name === "arrays" ? model.get("spec").arrays : model.get(name));
      model.on(`change:${trait(name)}`, heard);
      return () => model.off(`change:${trait(name)}`, heard);
    },
    ask: (question, buffers) => askPython(model, question, buffers),
  };
}

// What is too large for a trait, or only Python knows, is asked for: a promise of the answer's bytes.
function askPython(model, question, buffers = []) {
  return new Promise((resolve, reject) => {
    const id = Math.random();
    const heard = (content, [answer]) => {
      if (content.id !== id) return;
      model.off("msg:custom", heard);
      if (content.error) reject(new Error(content.error));
      else resolve(answer.buffer.slice(answer.byteOffset, answer.byteOffset + answer.byteLength));
    };
    model.on("msg:custom", heard);
    model.send({ ...question, id }, undefined, buffers);
  });
}
