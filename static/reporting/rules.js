// Shows a preview without leaving the page, and follows a run over history. Without this script the preview comes with the page, and a run's progress with each reload.
"use strict";
(() => {
  const LOOK_MS = 1000;
  const LONGEST_PAUSE_MS = 15000;
  const ANSWERS = [200, 409, 413, 429];
  const form = document.querySelector("form[data-part]");
  const run = document.getElementById("run");

  document.documentElement.classList.add("js");

  const fetched = (address, more = {}) => fetch(address, { credentials: "same-origin", cache: "no-store", redirect: "manual", ...more });

  // One preview at a time. The address of the page becomes that of the preview, so that it can be bookmarked and shared.
  let request = null;

  async function preview(event) {
    event.preventDefault();
    request?.abort();
    const mine = (request = new AbortController());
    const waiting = document.getElementById("waiting");
    const result = document.getElementById("result");
    const query = new URLSearchParams(new FormData(form));
    const began = Date.now();
    const elapsed = waiting.querySelector("[data-elapsed]");
    const clock = setInterval(() => { elapsed.textContent = `${Math.round((Date.now() - began) / 1000)} s`; }, LOOK_MS);
    result.setAttribute("aria-busy", "true");
    result.replaceChildren();
    waiting.hidden = false;
    try {
      const answer = await fetched(`${form.action}?${query}&part`, { signal: mine.signal });
      if (answer.type === "opaqueredirect") return location.reload();
      if (!ANSWERS.includes(answer.status)) throw new Error(`status ${answer.status}`);
      result.innerHTML = await answer.text();
      history.replaceState(null, "", `${form.action}?${query}`);
      result.focus({ preventScroll: true });
    } catch (error) {
      if (error.name !== "AbortError") form.submit();
    } finally {
      clearInterval(clock);
      if (request === mine) {
        waiting.hidden = true;
        elapsed.textContent = "";
        result.removeAttribute("aria-busy");
      }
    }
  }

  // A run: its status is updated in place; buttons are replaced only if they change, so that the focus stays. At its end the page is reloaded, with what the run changed.
  const part = (root, selector) => root.querySelector(selector);

  function show(html) {
    const fresh = document.createElement("template");
    fresh.innerHTML = html;
    const old = part(run, ".run");
    const now = part(fresh.content, ".run");
    const offers = (root) => part(root, "[data-offers]")?.dataset.offers;
    if (old.dataset.state !== now.dataset.state || offers(old) !== offers(now) || !part(old, "progress") !== !part(now, "progress")) {
      document.getElementById("run-status").textContent = now.dataset.state;
      old.replaceWith(now);
      return;
    }
    part(old, "p").replaceWith(part(now, "p"));
    if (part(now, "progress")) part(old, "progress").value = part(now, "progress").value;
    old.toggleAttribute("data-moving", now.hasAttribute("data-moving"));
  }

  async function follow(pause) {
    let next = LOOK_MS;
    if (!document.hidden) {
      try {
        const answer = await fetched(run.dataset.source);
        if (answer.type === "opaqueredirect" || answer.status === 404) return location.reload();
        if (!answer.ok) throw new Error(`status ${answer.status}`);
        show(await answer.text());
        if (!part(run, "[data-moving]")) return location.reload();
      } catch {
        next = Math.min(2 * pause, LONGEST_PAUSE_MS);
      }
    }
    return setTimeout(() => follow(next), next);
  }

  form?.addEventListener("submit", preview);
  if (run && part(run, "[data-moving]")) setTimeout(() => follow(LOOK_MS), LOOK_MS);
  document.querySelectorAll("[name=from], [name=to]").forEach((field) => {
    field.addEventListener("input", () => {
      const some = field.form.querySelector("[name=days][value=some]");
      if (some) some.checked = true;
    });
  });
})();
