// Draws tables of figures, and the map of the questions, with Chart.js. Without this file the tables
// say the same.
"use strict";

const CIRCLE = 3.5; // radius of one question in CSS pixels; of more, the area is as many times larger
const ACROSS = 140; // of the largest circles fit side by side, or all are smaller

function draw() {
  const colour = (name) => getComputedStyle(document.body).getPropertyValue(name).trim();
  Object.assign(Chart.defaults, { animation: false, color: colour("--muted"), borderColor: colour("--line") });
  Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
  document.querySelectorAll("[data-chart]").forEach((box) => drawBars(box, colour("--accent")));
  const map = document.getElementById("map");
  if (map) drawMap(map, colour);
}

// A canvas beside or above what says the same as text.
function canvasIn(box, height) {
  const frame = document.createElement("div");
  frame.className = "chart";
  frame.style.height = height;
  frame.append(document.createElement("canvas"));
  frame.firstChild.ariaHidden = "true";
  box.prepend(frame);
  return frame.firstChild;
}

function options(addresses, more) {
  return {
    maintainAspectRatio: false,
    onClick: (_, [hit], { data }) => { if (hit) location = addresses(data.datasets[hit.datasetIndex].data[hit.index], hit.index); },
    onHover: ({ native }, [hit]) => { native.target.style.cursor = hit ? "pointer" : ""; },
    ...more,
  };
}

function drawBars(box, backgroundColor) {
  const rows = [...box.querySelectorAll("tbody tr")];
  const names = rows.map((row) => row.cells[0].textContent.trim());
  const links = rows.map((row) => row.querySelector("a")?.href);
  const data = rows.map((row) => Number(row.cells[1].textContent));
  const upright = box.dataset.chart === "columns";
  const shorter = (place) => (names[place].length > 24 ? `${names[place].slice(0, 23)}…` : names[place]);
  const [named, counted] = upright ? ["x", "y"] : ["y", "x"];
  new Chart(canvasIn(box, upright ? "14rem" : `${2 * rows.length + 2}rem`), {
    type: "bar",
    data: { labels: names, datasets: [{ data, backgroundColor, maxBarThickness: 24 }] },
    options: options((_, place) => links[place] ?? location, {
      indexAxis: named,
      plugins: { legend: { display: false } },
      scales: {
        [named]: { grid: { display: false }, ticks: { callback: shorter, autoSkip: upright } },
        [counted]: { beginAtZero: true, ticks: { precision: 0 } },
      },
    }),
  });
}

function drawMap(box, colour) {
  const groups = [...document.querySelectorAll("#groups-table tbody a")];
  const datasets = [...box.querySelectorAll("[data-circles]")].map((kind) => ({
    label: kind.dataset.name,
    backgroundColor: getComputedStyle(kind.firstElementChild).backgroundColor,
    data: JSON.parse(kind.dataset.circles).map(([x, y, count, group]) => ({ x, y, count, group })),
  }));
  const numbers = {
    id: "numbers",
    afterDatasetsDraw({ ctx, scales: { x, y } }) {
      Object.assign(ctx, { font: `700 16px ${Chart.defaults.font.family}`, textAlign: "center", textBaseline: "middle" });
      Object.assign(ctx, { lineWidth: 4, lineJoin: "round", strokeStyle: colour("--raised"), fillStyle: colour("--ink") });
      groups.forEach(({ dataset: at }, place) => {
        ctx.strokeText(place + 1, x.getPixelForValue(at.x), y.getPixelForValue(at.y));
        ctx.fillText(place + 1, x.getPixelForValue(at.x), y.getPixelForValue(at.y));
      });
    },
  };
  const most = Math.max(...datasets.flatMap(({ data }) => data.map(({ count }) => count)));
  const unit = Math.min(CIRCLE, box.clientWidth / ACROSS / Math.sqrt(most));
  const axis = { min: -20, max: 1020, display: false };
  new Chart(canvasIn(box, "min(70vw, 36rem)"), {
    type: "scatter",
    data: { datasets },
    plugins: [numbers],
    options: options(({ group }) => groups[group].href, {
      radius: ({ raw }) => Math.max(0.7, unit * Math.sqrt(raw?.count ?? 1)),
      borderWidth: 0,
      scales: { x: axis, y: { ...axis, reverse: true } },
      plugins: {
        legend: { display: false },
        tooltip: { callbacks: { label: ({ raw, dataset }) => `${groups[raw.group].textContent}: ${dataset.label}, ${raw.count}` } },
      },
    }),
  });
}

draw();
document.addEventListener("again", draw);
