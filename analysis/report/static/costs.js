/* Where time went: seconds by kind, and workers' timelines. */
const KINDS = { decide_seconds: "deciding", train_seconds: "training", charged_seconds: "charged", paid_seconds: "paid" };
const SHAPES = { decide_seconds: "circle", train_seconds: "square", charged_seconds: "diamond-open", paid_seconds: "x-thin-open" };

function costs(objective) {
  const cells = DATA.sections.costs[objective];
  const rows = range(cells.algorithm.length).filter((i) => !state.hidden.has(cells.algorithm[i])).reverse();
  const { ink, muted } = theme();
  const traces = Object.entries(KINDS).map(([kind, name]) => ({
    type: "scatter", mode: "markers", name, x: rows.map((i) => cells[kind][i] || null), y: rows.map((i) => plain(cells.algorithm[i])),
    marker: { symbol: SHAPES[kind], size: 10, color: kind === "decide_seconds" ? ink : muted, line: { width: 2 } },
    hovertemplate: "%{y}: %{x:.3~g} s<extra>%{fullData.name}</extra>", meta: { role: kind },
  }));
  const free = Object.entries(KINDS).flatMap(([kind, name]) => rows.filter((i) => known(cells[kind][i]) && !(cells[kind][i] > 0)).map((i) => `${name} of ${cells.algorithm[i]}`));
  const spent = traces.flatMap((trace) => trace.x).filter(known), seconds = spent.length ? [Math.min(...spent), Math.max(...spent)] : [];
  return { traces, told: free.length ? `Not on the logarithmic axis, for it took 0 s: ${free.join(", ")}.` : "", layout: { showlegend: true, legend: { orientation: "h", y: 1.02, yanchor: "bottom", itemclick: false, itemdoubleclick: false }, margin: { l: 52, r: 14, t: 40, b: 44 },
    height: 130 + 26 * rows.length, xaxis: axis("seconds, all runs together", seconds.length ? logAxis(...seconds) : {}), yaxis: axis("", { type: "category" }) } };
}

function timeline(objective) {
  const cells = DATA.sections.timeline[objective], names = shown(Object.keys(cells));
  const { card } = theme();
  const rowOf = (name, worker) => (Math.max(...cells[name].worker) ? `${plain(name)} ${worker + 1}` : plain(name));
  const rows = names.flatMap((name) => range(Math.max(0, ...cells[name].worker) + 1).map((worker) => rowOf(name, worker)));
  const traces = names.map((name) => {
    const cell = cells[name];
    return { type: "bar", orientation: "h", name: plain(name), y: cell.worker.map((worker) => rowOf(name, worker)), base: cell.start,
      x: cell.end.map((end, i) => end - cell.start[i]), text: cell.trial.map((trial, i) => `trial ${trial}, epochs ${cell.epochs[i]}, ${cell.state[i]}`), textposition: "none",
      hovertemplate: "%{text}<br>%{base:.3~g} s for %{x:.3~g} s<extra>%{fullData.name}</extra>",
      marker: { color: colourOf(name), line: { color: card, width: 1 }, pattern: { shape: cell.state.map((word) => (word === "ok" ? "" : "x")) } }, meta: { algorithm: name, role: "bars" } };
  });
  return { traces, layout: { barmode: "overlay", bargap: 0.25, height: 90 + 22 * rows.length, xaxis: axis(AXES.runtime.replace("cumulative ", "")),
    yaxis: axis("", { type: "category", categoryorder: "array", categoryarray: [...rows].reverse(), showgrid: false }) } };
}
