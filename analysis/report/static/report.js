/* From state to page: draws what is in view, binds what can be clicked. */
const RENDERERS = { front, feasibility, trajectories, differences, targets, scores, ranks, search, parallel, curves, importance, costs, timeline, many_tasks };
const near = new Set(); // charts in or near the window; others are drawn when they come near

function draw(plot) {
  const { section, chart } = plot.dataset;
  const made = RENDERERS[section.replace(OF_FRONTS, "")](chart, plot.clientWidth, section);
  plot.closest("figure").querySelector(".told").textContent = made.told ?? "";
  plot.style.minHeight = 0;
  plot.style.height = `${made.layout.height ?? 360}px`;
  return Plotly.react(plot, made.traces, layout({ ...made.layout, width: plot.clientWidth }), config());
}

function render() {
  for (const element of document.querySelectorAll("figure[data-objective], .findings [data-objective]")) {
    element.hidden = !inView(element.dataset.objective);
  }
  for (const charts of document.querySelectorAll(".charts")) charts.classList.toggle("alone", Boolean(state.objective));
  for (const button of document.querySelectorAll("#legend [data-algorithm]")) {
    button.setAttribute("aria-pressed", String(!state.hidden.has(button.dataset.algorithm)));
  }
  const words = { ...state, error: state.error === "valid" ? "validation" : "test", band: `band ${state.band}`, objective: state.objective || "all objectives" };
  document.getElementById("view").textContent = ["objective", "axis", "error", "scale", "band"].map((name) => words[name]).join(" · ");
  filterSheets();
  for (const plot of document.querySelectorAll(".plot")) {
    const visible = !plot.closest("figure").hidden;
    if (visible && near.has(plot)) draw(plot);
    else plot.dataset.stale = "yes";
  }
}

function drawStale(plot) {
  if (plot.dataset.stale !== "yes" || plot.closest("figure").hidden) return;
  delete plot.dataset.stale;
  draw(plot);
}

/** One chart a frame: the first is seen while the others are drawn, and scrolling stays smooth. */
const waiting = [];
function drawSoon(plot) {
  waiting.push(plot);
  if (waiting.length === 1) requestAnimationFrame(drawNext);
}

function drawNext() {
  if (near.has(waiting[0])) drawStale(waiting[0]);
  waiting.shift();
  if (waiting.length) setTimeout(() => requestAnimationFrame(drawNext));
}

function watch() {
  const observer = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      near[isIntersecting ? "add" : "delete"](target);
      if (isIntersecting) drawSoon(target);
    }
  }, { rootMargin: "300px" });
  for (const plot of document.querySelectorAll(".plot")) {
    plot.dataset.stale = "yes";
    observer.observe(plot);
  }
}

function retheme() {
  document.getElementById("theme").setAttribute("aria-pressed", String(isDark()));
  render();
}

function chooseTheme() {
  const chosen = isDark() ? "light" : "dark";
  document.documentElement.dataset.theme = chosen;
  try { localStorage.setItem("incumbent-theme", chosen); } catch (error) { /* no storage: for this visit only */ }
  retheme();
}

/** Paper is white, narrow and shows everything: light colours, all charts drawn, controls open for the legend. */
function beforePrint() {
  document.documentElement.dataset.before = document.documentElement.dataset.theme ?? "";
  document.documentElement.dataset.theme = "light";
  document.documentElement.classList.add("printing");
  document.getElementById("controls").open = true;
  for (const plot of document.querySelectorAll(".plot")) if (!plot.closest("figure").hidden) draw(plot);
}

function afterPrint() {
  const before = document.documentElement.dataset.before;
  document.documentElement.classList.remove("printing");
  if (before) document.documentElement.dataset.theme = before;
  else delete document.documentElement.dataset.theme;
  retheme();
}

/** What is jumped to is not to lie below the controls, however high they are. */
function keepClear() {
  const controls = document.getElementById("controls");
  new ResizeObserver(() => { document.documentElement.style.scrollPaddingTop = `${controls.offsetHeight + 12}px`; }).observe(controls);
}

function bind() {
  const form = document.querySelector("#controls form"), legend = document.getElementById("legend");
  form.addEventListener("change", ({ target }) => { if (CHOICES.includes(target.name)) set({ [target.name]: target.value }); });
  legend.addEventListener("click", ({ target }) => {
    const button = target.closest("button");
    if (button?.dataset.algorithm !== undefined) toggle(button.dataset.algorithm);
  });
  legend.addEventListener("dblclick", ({ target }) => {
    const name = target.closest("[data-algorithm]")?.dataset.algorithm;
    if (name !== undefined) isolate(name);
  });
  document.addEventListener("click", ({ target }) => {
    const head = target.closest(".sheet th button");
    if (head) sortBy(head.parentElement);
    if (target.id === "show-all") set({ hidden: new Set() });
    if (target.id === "hide-all") set({ hidden: new Set(ALGORITHMS.keys()) });
    if (target.matches(".copy")) copy(target);
  });
  document.getElementById("theme").addEventListener("click", chooseTheme);
  PREFERS_DARK.addEventListener("change", retheme);
  let width = innerWidth; // of a phone the height changes with every scroll
  addEventListener("resize", () => { if (innerWidth !== width) { width = innerWidth; requestAnimationFrame(render); } });
  addEventListener("beforeprint", beforePrint);
  addEventListener("afterprint", afterPrint);
}

document.getElementById("controls").open = !NARROW.matches;
bind();
keepClear();
watch();
retheme();
