// Grids of numbers with blanks: ✓ for each that is right, or the mistake by its name, and the rest after an attempt.
// Python has computed what each known mistake gives in the blanks; the page only compares.

import { decodeNumber, element, readNumber, written } from "./page.js";

// spec.arrays: the grids with their right numbers.
// spec.options: rows [[{grid} | {text}]], blanks {grid: [flat indices]}, mistakes [{name, blanks: {grid: [numbers]}}],
// tolerance, filled {grid: {flat index: text}}.
export function worksheet(el, spec, link) {
  const sheet = { spec, cells: [], revealed: false };
  const root = element("div", "bp-stage bp-worksheet", { "data-composition": "worksheet", role: "group", "aria-label": "Worksheet" });
  root.dataset.lmSuppressShortcuts = "true";
  for (const row of spec.options.rows) {
    const parts = row.map(({ grid, text }) => (text === undefined ? gridPart(sheet, grid) : row.length > 1 ? element("span", "bp-sheet-sign", {}, text) : element("p", "bp-sheet-line", {}, text)));
    root.append(element("div", "bp-sheet-row", {}, ...parts));
  }
  root.append(lastLine(sheet, link));
  root.addEventListener("change", () => tellFilled(sheet, link));
  root.addEventListener("keydown", (event) => moveInSheet(sheet, event));
  const off = link.on("filled", (filled) => fillIn(sheet, filled));
  fillIn(sheet, spec.options.filled);
  root.bpStage = { sumText: () => sheet.status.textContent };
  el.append(root);
  return () => {
    off();
    root.remove();
  };
}

// A grid with its name: one table, or one for each channel of a third axis.
function gridPart(sheet, name) {
  const { shape } = sheet.spec.arrays[name];
  const channels = shape[2] ?? 1;
  const tables = Array.from({ length: channels }, (_, channel) => {
    const label = shape.length === 3 && channels > 1 ? `${name}[·, ·, ${channel}]` : name;
    return element("div", "bp-sheet-grid", { "data-name": name }, element("div", "bp-sheet-name", {}, label), gridTable(sheet, name, channel));
  });
  return element("div", "bp-sheet-channels", {}, ...tables);
}

function gridTable(sheet, name, channel) {
  const { shape } = sheet.spec.arrays[name];
  const [rows, columns, channels] = shape.length < 2 ? [1, shape[0] ?? 1, 1] : [...shape, 1];
  const table = element("table", "", { role: "presentation" });
  for (let i = 0; i < rows; i++) {
    const row = table.insertRow();
    for (let j = 0; j < columns; j++) {
      const index = [i, j, channel].slice(shape.length < 2 ? 1 : 0).slice(0, shape.length);
      row.insertCell().append(gridCell(sheet, name, (i * columns + j) * channels + channel, index));
    }
  }
  return table;
}

// A number, or a box for one.
function gridCell(sheet, name, at, index) {
  const right = decodeNumber(sheet.spec.arrays[name].data[at]);
  const blank = (sheet.spec.options.blanks[name] ?? []).indexOf(at);
  if (blank < 0) return written(right);
  const label = index.length ? `${name}[${index.join(", ")}]` : name;
  const input = element("input", "", { autocomplete: "off", spellcheck: "false", "aria-label": label });
  sheet.cells.push({ name, at, blank, right, input });
  return input;
}

// What stands, the button that shows the rest after an attempt, and the one that empties the boxes.
function lastLine(sheet, link) {
  sheet.status = element("span", "", { role: "status" });
  sheet.reveal = element("button", "", { type: "button" }, "Show the rest");
  sheet.clear = element("button", "", { type: "button" }, "Clear");
  sheet.reveal.addEventListener("click", () => showRest(sheet));
  sheet.clear.addEventListener("click", () => {
    fillIn(sheet, {});
    tellFilled(sheet, link);
    sheet.cells[0].input.focus();
  });
  return element("div", "bp-sheet-last", {}, sheet.status, sheet.reveal, sheet.clear);
}

function showRest(sheet) {
  sheet.revealed = sheet.reveal.hidden = true;
  sheet.status.append(" The others stand in italics.");
  for (const { input, right } of sheet.cells) {
    if (input.dataset.mark === "✓") continue;
    input.value = written(right);
    delete input.dataset.mark;
    input.removeAttribute("aria-invalid");
    input.classList.add("bp-shown");
    input.readOnly = true;
  }
}

// Put texts into the boxes, in place of all that stood there.
function fillIn(sheet, filled) {
  sheet.revealed = false;
  for (const { name, at, input } of sheet.cells) {
    input.classList.remove("bp-shown");
    input.readOnly = false;
    input.value = filled?.[name]?.[at] ?? "";
  }
  judge(sheet);
}

// What the learner wrote, {grid: {flat index: text}}.
function filledIn(sheet) {
  const filled = {};
  for (const { name, at, input } of sheet.cells) {
    if (input.value.trim() && !input.readOnly) (filled[name] ??= {})[at] = input.value.trim();
  }
  return filled;
}

function tellFilled(sheet, link) {
  judge(sheet);
  link.set("filled", filledIn(sheet));
}

// Mark every box, and say how many are right and which mistake would give all that is there.
function judge(sheet) {
  const { cells, status } = sheet;
  const written = cells.filter(({ input }) => input.value.trim() && !input.readOnly);
  for (const { input } of cells) {
    delete input.dataset.mark;
    input.removeAttribute("aria-invalid");
  }
  for (const cell of written) {
    const fits = near(sheet, cell, cell.right);
    cell.input.dataset.mark = fits ? "✓" : "✗";
    cell.input.setAttribute("aria-invalid", String(!fits));
  }
  const right = written.filter(({ input }) => input.dataset.mark === "✓").length;
  const all = right === cells.length;
  const count = `${right} of ${cells.length} right.`;
  const mistake = recognisedMistake(sheet, written);
  status.textContent = all ? `All ${right} right.` : mistake ? `${count} Not yet: ${mistake}.` : written.length ? count : "";
  sheet.reveal.hidden = !written.length || all || sheet.revealed;
  sheet.clear.hidden = !written.length && !sheet.revealed;
}

// The one mistake that gives every number written in its grids, where one of them is not the right one.
function recognisedMistake(sheet, written) {
  const fitting = sheet.spec.options.mistakes.filter(({ blanks }) => {
    const its = written.filter(({ name }) => name in blanks);
    const agree = its.every((cell) => near(sheet, cell, blanks[cell.name][cell.blank]));
    return agree && its.some(({ input }) => input.dataset.mark === "✗");
  });
  return fitting.length === 1 ? fitting[0].name : "";
}

// Whole numbers are compared exactly; others to the digits that were written, if these are two at least.
function near(sheet, { input }, json) {
  const text = input.value.trim();
  const [number, wanted] = [readNumber(text), decodeNumber(json)];
  if (number === null || !Number.isFinite(wanted)) return Object.is(number, wanted);
  const [, whole, decimals] = /^[-−+]?(\d*)[.,]?(\d*)$/.exec(text) ?? ["", "", ""];
  const rounded = (whole + decimals).replace(/^0+/, "").length > 1 ? 0.5001 * 10 ** -decimals.length : 0;
  const slack = Number.isInteger(wanted) ? 1e-9 : Math.max(rounded, 0.005 * Math.abs(wanted));
  return Math.abs(number - wanted) <= Math.max(sheet.spec.options.tolerance, slack);
}

// Enter goes to the next box, arrows up and down to the one above or below.
function moveInSheet(sheet, event) {
  const { key, target } = event;
  const at = sheet.cells.findIndex(({ input }) => input === target);
  if (at < 0 || !["Enter", "ArrowUp", "ArrowDown"].includes(key)) return;
  event.preventDefault();
  if (key === "Enter") {
    target.dispatchEvent(new Event("change", { bubbles: true }));
    sheet.cells[at + 1]?.input.focus();
    return;
  }
  const row = target.closest("tr")[key === "ArrowUp" ? "previousElementSibling" : "nextElementSibling"];
  row?.cells[target.closest("td").cellIndex].querySelector("input")?.focus();
}
