'use strict';
// Draws the charts of a report, and shows its images. window.reportData is the data; names in it are text.
(() => {
  const report = window.reportData;
  const palette = [
    '#4e79a7', '#f28e2b', '#59a14f', '#e15759', '#b07aa1', '#76b7b2', '#edc948', '#9c755f', '#ff9da7', '#8a8f98',
    '#1f6feb', '#bf5b17', '#2f7d4f', '#a6242f', '#6f42c1', '#00838f', '#b8860b', '#5d4037', '#d81b60', '#455a64'];
  const dashes = ['dash', 'dot', 'dashdot', 'longdash'];
  const mostSelected = 300; // thumbnails of a selection
  const mostLabeled = 4; // runs with a label each beside the cursor
  const byId = id => document.getElementById(id);
  const color = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  // Plotly reads <b>, <a> and entities in text as markup.
  const escaped = text => text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');

  const config = {
    displaylogo: false, responsive: true, modeBarButtonsToRemove: ['toImage', 'autoScale2d', 'select2d'] };

  function themed(layout) {
    return Object.assign({
      paper_bgcolor: 'rgba(0,0,0,0)', plot_bgcolor: 'rgba(0,0,0,0)',
      font: { family: 'system-ui, sans-serif', size: 12, color: color('--text') },
      modebar: { uirevision: 'tools', bgcolor: 'rgba(0,0,0,0)', color: color('--quiet'), activecolor: color('--accent') },
      hoverlabel: { namelength: -1, bgcolor: color('--ground'), bordercolor: color('--line'), font: { color: color('--text') } },
    }, layout);
  }

  function element(tag, className, text) {
    const made = document.createElement(tag);
    made.className = className || '';
    made.textContent = text || '';
    return made;
  }

  // The first color is the accent, which suits light and dark.
  const curveColor = number => [color('--accent'), ...palette.slice(1)][number % palette.length];

  // On a phone, legends lie over the charts, whose right end has the newest values.
  const narrow = matchMedia('(max-width: 40rem)');

  // All charts share the horizontal axis, so one cursor crosses all of them.
  function drawCurves(target) {
    const charts = report.charts;
    if (charts.length === 0) {
      return Promise.resolve(); // a run that has just begun
    }

    const names = [...new Set(charts.flatMap(chart => chart.curves.map(curve => curve.name)))];
    const isListed = new Set(); // names in the common legend
    const traces = [];
    const axis = number => number === 0 ? '' : String(number + 1);
    const layout = themed({
      height: 60 + 185 * charts.length, margin: { l: 56, r: 8, t: 8, b: 44 },
      hovermode: !report.sharesLegend ? 'x unified' : names.length <= mostLabeled ? 'x' : 'closest',
      hoversubplots: 'axis', annotations: [],
      uirevision: 'curves', // a range that was enlarged stays
      xaxis: {
        title: { text: escaped(report.stepTitle) }, domain: [0, narrow.matches ? 1 : 0.79], anchor: 'y' + axis(charts.length - 1),
        gridcolor: color('--line'), zeroline: false },
    });
    charts.forEach((chart, i) => {
      const top = 1 - i / charts.length - 0.14 / charts.length;
      const bottom = 1 - (i + 1) / charts.length + (i === charts.length - 1 ? 0 : 0.08 / charts.length);
      layout['yaxis' + axis(i)] = {
        domain: [bottom, top], anchor: 'x', gridcolor: color('--line'), zeroline: false, nticks: 6,
        hoverformat: '.4~g' };
      layout['legend' + axis(i)] = {
        x: narrow.matches ? 0.5 : 0.8, y: report.sharesLegend ? 1 : top,
        xanchor: narrow.matches ? 'center' : 'left', yanchor: 'top',
        bgcolor: narrow.matches ? color('--veil') : 'rgba(0,0,0,0)', font: { size: narrow.matches ? 10 : 11 } };
      layout.annotations.push({
        text: '<b>' + escaped(chart.title) + '</b>', showarrow: false, xref: 'paper', yref: 'paper', x: 0, y: top,
        xanchor: 'left', yanchor: 'bottom' });
      let drawn = 0;
      let references = 0;
      for (const curve of chart.curves) {
        traces.push({
          type: 'scatter', mode: curve.steps.length <= (curve.isReference ? 1 : 40) ? 'lines+markers' : 'lines',
          name: escaped(curve.name), x: curve.steps.map(step => step * curve.unitsPerStep), y: curve.values,
          yaxis: 'y' + axis(i), legend: 'legend' + (report.sharesLegend ? '' : axis(i)),
          legendgroup: report.sharesLegend ? escaped(curve.name) : '',
          showlegend: !report.sharesLegend || !isListed.has(curve.name),
          line: curve.isReference
            ? { color: color('--quiet'), width: 1.3, dash: dashes[references++ % dashes.length] }
            : { color: curveColor(report.sharesLegend ? names.indexOf(curve.name) : drawn++), width: 1.8 },
        });
        isListed.add(curve.name);
      }
    });
    for (const swatch of document.querySelectorAll('.swatch[data-name]')) {
      const number = names.indexOf(swatch.dataset.name);
      swatch.style.background = number < 0 ? 'none' : curveColor(number);
    }

    return Plotly.react(target, traces, layout, Object.assign({ displayModeBar: false }, config));
  }

  function showStage(number) {
    const history = report.neighbors;
    const stage = history.stages[number];
    let same = 0;
    let all = 0;
    const rows = stage.rows.map(row => {
      const query = history.images[row.query];
      const line = element('div', 'row');
      line.append(figure(row.query, query.className || 'query', 'query'));
      row.neighbors.forEach((place, i) => {
        const image = history.images[place];
        const isKnown = query.className !== null && image.className !== null;
        const isSame = image.className === query.className;
        same += isKnown && isSame ? 1 : 0;
        all += isKnown ? 1 : 0;
        line.append(figure(
          place, row.similarities[i].toFixed(2) + (isKnown ? isSame ? ' \u2713' : ' \u2717' : ''),
          isKnown ? isSame ? 'same' : 'other' : ''));
      });
      return line;
    });
    byId('neighbors').replaceChildren(...rows);
    byId('stage-title').textContent =
      stage.title + (all > 0 ? `: ${same} of ${all} neighbors have the class of the query` : '');
  }

  function figure(place, caption, className) {
    const image = report.neighbors.images[place];
    const made = element('figure', className);
    const name = image.className === null ? image.name : `${image.name} (${image.className})`;
    made.append(thumbnail('of-neighbors', report.neighbors, place, 68, name), element('figcaption', '', caption));
    return made;
  }

  // An image of a sheet with columns and rows, this many pixels wide.
  function thumbnail(sheet, { columns, rows }, index, side, name) {
    const made = element('div', 'thumbnail ' + sheet);
    made.style.width = made.style.height = `${side}px`;
    made.style.backgroundSize = `${side * columns}px ${side * rows}px`;
    made.style.backgroundPosition = `${-side * (index % columns)}px ${-side * Math.floor(index / columns)}px`;
    made.setAttribute('role', 'img');
    made.setAttribute('aria-label', name);
    made.title = name;
    return made;
  }

  // Without a choice, by class if there are classes, otherwise by cluster if there are clusters.
  function isColoredByClass() {
    const choice = byId('map-colors');
    return choice !== null ? choice.value === 'labels'
      : report.map.clusters.length === 0 || report.map.labels.some(label => label >= 0);
  }

  let selected = new Set(); // points of the map
  let isDrawingMap = false; // a lasso is then lost, and what it selected is not

  function drawMap(target) {
    const map = report.map;
    const slider = byId('map-stage'); // of the stages of training
    const stage = map.stages[slider === null ? 0 : Number(slider.value)];
    if (slider !== null) {
      byId('map-stage-title').textContent = stage.title;
    }

    const isByClass = isColoredByClass();
    const [groupOf, names] = isByClass ? [map.labels, map.classNames] : [map.clusters, map.clusterNames];
    const groups = new Map();
    groupOf.forEach((label, index) => {
      groups.set(label, groups.get(label) || []);
      groups.get(label).push(index);
    });
    const traces = [...groups.entries()].sort((a, b) => a[0] - b[0]).map(([label, members]) => ({
      type: 'scatter', mode: 'markers', name: label < 0 ? 'no label' : escaped(names[label]),
      x: members.map(index => stage.x[index]), y: members.map(index => stage.y[index]), customdata: members,
      hoverinfo: 'none',
      selectedpoints: selected.size === 0 ? undefined
        : members.map((index, i) => selected.has(index) ? i : -1).filter(i => i >= 0),
      marker: { size: 6, opacity: 0.8, color: palette[(label + palette.length) % palette.length] },
    }));
    isDrawingMap = true;
    return Plotly.react(target, traces, themed({
      height: 560, margin: { l: 4, r: 4, t: 36, b: 8 }, // the buttons stand above the legend
      dragmode: 'lasso', hovermode: 'closest',
      selections: [], xaxis: { visible: false }, yaxis: { visible: false, scaleanchor: 'x' },
      showlegend: groups.size > 1,
      legend: { itemsizing: 'constant', uirevision: isByClass ? 'classes' : 'clusters' }, // hidden ones stay hidden
    }), config)
      .then(() => { target.dataset.shows = stage.title; })
      .finally(() => { isDrawingMap = false; });
  }

  function clearSelection() {
    selected = new Set();
    byId('selection').replaceChildren();
    byId('selection-title').textContent = '';
  }

  function listenToMap(target) {
    const map = report.map;
    target.on('plotly_hover', event => {
      const index = event.points[0].customdata;
      const label = map.labels[index];
      byId('shown').replaceChildren(
        thumbnail('of-map', map, index, 160, map.names[index]), element('div', '', map.names[index]),
        element('div', 'quiet', label < 0 ? '' : map.classNames[label]),
        element('div', 'quiet', map.clusters.length === 0 ? '' : map.clusterNames[map.clusters[index]]));
    });
    target.on('plotly_selected', event => {
      if (isDrawingMap) {
        return;
      }

      const members = event ? event.points.map(point => point.customdata) : [];
      selected = new Set(members);
      const shown = members.slice(0, mostSelected);
      byId('selection').replaceChildren(...shown.map(index => thumbnail('of-map', map, index, 56, map.names[index])));
      byId('selection-title').textContent = members.length === 0 ? ''
        : `${members.length} images selected` + (shown.length < members.length ? `, ${shown.length} shown` : '');
    });
    target.on('plotly_deselect', () => isDrawingMap || clearSelection());
    byId('map-colors')?.addEventListener('change', () => {
      clearSelection();
      drawMap(target);
    });
    byId('map-stage')?.addEventListener('input', () => drawMap(target));
  }

  for (const swatch of document.querySelectorAll('.swatch[data-color]')) {
    swatch.style.background = palette[Number(swatch.dataset.color) % palette.length];
  }

  const charts = [['curves', drawCurves], ['map', drawMap]]
    .filter(([id]) => byId(id) !== null);
  const draw = () => Promise.all(charts.map(([id, drawOne]) => drawOne(byId(id))));
  draw().then(() => {
    if (byId('map') !== null) {
      listenToMap(byId('map'));
    }

    document.documentElement.dataset.ready = 'true';
  });
  window.reportPage = { drawCurves: () => drawCurves(byId('curves')) };
  for (const query of [matchMedia('(prefers-color-scheme: dark)'), narrow]) {
    query.addEventListener('change', draw);
  }

  if (report.neighbors !== null) {
    const slider = byId('stage');
    slider.addEventListener('input', () => showStage(Number(slider.value)));
    showStage(Number(slider.value));
  }
})();
