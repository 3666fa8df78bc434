// Draws the chart, and asks for new panels every two seconds while somebody looks. Without it the page is complete but for the chart.
"use strict";
(() => {
  document.documentElement.classList.add("js");
  const REFRESH_MS = 2000;
  const panels = document.getElementById("panels");
  let tag = null;

  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  function draw() {
    const target = document.getElementById("chart");
    const data = document.getElementById("chart-data");
    if (!target || !data || !window.Plotly) return;
    const figure = JSON.parse(data.textContent);
    figure.data.forEach((trace, number) => {
      trace.line = { ...trace.line, color: colour(number ? "--second" : "--accent") };
    });
    const ink = colour("--quiet");
    Object.assign(figure.layout, { paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", font: { ...figure.layout.font, color: ink } });
    for (const axis of ["xaxis", "yaxis"]) Object.assign(figure.layout[axis], { gridcolor: colour("--line"), linecolor: colour("--line") });
    figure.layout.hoverlabel = { bgcolor: colour("--card"), bordercolor: colour("--line"), font: { color: colour("--ink") } };
    window.Plotly.react(target, figure.data, figure.layout, {
      displayModeBar: false, displaylogo: false, responsive: true, showSendToCloud: false, plotlyServerURL: "",
    });
  }

  function show(html) {
    const open = [...panels.querySelectorAll("details[open] summary span:first-child")].map((each) => each.textContent);
    const chart = document.getElementById("chart");
    panels.innerHTML = html;
    const fresh = document.getElementById("chart");
    if (chart && fresh) {
      chart.setAttribute("aria-label", fresh.getAttribute("aria-label"));
      fresh.replaceWith(chart);
    }
    panels.querySelectorAll("details").forEach((each) => {
      each.open = open.includes(each.querySelector("summary span").textContent);
    });
    draw();
  }

  async function refresh() {
    if (!document.hidden && !panels.contains(document.activeElement)) {
      try {
        const answer = await fetch(panels.dataset.source, { headers: tag ? { "If-None-Match": tag } : {}, credentials: "same-origin", redirect: "error" });
        if (answer.status === 200) {
          tag = answer.headers.get("ETag");
          show(await answer.text());
        }
      } catch (error) {
        console.info("The numbers could not be refreshed; trying again.", error);
      }
    }
    setTimeout(refresh, REFRESH_MS);
  }

  document.querySelectorAll("[data-submit-on-change]").forEach((form) => {
    form.addEventListener("change", () => form.submit());
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  draw();
  if (panels) setTimeout(refresh, REFRESH_MS);
})();
