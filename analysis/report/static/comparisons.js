/* Comparisons: numbers with intervals, one row an algorithm; differences over time; times to targets. */
const LONGEST_NAME = 26;

function intervalRows(unit, cell, upward) {
  const worst = upward ? 1 : -1; // the best one on top
  const rows = range(cell.algorithm.length).filter((i) => !state.hidden.has(cell.algorithm[i])).sort((i, j) => worst * (cell.value[i] - cell.value[j]) || j - i);
  const traces = rows.map((i) => {
    const name = cell.algorithm[i], colour = colourOf(name), value = cell.value[i];
    const bars = known(cell.lo[i]) && known(cell.hi[i]);
    const said = bars ? `, 95 %: ${cell.lo[i]} to ${cell.hi[i]}` : "";
    return { type: "scatter", mode: "markers", name: plain(name), x: [value], y: [plain(name)], hovertemplate: `%{x:.4~g}${said}<extra>%{fullData.name}</extra>`,
      error_x: bars ? { type: "data", symmetric: false, array: [cell.hi[i] - value], arrayminus: [value - cell.lo[i]], color: colour, thickness: 2, width: 5 } : undefined,
      marker: { symbol: ALGORITHMS.get(name).symbol, size: 10, color: colour }, meta: { algorithm: name, role: "dot" } };
  });
  return { traces, layout: { height: 80 + Math.max(2, rows.length) * 26, xaxis: axis(unit), yaxis: axis("", { type: "category", range: [-0.6, Math.max(rows.length, 1) - 0.4], tickvals: range(rows.length), ticktext: rows.map((i) => plain(shorten(cell.algorithm[i], LONGEST_NAME))) }) } };
}

function dots(objective, section, upward) {
  const { unit, cells } = DATA.sections[section];
  return intervalRows(unit, cells[objective], upward);
}

const ranks = (objective, width, section) => dots(objective, section, false);
const scores = (objective, width, section) => dots(objective, section, true);

const MOST_CLAIMS = 6;

/** Pairs of the chosen algorithm, turned so that below zero the other one is ahead. */
function against(pairs) {
  const turn = (pair) => {
    const minus = (values) => values.map((value) => (known(value) ? -value : null));
    return { ...pair, a: pair.b, b: pair.a, mean: minus(pair.mean), lo: minus(pair.hi), hi: minus(pair.lo) };
  };
  const turned = pairs.map((pair) => (pair.a === state.versus ? turn(pair) : pair));
  return turned.filter((pair) => pair.b === state.versus && !state.hidden.has(pair.a));
}

/** The claims as a sentence, the longest first; what is too short to read is left to the table. */
function inWords(pairs, section) {
  const claims = pairs.flatMap((pair) => pair.claims.map((claim) => ({ ...claim, worse: claim.better === pair.a ? pair.b : pair.a })));
  const short = (value) => Number(value.toPrecision(3)), unit = UNITS[state.axis];
  const said = claims.filter(({ start, end }) => short(start) < short(end)).sort((a, b) => b.end - b.start - (a.end - a.start)).slice(0, MOST_CLAIMS);
  const rest = claims.length - said.length;
  if (!claims.length) return "No stretch over which the band excludes zero.";
  const words = said.map(({ better, worse, start, end }) => `${better} is better than ${worse} from ${short(start)} to ${short(end)} ${unit}`);
  return `${words.join("; ")}${rest ? `${said.length ? "; and " : ""}${rest} shorter ${rest > 1 ? "stretches" : "stretch"} in ${section.replace("differences", "claims")}.csv` : ""}.`;
}

function differences(objective, width, section) {
  const turned = against(DATA.sections[section][objective]?.[state.axis]?.[state.error] ?? []).filter((pair) => pair.t.length);
  const time = timed(turned.flatMap((pair) => pair.t)), pairs = turned.map((pair) => ({ ...pair, t: pair.t.map(time.at) }));
  const { muted } = theme(), zero = { type: "line", xref: "paper", x0: 0, x1: 1, y0: 0, y1: 0, line: { color: muted, width: 1 } };
  const bands = [], lines = [], metric = metricOf(section, objective);
  const lanes = pairs.filter((pair) => pair.claims.length).reverse();
  pairs.forEach((pair) => {
    const colour = colourOf(pair.a), parts = { type: "scatter", name: plain(pair.a) }, floor = lanes.indexOf(pair);
    const end = pair.t.length - 1, some = range(7).map((k) => Math.round(k * end / 6)).filter((i, k, all) => all.indexOf(i) === k);
    if (state.band !== "none") bands.push({ ...parts, ...area(pair.t, pair.lo, pair.hi, -Infinity), mode: "lines", fill: "toself", fillcolor: faint(colour, 0.13), line: { width: 0 }, hoverinfo: "skip", meta: { algorithm: pair.a, role: "band" } });
    lines.push({ ...parts, x: pair.t, y: pair.mean, mode: "lines", line: { shape: "hv", width: 2, color: colour }, customdata: pair.lo.map((lo, i) => (known(lo) ? `${lo} to ${pair.hi[i]}` : "undefined")),
      hovertemplate: "%{x:.4~g}: %{y:.4~g}, band %{customdata}<extra>%{fullData.name}</extra>", meta: { algorithm: pair.a, role: "mean" } });
    lines.push({ ...parts, x: some.map((i) => pair.t[i]), y: some.map((i) => pair.mean[i]), mode: "markers", hoverinfo: "skip", marker: { symbol: ALGORITHMS.get(pair.a).symbol, size: 8, color: colour, line: { width: 1, color: theme().card } }, meta: { algorithm: pair.a, role: "markers" } });
    for (const claim of pair.claims) {
      const better = claim.better === pair.a;
      lines.push({ ...parts, x: [claim.start, claim.end].map(time.at), y: [floor + 0.5, floor + 0.5], yaxis: "y2", mode: "lines", line: { width: better ? 7 : 2, color: better ? colour : theme().ink },
        hovertemplate: `${plain(claim.better)} is better from ${claim.start} to ${claim.end}<extra>%{fullData.name}</extra>`, meta: { algorithm: pair.a, role: "claim" } });
    }
  });
  const said = inWords(pairs, section);
  const strip = Math.min(120, 9 * lanes.length), gap = strip ? 12 : 0, inner = 250 + strip + gap;
  return {
    traces: [...bands, ...lines], told: pairs.length ? `${said} ${time.told}`.trim() : `Nothing to draw: nobody else is shown who can be held against ${state.versus}.`,
    layout: { height: inner + 62, margin: { l: 62, r: 14, t: 10, b: 52 }, shapes: [zero],
      xaxis: axis(AXES[state.axis], { ...time.axis, anchor: strip ? "y2" : "y" }),
      yaxis: axis(`less ${state.versus}: ${metric.title[state.error]}${metric.unit ? ` [${metric.unit}]` : ""}${metric.higher ? " (above 0: better)" : ""}`, { domain: [(strip + gap) / inner, 1] }),
      ...(strip ? { yaxis2: axis("", { domain: [0, strip / inner], range: [0, lanes.length], tickvals: [], showgrid: false, fixedrange: true }) } : {}),
      uirevision: [state.axis, state.error, state.time, state.versus].join() },
  };
}

function targets(objective, width, section) {
  const cells = DATA.sections[section][objective]?.[state.axis]?.[state.error] ?? {}, names = shown(Object.keys(cells));
  const first = Object.values(cells)[0] ?? { target: [], source: [] };
  const metric = metricOf(section, objective), unit = metric.unit ? ` ${plain(metric.unit)}` : "";
  const rows = first.target.map((target, i) => `${Number(target.toPrecision(4))}${unit}<br>${plain(first.source[i])}`);
  const time = timed(names.flatMap((name) => cells[name].ert).filter(known));
  const missed = names.filter((name) => cells[name].ert.some((value) => !known(value)));
  const traces = names.map((name, k) => {
    const cell = cells[name], look = ALGORITHMS.get(name), shift = names.length > 1 ? 0.5 * (k / (names.length - 1) - 0.5) : 0;
    return { type: "scatter", mode: "lines+markers", name: plain(name), x: cell.ert.map((value) => (known(value) ? time.at(value) : null)), y: rows.map((_, i) => rows.length - 1 - i - shift), text: cell.reached,
      hovertemplate: "%{x:.4~g}, %{text} runs<extra>%{fullData.name}</extra>", line: { color: faint(colourOf(name), 0.45), width: 1, dash: look.dash },
      marker: { symbol: look.symbol, size: 9, color: colourOf(name) }, meta: { algorithm: name, role: "ert" } };
  });
  const lost = missed.length ? `Not reached at some target: ${missed.join(", ")}.` : "";
  return {
    traces, told: `${lost} ${time.told}`.trim(),
    layout: { height: 110 + Math.min(150, Math.max(56, 10 * names.length)) * rows.length, xaxis: axis(`ERT [${UNITS[state.axis]}]`, time.axis),
      yaxis: axis("", { tickvals: range(rows.length), ticktext: [...rows].reverse(), range: [-0.6, rows.length - 0.4] }), uirevision: [state.axis, state.error, state.time].join() },
  };
}
