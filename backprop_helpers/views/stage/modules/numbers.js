// How numbers are written: in a grid, in a sum, in words.
//   written(value, decimals?)          one number: a true minus, "NaN", "∞"; without decimals three digits that count
//   gridNumbers(values)                {factor: "×10⁻⁴" or "", most, text(value, decimals = most)} for all cells of one grid
//   sumNumbers(terms, total)           {factor(x), total, exact} for Σ of products: what is printed adds up to what is printed
//   parseNumber(text)                  what a reader typed, or null

const RAISED = { "-": "⁻", 0: "⁰", 1: "¹", 2: "²", 3: "³", 4: "⁴", 5: "⁵", 6: "⁶", 7: "⁷", 8: "⁸", 9: "⁹" };

export const raised = (exponent) => [...String(exponent)].map((sign) => RAISED[sign]).join("");

function plain(text) {
  const shown = Number(text) === 0 ? text.replace("-", "") : text;
  return shown.replace("-", "−");
}

export function written(value, decimals = null) {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  if (decimals !== null) return plain(value.toFixed(decimals));
  if (Number.isInteger(value) && Math.abs(value) < 1e6) return plain(String(value));
  const [mantissa, exponent] = value.toExponential(2).split("e").map(Number);
  if (exponent < -3 || exponent > 5) return `${plain(String(mantissa))}·10${raised(exponent)}`;
  return plain(String(Number(value.toPrecision(3))));
}

// The fewest decimals, up to `most`, that write every value exactly; `most` where none do.
export function decimalsFor(values, most) {
  let decimals = 0;
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    while (decimals < most && Math.abs(value - Number(value.toFixed(decimals))) > 1e-9 * Math.max(1, Math.abs(value))) decimals += 1;
    if (decimals === most) break;
  }
  return decimals;
}

// One form for a whole grid: integers as they are, reals rounded, a power of ten taken out where all are tiny.
export function gridNumbers(values) {
  let largest = 0;
  for (const value of values) if (Number.isFinite(value)) largest = Math.max(largest, Math.abs(value));
  const exponent = largest > 0 && largest < 0.01 ? Math.floor(Math.log10(largest)) : 0;
  const unit = 10 ** exponent;
  const digits = largest > 0 ? Math.min(3, Math.max(0, 2 - Math.floor(Math.log10(largest / unit)))) : 0;
  const most = exponent ? 1 : decimalsFor(values, digits);
  const text = (value, decimals = most) => {
    if (value === 0) return "0";
    const scaled = value / unit;
    if (!Number.isFinite(scaled)) return written(scaled);
    if (Math.abs(scaled) >= 1e5) return plain(scaled.toExponential(0).replace("e+", "e"));
    const rounded = scaled.toFixed(decimals);
    return Number(rounded) === 0 ? "≈0" : plain(rounded);
  };
  return { factor: exponent ? `×10${raised(exponent)}` : "", most, text };
}

// `terms` are lists of factors. As few decimals as let a reader with a pencil arrive at the printed total.
export function sumNumbers(terms, total) {
  const factors = terms.flat().filter(Number.isFinite);
  const exactly = decimalsFor(factors, 3);
  const fits = factors.every((factor) => Math.abs(factor - Number(factor.toFixed(exactly))) < 1e-9);
  if (fits) return { factor: (x) => written(x, Number.isInteger(x) ? 0 : exactly), total: tidy(total), exact: true };
  for (let decimals = 2; decimals < 9; decimals += 1) {
    for (let less = Math.min(decimals, 4); less >= 1; less -= 1) {
      const printed = terms.reduce((sum, term) => sum + term.reduce((p, f) => p * Number(f.toFixed(decimals)), 1), 0);
      if (Number(total.toFixed(less)) === 0 && total !== 0) break;
      if (printed.toFixed(less) === total.toFixed(less)) {
        return { factor: (x) => written(x, Number.isInteger(x) ? 0 : decimals), total: written(total, less), exact: false };
      }
    }
  }
  return { factor: (x) => written(x), total: written(total), exact: false };
}

function tidy(total) {
  return Number.isFinite(total) ? plain(String(Number(total.toPrecision(10)))) : written(total);
}

export function parseNumber(text) {
  const clean = text.trim().replace("−", "-").replace(",", ".");
  if (/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(clean)) return Number(clean);
  if (/^nan$/i.test(clean)) return NaN;
  return /^[+-]?inf$/i.test(clean) ? (clean.startsWith("-") ? -Infinity : Infinity) : null;
}
