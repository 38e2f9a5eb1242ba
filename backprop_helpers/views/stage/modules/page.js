// The few lines of the page's own language that all modules share.
//   makeElement("div", "bp-x", parent?, { attribute: text })        clamp(n, low, high)

export function makeElement(tag, className = "", parent = null, attributes = {}) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  for (const [name, text] of Object.entries(attributes)) element.setAttribute(name, text);
  if (parent) parent.append(element);
  return element;
}

export const clamp = (value, low, high) => Math.min(high, Math.max(low, value));
