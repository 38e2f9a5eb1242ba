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

// How many digits the numbers of a grid and of a written sum get.

// The fewest decimals, up to `most`, that write every value exactly; `most` where none do.
function decimalsFor(values, most) {
  let decimals = 0;
  const rough = (value) => Math.abs(value - Number(value.toFixed(decimals))) > 1e-9 * Math.max(1, Math.abs(value));
  for (const value of values) while (decimals < most && Number.isFinite(value) && rough(value)) decimals += 1;
  return decimals;
}

// A few digits that count: "3.4·10⁻¹¹".
export function brief(value, digits = 3) {
  const [mantissa, exponent] = value.toExponential(digits - 1).split("e");
  const raised = exponent && exponent.replace(/[-+]?\d/g, (text) => [...text].map((sign) => "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"["-0123456789".indexOf(sign)] ?? "").join(""));
  return value && Math.abs(value) < 1e-3 && Number.isFinite(value) ? `${written(Number(mantissa))}·10${raised}` : written(Number(value.toPrecision(digits)));
}

// One form for a whole grid: { factor: "×10⁻⁴" or "", most, text(value, decimals = most) }. Integers as they are, reals
// rounded, a power of ten taken out where all are tiny.
export function gridNumbers(values) {
  let largest = 0;
  for (const value of values) if (Number.isFinite(value)) largest = Math.max(largest, Math.abs(value));
  const exponent = largest > 0 && largest < 0.01 ? Math.floor(Math.log10(largest)) : 0;
  const unit = 10 ** exponent;
  const digits = largest > 0 ? Math.min(3, Math.max(0, 2 - Math.floor(Math.log10(largest / unit)))) : 0;
  const most = exponent ? 1 : decimalsFor(values, digits);
  const text = (value, decimals = most) => {
    if (value === 0) return "0";
    if (!Number.isFinite(value)) return written(value);
    const scaled = value / unit;
    if (Math.abs(scaled) >= 1e5) return scaled.toExponential(0).replace("e+", "e").replace("-", "−");
    return Number(scaled.toFixed(decimals)) === 0 ? "≈0" : written(scaled, decimals);
  };
  const raised = String(-exponent).replace(/\d/g, (digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[digit]);
  return { factor: exponent ? `×10⁻${raised}` : "", most, text };
}

// Of Σ of products (`terms` are lists of factors): { factor(x), total, exact } with as few decimals as let a reader with
// a pencil arrive at the printed total.
export function sumNumbers(terms, total) {
  const factors = terms.flat().filter(Number.isFinite);
  const most = decimalsFor(factors, 3);
  const exact = decimalsFor(factors, 4) === most;
  const to = (decimals) => (x) => written(x, Number.isInteger(x) ? 0 : decimals);
  if (exact) return { factor: to(most), total: written(total, decimalsFor([total], 9)), exact };
  for (let decimals = 2; decimals < 9; decimals += 1) {
    const printed = terms.reduce((sum, term) => sum + term.reduce((p, f) => p * Number(f.toFixed(decimals)), 1), 0);
    for (let less = Math.min(decimals, 4); less >= 1 && (total === 0 || Number(total.toFixed(less)) !== 0); less -= 1) {
      if (printed.toFixed(less) === total.toFixed(less)) return { factor: to(decimals), total: written(total, less), exact };
    }
  }
  return { factor: (x) => written(x), total: written(total), exact };
}
