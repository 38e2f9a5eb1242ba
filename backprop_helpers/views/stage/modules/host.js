// The door between a composition and anywidget's model: traits go both ways, all else lives in the trait `spec`.

// The spec as it stands now: an option that is a trait, and what is selected, are read from the model.
export function specOf(model) {
  const spec = model.get("spec");
  const options = Object.fromEntries(Object.entries(spec.options).map(([name, value]) => [name, model.get(name) ?? value]));
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
  };
}
