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

function connect() {
  source = new EventSource("events");
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
  document.addEventListener("click", (event) => { if (event.target.id === "stop") dialog.showModal(); });
  dialog.addEventListener("close", () => { if (dialog.returnValue === "yes") stopSuite(); dialog.returnValue = ""; });
} else {
  connection.textContent = `A saved page: the state of ${last}.`;
  for (const button of document.querySelectorAll("#stop")) button.disabled = true;
}
