/* How charts look: colours of the page, the same for every chart, and texts that are texts. */
const NARROW = matchMedia("(max-width: 40rem)");
const COARSE = matchMedia("(pointer: coarse)");
const PREFERS_DARK = matchMedia("(prefers-color-scheme: dark)");

function isDark() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : PREFERS_DARK.matches;
}

function theme() {
  const style = getComputedStyle(document.documentElement);
  const read = (name) => style.getPropertyValue(`--${name}`).trim();
  return { ink: read("ink"), muted: read("muted"), line: read("line"), grid: read("grid"), card: read("card"), ties: read("ties") };
}

const colourOf = (algorithm) => (isDark() ? ALGORITHMS.get(algorithm).dark : ALGORITHMS.get(algorithm).colour);

function faint(colour, alpha) {
  const parts = [1, 3, 5].map((place) => parseInt(colour.slice(place, place + 2), 16));
  return `rgba(${parts.join(",")},${alpha})`;
}

/** Plotly reads its texts as HTML; users' texts are shown letter by letter. */
function plain(text) {
  return String(text).replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
}

/** A title in lines of about so many letters, broken at spaces. */
function lines(text, letters = 34) {
  const broken = String(text).split(" ").reduce((rows, word) => {
    const longer = `${rows[rows.length - 1]} ${word}`.trim();
    return longer.length > letters ? [...rows, word] : [...rows.slice(0, -1), longer];
  }, [""]);
  return broken.filter(Boolean).map(plain).join("<br>");
}

function shorten(text, most) {
  return text.length > most ? `${text.slice(0, most - 1)}…` : text;
}

/** An axis in the theme; `title` is a user's text or ours. */
function axis(title, more = {}) {
  const { ink, muted, line, grid } = theme();
  return {
    title: { text: lines(title), font: { color: ink, size: 13 }, standoff: 8 },
    color: muted, gridcolor: grid, linecolor: line, zeroline: false, showline: true, ticks: "outside", ticklen: 4,
    tickcolor: line, automargin: true, exponentformat: "power", ...more,
  };
}

/** A logarithmic axis with ticks that read as numbers: decades, or 1, 2, 5 where there are few of them. */
function logAxis(low, high) {
  const [first, last] = [Math.floor(Math.log10(low)), Math.min(Math.ceil(Math.log10(high)), 308)];
  const span = Math.log10(high) - Math.log10(low), few = span < 2.2 && !NARROW.matches || span < 1.2;
  const step = Math.max(1, Math.ceil((last - first) / 8));
  const decades = range(last - first + 1).filter((k) => few || k % step === 0).map((k) => first + k);
  const tickvals = decades.flatMap((power) => (few ? [1, 2, 5] : [1]).map((digit) => Number(`${digit}e${power}`)));
  return { type: "log", tickvals, ticktext: tickvals.map((value) => (value >= 1e-4 && value < 1e5 ? String(value) : value.toExponential(0))), showgrid: true };
}

const extent = (values) => values.filter(known).reduce(([a, b], value) => [Math.min(a, value), Math.max(b, value)], [Infinity, -Infinity]);

/** Whether values are drawn on a logarithmic axis where one is asked for, and in words what it cannot show of them. */
function logOf(values, what) {
  const there = values.filter(known), positive = there.filter((value) => value > 0), lost = there.length - positive.length;
  if (state.scale !== "log" || !there.length) return { log: state.scale === "log" && positive.length > 0, told: "" };
  if (!positive.length) return { log: false, told: `The axis is linear: no ${what} is above 0, so a logarithmic axis has nothing to show.` };
  return { log: true, told: lost ? `Not on the logarithmic axis: ${lost} of ${there.length} values (${what}) at 0 or below; a linear axis shows all.` : "" };
}

/** The error axis that the state asks for, for values that are drawn, with its words. */
function scaled(values, what) {
  const { log, told } = logOf(values, what);
  return { told, axis: log ? logAxis(...extent(values.filter((value) => value > 0))) : { type: "linear" } };
}

/** The time axis that the state asks for. What is at 0 holds from there on, so a logarithmic axis has it on its left edge. */
function timed(times) {
  const positive = times.filter((t) => t > 0), linear = { axis: { rangemode: "tozero" }, at: (t) => t };
  if (state.time !== "log" || !times.length) return { ...linear, told: "" };
  if (!positive.length) return { ...linear, told: "The x axis is linear: nothing on it is above 0." };
  const [begin, end] = extent(positive), edge = begin / (begin < end ? (end / begin) ** 0.05 : 2);
  const early = positive.length < times.length;
  return { axis: logAxis(begin, end), at: (t) => (early && t <= 0 ? Math.max(edge, Number.MIN_VALUE) : t), told: early ? "What is at 0 is drawn on the left edge of the logarithmic axis." : "" };
}

function layout(parts) {
  const { ink, muted, card, line } = theme();
  return {
    modebar: { bgcolor: "rgba(0,0,0,0)", color: line, activecolor: muted },
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", showlegend: false, hovermode: "closest",
    font: { color: ink, size: 12, family: getComputedStyle(document.body).fontFamily },
    margin: { l: 52, r: 14, t: 10, b: 44 }, height: 360, dragmode: COARSE.matches ? false : "zoom",
    hoverlabel: { bgcolor: card, bordercolor: line, font: { color: ink } }, ...parts,
  };
}

/** No button that sends data anywhere; none at all where a finger would hit them by mistake. */
function config() {
  const modeBarButtons = [["toImage"], ["zoom2d", "pan2d", "resetScale2d"]];
  return { displaylogo: false, displayModeBar: COARSE.matches ? false : "hover", modeBarButtons };
}

/** Panels side by side on one error axis: axes and their domains. */
function panels(count, columns) {
  const rows = Math.ceil(count / columns);
  const gap = { x: NARROW.matches ? 0.08 : 0.05, y: rows > 1 ? Math.min(0.32, 88 / (rows * 260)) : 0 };
  const size = { x: (1 - gap.x * (columns - 1)) / columns, y: (1 - gap.y * (rows - 1)) / rows };
  return range(count).map((place) => {
    const column = place % columns;
    const bottom = 1 - size.y * (Math.floor(place / columns) + 1) - gap.y * Math.floor(place / columns);
    return {
      suffix: place ? String(place + 1) : "", first: column === 0, rows,
      x: [column * (size.x + gap.x), column * (size.x + gap.x) + size.x], y: [Math.max(bottom, 0), Math.min(bottom + size.y, 1)],
    };
  });
}
