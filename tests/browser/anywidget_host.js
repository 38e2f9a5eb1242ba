// A host of anywidget's modules and nothing else, as VS Code's and Notebook 7's: the module comes from a blob, the model is
// what anywidget hands on of its own. Python is a function, `askPython(content, buffers)`, that the test gives.

const bytesOf = (text) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
const textOf = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer)));

class Model {
  constructor(state) {
    this.state = state;
    this.listeners = [];
    this.saved = 0;
  }
  get(name) {
    return this.state[name];
  }
  set(name, value) {
    const same = JSON.stringify(this.state[name]) === JSON.stringify(value);
    this.state[name] = value;
    if (!same) this.tell(`change:${name}`, this, value);
  }
  save_changes() {
    this.saved += 1;
  }
  on(name, listener) {
    this.listeners.push({ name, listener });
  }
  off(name, listener) {
    this.listeners = this.listeners.filter((kept) => kept.name !== name || kept.listener !== listener);
  }
  async send(content, callbacks, buffers = []) {
    const [answer, found] = await window.askPython(content, buffers.map(textOf));
    this.tell("msg:custom", answer, found.map((text) => new DataView(bytesOf(text).buffer)));
  }
  tell(name, ...said) {
    for (const kept of [...this.listeners]) if (kept.name === name) kept.listener(...said);
  }
}

window.problems = [];
window.addEventListener("error", ({ message }) => {
  // What Chromium says when an observer's own answer changes a size: the next frame has it.
  if (!message.startsWith("ResizeObserver loop")) window.problems.push(message);
});
window.addEventListener("unhandledrejection", ({ reason }) => window.problems.push(String(reason)));
document.addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI }) => window.problems.push(`${violatedDirective}: ${blockedURI}`));

const ends = [];
// While a debugger's call runs, such as a test's, Chromium allows `eval`.
const apart = () => new Promise((done) => setTimeout(done));
window.host = {
  async load({ _esm: text, _css: style, ...state }) {
    document.head.append(Object.assign(document.createElement("style"), { textContent: style }));
    const url = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
    const module = await import(url);
    URL.revokeObjectURL(url);
    await apart();
    const widget = typeof module.default === "function" ? await module.default() : module.default;
    const model = new Model(state);
    await widget.initialize?.({ model });
    Object.assign(window.host, { widget, model });
    return { exported: Object.keys(module), does: Object.keys(widget) };
  },
  // Renders one more view; its number is its place in the page.
  async render() {
    await apart();
    const el = document.body.appendChild(document.createElement("div"));
    ends.push(await window.host.widget.render({ model: window.host.model, el }));
  },
  async end(view) {
    await ends[view]();
  },
};
