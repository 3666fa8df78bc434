// The frame of all pages: menus that close, the list of properties that is searched, keys, copying. Without this script
// every page works: menus are details elements, and everything that they hold is a link or a form.
"use strict";
(() => {
  const AGAIN_MS = 1000;
  document.documentElement.classList.add("js");

  const menus = () => document.querySelectorAll("details[data-closes][open]");
  const typing = (event) => event.target.closest("input, select, textarea") || event.ctrlKey || event.metaKey || event.altKey;

  async function copy(button) {
    try {
      await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
      button.textContent = "Copied";
    } catch {
      button.textContent = "Select it and copy by hand";
    }
  }

  function search(input) {
    const wanted = input.value.trim().toLowerCase();
    input.closest(".sheet").querySelectorAll(".list a").forEach((link) => {
      link.hidden = !link.textContent.toLowerCase().includes(wanted);
    });
  }

  function openSwitcher(event) {
    const switcher = document.getElementById("switcher");
    if (!switcher) return;
    event.preventDefault();
    switcher.open = true;
    switcher.querySelector("input").focus();
  }

  // A key opens what it stands for; the cursor goes where one writes.
  function press(event, target) {
    if (!target) return;
    target.click();
    const field = document.getElementById(target.dataset.writes);
    if (!field?.checkVisibility()) return;
    event.preventDefault();
    field.focus();
  }

  // Asks again for numbers that were not ready, and puts them in place.
  async function askAgain() {
    const answer = await fetch(location.href, { credentials: "same-origin", cache: "no-store", redirect: "manual" });
    if (!answer.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    document.querySelectorAll("[data-replaced]").forEach((old) => {
      const fresh = page.getElementById(old.id);
      if (fresh) old.replaceWith(fresh);
    });
    followUp();
  }

  function followUp() {
    if (document.querySelector("[data-again]")) setTimeout(askAgain, AGAIN_MS);
  }

  document.addEventListener("click", (event) => {
    const row = event.altKey && event.target.closest("[data-without]");
    if (row) {
      event.preventDefault();
      location.assign(row.dataset.without);
    }
    const button = event.target.closest("[data-copy]");
    if (button) copy(button);
    menus().forEach((each) => {
      if (!each.contains(event.target)) each.open = false;
    });
  });
  document.addEventListener("input", (event) => {
    if (event.target.matches("#switcher input")) search(event.target);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey)) return openSwitcher(event);
    if (event.key === "Escape") {
      document.body.classList.add("dismissed");
      menus().forEach((each) => {
        each.open = false;
        each.querySelector("summary").focus();
      });
    } else if (event.key === "Enter" && event.target.matches("#switcher input")) {
      event.target.closest(".sheet").querySelector(".list a:not([hidden])")?.click();
    } else if (!typing(event) && event.key.length === 1) {
      press(event, document.querySelector(`[data-key="${CSS.escape(event.key.toUpperCase())}"]`));
    }
    return undefined;
  });
  for (const name of ["focusin", "pointerover"]) {
    document.addEventListener(name, (event) => {
      if (event.target.closest(".term")) document.body.classList.remove("dismissed");
    });
  }
  followUp();
})();
