'use strict';
// Keeps the page of a run up to date. The server sends new points, changed parts and the status of the run.
(() => {
  const report = window.reportData;
  const mostPoints = 4000; // of a curve; a longer one keeps every second point
  const drawAfter = 200; // milliseconds: several events are drawn once
  const reopenAfter = 3000;
  const byId = id => document.getElementById(id);
  const status = byId('status');
  let cursor = status.dataset.cursor; // how much of the metrics the charts hold
  let timer = null;

  // Added points replace those from their first step on, so points that come twice are not doubled.
  function append(curve, added) {
    const from = curve.steps.findIndex(step => step >= added.steps[0]);
    const kept = from < 0 ? curve.steps.length : from;
    const steps = curve.steps.slice(0, kept).concat(added.steps);
    const values = curve.values.slice(0, kept).concat(added.values);
    const isKept = (_, i) => steps.length <= mostPoints || i % 2 === 0 || i === steps.length - 1;
    curve.steps = steps.filter(isKept);
    curve.values = values.filter(isKept);
  }

  function addPoints(news) {
    for (const chart of news.charts) {
      const known = report.charts.find(other => other.title === chart.title);
      if (known === undefined) {
        report.charts.push(chart);
        continue;
      }

      for (const curve of chart.curves) {
        const old = known.curves.find(other => other.name === curve.name);
        if (old === undefined) {
          known.curves.push(curve);
        } else {
          append(old, curve);
        }
      }
    }

    report.charts.sort((a, b) => news.titles.indexOf(a.title) - news.titles.indexOf(b.title));
    draw();
  }

  function replaceCharts(news) {
    report.charts = news.charts;
    report.stepTitle = news.stepTitle;
    draw();
  }

  function draw() {
    if (timer === null && !document.hidden) {
      timer = setTimeout(() => {
        timer = null;
        window.reportPage.drawCurves();
      }, drawAfter);
    }
  }

  // The server has escaped all names in the markup.
  function showPart(part) {
    const section = byId('part-' + part.name);
    if (section === null || section.dataset.version === part.version) {
      return;
    }

    const opened = [...section.querySelectorAll('details')].map(details => details.open);
    section.innerHTML = part.markup;
    section.querySelectorAll('details').forEach((details, i) => { details.open = opened[i] === true; });
    section.dataset.version = part.version;
  }

  function showStatus(now) {
    if (now.run !== status.dataset.run) {
      location.reload(); // the server shows another run now
      return;
    }

    status.dataset.state = now.state;
    byId('state').textContent = now.state;
    byId('status-text').textContent = now.text;
  }

  // Neighbors and map come with a whole page, which the user asks for: a lasso would be lost.
  function tellImages(parts) {
    byId('newer-images').hidden = parts.version === status.dataset.images;
    byId('newer-title').textContent = parts.title;
  }

  function open() {
    const source = new EventSource('events?after=' + encodeURIComponent(cursor));
    const listen = (name, show) => source.addEventListener(name, event => {
      cursor = event.lastEventId || cursor;
      show(JSON.parse(event.data));
    });
    listen('points', addPoints);
    listen('charts', replaceCharts);
    listen('part', showPart);
    listen('status', showStatus);
    listen('images', tellImages);
    source.onopen = () => { byId('connection').hidden = true; };
    source.onerror = () => {
      byId('connection').hidden = false;
      if (source.readyState === EventSource.CLOSED) { // the browser does not try again by itself
        setTimeout(open, reopenAfter);
      }
    };
  }

  document.addEventListener('visibilitychange', draw);
  open();
})();
