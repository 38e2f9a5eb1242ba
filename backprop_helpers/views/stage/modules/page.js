// Elements of the page, and numbers as they are typed, written and kept in JSON.

export const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

// A new element with classes, attributes and children; a text child may hold `code`.
export function element(tag, className = "", attributes = {}, ...children) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  for (const child of children) {
    if (child instanceof Node) made.append(child);
    else for (const [at, part] of child.split("`").entries()) made.append(at % 2 ? element("code", "", {}, part) : part);
  }
  return made;
}

// The context of an empty canvas of a size in CSS pixels.
export function cleared(canvas, { width, height }, { ratio }) {
  const context = canvas.getContext("2d");
  const sizes = { width: Math.round(width * ratio), height: Math.round(height * ratio) };
  if (canvas.width !== sizes.width || canvas.height !== sizes.height) {
    Object.assign(canvas, sizes);
    canvas.style.cssText = `width: ${width}px; height: ${height}px`;
  }
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  context.textAlign = "center";
  context.textBaseline = "middle";
  return context;
}

// JSON has no NaN and no infinities: there they are words.
export function decodeNumber(json) {
  return typeof json === "string" ? { nan: NaN, inf: Infinity, "-inf": -Infinity }[json] : json;
}

// A decimal of few digits is one again after an addition.
export const tidied = (value) => Number(value.toPrecision(12));

// With a true minus sign: integers as they are, others with `decimals`, or with four digits.
export function written(value, decimals = null) {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  const text = decimals !== null ? value.toFixed(decimals) : String(Number.isInteger(value) ? value : Number(value.toPrecision(4)));
  return (Number(text) ? text : text.replace("-", "")).replaceAll("-", "−");
}

// The number that a text says: "−3", "1/9", "0,5", "1,000", "3e4", "NaN"; null if it says none.
export function readNumber(text) {
  const plain = text.trim().replace(/[−–]/g, "-").replaceAll("_", "");
  if (/^nan$/i.test(plain)) return NaN;
  if (/^[-+]?(inf|∞)$/i.test(plain)) return plain.startsWith("-") ? -Infinity : Infinity;
  const whole = /^[-+]?\d{1,3}([ ,]\d{3})+(\.\d+)?$/.test(plain) ? plain.replace(/[ ,]/g, "") : plain.replace(",", ".");
  const [top, bottom = "1", ...more] = whole.split("/").map((part) => part.trim());
  const reads = (part) => /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(part);
  return reads(top) && reads(bottom) && !more.length ? Number(top) / Number(bottom) : null;
}
