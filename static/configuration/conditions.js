"use strict";

// Shows a condition as rows of field, test and value instead of JSON. The text area still holds what is sent.

const Conditions = (() => {
  const vocabulary = JSON.parse(document.getElementById("vocabulary").textContent);
  const ADDRESS = "the address";
  const JOINS = [
    ["all", "all of these hold"],
    ["any", "any of these holds"],
    ["!all", "not all of these hold"],
    ["!any", "none of these holds"],
  ];
  let count = 0;

  function make(tag, properties = {}, ...children) {
    const { data = {}, label, ...rest } = properties;
    const made = Object.assign(document.createElement(tag), rest);
    Object.assign(made.dataset, data);
    if (label) {
      made.setAttribute("aria-label", label);
    }
    made.append(...children.filter((child) => child !== null));
    return made;
  }

  function button(text, label, act, name = "button") {
    const made = make("button", { type: "button", className: name, label, textContent: text });
    made.addEventListener("click", act);
    return made;
  }

  function options(select, pairs, chosen) {
    pairs.forEach(([value, label]) => select.append(make("option", { value, textContent: label, selected: value === chosen })));
    return select;
  }

  // From plain values to the nodes that the rows edit, and back

  function read(plain, path = "") {
    if (plain.is === "all" || plain.is === "any") {
      const of = plain.of.map((part, place) => read(part, `${path}.of[${place}]`));
      return { group: true, any: plain.is === "any", negated: Boolean(plain.negated), of, path };
    }
    const test = plain.is === "text" ? plain.test : plain.is;
    const values = plain.values || plain.networks || [];
    const field = plain.is === "in network" ? ADDRESS : plain.field;
    const value = plain.value || "";
    return { field, test, values, value, negated: Boolean(plain.negated), case: Boolean(plain.case_sensitive), path };
  }

  function write(node) {
    if (node.group) {
      const of = node.of.map(write);
      return of.length === 1 && !node.negated ? of[0] : withNegation({ is: node.any ? "any" : "all", of }, node);
    }
    if (node.test === "in network") {
      return withNegation({ is: "in network", networks: node.values }, node);
    }
    const plain =
      node.test === "one of"
        ? { is: "one of", field: node.field, values: node.values }
        : { is: "text", field: node.field, test: node.test, value: node.value };
    return withNegation(node.case ? { ...plain, case_sensitive: true } : plain, node);
  }

  function withNegation(plain, node) {
    return node.negated ? { ...plain, negated: true } : plain;
  }

  function root(plain) {
    const node = plain ? read(plain) : { group: true, any: false, negated: false, of: [], path: "" };
    return node.group ? node : { group: true, any: false, negated: false, of: [node], path: "?" };
  }

  function leaf() {
    return { field: "path", test: "begins", values: [], value: "", negated: false, case: false, path: "?" };
  }

  // Rows

  function fieldSelect(node, changed) {
    const family = vocabulary.families.find((each) => node.field.startsWith(each.prefix));
    const select = make("select", { label: "Field", className: "field" });
    const plain = vocabulary.fields.map((each) => [each.name, each.label]);
    const known = plain.some(([name]) => name === node.field) || family || node.field === ADDRESS;
    const families = vocabulary.families.map((each) => [each.prefix, `${each.label} …`]);
    const strange = known ? [] : [[node.field, `${node.field} (unknown)`]];
    options(select, [...strange, ...plain, [ADDRESS, ADDRESS], ...families], family ? family.prefix : node.field);
    select.addEventListener("change", () => {
      const wasAddress = node.field === ADDRESS;
      node.field = select.value;
      if (node.field === ADDRESS) {
        node.test = "in network";
      } else if (wasAddress) {
        node.test = "equals";
      }
      changed(true);
    });
    if (!family) {
      return [select];
    }
    const rest = make("input", { label: `Name of the ${family.label}`, value: node.field.slice(family.prefix.length) });
    rest.className = "member";
    rest.placeholder = family.example.slice(family.prefix.length);
    rest.addEventListener("input", () => {
      node.field = family.prefix + rest.value;
      changed(false);
    });
    return [select, rest];
  }

  function testSelect(node, changed) {
    const texts = Object.entries(vocabulary.tests).flatMap(([test, words]) => [[test, words[0]], [`!${test}`, words[1]]]);
    const pattern = (word) => (word.includes("match") ? `${word} the pattern` : word);
    const lists = [["one of", "is one of"], ["!one of", "is none of"]];
    const networks = [["in network", "is in the networks"], ["!in network", "is not in the networks"]];
    const offered = node.field === ADDRESS ? networks : [...texts.map(([test, word]) => [test, pattern(word)]), ...lists];
    const select = make("select", { label: "Test", className: "test" });
    options(select, offered, `${node.negated ? "!" : ""}${node.test}`);
    select.addEventListener("change", () => {
      node.negated = select.value.startsWith("!");
      const test = select.value.replace("!", "");
      if (test === "one of" && node.value && !node.values.length) {
        node.values = [node.value];
      }
      node.test = test;
      changed(true);
    });
    return select;
  }

  function valueInput(node, changed) {
    const many = node.test === "one of" || node.test === "in network";
    const known = vocabulary.fields.find((each) => each.name === node.field);
    const example = node.test === "in network" ? "203.0.113.0/24" : known ? known.example : "";
    const input = make(many ? "textarea" : "input", { label: many ? "Values, one per line" : "Value", className: "value" });
    input.value = many ? node.values.join("\n") : node.value;
    input.placeholder = many ? `${example}\none per line` : example;
    input.spellcheck = false;
    if (many) {
      input.rows = Math.min(8, Math.max(2, node.values.length + 1));
    }
    input.addEventListener("input", () => {
      if (many) {
        node.values = input.value.split("\n").map((line) => line.trim()).filter(Boolean);
      } else {
        node.value = input.value;
      }
      changed(false);
    });
    return input;
  }

  function tick(text, on, act) {
    count += 1;
    const box = make("input", { type: "checkbox", id: `tick-${count}`, checked: on });
    box.addEventListener("change", () => act(box.checked));
    return make("span", { className: "tick" }, box, make("label", { htmlFor: box.id, textContent: text }));
  }

  function mark(marks, pattern) {
    const found = marks.filter(([place]) => pattern.test(place)).map(([, message]) => message);
    return found.length ? make("p", { className: "mark", textContent: found.join(" ") }) : null;
  }

  function escaped(text) {
    return text.replace(/[.[\]?]/g, "\\$&");
  }

  function row(node, remove, changed, marks) {
    const place = new RegExp(`^${escaped(node.path)}(\\.(field|value|values|networks)(\\[\\d+\\])?)?$`);
    const matters = (on) => {
      node.case = on;
      changed(false);
    };
    const box = node.test === "in network" ? null : tick("case matters", node.case, matters);
    const gone = button("✕", "Remove this condition", remove, "button remove");
    const parts = [...fieldSelect(node, changed), testSelect(node, changed), valueInput(node, changed), box, gone];
    return make("div", { className: "leaf" }, ...parts, mark(marks, place));
  }

  function group(node, remove, changed, marks, depth) {
    const all = make("select", { label: "How the conditions are joined" });
    options(all, JOINS, `${node.negated ? "!" : ""}${node.any ? "any" : "all"}`);
    all.addEventListener("change", () => {
      node.negated = all.value.startsWith("!");
      node.any = all.value.endsWith("any");
      changed(false);
    });
    const children = node.of.map((child, place) => {
      const gone = () => {
        node.of.splice(place, 1);
        changed(true);
      };
      return child.group ? group(child, gone, changed, marks, depth + 1) : row(child, gone, changed, marks);
    });
    const add = (made) => () => {
      node.of.push(made());
      changed(true);
    };
    const nested = () => ({ group: true, any: !node.any, negated: false, of: [leaf()], path: "?" });
    const gone = depth ? button("✕", "Remove these conditions", remove, "button remove") : null;
    const head = node.of.length > 1 || depth || node.negated ? make("div", { className: "join" }, all, gone) : null;
    const more = depth < 4 ? button("Add conditions in brackets", "", add(nested), "button quiet-button") : null;
    const adds = make("div", { className: "adds" }, button("Add a condition", "", add(leaf)), node.of.length ? more : null);
    const place = new RegExp(`^${escaped(node.path)}(\\.of)?$`);
    return make("div", { className: "group" }, head, ...children, adds, mark(marks, place));
  }

  // `changed` is called with the plain condition, or null if there is none
  function show(holder, plain, marks, changed) {
    const node = root(plain);
    if (node.path === "?") {
      node.of[0].path = "";
    }
    const draw = () => {
      holder.replaceChildren(group(node, null, update, marks, 0));
    };
    const update = (again) => {
      changed(node.of.length ? write(node) : null);
      if (again) {
        draw();
      }
    };
    draw();
  }

  return { show, make, button };
})();
