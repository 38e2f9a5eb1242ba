// The slides of a lesson. Code that made a figure or a sentence is folded; a stage keeps its own keys and swipes.
for (const outputs of document.querySelectorAll(".jp-Cell-outputWrapper")) {
  const code = outputs.parentElement.querySelector(".jp-Cell-inputWrapper");
  if (!code?.textContent.trim()) continue;
  const fold = document.createElement("details");
  fold.append(Object.assign(document.createElement("summary"), { textContent: "Code" }));
  outputs.after(fold);
  fold.append(code);
}
// Folds above a slide's text are hints for what the slide before it asks: its notes.
const slides = [...document.querySelectorAll(".slides section section")];
slides.slice(1).forEach((slide, before) => {
  const text = slide.querySelector(".jp-RenderedMarkdown");
  const notes = Object.assign(document.createElement("aside"), { className: "notes" });
  while (text?.firstElementChild?.matches("details")) notes.append(text.firstElementChild);
  if (notes.children.length) slides[before].append(notes);
});
for (const fold of document.querySelectorAll(".notes details")) fold.open = true;
// As large as the screen allows, a long text in two columns; the pointer finds a stage's cells only at their own size.
const SIZES = [1.6, 1.45, 1.3, 1.15, 1, 0.9, 0.8];
const WIDE = ".jp-Cell, mjx-container, .jp-OutputArea-child, pre:not(details *)";
const fits = (slide) => slide.scrollHeight <= slide.clientHeight
  && [slide, ...slide.querySelectorAll(WIDE)].every((part) => part.scrollWidth <= part.clientWidth + 1 || !part.clientWidth);
function fit() {
  for (const slide of slides.filter((slide) => !slide.querySelector(".bp-field"))) {
    [false, true].some((columns) => {
      slide.classList.toggle("columns", columns);
      return SIZES.some((size) => (slide.style.setProperty("--zoom", size), fits(slide)));
    });
  }
}
for (const place of document.querySelectorAll(".bp-place")) place.dataset.preventSwipe = "";
MathJax.startup.promise.then(() => Reveal.initialize({
  disableLayout: true,
  hash: true,
  slideNumber: "c/t",
  transition: "none",
  viewDistance: 999, // a stage that is not laid out has no width to draw in
  keyboardCondition: ({ target }) => !target.closest(".bp-place, summary"),
  plugins: [RevealNotes],
})).then(() => {
  fit();
  addEventListener("resize", fit);
  document.documentElement.dataset.slides = "ready";
});
