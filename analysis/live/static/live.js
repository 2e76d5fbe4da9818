"use strict";
/* Puts the parts of the page that the server sends in the place of the old ones. A saved page stays as it is. */
const SETTINGS = JSON.parse(document.getElementById("settings").textContent);
const connection = document.getElementById("connection"), dialog = document.getElementById("confirm");
const AGAIN = 2000; // milliseconds between tries to reach the server
let last = document.documentElement.dataset.state || SETTINGS.saved, asked = false, source = null;

function show(parts) {
  for (const [id, html] of Object.entries(parts)) {
    const element = document.getElementById(id);
    if (element) element.innerHTML = html;
  }
  const stop = document.getElementById("stop");
  if (!stop) { asked = false; return; }
  stop.disabled = asked;
  stop.textContent = asked ? "Stopping" : "Stop the suite";
}

function choice() { // Data and metric, as the server names them; nothing while they are those of the page at first.
  const data = document.getElementById("data"), metric = document.getElementById("metric");
  const first = data.options[data.selectedIndex].defaultSelected && !(metric && metric.selectedIndex);
  return first ? "" : `${data.value}:${metric ? metric.value : ""}`;
}

function showObjective() {
  const chosen = document.getElementById("objective")?.value ?? "";
  for (const panel of document.querySelectorAll("#trajectories figure")) panel.hidden = chosen !== "" && panel.id !== chosen;
}

function connect() {
  if (source) source.close();
  source = new EventSource(`events?show=${encodeURIComponent(choice())}`);
  source.onmessage = (event) => {
    const { parts, time } = JSON.parse(event.data);
    last = document.documentElement.dataset.state = time; // In the document, so that a saved page knows it.
    show(parts);
    connection.textContent = "";
  };
  source.addEventListener("reload", () => location.reload()); // The suite's plan is another one.
  source.onerror = () => {
    connection.textContent = `The page's server does not answer. This is the state of ${last}.`;
    if (source.readyState === EventSource.CLOSED) setTimeout(connect, AGAIN);
  };
}

async function stopSuite() {
  asked = true;
  show({});
  const answer = await fetch("stop", { method: "POST" }).catch(() => null);
  if (!answer || !answer.ok) {
    asked = false;
    show({});
    connection.textContent = answer ? await answer.text() : "The page's server does not answer.";
  }
}

if (SETTINGS.live && location.protocol.startsWith("http")) {
  connect();
  for (const id of ["data", "metric"]) document.getElementById(id)?.addEventListener("change", connect);
  document.addEventListener("click", (event) => { if (event.target.id === "stop") dialog.showModal(); });
  dialog.addEventListener("close", () => { if (dialog.returnValue === "yes") stopSuite(); dialog.returnValue = ""; });
} else {
  connection.textContent = `A saved page: the state of ${last}.`;
  for (const element of document.querySelectorAll("#stop, #data, #metric")) element.disabled = true;
}
document.getElementById("objective")?.addEventListener("change", showObjective);
showObjective(); // A browser may have kept the choice over a reload.
