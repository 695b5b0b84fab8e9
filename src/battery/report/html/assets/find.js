"use strict";

/* Find tasks: by words, in their names or in their transcripts too, and by how they ended. Every list
   of tasks on the page follows, whichever of the bars is used; a chart may listen for `found`. A row
   may name what it is found by: `data-is="flipped more"`. */
(() => {
  const rows = [...document.querySelectorAll("tr[data-task]")];
  const links = new Map([...document.querySelectorAll(".board td a")].map((link) => [link.hash, link]));
  const tasks = new Map();
  for (const row of rows) {
    const task = tasks.get(row.dataset.task) ?? { name: "" };
    const titles = [...row.querySelectorAll("a[title]")].map((link) => link.title);
    task.name += [row.cells[0].textContent, ...titles, ""].join(" ").toLowerCase();
    task.changed ||= (row.dataset.change ?? "same") !== "same";
    task.bluff ||= row.querySelector("td.bluff") !== null;
    task.failed ||= row.querySelector("td.off, td.bluff") !== null;
    task.new ||= row.matches(".new");
    for (const word of row.dataset.is?.split(" ") ?? []) task[word] = true;
    tasks.set(row.dataset.task, task);
  }
  const state = { words: [], rows: "all", deep: false };
  let turn = 0;

  /** Name the cell of a call; reruns and repeats are in the cell of the first. */
  function cell(call) {
    const [, iteration, arm, row] = call.split("-");
    return `#call-${iteration}-${arm === "rerun" ? "learn" : arm}-${row}-1`;
  }

  function show(calls, note) {
    const asked = new Set(calls.map((call) => call.split("-")[3]));
    const inName = (task) => state.words.every((word) => task.name.includes(word));
    const fits = (task, number) =>
      (state.rows === "all" || task[state.rows]) && (inName(task) || asked.has(number));
    const shown = new Set([...tasks].filter(([number, task]) => fits(task, number)).map(([number]) => number));
    for (const row of rows) row.classList.toggle("out", !shown.has(row.dataset.task));
    const all = shown.size === tasks.size;
    for (const part of document.querySelectorAll("tbody:has(> tr[data-task]), details:has(tr[data-task])")) {
      const some = part.querySelector("tr[data-task]:not(.out)") !== null;
      part.classList.toggle("out", !some);
      if (some && !all && part.matches("details")) part.open = true;
    }
    for (const table of document.querySelectorAll(".board")) table.classList.toggle("filtered", !all);
    document.dispatchEvent(new CustomEvent("found", { detail: shown }));
    const cells = new Set(calls.map(cell));
    for (const [hash, link] of links) link.classList.toggle("found", cells.has(hash));
    const text = all && !note ? "" : `${shown.size} of ${tasks.size} tasks${note}`;
    for (const count of document.querySelectorAll("[data-count]")) count.textContent = text;
    battery.say(text);
  }

  async function find() {
    const mine = ++turn;
    if (!state.deep || !state.words.length) return show([], "");
    show([], "; looking through the transcripts");
    const calls = [];
    for await (const some of battery.search(state.words)) {
      if (mine !== turn) return;
      calls.push(...some);
    }
    const lacking = document.querySelector(".last") ? "; not all are on this page" : "";
    const noun = calls.length === 1 ? "transcript" : "transcripts";
    show(calls, `; the words are in ${calls.length} ${noun}${lacking}`);
  }

  const fields = [...document.querySelectorAll("[data-words]")];
  const deep = [...document.querySelectorAll("[data-deep]")];
  const buttons = [...document.querySelectorAll("button[data-rows]")];
  let waiting;
  for (const field of fields) {
    field.addEventListener("input", () => {
      for (const each of fields) each.value = field.value;
      state.words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
      // Once for a word, and not for each of its letters.
      clearTimeout(waiting);
      waiting = setTimeout(find, 150);
    });
  }
  for (const box of deep) {
    box.addEventListener("change", () => {
      for (const each of deep) each.checked = box.checked;
      state.deep = box.checked;
      find();
    });
  }
  for (const button of buttons) {
    button.addEventListener("click", () => {
      state.rows = button.dataset.rows;
      for (const each of buttons) each.setAttribute("aria-pressed", String(each.dataset.rows === state.rows));
      find();
    });
  }
})();
