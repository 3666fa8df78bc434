// Draws the chart when the browser is idle, and fetches new panels while the page is visible. Without this script the page is complete: its chart is an SVG, and every link works.
"use strict";
(() => {
  const REFRESH_MS = 1000;
  const LONGEST_PAUSE_MS = 15000;
  const root = document.documentElement;
  const panels = document.getElementById("panels");
  const live = document.getElementById("live");
  const plotly = document.currentScript.dataset.plotly;
  let tag = panels?.dataset.tag;
  let pause = REFRESH_MS;
  let drawn = "";
  let fetched = false;
  let asking = false;

  const colour = (name) => getComputedStyle(root).getPropertyValue(name).trim();

  // A figure names the page's colours; plotly wants their values.
  const coloured = (name, value) => (typeof value === "string" && value.startsWith("--") ? colour(value) : value);

  function draw() {
    const target = document.getElementById("chart");
    const data = document.getElementById("chart-data");
    const wanted = data && data.textContent + colour("--paper");
    if (!target || !window.Plotly || wanted === drawn) return;
    if (!drawn) target.replaceChildren();
    const { data: traces, layout } = JSON.parse(data.textContent, coloured);
    window.Plotly.react(target, traces, layout, {
      displayModeBar: false, displaylogo: false, responsive: true, showSendToCloud: false, plotlyServerURL: "", scrollZoom: false, doubleClick: false,
    });
    if (!drawn) target.on("plotly_selected", zoom);
    drawn = wanted;
  }

  // A range that was dragged on the chart becomes the period of the page.
  function zoom(selected) {
    if (!selected?.range?.x) return;
    const [from, to] = selected.range.x.map((moment) => moment.slice(0, 10));
    const address = new URL(location.href);
    ["period", "by"].forEach((name) => address.searchParams.delete(name));
    address.searchParams.set("from", from);
    address.searchParams.set("to", to);
    location.assign(address);
  }

  // The numbers come first: the library of the chart is asked for when the browser has nothing else to do.
  function fetchLibrary() {
    if (!plotly || fetched || !document.getElementById("chart")) return;
    fetched = true;
    const script = document.createElement("script");
    script.src = plotly;
    script.addEventListener("load", draw);
    document.head.append(script);
  }

  // New panels keep the state of the old ones: open details, the focus, the scroll position of a table, the drawn chart.
  function show(html) {
    const focus = panels.contains(document.activeElement) ? document.activeElement.id : "";
    const open = [...panels.querySelectorAll("details[open] > summary")].map((each) => each.id);
    const scrolled = panels.querySelector(".scrolled")?.scrollTop || 0;
    const chart = document.getElementById("chart");
    panels.innerHTML = html;
    const fresh = document.getElementById("chart");
    if (drawn && chart && fresh) {
      chart.setAttribute("aria-label", fresh.getAttribute("aria-label"));
      fresh.replaceWith(chart);
    }
    open.forEach((id) => {
      const summary = document.getElementById(id);
      if (summary) summary.parentElement.open = true;
    });
    if (scrolled && panels.querySelector(".scrolled")) panels.querySelector(".scrolled").scrollTop = scrolled;
    if (focus) document.getElementById(focus)?.focus({ preventScroll: true });
    prepare();
    draw();
    fetchLibrary(); // where the first hit came just now, there was no chart when the page arrived
  }

  function say(text, broken) {
    if (live.textContent === text) return;
    live.textContent = text;
    live.classList.toggle("broken", broken);
    live.hidden = false;
  }

  // New panels would take away what somebody is selecting or writing.
  const busy = () => {
    const selection = getSelection();
    return panels.querySelector(".note-form[open]") || !selection.isCollapsed && panels.contains(selection.anchorNode);
  };

  async function refresh() {
    const answer = await fetch(panels.dataset.source, { headers: { "If-None-Match": tag }, credentials: "same-origin", cache: "no-store", redirect: "manual" });
    if (answer.type === "opaqueredirect" || answer.status === 404) return location.reload();
    if (answer.status !== 200 && answer.status !== 304) throw new Error(`status ${answer.status}`);
    if (answer.status === 200) {
      const html = await answer.text();
      tag = answer.headers.get("ETag");
      show(html);
    }
    const asOf = panels.querySelector("[data-as-of]");
    if (asOf) asOf.textContent = answer.headers.get("Hitstream-As-Of").slice(11, 19);
    return say("Live", false);
  }

  async function turn() {
    if (asking) return; // the turn that waits for its answer sets the next timer
    asking = true;
    if (!document.hidden && !busy()) {
      try {
        await refresh();
        pause = REFRESH_MS;
      } catch {
        pause = Math.min(2 * pause, LONGEST_PAUSE_MS);
        say("The server does not answer; trying again", true);
      }
    }
    asking = false;
    timer = setTimeout(turn, pause);
  }

  function prepare() {
    panels.querySelectorAll("[data-copy]").forEach((button) => {
      button.hidden = !navigator.clipboard;
    });
  }

  document.addEventListener("visibilitychange", () => {
    if (document.hidden || !panels) return;
    clearTimeout(timer);
    turn();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);

  let timer;
  if (panels) {
    timer = setTimeout(turn, REFRESH_MS);
    prepare();
    const idle = window.requestIdleCallback || ((work) => setTimeout(work, 200));
    window.addEventListener("load", () => idle(fetchLibrary, { timeout: 2000 }));
  }
})();
