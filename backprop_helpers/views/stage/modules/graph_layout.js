// Lays out a graph that is computed from left to right: nodes in columns, few crossings, no edge behind a node.

const SWEEPS = 12;
const mean = (numbers) => numbers.reduce((sum, n) => sum + n, 0) / numbers.length;
const isInput = ({ behind }) => !behind.length;

// Where a point would like to be. Edges past other nodes run straight, then what is computed; an input gives way.
function wishOf(point) {
  const near = [...point.ahead, ...point.behind].map((other) => [other.row, point.passes && other.passes ? 12 : point.passes || other.passes || isInput(other) ? 1 : 4]);
  const weight = near.reduce((sum, [, own]) => sum + own, 0);
  return weight ? near.reduce((sum, [row, own]) => sum + own * row, 0) / weight : point.row;
}

// reads: for each node, the nodes that it reads. Returns { places: [{ column, row }], edges: [{ from, to, slot, bow, via }],
// columns, rows }: `via` are the places between the two where the edge passes; `bow` parts edges with the same ends.
export function layOutGraph(reads) {
  const column = columnsFor(reads);
  const points = reads.map((_, n) => ({ column: column[n], ahead: [], behind: [], width: 1 }));
  const edges = reads.flatMap((from, to) => from.map((m, slot) => {
    const via = [];
    let last = points[m];
    const join = (point) => (last.ahead.push(point), point.behind.push(last), (last = point));
    for (let c = column[m] + 1; c < column[to]; c += 1) via.push(join({ column: c, ahead: [], behind: [], width: 0.62, passes: true }));
    join(points[to]);
    const same = from.filter((other) => other === m).length;
    return { from: m, to, slot, via, bow: same > 1 ? from.slice(0, slot).filter((other) => other === m).length - (same - 1) / 2 : 0 };
  }));
  const levels = Array.from({ length: Math.max(...column) + 1 }, () => []);
  for (const point of [...points, ...edges.flatMap(({ via }) => via)]) levels[point.column].push(point);
  const ordered = orderedLevels(levels);
  placeRows(ordered);
  for (const { via } of edges) straighten(via, ordered);
  const least = Math.min(...ordered.flat().map(({ row }) => row));
  for (const point of ordered.flat()) point.row -= least;
  for (const point of points) point.row = Math.round(2 * point.row) / 2; // what is one apart stays so
  const rows = Math.max(...ordered.flat().map(({ row }) => row)) + 1;
  return { places: points, edges, columns: levels.length, rows };
}

// Right of all that it reads; an input close to its first reader.
function columnsFor(reads) {
  const column = [];
  for (const from of reads) column.push(Math.max(-1, ...from.map((m) => column[m])) + 1);
  const readers = (n) => column.filter((_, to) => reads[to].includes(n));
  return column.map((c, n) => (reads[n].length || !readers(n).length ? c : Math.min(...readers(n)) - 1));
}

function orderedLevels(levels) {
  let best = null;
  for (let sweep = 0; sweep < SWEEPS; sweep += 1) {
    const side = sweep % 2 ? "ahead" : "behind";
    levels.forEach((level) => level.forEach((point, n) => (point.order = n - (level.length - 1) / 2)));
    for (const level of side === "behind" ? levels : [...levels].reverse()) {
      const wish = new Map(level.map((point) => [point, point[side].length ? mean(point[side].map(({ order }) => order)) : point.order]));
      level.sort((a, b) => wish.get(a) - wish.get(b));
      level.forEach((point, n) => (point.order = n - (level.length - 1) / 2));
    }
    const crossed = crossings(levels);
    if (!best || crossed < best.crossed) best = { crossed, levels: levels.map((level) => [...level]) };
  }
  return best.levels;
}

function crossings(levels) {
  const lines = (level) => level.flatMap((point, n) => point.ahead.map((other) => [n, other.order]));
  return levels.flatMap((level) => {
    const all = lines(level);
    return all.flatMap(([a, b], n) => all.slice(n + 1).filter(([c, d]) => (a - c) * (b - d) < 0));
  }).length;
}

// Each point towards its wish, as far as those in its column leave room: first what is computed, then the inputs.
function placeRows(levels) {
  for (const level of levels) level.forEach((point, n) => (point.row = n ? level[n - 1].row + gapOf(level, n - 1, n) : 0));
  for (let round = 0; round < 60; round += 1) {
    for (const level of round % 2 ? levels : [...levels].reverse()) {
      const places = level.map((_, n) => n);
      const firm = places.filter((n) => !isInput(level[n]));
      placeFirm(level, firm.length ? firm : places);
      if (firm.length) placeInputs(level, firm);
    }
  }
}

// The distance of two points in a column, with room for those between.
const gapOf = (level, a, b) => level.slice(a, b).reduce((sum, point, n) => sum + (point.width + level[a + n + 1].width) / 2, 0);

function placeFirm(level, places) {
  const wish = places.map((n) => wishOf(level[n]));
  const [down, up] = [[], []];
  places.forEach((n, k) => (down[k] = k ? Math.max(wish[k], down[k - 1] + gapOf(level, places[k - 1], n)) : wish[k]));
  for (let k = places.length - 1; k >= 0; k -= 1) up[k] = k < places.length - 1 ? Math.min(wish[k], up[k + 1] - gapOf(level, places[k], places[k + 1])) : wish[k];
  places.forEach((n, k) => (level[n].row = (down[k] + up[k]) / 2));
}

// An edge past several columns at one height, where nothing stands there.
function straighten(via, levels) {
  const row = via.length > 1 ? mean(via.map((point) => point.row)) : 0;
  const free = (point) => levels[point.column].every((other) => other === point || Math.abs(other.row - row) >= 0.85 * ((other.width + point.width) / 2));
  if (via.length > 1 && via.every(free)) for (const point of via) point.row = row;
}

function placeInputs(level, firm) {
  level.forEach((point, n) => {
    if (!isInput(point)) return;
    const below = firm.find((other) => other > n);
    const high = below === undefined ? Infinity : level[below].row - gapOf(level, n, below);
    const low = n ? level[n - 1].row + gapOf(level, n - 1, n) : -Infinity;
    point.row = Math.max(low, Math.min(high, wishOf(point)));
  });
}
