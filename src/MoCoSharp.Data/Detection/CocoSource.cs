using System.Text.Json;
using MoCoSharp.Data.Datasets;

namespace MoCoSharp.Data.Detection;

/// <summary>COCO's instances JSON: images, categories, and annotations with boxes [x, y, width, height]. Outlines are passed over.</summary>
internal static class CocoSource
{
    private const long LargestFile = 2L << 30;
    private const int FaultsTold = 10;
    private static readonly JsonDocumentOptions Strict = new() { MaxDepth = 32 };

    /// <summary>Reads a file; no image is opened yet.</summary>
    /// <param name="file">The JSON.</param>
    /// <param name="images">Folder of the images.</param>
    /// <exception cref="DataSourceException">It cannot be used; up to ten faults are told.</exception>
    public static BoxedImages Read(string file, string images)
    {
        if (!Directory.Exists(images))
        {
            throw new DataSourceException($"{images}: there is no such folder of images for {file}. Name it behind the file: coco:{file}@FOLDER.");
        }

        using var document = Parse(file);
        var reader = new Reader(file, images);
        return reader.Read(document.RootElement);
    }

    private static JsonDocument Parse(string file)
    {
        try
        {
            using var stream = SourceFile.Open(file);
            if (stream.Length > LargestFile)
            {
                throw new DataSourceException($"{file}: {stream.Length} bytes, expected at most {LargestFile}. Is it the right file?");
            }

            return JsonDocument.Parse(stream, Strict);
        }
        catch (JsonException error)
        {
            throw new DataSourceException($"{file}: is not valid JSON: {error.Message}", error);
        }
    }

    private sealed class Reader(string file, string folder)
    {
        private readonly List<string> faults = [];
        private readonly Tally notices = new(file);

        public BoxedImages Read(JsonElement root)
        {
            var categories = List(root, "categories").Select(item => (Id: Integer(item, "id"), Name: Text(item, "name"))).OrderBy(item => item.Id).ToList();
            var images = List(root, "images").Select(item => (Id: Integer(item, "id"), Name: Text(item, "file_name"), Width: Size(item, "width"), Height: Size(item, "height")))
                .OrderBy(item => item.Id).ToList(); // by id, as the published evaluator
            ThrowIfFaulty();
            foreach (var twice in categories.GroupBy(item => item.Id).Where(group => group.Count() > 1).Select(group => $"category {group.Key}")
                .Concat(categories.GroupBy(item => item.Name, StringComparer.Ordinal).Where(group => group.Count() > 1).Select(group => $"category \"{group.Key}\""))
                .Concat(images.GroupBy(item => item.Id).Where(group => group.Count() > 1).Select(group => $"image {group.Key}")))
            {
                faults.Add($"{twice} stands there twice");
            }

            if (images.Count == 0 || categories.Count == 0)
            {
                faults.Add($"{images.Count} images and {categories.Count} categories: expected some of both");
            }

            ThrowIfFaulty();
            var labels = categories.Select((item, label) => (item.Id, label)).ToDictionary(item => item.Id, item => item.label);
            var known = images.ToDictionary(item => item.Id);
            var boxes = images.ToDictionary(item => item.Id, _ => new List<ObjectBox>());
            foreach (var item in List(root, "annotations"))
            {
                var (image, category) = (Integer(item, "image_id"), Integer(item, "category_id"));
                if (!known.TryGetValue(image, out var owner) || !labels.TryGetValue(category, out var label))
                {
                    notices.Add("annotations of an unknown image or category were dropped", $"image {image}, category {category}");
                }
                else if (Box(item, label) is var box && notices.Inside(box, owner.Width, owner.Height, $"a {categories[label].Name} of {owner.Name}") is { } inside)
                {
                    boxes[image].Add(inside);
                }
            }

            ThrowIfFaulty();
            return new BoxedImages(file, [.. categories.Select(item => item.Name)],
                [.. images.Select(item => new BoxedImage(Path.Combine(folder, item.Name), item.Name, item.Width, item.Height, boxes[item.Id]))], notices.Sentences());
        }

        private static ObjectBox Box(JsonElement item, int label)
        {
            var corners = item.TryGetProperty("bbox", out var list) && list.ValueKind == JsonValueKind.Array && list.GetArrayLength() == 4
                ? list.EnumerateArray().Select(Real).ToArray()
                : [double.NaN, 0, 0, 0];
            return new ObjectBox(corners[0], corners[1], corners[0] + corners[2], corners[1] + corners[3], label)
            {
                IsCrowd = item.TryGetProperty("iscrowd", out var crowd) && (crowd.ValueKind == JsonValueKind.True || Real(crowd) == 1),
                OutlineArea = item.TryGetProperty("area", out var area) && Real(area) is > 0 and < double.PositiveInfinity and var found ? found : 0,
            };
        }

        private static double Real(JsonElement value) => value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var number) ? number : double.NaN;

        private IEnumerable<JsonElement> List(JsonElement root, string key)
        {
            if (root.ValueKind == JsonValueKind.Object && root.TryGetProperty(key, out var list) && list.ValueKind == JsonValueKind.Array)
            {
                return list.EnumerateArray().Where(item => item.ValueKind == JsonValueKind.Object || Fault($"an entry of \"{key}\" is no object") != 0);
            }

            Fault($"has no list \"{key}\": is it COCO's instances JSON?");
            return [];
        }

        private long Integer(JsonElement item, string key) => item.TryGetProperty(key, out var value) && value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var number)
            ? number
            : Fault($"an entry has no whole number \"{key}\"");

        private int Size(JsonElement item, string key) => Integer(item, key) is > 0 and <= 1 << 20 and var size ? (int)size : (int)Fault($"an image has no \"{key}\" of 1 to {1 << 20}");

        private string Text(JsonElement item, string key)
        {
            var text = item.TryGetProperty(key, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString()! : "";
            var isSafe = text.Length is > 0 and <= 1024 && !text.Contains('\0') && (key != "file_name" || (!Path.IsPathRooted(text) && !text.Split('/', '\\').Contains("..")));
            if (!isSafe)
            {
                Fault($"\"{key}\" is \"{(text.Length > 60 ? text[..57] + "..." : text)}\", expected {(key == "file_name" ? "a path below the folder of images" : "1 to 1024 characters")}");
            }

            return text;
        }

        private long Fault(string what)
        {
            if (faults.Count <= FaultsTold)
            {
                faults.Add(what);
            }

            return 0;
        }

        private void ThrowIfFaulty()
        {
            if (faults.Count > 0)
            {
                throw new DataSourceException($"{file}: {string.Join("; ", faults.Take(FaultsTold))}{(faults.Count > FaultsTold ? "; and more" : "")}.");
            }
        }
    }
}
