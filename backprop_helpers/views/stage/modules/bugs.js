// A bug is planted in a layer. Which checks complain? Choose it, guess, then run them: ours, and weak ones.
// All verdicts were recorded by Python; on the right layer a check should be silent.

import { arrange } from "./arrange.js";
import { makeChoice } from "./controls.js";
import { makeFrame } from "./frame.js";
import { element } from "./page.js";
import { showLegend, showSum } from "./sum.js";

const [VERDICT_ROW, CODE_ROW, REPORT_WIDE] = [27, 18, 700]; // pixels
const VERDICTS = { sees: ["✓", "sees it"], fooled: ["✗", "fooled"], silent: ["✓", "silent"], alarm: ["✗", "false alarm"], blind: ["–", "cannot tell"], waits: ["?", ""] };

export function plantedBug(el, spec, link) {
  const { bug, planted, checks, layers } = spec.options;
  const stage = { bug, planted, checks, layers, ran: false };
  const hear = { bug: (name) => Object.assign(stage, { bug: name, ran: false }), planted: (on) => (stage.planted = on) };
  stage.frame = makeFrame(el, link, {
    composition: "plantedBug", about: "Which checks see a planted bug", draw: () => drawBugs(stage), escape: () => setBug(stage, { ran: false }), hear,
    state: () => ({ bug: stage.bug, planted: stage.planted, ran: stage.ran, verdicts: verdictsOf(stage) }),
  });
  const { bar } = stage.frame;
  const chosen = (layer) => setBug(stage, { bug: layers.find((each) => each.layer === layer).bugs[0].name, ran: false });
  stage.layer = bar.appendChild(element("select", "bp-select", { "aria-label": "layer" }, ...layers.map(({ layer, words }) => element("option", "", { value: layer }, words))));
  stage.layer.onchange = () => chosen(stage.layer.value);
  stage.names = bar.appendChild(element("select", "bp-select", { "aria-label": "bug" }));
  stage.names.onchange = () => setBug(stage, { bug: stage.names.value, ran: false });
  stage.code = makeChoice(bar, { label: "the layer", options: { bug: ["with the bug"], right: ["right"] }, change: (which) => setBug(stage, { planted: which === "bug" }) });
  stage.run = bar.appendChild(element("button", "bp-button", { type: "button" }, "run the checks"));
  stage.run.onclick = () => setBug(stage, { ran: true });
  makeVerdicts(stage);
  return stage.frame.dispose;
}

function setBug(stage, changes) {
  Object.assign(stage, changes);
  for (const name of ["bug", "planted"]) if (name in changes) stage.frame.tell(name, stage[name]);
  stage.frame.request();
}

const homeOfBug = ({ layers, bug }) => layers.find(({ bugs }) => bugs.some(({ name }) => name === bug));
const recordOf = (stage) => homeOfBug(stage).bugs.find(({ name }) => name === stage.bug);

// Of ours and of every weak check. One that complains of the right layer too cannot tell.
function verdictsOf(stage) {
  const { planted, checks, ran } = stage;
  const { ours, seen, alarms } = recordOf(stage);
  const judge = (complains, cries) => (!ran ? "waits" : !planted ? (cries ? "alarm" : "silent") : !complains ? "fooled" : cries ? "blind" : "sees");
  return [judge(ours, false), ...checks.map((_, n) => judge(seen[n] === "1", alarms[n] === "1"))];
}

function makeVerdicts(stage) {
  const { checks } = stage;
  const rows = [["gradient_check", "random gradient from above, entry by entry, float64: ours"], ...checks].map(([name, words]) => {
    const mark = element("b", "bp-verdict-mark");
    return { mark, root: element("div", "bp-verdict-row", {}, mark, element("span", "", {}, name), element("span", "bp-words", {}, words)) };
  });
  stage.rows = rows;
  stage.table = element("div", "bp-verdicts", {}, ...rows.map(({ root }) => root));
  stage.source = element("pre", "bp-planted", { tabindex: "0", "aria-label": "the lines that were planted" });
}

// Drawing --------------------------------------------------------------------------------------------------

function drawBugs(stage) {
  const { frame, layer, names, rows, source, table, planted, ran } = stage;
  const [home, record] = [homeOfBug(stage), recordOf(stage)];
  layer.value = home.layer;
  if (names.dataset.layer !== home.layer) {
    names.replaceChildren(...home.bugs.map(({ name, words }) => element("option", "", { value: name }, words)));
    names.dataset.layer = home.layer;
  }
  names.value = stage.bug;
  stage.code.show(planted ? "bug" : "right");
  const verdicts = verdictsOf(stage);
  rows.forEach(({ mark, root }, n) => {
    mark.textContent = VERDICTS[verdicts[n]].join(" ");
    root.dataset.verdict = verdicts[n];
  });
  const text = [...(planted ? record.lines : []), ...(ran && planted ? ["", ...record.report] : [])];
  source.textContent = text.join("\n");
  source.hidden = !text.length;
  const items = {
    source: { root: source, size: [Math.min(frame.width, 1100), 16 + CODE_ROW * Math.min(12, text.length)] },
    table: { root: table, size: [Math.min(frame.width, REPORT_WIDE), (frame.stacked ? 2 : 1) * VERDICT_ROW * rows.length] },
  };
  arrange(frame, items, [[[["table"]], [["source"]]]]);
  showSum(frame, bugLines(stage, record, verdicts.slice(1)));
  showLegend(frame, [["plain", "weak checks: seen in published code, or an easy slip; below them: − the right lines, + the planted ones"]]);
}

function bugLines({ planted, ran }, { diagnosis }, weak) {
  const count = (verdict) => weak.filter((each) => each === verdict).length;
  const title = planted ? [{ text: "Planted: ", role: "moved" }, diagnosis] : [{ text: "The right layer.", role: "here" }, " A check that complains now raises a false alarm."];
  if (!ran) return [title, [`How many of the ${weak.length} weak checks ${planted ? "will be fooled" : "will complain"}? Guess, then run the checks.`]];
  return [title, [planted ? `${count("fooled")} of ${weak.length} weak checks are fooled${count("blind") ? `; ${count("blind")} complain, but of the right layer too` : ""}.` : `False alarms: ${count("alarm")} of ${weak.length}.`]];
}
