"use strict";

/* The grid of tasks: what its cells show, and which arms. */
(() => {
  const { arms, iterations, rates, values } = battery.data;
  const links = [...document.querySelectorAll(".board td a")].map((link) => {
    const [, iteration, arm, row] = link.hash.split("-");
    return { link, status: link.textContent, at: [arms.indexOf(arm), Number(row), iterations.indexOf(Number(iteration))] };
  });

  const share = (value) => (value === 0 ? "no" : value === 1 ? "yes" : battery.rate(value));
  const shown = (what, value) => (rates.includes(what) ? share(value) : battery.value(what, value));

  function show(what) {
    const value = ([arm, row, at]) => values[what][arm][row][at];
    for (const { link, status, at } of links) {
      const found = what === "status" ? null : value(at);
      link.textContent = what === "status" ? status : found === null ? "none" : shown(what, found);
      // The darkest cell of a row is its highest: tasks differ too much for one scale.
      const most = what === "status" ? 0 : Math.max(...values[what].flatMap((arm) => arm[at[1]]));
      link.style.setProperty("--heat", most > 0 ? (found ?? 0) / most : 0);
    }
  }

  function choose(name, act) {
    const buttons = [...document.querySelectorAll(`button[data-${name}]`)];
    for (const button of buttons) {
      button.addEventListener("click", () => {
        for (const each of buttons) each.setAttribute("aria-pressed", String(each === button));
        act(button.dataset[name]);
      });
    }
  }

  choose("show", show);
  choose("arms", (wanted) => {
    for (const table of document.querySelectorAll(".board")) {
      table.classList.toggle("only-learn", wanted === "learn");
      table.classList.toggle("only-frozen", wanted === "frozen");
    }
  });
})();
