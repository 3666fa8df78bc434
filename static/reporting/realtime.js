// Fetches the page again every second while it is visible and not paused. Without this script each reload shows what is new.
"use strict";
(() => {
  const REFRESH_MS = 1000;
  const LONGEST_PAUSE_MS = 15000;
  const shown = document.getElementById("realtime");
  const live = document.getElementById("live");
  const pause = document.getElementById("pause");
  let wait = REFRESH_MS;
  let timer;

  function say(text, broken) {
    live.textContent = text;
    live.classList.toggle("broken", broken);
    live.hidden = false;
  }

  async function refresh() {
    const answer = await fetch(shown.dataset.source, { credentials: "same-origin", cache: "no-store", redirect: "manual" });
    if (answer.type === "opaqueredirect" || answer.status === 404) return location.reload();
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    shown.innerHTML = await answer.text();
    return say("Live", false);
  }

  const paused = () => pause.getAttribute("aria-pressed") === "true";

  async function turn() {
    const selection = getSelection();
    const selecting = !selection.isCollapsed && shown.contains(selection.anchorNode);
    if (!document.hidden && !paused() && !selecting) {
      try {
        await refresh();
        wait = REFRESH_MS;
      } catch {
        wait = Math.min(2 * wait, LONGEST_PAUSE_MS);
        say("The server does not answer; trying again", true);
      }
    }
    timer = setTimeout(turn, wait);
  }

  pause.hidden = false;
  pause.addEventListener("click", () => {
    const stop = !paused();
    pause.setAttribute("aria-pressed", String(stop));
    pause.textContent = stop ? "Go on" : "Pause";
    if (stop) say("Paused", false);
  });
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) return;
    clearTimeout(timer);
    turn();
  });
  timer = setTimeout(turn, REFRESH_MS);
})();
