"use strict";

// The list of rules: filters while typing, moves rules by dragging, and changes their state at once. Without this script, every row is a plain form.

(() => {
  const announcement = document.getElementById("announcement");
  let dragged = null;
  let busy = false;

  document.documentElement.classList.add("js");

  function filter() {
    const words = document.getElementById("find").value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    document.querySelectorAll("[data-kind]").forEach((section) => {
      const rules = [...section.querySelectorAll(".rule")];
      const fitting = rules.filter((rule) => {
        const text = rule.querySelector(".what").textContent.toLowerCase();
        rule.hidden = !words.every((word) => text.includes(word));
        return !rule.hidden;
      });
      section.hidden = words.length > 0 && !fitting.length;
      shown += fitting.length;
    });
    document.getElementById("found").textContent = words.length ? `${shown} found` : "";
  }

  // Sends a row's form, and replaces the live part of this page by that of the answer
  async function send(form, name, value, words) {
    if (busy) {
      return;
    }
    busy = true;
    const body = new URLSearchParams({ csrfmiddlewaretoken: form.elements.csrfmiddlewaretoken.value, [name]: value });
    const focused = document.activeElement ? document.activeElement.id : "";
    const sought = document.getElementById("find").value;
    const reply = await fetch(form.action, { method: "POST", body }).catch(() => null);
    const page = reply && reply.ok ? new DOMParser().parseFromString(await reply.text(), "text/html") : null;
    const fresh = page && page.getElementById("live");
    busy = false;
    if (!fresh) {
      window.location.reload();
      return;
    }
    document.getElementById("live").replaceWith(document.adoptNode(fresh));
    messages(page);
    document.getElementById("find").value = sought;
    filter();
    const again = focused && document.getElementById(focused);
    if (again) {
      (again.disabled ? again.closest("form").querySelector(".acts button:enabled:not(.set)") || again : again).focus();
    }
    announcement.textContent = words;
  }

  function messages(page) {
    document.querySelectorAll(".messagelist").forEach((list) => list.remove());
    const fresh = page.querySelector(".messagelist");
    if (fresh) {
      document.getElementById("content").before(document.adoptNode(fresh));
      window.scrollTo(0, 0);
    }
  }

  function nameOf(rule) {
    return rule.querySelector(".what a").textContent;
  }

  function placeOf(rule) {
    return [...rule.parentNode.children].indexOf(rule) + 1;
  }

  document.addEventListener("input", (event) => {
    if (event.target.id === "find") {
      filter();
    }
  });

  document.addEventListener("change", (event) => {
    const select = event.target.closest(".rule select[name=state]");
    if (select) {
      const rule = select.closest(".rule");
      send(select.form, "state", select.value, `${nameOf(rule)}: ${select.selectedOptions[0].textContent}`);
    }
  });

  document.addEventListener("submit", (event) => {
    const pressed = event.submitter;
    const rule = event.target.closest(".rule");
    if (rule && pressed && pressed.name === "move") {
      event.preventDefault();
      const to = placeOf(rule) + (pressed.value === "up" ? -1 : 1);
      send(event.target, "move", pressed.value, `${nameOf(rule)} is now number ${to}`);
    }
  });

  document.addEventListener("pointerdown", (event) => {
    const handle = event.target.closest(".handle");
    document.querySelectorAll(".rule[draggable]").forEach((rule) => rule.removeAttribute("draggable"));
    if (handle) {
      handle.closest(".rule").draggable = true;
    }
  });

  document.addEventListener("dragstart", (event) => {
    dragged = event.target.closest && event.target.closest(".rule[draggable]");
    if (dragged) {
      dragged.dataset.from = placeOf(dragged);
      dragged.classList.add("dragged");
      event.dataTransfer.effectAllowed = "move";
      event.dataTransfer.setData("text/plain", "");
    }
  });

  document.addEventListener("dragover", (event) => {
    const over = dragged && event.target.closest(".rule");
    if (!over || over.parentNode !== dragged.parentNode) {
      return;
    }
    event.preventDefault();
    if (over !== dragged) {
      const box = over.getBoundingClientRect();
      over[event.clientY < box.top + box.height / 2 ? "before" : "after"](dragged);
    }
  });

  document.addEventListener("drop", (event) => {
    if (dragged) {
      event.preventDefault();
    }
  });

  document.addEventListener("dragend", () => {
    if (!dragged) {
      return;
    }
    const rule = dragged;
    dragged = null;
    rule.classList.remove("dragged");
    rule.removeAttribute("draggable");
    if (placeOf(rule) !== Number(rule.dataset.from)) {
      send(rule.querySelector("form"), "move", String(placeOf(rule)), `${nameOf(rule)} is now number ${placeOf(rule)}`);
    }
  });
})();
