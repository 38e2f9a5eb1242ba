// What a reader types and reads: numbers with either minus sign, fractions; `code` in a sentence.

// The number that a text says: "−3", "1/9", "0,5", "1,000", "3e4"; NaN if it says none.
export function readNumber(text) {
  const plain = text.replace(/[−–]/g, "-").replace(/[\s_]/g, "");
  const whole = /^[-+]?\d{1,3}(,\d{3})+(\.\d+)?$/.test(plain) ? plain.replaceAll(",", "") : plain.replace(",", ".");
  const [top, bottom = "1", ...rest] = whole.split("/");
  return rest.length || !top || !bottom ? NaN : Number(top) / Number(bottom);
}

// A number with a true minus sign: integers as they are, others with four digits; what JSON lacks is text.
export function writeNumber(value) {
  const named = { nan: "NaN", inf: "∞", "-inf": "−∞" };
  const digits = Number.isInteger(value) ? value : Number(Number(value).toPrecision(4));
  return named[value] ?? String(digits).replaceAll("-", "−");
}

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
