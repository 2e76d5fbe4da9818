/* Fronts: attainment surfaces of two metrics, and the configurations on the fronts of all runs. */
const MOST_HYPERPARAMETERS = 14;
const MOST_MEDIANS = 6; // of three and more metrics: more lines hide the points

/** The line through the corners of a surface, the best x first, from the worst y to the worst x. */
function staircase(corners, worst) {
  const [xs, ys] = corners ?? [[], []], x = [xs.length ? xs[0] : worst.x], y = [worst.y];
  xs.forEach((at, i) => { x.push(at, i + 1 < xs.length ? xs[i + 1] : worst.x); y.push(ys[i], ys[i]); });
  return { x, y };
}

/** A configuration with all of its metrics, a line each. */
function memberText(entry, i) {
  const { repetition, trial, config, values } = entry.points;
  const short = (value) => (known(value) ? Number(value.toPrecision(4)) : "–"), line = (name, told) => `${plain(shorten(name, 40))}: ${plain(shorten(String(told), 40))}`;
  const measured = entry.recorded.map((name, k) => line(name, entry.data.map((data) => short(values[data][k][i])).join(" (test ") + (entry.data.length > 1 ? ")" : "")));
  const parts = Object.entries(JSON.parse(config[i])), rest = parts.length - MOST_HYPERPARAMETERS;
  const chosen = parts.slice(0, MOST_HYPERPARAMETERS).map(([name, value]) => line(name, typeof value === "number" ? short(value) : value));
  return [`repetition ${repetition[i]}, trial ${trial[i]}`, ...measured, "", ...chosen, ...(rest > 0 ? [`and ${rest} more`] : [])].join("<br>");
}

/** Surfaces of an algorithm in one panel: band, median, and of one that is alone the best and the worst. */
function surfaceTraces(name, surfaces, worst, axes, alone) {
  const colour = colourOf(name), look = ALGORITHMS.get(name), parts = { type: "scatter", mode: "lines", name: plain(name), hoverinfo: "skip", ...axes };
  const [low, high] = ["25 %", "75 %"].map((surface) => staircase(surfaces[surface], worst)), middle = staircase(surfaces["50 %"], worst);
  const band = { ...parts, x: [...low.x, ...high.x.reverse()], y: [...low.y, ...high.y.reverse()], fill: "toself", fillcolor: faint(colour, 0.14), line: { width: 0 }, meta: { algorithm: name, role: "band" } };
  const ends = alone ? ["best", "worst"].map((surface) => ({ ...parts, ...staircase(surfaces[surface], worst), line: { width: 1, dash: "dot", color: colour }, meta: { algorithm: name, role: surface } })) : [];
  return [...(state.band === "none" ? [] : [band]), { ...parts, ...middle, line: { width: 2, color: colour, dash: look.dash }, meta: { algorithm: name, role: "median" } }, ...ends];
}

/** The configurations of an algorithm in one panel; what nothing dominates is drawn strongly. */
function memberTraces(name, entry, data, pair, axes, texts) {
  const { algorithm, strong, values, optimised } = entry.points, look = ALGORITHMS.get(name);
  const number = DATA.algorithms.findIndex(({ label }) => label === name), [xs, ys] = [pair.x, pair.y].map((k) => values[data][optimised[k]]);
  return [0, 1].map((wanted) => {
    const rows = range(algorithm.length).filter((i) => algorithm[i] === number && strong[i] === wanted && known(xs[i]) && known(ys[i]));
    return { type: "scatter", mode: "markers", name: plain(name), x: rows.map((i) => xs[i]), y: rows.map((i) => ys[i]), text: rows.map((i) => texts[i]), ...axes,
      hovertemplate: "%{text}<extra>%{fullData.name}</extra>", meta: { algorithm: name, role: wanted ? "strong" : "members" },
      marker: { symbol: look.symbol, color: colourOf(name), size: wanted ? 8 : 5, opacity: wanted ? 1 : 0.3, line: { color: theme().card, width: wanted ? 1 : 0 } } };
  });
}

function front(objective, width, section) {
  const entry = DATA.sections[section][objective], data = entry.data.includes(state.error) ? state.error : "valid";
  const { metrics, points, surfaces } = entry, size = metrics.length - 1, names = shown([...ALGORITHMS.keys()]);
  const texts = range(points.algorithm.length).map((i) => memberText(entry, i)), traces = [], layouts = {};
  const lined = size > 1 && names.length > MOST_MEDIANS ? [] : names;
  const gap = size > 1 ? 0.06 : 0, side = (1 - gap * (size - 1)) / size;
  const span = (metric) => ({ ends: metric.ends[data], worst: metric.ends[data][metric.higher ? 0 : 1] });
  const scale = (metric) => (metric.log[data] ? { ...logAxis(...metric.ends[data]), range: metric.ends[data].map(Math.log10) } : { range: metric.ends[data] });
  surfaces[data].forEach((pair, place) => {
    const suffix = place ? String(place + 1) : "", axes = { xaxis: `x${suffix}`, yaxis: `y${suffix}` }, [across, up] = [metrics[pair.x], metrics[pair.y]];
    const row = pair.y - 1, worst = { x: span(across).worst, y: span(up).worst }, lowest = row === size - 1, first = pair.x === 0;
    layouts[`xaxis${suffix}`] = axis(lowest ? across.label[data] : "", { ...scale(across), domain: [pair.x * (side + gap), pair.x * (side + gap) + side], anchor: `y${suffix}`, showticklabels: lowest });
    layouts[`yaxis${suffix}`] = axis(first ? up.label[data] : "", { ...scale(up), domain: [1 - row * (side + gap) - side, 1 - row * (side + gap)].map((end) => Math.min(Math.max(end, 0), 1)), anchor: `x${suffix}`, showticklabels: first });
    if (entry.known.length) traces.push({ type: "scatter", mode: "markers", name: "known front", x: entry.known[pair.x], y: entry.known[pair.y], hoverinfo: "name", ...axes, marker: { size: 3, color: theme().muted }, meta: { role: "known" } });
    for (const name of lined) traces.push(...surfaceTraces(name, pair.of[name] ?? {}, worst, axes, names.length === 1));
    for (const name of names) traces.push(...memberTraces(name, entry, data, pair, axes, texts));
  });
  const said = [data === state.error ? "" : "There are no test values: those of validation are drawn.", data === "test" ? "Test values of the front that validation selected." : "",
    entry.known.length ? "Grey dots: the known front." : "", lined.length < names.length ? `Surfaces are drawn of at most ${MOST_MEDIANS} algorithms: hide some of them.` : "", names.length ? "" : "Nothing to draw: no algorithm is shown."];
  return { traces, told: said.filter(Boolean).join(" "), layout: { ...layouts, height: size > 1 ? 80 + 260 * size : 420, uirevision: data } };
}

/** Constraints: the share of runs with a feasible trial above, the least violation so far below. */
function feasibility(objective, width, section) {
  const cells = DATA.sections[section][objective];
  const found = shown(Object.keys(cells)).map((name) => [name, cells[name][state.axis]]).filter(([, cell]) => cell?.t.length);
  const time = timed(found.flatMap(([, cell]) => cell.t)), traces = [];
  for (const [name, { t, n, of, q25, median, q75 }] of found) {
    const colour = colourOf(name), x = t.map(time.at), parts = { type: "scatter", mode: "lines", name: plain(name), line: { shape: "hv", width: 2, color: colour, dash: ALGORITHMS.get(name).dash } };
    if (state.band !== "none") traces.unshift({ ...parts, ...area(x, q25, q75, -Infinity), fill: "toself", fillcolor: faint(colour, 0.14), line: { width: 0 }, hoverinfo: "skip", meta: { algorithm: name, role: "band" } });
    traces.push({ ...parts, x, y: median, hovertemplate: "%{x:.4~g}: violation %{y:.4~g}<extra>%{fullData.name}</extra>", meta: { algorithm: name, role: "violation" } });
    traces.push({ ...parts, x, y: n.map((count) => count / of), customdata: n, yaxis: "y2", hovertemplate: `%{x:.4~g}: %{customdata} of ${of} runs<extra>%{fullData.name}</extra>`, meta: { algorithm: name, role: "share" } });
  }
  return { traces, told: found.length ? time.told : "Nothing to draw: no algorithm is shown that has a finished run.", layout: { height: 430, xaxis: axis(AXES[state.axis], { ...time.axis, anchor: "y" }),
    yaxis: axis("least violation", { domain: [0, 0.55], rangemode: "tozero" }), yaxis2: axis("feasible runs", { domain: [0.65, 1], range: [-0.03, 1.03] }), uirevision: [state.axis, state.time].join() } };
}
