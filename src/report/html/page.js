"use strict";
(() => {
  const $ = (id) => document.getElementById(id);
  const json = (id) => JSON.parse($(id).textContent);
  const treacherous = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\u034f\u115f\u1160\u3164\ufe00-\ufe0f\uffa0\u{e0100}-\u{e01ef}]/gu;
  // What controls or hides is shown as a number, as on the terminal.
  const visible = (text) => text.replace(treacherous, (c) => `\\u{${c.codePointAt(0).toString(16)}}`);
  const time = (ms) => (ms === null ? "" : new Date(ms).toISOString().replace("T", " ").replace("Z", ""));

  // Charts.
  const series = json("series");
  const charts = [];
  // As much of a time as the axis needs; the day where it begins.
  const moment = (seconds, step, first) => {
    const iso = new Date(seconds * 1e3).toISOString();
    if (step >= 86400) return iso.slice(0, 10);
    const clock = iso.slice(11, step < 60 ? 19 : 16);
    return first || iso.slice(11, 19) === "00:00:00" ? `${clock}\n${iso.slice(0, 10)}` : clock;
  };
  const chart = (id, data, lines) => {
    const at = $(id);
    if (!at) return;
    const grey = "#8a94a3";
    const axis = { stroke: grey, grid: { stroke: "#8a94a333", width: 1 }, ticks: { stroke: "#8a94a333", width: 1 } };
    const plot = new uPlot({
      width: Math.max(at.clientWidth, 200),
      height: 220,
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1e3), "Etc/UTC"),
      scales: { y: { range: (_, __, max) => [0, max > 0 ? max * 1.05 : 1] } },
      axes: [{ ...axis, space: 70, values: (_, at, __, ___, step) => at.map((s, i) => moment(s, step, i === 0)) }, axis],
      series: [{ label: "UTC", value: (_, s) => (s == null ? "-" : time(s * 1e3).slice(0, 19)) }, ...lines.map(([label, stroke, fill]) => ({
        label, stroke, fill, width: 1.5, points: { show: data[0].length < 2 },
        value: (_, v) => (v == null ? "-" : v.toFixed(v < 10 ? 1 : 0)),
      }))],
    }, data, at);
    charts.push([plot, at]);
  };
  if (series.at.length) {
    chart("chart-calls", [series.at, series.calls, series.retries], [["calls/s", "#3b82d6", "#3b82d622"], ["retries/s", "#e08a1e"]]);
    chart("chart-latency", [series.at, series.p50, series.p90, series.p99], [["half within", "#2f9e6b"], ["90 %", "#c9971c"], ["99 %", "#d9544d"]]);
    addEventListener("resize", () => charts.forEach(([plot, at]) => plot.setSize({ width: Math.max(at.clientWidth, 200), height: 220 })));
  }

  // Failures. A row is an array; texts that recur are numbers into `texts`.
  const data = json("rows-data");
  const text = (value) => (typeof value === "number" ? data.texts[value] : value) ?? "";
  const columns = [
    ["Record", (r) => r[0]],
    ["Group ID", (r) => r[1]],
    ["Outcome", (r) => text(r[2])],
    ["Error", (r) => r[3]],
    ["Text", (r) => text(r[4])],
    ["Calls", (r) => r[5]],
    ["ms", (r) => r[7]],
    ["Ended", (r) => r[8]],
    ["Source", (r) => text(r[9])],
    ["Line", (r) => r[10]],
  ];
  const ENDED = 7, HEIGHT = 28, SPARE = 10, PRINTED = 1000;
  let order = data.rows.map((_, i) => i);
  let shown = order;
  let sorted = 0, upwards = true, drawn = "";
  const view = $("view"), rows = $("rows");
  const count = (n) => n.toLocaleString("en-US");

  const cell = (value, at) => (value === null || value === undefined ? "" : at === ENDED ? time(value) : visible(String(value)));
  const draw = (from, to) => {
    const key = `${from}-${to}`;
    if (key === drawn) return;
    drawn = key;
    rows.style.transform = `translateY(${from * HEIGHT}px)`;
    rows.replaceChildren(...shown.slice(from, to).map((index) => {
      const row = document.createElement("div");
      row.className = "row";
      row.setAttribute("role", "row");
      row.dataset.index = index;
      columns.forEach(([, value], at) => {
        const box = document.createElement("bdi");
        box.setAttribute("role", "cell");
        box.textContent = cell(value(data.rows[index]), at);
        row.append(box);
      });
      return row;
    }));
  };
  const scroll = () => {
    const first = Math.max(0, Math.floor(view.scrollTop / HEIGHT) - SPARE);
    const last = Math.ceil((view.scrollTop + view.clientHeight) / HEIGHT) + SPARE;
    draw(first, Math.min(last, shown.length));
  };
  const refresh = () => {
    drawn = "";
    $("space").style.height = `${shown.length * HEIGHT}px`;
    view.scrollTop = 0;
    const all = data.rows.length, more = data.failures > all ? `; the report holds ${count(data.failures)}` : "";
    $("shown").textContent = shown.length === all ? `${count(all)} failures${more}` : `${count(shown.length)} of ${count(all)} failures${more}`;
    scroll();
  };
  const search = () => {
    const words = $("search").value.toLowerCase().split(/\s+/).filter(Boolean);
    shown = words.length === 0 ? order : order.filter((index) => {
      const hay = columns.map(([, value], at) => cell(value(data.rows[index]), at)).join("\n").toLowerCase();
      return words.every((word) => hay.includes(word));
    });
    refresh();
  };
  const compare = (a, b) => (a === null ? (b === null ? 0 : 1) : b === null ? -1
    : typeof a === "number" && typeof b === "number" ? a - b
    : String(a) < String(b) ? -1 : String(a) > String(b) ? 1 : 0);
  const sort = (at) => {
    upwards = sorted === at ? !upwards : true;
    sorted = at;
    const value = columns[at][1];
    const keys = data.rows.map(value);
    order = data.rows.map((_, i) => i).sort((a, b) => (upwards ? 1 : -1) * compare(keys[a], keys[b]) || a - b);
    heads();
    search();
  };
  const heads = () => $("columns").replaceChildren(...columns.map(([name], at) => {
    const head = document.createElement("button");
    head.type = "button";
    head.setAttribute("role", "columnheader");
    head.setAttribute("aria-sort", at === sorted ? (upwards ? "ascending" : "descending") : "none");
    head.textContent = at === sorted ? `${name} ${upwards ? "▲" : "▼"}` : name;
    head.addEventListener("click", () => sort(at));
    return head;
  }));
  rows.addEventListener("click", (event) => {
    const row = event.target.closest(".row");
    if (!row) return;
    const record = data.rows[row.dataset.index];
    const lines = columns.map(([name, value], at) => `${name}: ${cell(value(record), at)}`);
    lines.push(`HTTP status: ${record[6] ?? ""}`);
    $("detail").textContent = lines.join("\n");
    $("detail").hidden = false;
  });
  let timer;
  $("search").addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(search, 120); });
  view.addEventListener("scroll", scroll);
  addEventListener("resize", scroll);
  addEventListener("beforeprint", () => {
    draw(0, Math.min(shown.length, PRINTED));
    if (shown.length > PRINTED) $("shown").textContent += `, of which ${count(PRINTED)} are printed`;
  });
  addEventListener("afterprint", refresh);
  heads();
  refresh();
})();
