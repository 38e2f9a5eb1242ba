// What the theme leaves out for those who use a keyboard or a screen reader.
function completeForAccess() {
  // The triangles that unfold a part of the navigation have no text.
  for (const summary of document.querySelectorAll("summary")) {
    if (!summary.textContent.trim() && !summary.hasAttribute("aria-label")) {
      const entry = summary.closest("li")?.querySelector("a")?.textContent.trim();
      summary.setAttribute("aria-label", entry ? `Pages of ${entry}` : "More");
    }
  }
  // What scrolls sideways can be scrolled with the arrow keys.
  const wide = "div.math, mjx-container, pre, .text_html, .pst-scrollable-table-container";
  for (const element of document.querySelectorAll(wide)) {
    const scrolls = element.scrollWidth > element.clientWidth && getComputedStyle(element).overflowX !== "visible";
    if (scrolls && !element.hasAttribute("tabindex")) element.setAttribute("tabindex", "0");
  }
}

window.addEventListener("load", async () => {
  completeForAccess();
  await window.MathJax?.startup?.promise;
  completeForAccess();
  document.documentElement.dataset.complete = "true";
});
window.addEventListener("resize", completeForAccess);
