/* What is shown: one object, changed by `set` alone. */
const DATA = JSON.parse(document.getElementById("data").textContent);
const state = { ...DATA.start, objective: "", versus: DATA.control, hidden: new Set() };
const ALGORITHMS = new Map(DATA.algorithms.map((entry) => [entry.label, entry]));
const CHOICES = ["axis", "error", "scale", "time", "band", "objective", "versus"];
const METRICS = DATA.metrics; // by objective: what values are called, and whether higher ones are better
const OF_FRONTS = "hypervolume_"; // what the names of sections begin with whose values are hypervolumes

/** What the values of a section are called on an objective. */
const metricOf = (section, objective) => (section.startsWith(OF_FRONTS) ? DATA.hypervolumes : METRICS)[objective];
const AXES = {
  runtime: `cumulative ${DATA.clock} runtime [${DATA.unit}]`,
  trials: "completed evaluations",
  epochs: "cumulative epochs",
};

const UNITS = { runtime: DATA.unit, trials: "evaluations", epochs: "epochs" };

/** Change parts of the state and draw everything that is in view anew. */
function set(changes) {
  Object.assign(state, changes);
  render();
}

/** Hide an algorithm everywhere, or show it again. */
function toggle(algorithm) {
  const hidden = new Set(state.hidden);
  if (!hidden.delete(algorithm)) hidden.add(algorithm);
  set({ hidden });
}

/** Show one algorithm alone, or all again where it is alone already. */
function isolate(algorithm) {
  const others = [...ALGORITHMS.keys()].filter((name) => name !== algorithm);
  const alone = !state.hidden.has(algorithm) && others.every((name) => state.hidden.has(name));
  set({ hidden: new Set(alone ? [] : others) });
}

const shown = (names) => names.filter((name) => !state.hidden.has(name));
const inView = (objective) => !objective || !state.objective || state.objective === objective;
const range = (n) => Array.from({ length: n }, (_, place) => place);
const known = (value) => value !== null && value !== undefined;
