"use strict";

/* Small multiples: a metric over the iterations, every task's line thin behind the means. */
(() => {
  const { arms, iterations, tasks, lines, values, means } = battery.data;
  const rates = new Set(battery.data.rates);
  const money = new Set(battery.data.money);
  const select = document.getElementById("highlight");
  const redraws = [];

  for (const row of lines) {
    const option = battery.element("option", "", tasks[row]);
    option.value = row;
    select.append(option);
  }
  select.addEventListener("change", () => redraws.forEach((redraw) => redraw()));

  const colour = (arm) => `var(--${arm})`;
  const points = (arm, row, series) =>
    iterations.map((iteration, at) => ({ arm, row, iteration, value: series[at] }));

  function chart(metric, width) {
    const each = arms.flatMap((arm, at) =>
      lines.flatMap((row) => points(arm, row, values[metric][at][row])),
    );
    const mean = arms.flatMap((arm, at) => points(arm, -1, means[metric][at]));
    const chosen = select.value === "" ? [] : each.filter((point) => point.row === Number(select.value));
    const many = lines.length > 40;
    const top = Math.max(1e-9, ...[...each, ...mean].map((point) => point.value ?? 0));
    const places = { x: "iteration", y: "value", z: (point) => `${point.arm} ${point.row}` };
    return Plot.plot({
      width,
      height: 210,
      marginLeft: 46,
      marginRight: 14,
      marginBottom: 34,
      style: { background: "transparent", fontSize: "12px", color: "var(--text)" },
      x: {
        domain: [iterations[0] - 0.12, iterations.at(-1) + 0.12],
        // Iterations are counted: there is nothing between two of them.
        ticks: iterations.length > 12 ? undefined : iterations,
        tickFormat: "d",
        label: "iteration",
        labelArrow: "none",
        labelAnchor: "center",
        tickSize: 0,
      },
      y: {
        domain: [0, rates.has(metric) ? 1 : top * 1.04],
        ticks: 4,
        label: null,
        tickSize: 0,
        tickFormat: rates.has(metric) ? "%" : money.has(metric) ? battery.money : undefined,
      },
      marks: [
        Plot.gridY({ stroke: "var(--line)", strokeOpacity: 1, ticks: 4 }),
        Plot.ruleY([0], { stroke: "var(--strong-line)" }),
        ...arms.toReversed().map((arm) =>
          Plot.line(each.filter((point) => point.arm === arm), {
            ...places,
            stroke: colour(arm),
            strokeWidth: 1,
            strokeOpacity: chosen.length ? 0.16 : many ? 0.22 : 0.45,
            strokeDasharray: arm === "frozen" ? "3 3" : undefined,
          }),
        ),
        // A single iteration makes no line; its tasks are shown as dots.
        iterations.length > 1
          ? null
          : Plot.dot(each, { ...places, fill: (point) => colour(point.arm), r: 2, fillOpacity: 0.6 }),
        ...arms.toReversed().map((arm) => {
          const own = mean.filter((point) => point.arm === arm);
          const dash = arm === "frozen" ? "6 4" : undefined;
          return [
            Plot.line(own, { ...places, stroke: colour(arm), strokeWidth: 2.6, strokeDasharray: dash }),
            Plot.dot(own, { ...places, fill: colour(arm), r: 3.4, symbol: arm === "frozen" ? "square" : "circle" }),
          ];
        }),
        ...arms.map((arm) =>
          Plot.line(chosen.filter((point) => point.arm === arm), {
            ...places,
            stroke: "var(--text)",
            strokeWidth: 2,
            strokeDasharray: arm === "frozen" ? "6 4" : undefined,
          }),
        ),
        Plot.dot(chosen, { ...places, stroke: "var(--text)", fill: (point) => colour(point.arm), r: 4 }),
        Plot.tip(
          [...each, ...mean].filter((point) => point.value !== null),
          Plot.pointer({
            ...places,
            title: (point) =>
              `${point.row < 0 ? "mean over tasks" : tasks[point.row]}\n${battery.data.names[point.arm]}, iteration ` +
              `${point.iteration}: ${battery.value(metric, point.value)}`,
            fill: "var(--ground)",
            stroke: "var(--strong-line)",
            lineWidth: 22,
          }),
        ),
      ],
    });
  }

  for (const element of document.querySelectorAll(".chart[data-metric]")) {
    redraws.push(battery.draw(element, (width) => chart(element.dataset.metric, width)));
  }
  document.documentElement.dataset.drawn = "true";
})();
