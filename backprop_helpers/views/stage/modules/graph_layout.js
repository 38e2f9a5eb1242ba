// Lays out a graph that is computed from left to right: nodes in columns, few crossings, no edge behind a node.

const SWEEPS = 12;
const mean = (numbers) => numbers.reduce((sum, n) => sum + n, 0) / numbers.length;
const pull = ({ behind }) => (behind.length ? 4 : 1); // an input gives way: what is computed runs straight
const middleOf = (points) => points.reduce((sum, point) => sum + pull(point) * point.row, 0) / points.reduce((sum, point) => sum + pull(point), 0);

// reads: for each node, the nodes that it reads. Returns { places: [{ column, row }], edges: [{ from, to, slot, bow, via }],
// columns, rows }: `via` are the places between the two where the edge passes; `bow` parts edges with the same ends.
export function layOutGraph(reads) {
  const column = columnsFor(reads);
  const points = reads.map((_, n) => ({ column: column[n], ahead: [], behind: [], width: 1 }));
  const edges = reads.flatMap((from, to) => from.map((m, slot) => {
    const via = [];
    let last = points[m];
    const join = (point) => (last.ahead.push(point), point.behind.push(last), (last = point));
    for (let c = column[m] + 1; c < column[to]; c += 1) via.push(join({ column: c, ahead: [], behind: [], width: 0.62 }));
    join(points[to]);
    const same = from.filter((other) => other === m).length;
    return { from: m, to, slot, via, bow: same > 1 ? from.slice(0, slot).filter((other) => other === m).length - (same - 1) / 2 : 0 };
  }));
  const levels = Array.from({ length: Math.max(...column) + 1 }, () => []);
  for (const point of [...points, ...edges.flatMap(({ via }) => via)]) levels[point.column].push(point);
  const ordered = orderedLevels(levels);
  placeRows(ordered);
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

// Each point towards the middle of its neighbours, as far as those in its column leave room.
function placeRows(levels) {
  const gap = (a, b) => (a.width + b.width) / 2;
  for (const level of levels) level.forEach((point, n) => (point.row = n ? level[n - 1].row + gap(level[n - 1], point) : 0));
  for (let round = 0; round < 40; round += 1) {
    for (const level of round % 2 ? levels : [...levels].reverse()) {
      const wish = level.map(({ ahead, behind, row }) => (ahead.length + behind.length ? middleOf([...ahead, ...behind]) : row));
      const [down, up] = [[], []];
      level.forEach((point, n) => (down[n] = n ? Math.max(wish[n], down[n - 1] + gap(level[n - 1], point)) : wish[n]));
      for (let n = level.length - 1; n >= 0; n -= 1) up[n] = n < level.length - 1 ? Math.min(wish[n], up[n + 1] - gap(level[n], level[n + 1])) : wish[n];
      level.forEach((point, n) => (point.row = (down[n] + up[n]) / 2));
    }
  }
}
