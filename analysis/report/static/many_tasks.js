/* Many tasks: matrices of coloured cells, values with intervals, lines over a budget; none is of a single objective. */
const PALETTES = {
  regret: ["#def5e5", "#9cdeb7", "#4fc5ad", "#36a4ab", "#3482a4", "#385f9c", "#413e7d", "#342548"],
  half: ["#67001f", "#b2182b", "#d6604d", "#f4a582", "#fddbc7", "#f7f7f7", "#d1e5f0", "#92c5de", "#4393c3", "#2166ac", "#053061"],
};

/** A matrix of which the algorithms that are hidden are left out. */
function cellMatrix({ rows, columns, colour, text, palette, said }) {
  const across = range(columns.length).filter((i) => !state.hidden.has(columns[i]));
  const down = range(rows.length).filter((i) => !state.hidden.has(rows[i]) || !ALGORITHMS.has(rows[i]));
  const pick = (cells) => down.map((i) => across.map((j) => cells[i][j]));
  const scale = PALETTES[palette].map((value, place, all) => [place / (all.length - 1), value]);
  const trace = { type: "heatmap", z: pick(colour), text: pick(text), zmin: 0, zmax: 1, colorscale: scale, showscale: false, xgap: 1, ygap: 1, hoverongaps: false,
    customdata: down.map((i) => across.map((j) => `${plain(rows[i])}, ${plain(columns[j])}`)), hovertemplate: "%{customdata}: %{text}<extra></extra>", meta: { role: "cells" } };
  if (!NARROW.matches) trace.texttemplate = "%{text}";
  const names = (labels, places) => ({ tickvals: range(places.length), ticktext: places.map((i) => plain(shorten(labels[i], LONGEST_NAME))), showgrid: false, showline: false, ticks: "" });
  return {
    traces: [trace], told: across.length && down.length ? said : "Nothing to draw: no algorithm is shown.",
    layout: { height: 30 + 7 * Math.min(LONGEST_NAME, Math.max(...columns.map((name) => name.length))) + Math.max(2, down.length) * 25, margin: { l: 52, r: 14, t: 10, b: 10 }, xaxis: axis("", { ...names(columns, across), side: "top", tickangle: -90 }), yaxis: axis("", { ...names(rows, down), autorange: "reversed" }) },
  };
}

/** Lines of all algorithms that are shown over a budget, as steps or straight. */
function taskLines({ x, y, cells, steps, log, turned }) {
  const traces = shown(Object.keys(cells)).map((name) => {
    const look = ALGORITHMS.get(name), colour = colourOf(name), marked = Math.max(1, Math.floor(cells[name].x.length / 8));
    return { type: "scatter", mode: "lines+markers", name: plain(name), x: cells[name].x, y: cells[name].y, hovertemplate: "%{x:.4~g}: %{y:.4~g}<extra>%{fullData.name}</extra>",
      line: { shape: steps ? "hv" : "linear", width: 2, color: colour, dash: look.dash }, marker: { symbol: look.symbol, color: colour, size: 7, maxdisplayed: 8, opacity: cells[name].x.map((_, i) => (i % marked ? 0 : 1)) }, meta: { algorithm: name, role: "line" } };
  });
  const values = traces.flatMap((trace) => trace.x);
  return { traces, told: traces.length ? "" : "Nothing to draw: no algorithm is shown.", layout: { height: 430, xaxis: axis(x, log && values.length ? logAxis(...extent(values)) : {}), yaxis: axis(y, turned ? { autorange: "reversed" } : { range: [-0.02, 1.02] }) } };
}

/** One of the charts of the section, by what it is made of. */
function many_tasks(chart, width, section) {
  const data = DATA.sections[section][chart];
  return { matrix: cellMatrix, intervals: ({ unit, cell, upward }) => intervalRows(unit, cell, upward), lines: taskLines }[data.kind](data);
}
