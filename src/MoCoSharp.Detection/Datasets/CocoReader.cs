using System.Text.Json;
using MoCoSharp.Data.Datasets;

namespace MoCoSharp.Detection.Datasets;

/// <summary>Converts COCO's lists to images with boxes.</summary>
/// <param name="file">Path of the file, for messages.</param>
/// <param name="folder">Folder of the images.</param>
internal sealed class CocoReader(string file, string folder)
{
    private const int LargestSide = 1 << 20;

    private readonly CocoFields _fields = new(file);
    private readonly Tally _notices = new(file);
    private readonly CocoImages _files = new(folder);

    /// <summary>Reads the images in the order of their ids, as the published evaluator does.</summary>
    /// <exception cref="DataSourceException">The lists cannot be used.</exception>
    public BoxedImages Read(JsonElement root)
    {
        _fields.ThrowIfNoObject(root);
        var categories = _fields.List(root, "categories")
            .Select(item => (Id: _fields.Integer(item, "id"), Name: _fields.Text(item, "name"), item.Place)).ToList();
        var images = _fields.List(root, "images").Select(ReadImage).ToList();
        var annotations = _fields.List(root, "annotations").ToList();
        _fields.ThrowIfFaulty();
        ThrowIfTwice(categories.Select(item => ($"id {item.Id}", item.Place)));
        ThrowIfTwice(categories.Select(item => ($"name \"{item.Name}\"", item.Place)));
        ThrowIfTwice(images.Select(item => ($"id {item.Id}", item.Place)));
        if (images.Count == 0 || categories.Count == 0)
        {
            _fields.Fault($"{images.Count} images and {categories.Count} categories: expected some of both");
        }

        _fields.ThrowIfFaulty();
        ThrowIfNoFile(images);
        categories = [.. categories.OrderBy(item => item.Id)];
        _notices.Alike(categories.Select(item => item.Name));
        TellSameFiles(images);
        var labels = categories.Select((item, label) => (item.Id, label))
            .ToDictionary(item => item.Id, item => item.label);
        var known = images.ToDictionary(item => item.Id);
        var boxes = images.ToDictionary(item => item.Id, _ => new List<ObjectBox>());
        var ids = new HashSet<long>();
        foreach (var item in annotations)
        {
            var (image, category) = (_fields.Integer(item, "image_id"), _fields.Integer(item, "category_id"));
            if (CocoFields.TryInteger(item.Value, "id") is { } id && !ids.Add(id))
            {
                _notices.Add("annotations have the id of another, but count nevertheless", item.Place);
            }

            if (!known.TryGetValue(image, out var owner) || !labels.TryGetValue(category, out var label))
            {
                _notices.Add(
                    "annotations of an unknown image or category were dropped",
                    $"{item.Place}, image {image}, category {category}");
            }
            else if (
                Box(item, label, $"{item.Place}, a {categories[label].Name} of {owner.Name}") is (var box, var place)
                && _notices.Inside(box, owner.Width, owner.Height, place) is { } inside)
            {
                boxes[image].Add(inside);
            }
        }

        _fields.ThrowIfFaulty();
        var all = images.OrderBy(item => item.Id)
            .Select(item => new BoxedImage(item.File, item.Name, item.Width, item.Height, boxes[item.Id])).ToList();
        return new BoxedImages(file, [.. categories.Select(item => item.Name)], all, _notices.Sentences());
    }

    private Image ReadImage(CocoEntry item)
    {
        var (id, name) = (_fields.Integer(item, "id"), _fields.Text(item, "file_name"));
        var (path, isThere) = _files.Find(name);
        if (path is null)
        {
            _fields.Fault(
                $"{item.Place}: \"file_name\" is \"{BoxNotices.Shortened(name)}\", " +
                $"expected a path below {folder}, or the name of a file there" +
                (name.Contains("://", StringComparison.Ordinal) ? ". It is a web address: download it first" : ""));
            return new Image(id, "", name, 1, 1, false, item.Place);
        }

        if (isThere && !path.Replace('\\', '/').EndsWith(name.Replace('\\', '/'), StringComparison.Ordinal))
        {
            _notices.Add(
                $"images were found in {folder} by the last part of their \"file_name\" alone",
                $"{item.Place} (\"{BoxNotices.Shortened(name)}\")");
        }

        if (!isThere)
        {
            _notices.Add(
                $"images are not in {folder} and are left out", BoxNotices.Shortened(name));
        }

        var (width, height) = (Size(item, "width"), Size(item, "height"));
        if (width == 0 || height == 0)
        {
            try
            {
                (width, height) = ImageSize.Read(path); // no size in the annotation: read from the image
            }
            catch (DataSourceException error)
            {
                _fields.Fault($"{item.Place}: {error.Message}");
            }
        }

        return new Image(id, path, name, Math.Max(1, width), Math.Max(1, height), isThere, item.Place);
    }

    // 0 if the entry has no size.
    private int Size(CocoEntry item, string key)
    {
        if (!item.Value.TryGetProperty(key, out var value) || value.ValueKind == JsonValueKind.Null)
        {
            return 0;
        }

        if (_fields.Integer(item, key) is >= 0 and <= LargestSide and var size)
        {
            return (int)size;
        }

        _fields.Fault(
            $"{item.Place}: \"{key}\" is {BoxNotices.Shortened(value.GetRawText())}, expected 1 to {LargestSide} pixels"
        );
        return 1;
    }

    private (ObjectBox Box, string Place)? Box(CocoEntry item, int label, string place)
    {
        var length =
            item.Value.TryGetProperty("bbox", out var list) && list.ValueKind == JsonValueKind.Array
                ? list.GetArrayLength()
                : 0;
        if (length == 0 && list.ValueKind is JsonValueKind.Undefined or JsonValueKind.Null or JsonValueKind.Array)
        {
            _notices.Add("annotations without a \"bbox\" were dropped (outlines alone are not read)", place);
            return null;
        }

        double[] corners = length == 4 ? [.. list.EnumerateArray().Select(CocoFields.Real)] : [double.NaN, 0, 0, 0];
        var box = new ObjectBox(corners[0], corners[1], corners[0] + corners[2], corners[1] + corners[3], label)
        {
            IsCrowd = item.Value.TryGetProperty("iscrowd", out var crowd)
                && _notices.Flag("iscrowd", CocoFields.Plain(crowd), place),
            OutlineArea = item.Value.TryGetProperty("area", out var area)
                && CocoFields.Real(area) is > 0 and < double.PositiveInfinity and var found ? found : 0,
        };
        return (box, corners.All(double.IsFinite)
            ? place
            : $"{place}, \"bbox\" {BoxNotices.Shortened(list.GetRawText())}");
    }

    private void ThrowIfTwice(IEnumerable<(string What, string Place)> items)
    {
        foreach (var same in items.GroupBy(item => item.What, StringComparer.Ordinal).Where(group => group.Count() > 1))
        {
            var times = same.Count() == 2 ? "twice" : $"{same.Count()} times";
            _fields.Fault(
                $"{same.Key} occurs {times}: {string.Join(" and ", same.Take(3).Select(item => item.Place))}");
        }
    }

    private void ThrowIfNoFile(List<Image> images)
    {
        if (!images.Any(image => image.IsThere))
        {
            throw new DataSourceException(
                $"{file}: none of its {images.Count} images is in {folder}; the first would be {images[0].File}. " +
                $"Name the folder of the images after the file: coco:{file}@FOLDER.");
        }
    }

    private void TellSameFiles(List<Image> images)
    {
        foreach (var same in images.GroupBy(image => image.File, StringComparer.Ordinal)
            .Where(group => group.Count() > 1))
        {
            _notices.Add(
                "image files have more than one entry, each of which counts",
                $"{BoxNotices.Shortened(same.First().Name)} " +
                $"({string.Join(" and ", same.Take(3).Select(image => image.Place))})");
        }
    }

    private sealed record Image(long Id, string File, string Name, int Width, int Height, bool IsThere, string Place);
}
