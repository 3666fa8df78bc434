"use strict";

// The form of one rule: conditions as rows, and only the fields that matter for what was chosen.

(() => {
  const { show, make, button } = Conditions;
  const TOGETHER = {
    change: { replace: ["search", "pattern", "replacement"], drop_parameters: ["parameters", "keep_only"], lower_case: [] },
  };

  function marksOf(area) {
    return (area.dataset.marks || "").split("\n").filter(Boolean).map((line) => line.split("\t"));
  }

  function parsed(text) {
    try {
      return { value: text.trim() ? JSON.parse(text) : null };
    } catch {
      return null;
    }
  }

  function store(area, value) {
    area.value = value === null ? "" : JSON.stringify(value, null, 2);
  }

  function condition(area, value, holder) {
    show(holder, value, marksOf(area), (plain) => store(area, plain));
  }

  function parts(area, value, holder) {
    const list = value || [];
    const changed = () => store(area, list.length ? list : null);
    const draw = () => {
      holder.replaceChildren(
        ...list.map((part, place) => card(area, list, place, changed, draw)),
        button(area.name === "channels" ? "Add a channel" : "Add a group", "", () => {
          list.push({ name: "", when: { is: "text", field: "path", test: "begins", value: "" } });
          changed();
          draw();
          holder.querySelector(".part:last-of-type input").focus();
        }),
      );
    };
    draw();
  }

  function card(area, list, place, changed, draw) {
    const part = list[place];
    const name = make("input", { value: part.name, placeholder: "Name", label: `Name of group ${place + 1}`, className: "part-name" });
    name.addEventListener("input", () => {
      part.name = name.value;
      changed();
    });
    const shift = (by) => () => {
      list.splice(place + by, 0, ...list.splice(place, 1));
      changed();
      draw();
    };
    const up = button("↑", `Move group ${place + 1} up`, shift(-1));
    const down = button("↓", `Move group ${place + 1} down`, shift(1));
    up.disabled = place === 0;
    down.disabled = place === list.length - 1;
    const gone = button("✕", `Remove group ${place + 1}`, () => {
      list.splice(place, 1);
      changed();
      draw();
    }, "button remove");
    const head = make("div", { className: "part-head" }, make("span", { className: "place", textContent: place + 1 }), name, up, down, gone);
    const own = marksOf(area).filter(([where]) => where.startsWith(`[${place}].`));
    const wrong = own.filter(([where]) => where === `[${place}].name`).map(([, message]) => message).join(" ");
    const inner = make("div");
    const marks = own.map(([where, message]) => [where.replace(`[${place}].when`, ""), message]);
    show(inner, part.when, marks, (plain) => {
      part.when = plain || { is: "all", of: [] };
      changed();
    });
    return make("div", { className: "part" }, head, wrong ? make("p", { className: "mark", textContent: wrong }) : null, inner);
  }

  function enhance(area) {
    const found = parsed(area.value);
    if (!found) {
      return;
    }
    const holder = make("div", { className: "builder" });
    holder.setAttribute("role", "group");
    holder.setAttribute("aria-label", area.labels[0].textContent);
    const toggle = button("Write it as JSON", "", () => {
      area.hidden = !area.hidden;
      holder.hidden = !area.hidden;
      if (area.hidden) {
        redraw();
      }
      toggle.textContent = area.hidden ? "Write it as JSON" : "Show it as rows";
    }, "link-button");
    const redraw = () => {
      const now = parsed(area.value);
      if (now) {
        (area.dataset.builder === "parts" ? parts : condition)(area, now.value, holder);
      } else {
        area.hidden = false;
        holder.hidden = true;
      }
    };
    area.before(holder);
    area.after(toggle);
    area.hidden = true;
    redraw();
  }

  function onlyWhatMatters(select, rows) {
    const update = () => {
      const shown = rows[select.value] || [];
      Object.values(rows).flat().forEach((name) => {
        document.querySelector(`[data-row="${name}"]`).hidden = !shown.includes(name);
      });
      const field = document.querySelector('[data-row="field"]');
      if (field) {
        const parameters = select.value === "drop_parameters";
        field.hidden = parameters;
        if (parameters) {
          field.querySelector("select").value = "query";
        }
      }
    };
    select.addEventListener("change", update);
    update();
  }

  document.querySelectorAll("textarea[data-builder]").forEach(enhance);
  Object.entries(TOGETHER).forEach(([name, rows]) => {
    const select = document.querySelector(`.rule-form select[name="${name}"]`);
    if (select) {
      onlyWhatMatters(select, rows);
    }
  });
})();
