// Fetches the page again every second while it is visible and not paused. Without this script each reload shows what is new.
"use strict";
(() => {
  const REFRESH_MS = 1000;
  const LONGEST_PAUSE_MS = 15000;
  const shown = document.getElementById("realtime");
  const live = document.getElementById("live");
  const pause = document.getElementById("pause");
  let wait = REFRESH_MS;
  let asking = false;
  let timer;

  function say(text, broken) {
    if (live.textContent === text) return; // screen readers would read it again
    live.textContent = text;
    live.classList.toggle("broken", broken);
    live.hidden = false;
  }

  async function refresh() {
    const answer = await fetch(shown.dataset.source, { credentials: "same-origin", cache: "no-store", redirect: "manual" });
    if (answer.type === "opaqueredirect" || answer.status === 404) return location.reload();
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    const html = await answer.text();
    if (paused()) return undefined; // meanwhile
    shown.innerHTML = html;
    return say("Live", false);
  }

  const paused = () => pause.getAttribute("aria-pressed") === "true";

  async function turn() {
    if (asking) return; // the turn that waits for its answer sets the next timer
    asking = true;
    const selection = getSelection();
    const selecting = !selection.isCollapsed && shown.contains(selection.anchorNode);
    if (!document.hidden && !paused() && !selecting) {
      try {
        await refresh();
        wait = REFRESH_MS;
      } catch {
        wait = Math.min(2 * wait, LONGEST_PAUSE_MS);
        if (!paused()) say("The server does not answer; trying again", true);
      }
    }
    asking = false;
    timer = setTimeout(turn, wait);
  }

  pause.hidden = false;
  pause.addEventListener("click", () => {
    const stop = !paused();
    pause.setAttribute("aria-pressed", String(stop));
    pause.textContent = stop ? "Continue" : "Pause";
    if (stop) return say("Paused", false);
    clearTimeout(timer);
    return turn();
  });
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) return;
    clearTimeout(timer);
    turn();
  });
  timer = setTimeout(turn, REFRESH_MS);
})();
