// Where the cells of a grid lie. A view (see grid.js) shows slices of an array side by side; all is in CSS pixels.
//   gridPlaces(view)          {rows, columns, panels, cell, ring, width, height, …}
//   cellBox(places, index)    {x, y, side}: fractions and cells of the padding ring are fine; null for a slice not shown
//   cellAt(places, x, y)      index under a point, or null
//   gridExtent(view, cell)    {width, height} at another cell size: for the layout

const AXIS = 14; // room for the small indices
const EDGE = 3; // room for the lines of marks
const SLAB = 4; // how far a slab looks out behind the one in front
const GAP = 12; // between slices side by side

// How many leading axes are rows and columns: 2, of a vector 1 (a row), or as the view says.
const leadOf = (view) => view.lead ?? Math.min(2, view.array.shape.length);

function slicesOf(view) {
  const rest = view.array.shape.slice(leadOf(view));
  return view.shown ?? rest.reduce((all, n) => all.flatMap((s) => Array.from({ length: n }, (_, c) => [...s, c])), [[]]);
}

export function gridPlaces(view) {
  const lead = leadOf(view);
  const shape = view.array.shape;
  const [rows, columns] = [lead < 2 ? 1 : shape[0], lead < 1 ? 1 : shape[lead - 1]];
  const ring = view.ring ?? [0, 0, 0, 0];
  const cell = view.cell;
  const panels = slicesOf(view);
  const across = Math.min(panels.length, view.across ?? panels.length);
  const axis = view.axes && cell >= 20 ? AXIS : 0;
  const slab = SLAB * Math.min(3, view.slabs ?? 0);
  const wide = (columns + ring[2] + ring[3]) * cell;
  const high = (rows + ring[0] + ring[1]) * cell;
  const down = Math.ceil(panels.length / across);
  return {
    lead, rows, columns, ring, cell, panels, across, axis, slab, wide, high,
    left: axis + EDGE, top: axis + EDGE + slab,
    width: axis + 2 * EDGE + slab + across * wide + (across - 1) * GAP,
    height: axis + 2 * EDGE + slab + down * high + (down - 1) * GAP,
  };
}

export function gridExtent(view, cell) {
  const { width, height } = gridPlaces({ ...view, cell });
  return { width, height };
}

const leadingPart = ({ lead }, index) => (lead === 2 ? index.slice(0, 2) : lead === 1 ? [0, index[0]] : [0, 0]);

export const sameIndex = (a, b) => a === b || (!!a && !!b && a.length === b.length && a.every((n, axis) => n === b[axis]));

export function panelCorner(places, panel) {
  return {
    x: places.left + (panel % places.across) * (places.wide + GAP),
    y: places.top + Math.floor(panel / places.across) * (places.high + GAP),
  };
}

export function cellBox(places, index) {
  const rest = index.slice(places.lead);
  const panel = places.panels.findIndex((slice) => sameIndex(slice, rest));
  if (panel < 0) return null;
  const [row, column] = leadingPart(places, index);
  const corner = panelCorner(places, panel);
  return {
    x: corner.x + (column + places.ring[2]) * places.cell,
    y: corner.y + (row + places.ring[0]) * places.cell,
    side: places.cell,
  };
}

export function indexOf(places, panel, row, column) {
  return [...[row, column].slice(2 - places.lead), ...places.panels[panel]];
}

export function cellAt(places, x, y) {
  for (let panel = 0; panel < places.panels.length; panel += 1) {
    const corner = panelCorner(places, panel);
    const row = Math.floor((y - corner.y) / places.cell) - places.ring[0];
    const column = Math.floor((x - corner.x) / places.cell) - places.ring[2];
    if (row < 0 || column < 0 || row >= places.rows || column >= places.columns) continue;
    return indexOf(places, panel, row, column);
  }
  return null;
}

// The cell one step from `index`; over the edge of a slice into the next one.
export function neighbourOf(places, index, down, right) {
  const panel = places.panels.findIndex((slice) => sameIndex(slice, index.slice(places.lead)));
  let [row, column] = leadingPart(places, index);
  let next = panel;
  [row, column] = [row + down, column + right];
  if (column >= places.columns && panel + 1 < places.panels.length) [next, column] = [panel + 1, 0];
  if (column < 0 && panel > 0) [next, column] = [panel - 1, places.columns - 1];
  if (row >= places.rows && panel + places.across < places.panels.length) [next, row] = [panel + places.across, 0];
  if (row < 0 && panel >= places.across) [next, row] = [panel - places.across, places.rows - 1];
  row = Math.min(places.rows - 1, Math.max(0, row));
  column = Math.min(places.columns - 1, Math.max(0, column));
  return indexOf(places, next, row, column);
}
