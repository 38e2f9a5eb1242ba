// Explorers without a kernel: what Python said of every cell is in a file, and the notebook's own view draws it.
// Data and module come as scripts, because a page that was opened as a file may not request anything.
(() => {
  const root = new URL(document.documentElement.dataset.content_root ?? "./", document.baseURI);

  function load(name) {
    return new Promise((done, failed) => {
      const script = document.createElement("script");
      script.src = new URL(`_static/live/${name}.js`, root).href;
      script.onload = () => done(window.liveViews[name]);
      script.onerror = failed;
      document.head.append(script);
    });
  }

  /** What a view asks of its model: get, set, on, off, save_changes. */
  function modelOf(state, changed) {
    const listeners = {};
    return {
      get: (name) => state[name],
      set(name, value) {
        state[name] = value;
        for (const listener of listeners[`change:${name}`] ?? []) listener();
      },
      on: (event, listener) => (listeners[event] ??= []).push(listener),
      off: (event, listener) => { listeners[event] = (listeners[event] ?? []).filter((one) => one !== listener); },
      save_changes: () => changed(),
      send: () => {},
    };
  }

  const FLOWS = {
    row: { display: "flex", flexDirection: "row" },
    column: { display: "flex", flexDirection: "column" },
    grid: { display: "grid" },
  };

  class Live {
    constructor(place, data, render) {
      Object.assign(this, { data, render, models: {}, active: {}, pinned: {}, source: null });
      const words = [...place.childNodes];
      this.build(data.tree, place);
      for (const node of words) node.remove();
      this.show();
    }

    build(node, parent) {
      const element = document.createElement("div");
      element.classList.add(...node.classes);
      parent.append(element);
      for (const [name, value] of Object.entries(node.style)) element.style.setProperty(name, value);
      if (node.children) {
        for (const [name, value] of Object.entries(FLOWS[node.flow])) element.style[name] ||= value;
        for (const child of node.children) this.build(child, element);
      } else if (node.view) {
        const { state } = node;
        state._data = new DataView(new Float64Array(state._data).buffer);
        state._colors = this.data.colors[state._kind];
        this.models[node.view] = modelOf(state, () => this.changed(node.view));
        this.render({ model: this.models[node.view], el: element });
      } else {
        const content = document.createElement("div");
        content.className = "widget-html-content";
        content.innerHTML = node.html;
        element.append(content);
        if (node.role === "arithmetic") this.arithmetic = content;
      }
    }

    /** One matrix holds a pinned cell at most; the matrix that was pointed at last is the one that speaks. */
    changed(name) {
      const model = this.models[name];
      const [pinned, before] = [model.get("pinned"), this.active[name]];
      if (pinned && String(pinned) !== String(this.pinned[name])) {
        for (const [other, its] of Object.entries(this.models)) {
          if (other === name || !its.get("pinned")) continue;
          its.set("pinned", null);
          this.note(other);
        }
      }
      const now = this.note(name);
      if (String(now) === String(before)) return;
      if (now) this.source = name;
      else if (this.source === name) this.source = Object.keys(this.models).find((other) => this.active[other]) ?? null;
      else return;
      this.show();
    }

    note(name) {
      this.pinned[name] = this.models[name].get("pinned");
      this.active[name] = this.pinned[name] ?? this.models[name].get("hovered");
      return this.active[name];
    }

    show() {
      const cell = this.source && this.active[this.source];
      const state = cell ? this.data.states[this.source][cell.join(",")] : this.data.rest;
      for (const [name, model] of Object.entries(this.models)) model.set("_groups", state.groups[name] ?? []);
      if (this.arithmetic.innerHTML !== state.arithmetic) this.arithmetic.innerHTML = state.arithmetic;
    }
  }

  /** The explorers' style sheet asks for the theme as JupyterLab says it. */
  function sayTheme() {
    document.body.dataset.jpThemeLight = String(document.documentElement.dataset.theme !== "dark");
  }

  async function start() {
    const places = [...document.querySelectorAll(".live-view[data-states]")];
    if (!places.length) return;
    sayTheme();
    new MutationObserver(sayTheme).observe(document.documentElement, { attributeFilter: ["data-theme"] });
    const source = await load("matrix_view");
    const address = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
    const { default: { render } } = await import(address);
    URL.revokeObjectURL(address);
    for (const place of places) new Live(place, await load(place.dataset.states), render);
  }

  window.liveStarted = new Promise((done) => addEventListener("DOMContentLoaded", () => done(start())));
})();
