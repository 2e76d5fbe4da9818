/* What was tried: points against each hyperparameter, lines through all of them, learning curves, importance. */

/** Deterministic spread of points on a categorical axis: multiples of the golden ratio. */
const aside = (i) => 0.5 * (((i * 0.6180339887498949) % 1) - 0.5);

/** Whether an evaluation in a state has a result; its test value need not be known. */
const trained = (word) => word === "ok" || word === "diverged";

function search(objective, width) {
  const points = DATA.points[objective], errors = points[state.error];
  const columns = Math.max(1, Math.min(points.axes.length, Math.floor(width / 290), 3));
  const boxes = panels(points.axes.length, columns), traces = [], axes = {};
  const scale = scaled(errors, METRICS[objective].name), [low, high] = extent(errors), isLog = scale.axis.type === "log";
  const { higher } = METRICS[objective], room = isLog ? 0 : 0.03 * (high - low);
  const edge = high < low ? 0 : higher ? low - room : high + room; // where crosses are: beside the worst
  boxes.forEach((box, place) => {
    const { name, log, categories, range: ends } = points.axes[place];
    const margin = categories ? 0.5 : log ? 0.03 * Math.log10(ends[1] / ends[0]) || 0.1 : 0.03 * (ends[1] - ends[0]) || 0.5;
    const limits = log ? ends.map(Math.log10) : ends;
    axes[`xaxis${box.suffix}`] = axis(shorten(name, 40), { ...(log ? logAxis(...ends) : {}), domain: box.x, anchor: `y${box.suffix}`, range: [limits[0] - margin, limits[1] + margin],
      ...(categories ? { tickvals: range(categories.length), ticktext: categories.map((text) => plain(shorten(text, 14))) } : {}) });
    axes[`yaxis${box.suffix}`] = axis(box.first ? METRICS[objective].label[state.error] : "", { ...scale.axis, domain: box.y, anchor: `x${box.suffix}`,
      matches: place ? "y" : undefined, showticklabels: box.first });
    for (const algorithm of shown([...ALGORITHMS.keys()])) {
      const number = DATA.algorithms.findIndex((entry) => entry.label === algorithm);
      const rows = range(errors.length).filter((i) => points.algorithm[i] === number && known(points.values[place][i]));
      if (!rows.length) continue;
      const good = rows.filter((i) => known(errors[i])), bad = rows.filter((i) => !known(errors[i]) && !trained(points.state[i]));
      const x = (some) => some.map((i) => points.values[place][i] + (categories ? aside(i) : 0));
      const text = (some) => some.map((i) => `repetition ${points.repetition[i]}, trial ${points.trial[i]}, ${points.epochs[i]} epochs, ${points.state[i]}`);
      const parts = { type: "scatter", mode: "markers", name: plain(algorithm), xaxis: `x${box.suffix}`, yaxis: `y${box.suffix}`, meta: { algorithm, role: "points" } };
      traces.push({ ...parts, x: x(good), y: good.map((i) => errors[i]), text: text(good), hovertemplate: "%{x:.4~g}: %{y:.4~g}<br>%{text}<extra>%{fullData.name}</extra>",
        marker: { symbol: ALGORITHMS.get(algorithm).symbol, color: colourOf(algorithm), size: 5, opacity: 0.55 } });
      if (bad.length) traces.push({ ...parts, x: x(bad), y: bad.map(() => edge), text: text(bad), hovertemplate: "%{text}<extra>%{fullData.name}</extra>",
        marker: { symbol: "x-thin", color: theme().ink, size: 6, line: { width: 1.2, color: theme().ink } }, meta: { algorithm, role: "without" } });
    }
  });
  const untested = range(errors.length).filter((i) => !known(errors[i]) && trained(points.state[i])).length;
  const told = untested ? `Not drawn: ${untested} of ${errors.length} evaluations, which were not tested.` : "";
  return { traces, told: `${scale.told} ${told}`.trim(), layout: { ...axes, height: 60 + 260 * (boxes[0]?.rows ?? 1), uirevision: `${state.error}${state.scale}` } };
}

const MOST_LINES = 250;

/** Where a value lies between the ends of its axis, from 0 to 1; below them where the hyperparameter does not count. */
function height(entry, value) {
  if (!known(value)) return -0.08;
  const [low, high] = entry.log ? entry.range.map(Math.log10) : entry.range;
  return high > low ? ((entry.log ? Math.log10(value) : value) - low) / (high - low) : 0.5;
}

function parallel(objective, width) {
  const points = DATA.points[objective], errors = points[state.error], metric = METRICS[objective];
  const all = range(errors.length).filter((i) => known(errors[i]) && !state.hidden.has(DATA.algorithms[points.algorithm[i]].label));
  const every = Math.ceil(all.length / MOST_LINES), rows = all.filter((_, k) => k % every === 0);
  const seen = rows.map((i) => errors[i]), log = state.scale === "log" && seen.length > 0 && seen.every((value) => value > 0);
  const linear = state.scale === "log" && seen.length && !log ? "The values are on a linear axis: some of them are not above 0." : "";
  const last = { name: metric.name, log, categories: null, range: seen.length ? extent(seen) : [0, 1] };
  const worse = metric.higher ? -1 : 1, border = [...seen].sort((a, b) => worse * (a - b))[Math.floor(seen.length / 10)];
  const axes = [...points.axes, last];
  const traces = [];
  for (const strong of [false, true]) {
    for (const algorithm of shown([...ALGORITHMS.keys()])) {
      const mine = rows.filter((i) => DATA.algorithms[points.algorithm[i]].label === algorithm && worse * (errors[i] - border) <= 0 === strong);
      if (!mine.length) continue;
      const colour = colourOf(algorithm);
      traces.push({ type: "scatter", mode: strong ? "lines+markers" : "lines", name: plain(algorithm), hoverinfo: strong ? "name" : "skip", connectgaps: false,
        x: mine.flatMap(() => [...range(axes.length), null]), y: mine.flatMap((i) => [...heights(points, axes, errors, i), null]),
        line: { width: strong ? 1.6 : 0.8, color: strong ? faint(colour, 0.85) : faint(colour, 0.22) },
        marker: { symbol: ALGORITHMS.get(algorithm).symbol, size: 5, color: colour }, meta: { algorithm, role: strong ? "best" : "rest" } });
    }
  }
  const { muted, line } = theme();
  const said = (entry, end) => plain(entry.categories ? shorten(entry.categories[entry.range[end]], 12) : Number(entry.range[end].toPrecision(3)).toString());
  const label = (entry, place, end) => ({ x: place, y: end ? 1.03 : -0.03, yanchor: end ? "bottom" : "top", showarrow: false, text: said(entry, end), font: { size: 11, color: muted }, xanchor: "center" });
  const narrow = width < 110 * axes.length;
  return {
    traces,
    told: [every > 1 ? `${rows.length} of the ${all.length} points above.` : "", linear].filter(Boolean).join(" "),
    layout: {
      height: 380, shapes: axes.map((_, place) => ({ type: "line", x0: place, x1: place, y0: 0, y1: 1, line: { color: line, width: 1.5 } })),
      annotations: axes.flatMap((entry, place) => [label(entry, place, 0), label(entry, place, 1)]),
      xaxis: axis("", { tickvals: range(axes.length), ticktext: axes.map((entry) => plain(shorten(entry.name, 22))), range: [-0.3, axes.length - 0.7], showgrid: false, showline: false, ticks: "", tickangle: narrow ? -40 : 0 }),
      yaxis: axis("", { visible: false, range: [-0.14, 1.12] }), margin: { l: 14, r: 14, t: 10, b: narrow ? 90 : 40 },
    },
  };
}

function heights(points, axes, errors, i) {
  return axes.map((entry, place) => {
    if (place === points.axes.length) return height(entry, errors[i]);
    const value = points.values[place][i];
    return height(entry, entry.categories && known(value) ? value + 0.3 * aside(i) : value);
  });
}

function curves(objective) {
  const cells = DATA.sections.curves[objective], traces = [];
  for (const strong of [false, true]) {
    for (const algorithm of shown(Object.keys(cells))) {
      const colour = colourOf(algorithm), look = ALGORITHMS.get(algorithm);
      const mine = cells[algorithm].filter((trial) => trial.incumbent === strong);
      traces.push({ type: "scatter", mode: strong ? "lines+markers" : "lines", name: plain(algorithm), connectgaps: false,
        x: mine.flatMap((trial) => [...trial.epoch, null]), y: mine.flatMap((trial) => [...trial[state.error], null]),
        text: mine.flatMap((trial) => [...trial.epoch.map(() => `trial ${trial.trial}`), ""]),
        hovertemplate: "%{text}, epoch %{x}: %{y:.4~g}<extra>%{fullData.name}</extra>",
        line: { width: strong ? 2.4 : 1, color: strong ? colour : faint(colour, 0.3) }, marker: { symbol: look.symbol, size: 7, color: colour },
        meta: { algorithm, role: strong ? "incumbent" : "trials" } });
    }
  }
  const scale = scaled(traces.flatMap((trace) => trace.y), METRICS[objective].name);
  return { traces, told: scale.told, layout: { xaxis: axis("epoch", { rangemode: "tozero" }), yaxis: axis(METRICS[objective].label[state.error], scale.axis), uirevision: `${state.error}${state.scale}` } };
}

function importance(objective) {
  const { name, importance: share, std } = DATA.sections.importance[objective];
  const order = range(name.length).sort((a, b) => share[a] - share[b] || b - a);
  const { muted } = theme();
  return {
    traces: [{ type: "bar", orientation: "h", x: order.map((i) => share[i]), y: order.map((i) => plain(shorten(name[i], 34))), marker: { color: muted },
      error_x: { type: "data", array: order.map((i) => std[i] ?? 0), color: theme().ink, thickness: 1.2, width: 4 },
      hovertemplate: "%{y}: %{x:.3f}<extra></extra>", meta: { role: "importance" } }],
    layout: { height: 90 + 34 * name.length, xaxis: axis("share of the variance", { rangemode: "tozero" }), yaxis: axis("", { type: "category", showgrid: false }), bargap: 0.35 },
  };
}
