// A computation of single numbers: its values, the slope along every edge, and what goes back along them.
// Nodes stand in the order in which they are computed: { name, text, reads: [places], steps: [[op, ...arguments], …] }.
// An argument is a number, or null for what is read (in later steps: for the number so far). An input has no steps.

const firstWins = (a, b, first) => (first || Number.isNaN(a) ? [a, 1, 0] : [b, 0, 1]);
const sigmoid = (x) => 1 / (1 + Math.exp(-x));

// The value, and the slope in each argument.
const GATES = {
  add: (a, b) => [a + b, 1, 1],
  subtract: (a, b) => [a - b, 1, -1],
  multiply: (a, b) => [a * b, b, a],
  divide: (a, b) => [a / b, 1 / b, -a / (b * b)],
  power: (a, n) => [a ** n, n * a ** (n - 1), a ** n * Math.log(a)],
  max: (a, b) => firstWins(a, b, a >= b),
  min: (a, b) => firstWins(a, b, a <= b),
  negate: (a) => [-a, -1],
  relu: (z) => (Number.isNaN(z) ? [z, z] : z > 0 ? [z, 1] : [0, 0]),
  square: (a) => [a * a, 2 * a],
  sqrt: (a) => [Math.sqrt(a), 0.5 / Math.sqrt(a)],
  exp: (a) => [Math.exp(a), Math.exp(a)],
  log: (a) => [Math.log(a), 1 / a],
  tanh: (a) => [Math.tanh(a), 1 - Math.tanh(a) ** 2],
  sigmoid: (a) => [sigmoid(a), sigmoid(a) * (1 - sigmoid(a))],
};

// The chain rule inside a gate of several steps, as e²/2.
function throughGate(steps, operands) {
  let [value, slopes] = [NaN, []];
  for (const [n, [op, ...given]] of steps.entries()) {
    const waiting = n ? [value] : [...operands];
    const [result, ...all] = GATES[op](...given.map((number) => number ?? waiting.shift()));
    const own = all.filter((_, m) => given[m] === null);
    [value, slopes] = [result, n ? slopes.map((slope) => slope * own[0]) : own];
  }
  return { value, slopes };
}

// { values, slopes: one list a node, one slope for each node it reads }; the node `nudged` is moved by epsilon.
export function runGraph(nodes, inputs, nudged = -1, epsilon = 0) {
  const [values, slopes] = [[], []];
  for (const [n, { name, reads, steps }] of nodes.entries()) {
    const found = steps ? throughGate(steps, reads.map((m) => values[m])) : { value: inputs[name], slopes: [] };
    values.push(found.value + (n === nudged ? epsilon : 0));
    slopes.push(found.slopes);
  }
  return { values, slopes };
}

// The gates in the order in which they send their messages back.
export const sendersOf = (nodes) => nodes.map((_, n) => n).filter((n) => nodes[n].steps).reverse();

// What each node has received when `count` gates have sent; null: nothing yet. The last node starts with 1.
export function messagesBack(nodes, slopes, count = Infinity) {
  const received = nodes.map(() => null);
  received[nodes.length - 1] = 1;
  for (const n of sendersOf(nodes).slice(0, count)) {
    nodes[n].reads.forEach((m, k) => (received[m] = (received[m] ?? 0) + received[n] * slopes[n][k]));
  }
  return received;
}

// The slope of every node in the one that is nudged; null where nothing leads from it.
export function slopesFrom(nodes, slopes, nudged) {
  const found = [];
  for (const [n, { reads }] of nodes.entries()) {
    const ways = reads.map((m, k) => [found[m], slopes[n][k]]).filter(([slope]) => slope !== null);
    found.push(n === nudged ? 1 : ways.length ? ways.reduce((sum, [before, slope]) => sum + before * slope, 0) : null);
  }
  return found;
}
