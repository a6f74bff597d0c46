using System.Globalization;
using System.Text.Json;
using MoCoSharp.Report.Html;

namespace MoCoSharp.Report.Maps;

/// <summary>
/// A page with a map of images: a point an image, its name and a small copy under the pointer. A line drawn around
/// images lists them.
/// </summary>
internal static class MapPage
{
    /// <summary>Images with a small copy at most, so that the page stays small.</summary>
    public const int MostThumbnails = 2000;

    private const string Style = """
        .map { display: flex; flex-wrap: wrap; gap: 1rem; }
        .map canvas { width: 46rem; max-width: 100%; height: 46rem; border: 1px solid var(--line); }
        .map aside { flex: 1; min-width: 12rem; }
        .map img { width: 9rem; height: 9rem; object-fit: contain; display: block; margin-top: 0.5rem; }
        .map output { display: block; min-height: 16rem; overflow-wrap: anywhere; }
        .map button { display: block; font: inherit; color: inherit; background: none; border: 0; cursor: pointer; }
        .map canvas { cursor: crosshair; touch-action: none; }
        .map button[aria-pressed="false"] { opacity: 0.35; }
        .map i { display: inline-block; width: 0.8em; height: 0.8em; border-radius: 50%; margin-right: 0.5em; }
        """;

    private const string Script = """

        const canvas = document.querySelector('.map canvas'), pen = canvas.getContext('2d');
        const hint = document.querySelector('#selected').textContent;
        const shown = map.colors.map(() => true), output = document.querySelector('.map output');
        const [left, right] = [Math.min(...map.range.x), Math.max(...map.range.x)];
        const [low, high] = [Math.min(...map.range.y), Math.max(...map.range.y)];
        const span = Math.max(right - left, high - low) || 1, margin = 14;
        const most = 200, summary = document.querySelector('#selected'), grid = document.querySelector('#inside');
        let at = -1, side = 1, lasso = [], isDrawing = false;
        const placeX = i => margin + (map.x[i] - (left + right) / 2 + span / 2) / span * (side - 2 * margin);
        const placeY = i => margin + ((low + high) / 2 + span / 2 - map.y[i]) / span * (side - 2 * margin);
        const color = i => map.labels[i] < 0 ? map.colors.length - 1 : map.labels[i];
        function draw() {
          const scale = window.devicePixelRatio || 1;
          side = canvas.clientWidth; canvas.style.height = side + 'px';
          canvas.width = canvas.height = Math.round(side * scale);
          pen.setTransform(scale, 0, 0, scale, 0, 0);
          const radius = map.x.length > 5000 ? 1.5 : 3;
          for (let i = 0; i < map.x.length; i++) {
            if (!shown[color(i)]) continue;
            pen.fillStyle = map.colors[color(i)]; pen.globalAlpha = 0.75;
            pen.beginPath(); pen.arc(placeX(i), placeY(i), radius, 0, 7); pen.fill();
          }
          if (at >= 0) {
            pen.globalAlpha = 1; pen.lineWidth = 2; pen.strokeStyle = getComputedStyle(canvas).color;
            pen.beginPath(); pen.arc(placeX(at), placeY(at), radius + 4, 0, 7); pen.stroke();
          }
          if (lasso.length > 1) {
            pen.globalAlpha = 1; pen.lineWidth = 1.5; pen.setLineDash([5, 4]);
            pen.strokeStyle = getComputedStyle(canvas).color;
            pen.beginPath(); lasso.forEach(([x, y]) => pen.lineTo(x, y)); pen.closePath(); pen.stroke();
            pen.setLineDash([]);
          }
        }
        function isInside(x, y) { // crossings of a ray to the right
          let inside = false;
          for (let i = 0, j = lasso.length - 1; i < lasso.length; j = i++) {
            const [x1, y1] = lasso[i], [x2, y2] = lasso[j];
            if ((y1 > y) !== (y2 > y) && x < (x2 - x1) * (y - y1) / (y2 - y1) + x1) inside = !inside;
          }
          return inside;
        }
        function select() {
          const inside = [];
          for (let i = 0; i < map.x.length; i++) {
            if (shown[color(i)] && isInside(placeX(i), placeY(i))) inside.push(i);
          }
          grid.replaceChildren(...inside.slice(0, most).map(i => {
            const figure = document.createElement('figure'), caption = document.createElement('figcaption');
            const name = document.createElement('bdi');
            if (map.thumbnails[i]) {
              const image = document.createElement('img');
              image.src = map.thumbnails[i]; image.alt = ''; figure.append(image);
            }
            name.textContent = map.names[i]; caption.append(name); figure.append(caption);
            return figure;
          }));
          summary.textContent = lasso.length < 3 ? hint : `Inside the line: ${inside.length} of ${map.x.length} images`
            + (inside.length > most ? `; the first ${most} are shown.` : '.');
        }
        function show(i) {
          if (i === at) return;
          at = i; output.replaceChildren();
          if (i >= 0) {
            const name = document.createElement('bdi');
            name.textContent = map.names[i]; output.append(name);
            if (map.labels[i] >= 0) {
              const kind = document.createElement('div');
              kind.className = 'quiet'; kind.textContent = map.classes[map.labels[i]]; output.append(kind);
            }
            if (map.thumbnails[i]) {
              const image = document.createElement('img');
              image.src = map.thumbnails[i]; image.alt = ''; output.append(image);
            }
          }
          draw();
        }
        canvas.addEventListener('pointerdown', event => {
          isDrawing = true; lasso = [[event.offsetX, event.offsetY]]; canvas.setPointerCapture(event.pointerId);
        });
        canvas.addEventListener('pointerup', () => { isDrawing = false; select(); draw(); });
        canvas.addEventListener('pointermove', event => {
          if (isDrawing) { lasso.push([event.offsetX, event.offsetY]); draw(); return; }
          let best = -1, nearest = 400;
          for (let i = 0; i < map.x.length; i++) {
            const x = placeX(i) - event.offsetX, y = placeY(i) - event.offsetY, square = x * x + y * y;
            if (square < nearest && shown[color(i)]) { best = i; nearest = square; }
          }
          if (best >= 0) show(best);
        });
        for (const button of document.querySelectorAll('.map button')) {
          button.addEventListener('click', () => {
            const kind = Number(button.dataset.kind);
            shown[kind] = !shown[kind]; button.setAttribute('aria-pressed', shown[kind]); at = -1; draw();
          });
        }
        window.addEventListener('resize', () => { lasso = []; select(); draw(); });
        draw();
        document.documentElement.dataset.ready = true;
        """;

    /// <summary>The whole page.</summary>
    /// <param name="title">What is on the map.</param>
    /// <param name="manner">How it was made, in one sentence.</param>
    /// <param name="points">The images.</param>
    /// <param name="classNames">The classes by number; empty for none.</param>
    /// <param name="thumbnails">Data URIs of small copies, by the place in <paramref name="points"/>.</param>
    public static string Create(
        string title, string manner, IReadOnlyList<MapPoint> points, IReadOnlyList<string> classNames,
        IReadOnlyDictionary<int, string> thumbnails)
    {
        var page = new HtmlPage(title);
        page.AddStyle(Style);
        page.Add($"<p class=\"quiet\">{HtmlText.Escape(manner)}</p>");
        page.Add(
            "<div class=\"map\"><canvas role=\"img\" aria-label=\"A point for each image\"></canvas><aside>" +
            $"{Legend(points, classNames)}<output class=\"quiet\">Point at an image to see it.</output></aside></div>" +
            "<p id=\"selected\" class=\"quiet\">Draw a line around images to list them.</p>" +
            "<div id=\"inside\" class=\"images\"></div>");
        page.AddScript($"const map = {Data(points, classNames, thumbnails)};{Script}");
        return page.ToString();
    }

    private static string Legend(IReadOnlyList<MapPoint> points, IReadOnlyList<string> classNames)
    {
        var counts = points.GroupBy(point => point.Label).ToDictionary(group => group.Key, group => group.Count());
        var rows = Enumerable.Range(0, classNames.Count)
            .Select(label => (Kind: label, Label: label, Name: HtmlText.Name(classNames[label])))
            .Append((Kind: classNames.Count, Label: -1, Name: "no class"))
            .Where(row => counts.ContainsKey(row.Label) && classNames.Count > 0);
        return string.Concat(rows.Select(row =>
            $"<button type=\"button\" data-kind=\"{row.Kind}\" aria-pressed=\"true\"><i style=\"background:" +
            $"{MapColors.Css(row.Label)}\"></i>{row.Name} <span class=\"quiet\">{counts[row.Label]}</span></button>"));
    }

    // The serializer escapes the sign <, so that no name ends the script.
    private static string Data(
        IReadOnlyList<MapPoint> points, IReadOnlyList<string> classNames,
        IReadOnlyDictionary<int, string> thumbnails) =>
        JsonSerializer.Serialize(new
        {
            x = points.Select(point => Math.Round(point.X, 3)),
            y = points.Select(point => Math.Round(point.Y, 3)),
            range = new
            {
                x = new[] { points.Min(point => point.X), points.Max(point => point.X) },
                y = new[] { points.Min(point => point.Y), points.Max(point => point.Y) },
            },
            names = points.Select(point => HtmlText.Visible(point.Name)),
            labels = points.Select(point => point.Label),
            classes = classNames.Select(HtmlText.Visible),
            colors = Enumerable.Range(0, classNames.Count).Append(-1).Select(MapColors.Css),
            thumbnails = thumbnails.ToDictionary(
                item => item.Key.ToString(CultureInfo.InvariantCulture), item => item.Value),
        });
}
