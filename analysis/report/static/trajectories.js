/* The headline: incumbents' errors as step functions with bands, and how many runs are defined below. */
const CENTRES = { std: "mean", interval: "mean", none: "mean", quantiles: "q50" };
const CENTRE_NAMES = { mean: "mean", q50: "median" };
const BAND_NAMES = { std: "mean ± 1 std", interval: "mean, 95 % interval of the mean", none: "mean", quantiles: "median, 10–90 %" };

/** Lower and upper edge of the chosen band at every time; null where undefined. */
function edges(cell) {
  const pair = { quantiles: ["q10", "q90"], interval: ["lo", "hi"] }[state.band];
  if (pair) return pair.map((name) => cell[name]);
  const at = (sign) => cell.mean.map((mean, i) => (known(mean) && known(cell.std[i]) ? mean + sign * cell.std[i] : null));
  return state.band === "std" ? [at(-1), at(1)] : [[], []];
}

/** A step function's points for a stepped line: what becomes undefined holds until then, and is a gap from there. */
function held(t, values) {
  const places = range(t.length).flatMap((i) => (i && known(values[i - 1]) && !known(values[i]) ? [[i, i - 1], [i, i]] : [[i, i]]));
  return { x: places.map(([i]) => t[i]), y: places.map(([, i]) => values[i]), from: places.map(([, i]) => i) };
}

/** A step function's corners, its gaps as nulls; it holds up to the time at which it becomes undefined. */
function steps(t, values) {
  const x = [], y = [];
  t.forEach((time, i) => {
    if (i && known(values[i - 1])) { x.push(time); y.push(values[i - 1]); }
    x.push(time); y.push(known(values[i]) ? values[i] : null);
  });
  return { x, y };
}

/** The area between two step functions as closed outlines, one for each stretch where both are defined. */
function area(t, low, high, floor) {
  const x = [], y = [];
  let from = 0;
  while (from < t.length) {
    if (!known(low[from]) || !known(high[from])) { from += 1; continue; }
    let to = from;
    while (to + 1 < t.length && known(low[to + 1]) && known(high[to + 1])) to += 1;
    const times = t.slice(from, to + 1).concat(to + 1 < t.length ? [t[to + 1]] : []);
    const cut = (values) => times.map((_, i) => Math.max(values[Math.min(from + i, to)], floor));
    const below = steps(times, cut(low)), above = steps(times, cut(high));
    if (x.length) { x.push(null); y.push(null); }
    x.push(...below.x, ...above.x.reverse(), below.x[0]);
    y.push(...below.y, ...above.y.reverse(), below.y[0]);
    from = to + 1;
  }
  return { x, y };
}

function trajectoryTraces(name, cell, floor) {
  const colour = colourOf(name), look = ALGORITHMS.get(name), centre = CENTRES[state.band];
  const [low, high] = edges(cell);
  const stepped = (values) => { const { x, y } = held(cell.t, values); return { x, y }; };
  const traces = [];
  if (low.length) {
    const outline = area(cell.t, low, high, floor);
    traces.push({ ...outline, type: "scatter", mode: "lines", fill: "toself", fillcolor: faint(colour, 0.12), line: { width: 0 },
      hoverinfo: "skip", name: plain(name), meta: { algorithm: name, role: "band" } });
    [["low", low], ["high", high]].forEach(([role, values]) => traces.push({
      ...stepped(values.map((value) => (known(value) ? Math.max(value, floor) : null))), type: "scatter", mode: "lines",
      line: { shape: "hv", width: 1, dash: look.dash, color: faint(colour, 0.8) }, hoverinfo: "skip", name: plain(name),
      meta: { algorithm: name, role },
    }));
  }
  const { x, y, from } = held(cell.t, cell[centre]);
  const line = { x, y, type: "scatter", name: plain(name), customdata: from.map((i) => cell.n[i]) };
  const defined = range(cell.t.length).filter((i) => known(cell[centre][i]));
  traces.push({ ...line, mode: "lines", line: { shape: "hv", width: 2, color: colour }, meta: { algorithm: name, role: "centre" },
    hovertemplate: `%{x:.4~g}: ${CENTRE_NAMES[centre]} %{y:.4~g}, %{customdata} of ${cell.of} runs<extra>%{fullData.name}</extra>` });
  const every = Math.max(1, Math.ceil(defined.length / 7));
  const marked = defined.filter((_, k) => k % every === 0).concat(defined.slice(-1));
  traces.push({ x: marked.map((i) => cell.t[i]), y: marked.map((i) => cell[centre][i]), type: "scatter", mode: "markers",
    marker: { symbol: look.symbol, color: colour, size: marked.map((_, k) => (k === marked.length - 1 ? 10 : 7)), line: { color: theme().card, width: 1 } },
    hoverinfo: "skip", name: plain(name), cliponaxis: false, meta: { algorithm: name, role: "markers" } });
  return traces;
}

/** A lane of the coverage strip: as high as the share of the runs that are defined. */
function lane(name, cell, floor) {
  const outline = area(cell.t, cell.t.map(() => floor), cell.n.map((n) => floor + 0.8 * n / cell.of), -Infinity);
  const parts = { type: "scatter", mode: "lines", yaxis: "y2", name: plain(name) };
  return [
    { ...parts, ...outline, fill: "toself", fillcolor: faint(colourOf(name), 0.75), line: { width: 0 }, hoverinfo: "skip", meta: { algorithm: name, role: "lane" } },
    { ...parts, x: cell.t, y: cell.t.map(() => floor + 0.4), customdata: cell.n, line: { width: 0 }, meta: { algorithm: name, role: "coverage" },
      hovertemplate: `%{x:.4~g}: %{customdata} of ${cell.of} runs<extra>%{fullData.name}</extra>` },
  ];
}

/** The error axis: all of it, or what comes after the first tenth where else that tenth would fill most of it. */
function errorRange(cells) {
  const values = cells.flatMap((cell) => {
    const [low, high] = edges(cell), middle = cell[CENTRES[state.band]];
    return cell.t.flatMap((t, i) => [low[i], middle[i], high[i]].filter(known).map((y) => [t, y]));
  });
  const ends = (pairs) => extent(pairs.map(([, y]) => y));
  if (!values.length) return { log: false, range: [0, 1], floor: -Infinity, told: "" };
  const middles = cells.flatMap((cell) => cell[CENTRES[state.band]]), scale = logOf(middles, CENTRE_NAMES[CENTRES[state.band]]);
  if (scale.log) {
    const [low, high] = ends(values.filter(([, y]) => y > 0)), [least] = extent(middles.filter((y) => y > 0));
    const floor = Math.max(low, least / 4, 1e-320) / 1.1;
    const below = low < floor || cells.flatMap((cell) => edges(cell)[0]).some((y) => known(y) && y < floor);
    const told = [scale.told, below ? "The band is cut at the axis's lower end, for its lower edge is far below, or not above 0." : ""];
    return { log: true, range: [Math.log10(floor), Math.log10(high) + 0.04], floor, told: told.filter(Boolean).join(" ") };
  }
  const last = Math.max(...cells.map((cell) => cell.t[cell.t.length - 1])), begin = 0.1 * last;
  const whole = ends(values), late = ends(values.filter(([t]) => t >= begin));
  const cut = state.time === "linear" && late[1] - late[0] > 0 && late[1] - late[0] < 0.5 * (whole[1] - whole[0]);
  const [low, high] = cut ? late : whole, margin = 0.06 * (high - low || Math.abs(high) || 1);
  const where = `Axis cut: before ${Number(begin.toPrecision(2))} it spans ${whole.map((y) => Number(y.toPrecision(3))).join(" to ")}`;
  const told = [scale.told, cut ? `${where}${whole[0] > 0 ? "; a logarithmic axis shows all" : ""}.` : ""];
  return { log: false, range: [low - margin, high + margin], floor: -Infinity, told: told.filter(Boolean).join(" ") };
}

/** From the best final mean to what is worse: gaps below one configuration's own noise are ties. */
function noiseFloor(objective, cells, section) {
  const sd = DATA.sections[section].noise[objective]?.[state.error];
  const finals = cells.map((cell) => cell[CENTRES[state.band]].filter(known).at(-1)).filter(known);
  if (!known(sd) || !finals.length) return [];
  const { higher } = metricOf(section, objective), best = higher ? Math.max(...finals) : Math.min(...finals);
  return [{ type: "rect", xref: "paper", x0: 0, x1: 1, y0: best, y1: higher ? best - sd : best + sd, fillcolor: theme().ties, line: { width: 0 }, layer: "below", label: { text: "noise floor", textposition: "top left", font: { size: 11, color: theme().muted } } }];
}

function trajectories(objective, width, section) {
  const cells = DATA.sections[section].cells[objective];
  const timedCells = shown(Object.keys(cells)).map((name) => [name, cells[name][state.axis]?.[state.error]]).filter(([, cell]) => cell?.t.length);
  const time = timed(timedCells.flatMap(([, cell]) => cell.t));
  const found = timedCells.map(([name, cell]) => [name, { ...cell, t: cell.t.map(time.at) }]);
  const range = errorRange(timedCells.map(([, cell]) => cell));
  const undefinedOnes = found.filter(([, cell]) => !cell.mean.some(known)).map(([name]) => name);
  const floors = noiseFloor(objective, found.map(([, cell]) => cell), section);
  const told = [BAND_NAMES[state.band], range.told, time.told, floors.length ? "Grey: the noise floor beside the best; gaps below it are ties." : "", undefinedOnes.length ? `Never defined for all runs: ${undefinedOnes.join(", ")}.` : ""];
  const strip = Math.min(120, Math.max(16, 9 * found.length)), plot = NARROW.matches ? 250 : 290, inner = plot + strip + 14;
  const traces = found.flatMap(([name, cell], place) => [...trajectoryTraces(name, cell, range.floor), ...lane(name, cell, found.length - 1 - place)]);
  const isBand = (trace) => trace.meta.role === "band"; // below all lines
  return {
    traces: [...traces.filter(isBand), ...traces.filter((trace) => !isBand(trace))],
    told: found.length ? told.filter(Boolean).map((text) => text.replace(/([^.])$/, "$1.")).join(" ") : "Nothing to draw: no algorithm is shown that has a finished run.",
    layout: {
      height: inner + 62, margin: { l: 56, r: 14, t: 10, b: 52 },
      xaxis: axis(AXES[state.axis], { ...time.axis, anchor: "y2" }),
      yaxis: axis(metricOf(section, objective).incumbent[state.error], { ...(range.log ? logAxis(...range.range.map((power) => 10 ** power)) : {}), domain: [(strip + 14) / inner, 1], range: range.range }),
      yaxis2: axis("runs", { domain: [0, strip / inner], range: [-0.1, found.length], tickvals: [], showgrid: false, fixedrange: true }),
      shapes: floors,
      uirevision: [state.axis, state.error, state.scale, state.time, state.band].join(),
    },
  };
}
