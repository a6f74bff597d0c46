using System.Text.Json;
using System.Text.Json.Nodes;
using MoCoSharp.Data;
using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Images;
using MoCoSharp.Detection.Transfer;
using MoCoSharp.Methods;
using MoCoSharp.Runs;

namespace MoCoSharp.Cli.Inspection;

/// <summary>Describes files without weights: parts of a run, images, lists of images, and other files.</summary>
internal static class FileKinds
{
    private const int LongestJson = 1 << 24; // bytes

    /// <summary>Describes a file in lines; null if it may have weights, or is unknown.</summary>
    public static IReadOnlyList<string>? Describe(string path)
    {
        var name = Path.GetFileName(path);
        if (PackedImages.IsOne(path))
        {
            using var packed = PackedImages.Open(path);
            return [$"{path}: a packed set: {packed.Count} images, {Classes(packed)}; {packed.Making}"];
        }

        var head = new byte[FileSignature.HeadBytes];
        using (var stream = File.OpenRead(path))
        {
            head = head[..stream.ReadAtLeast(head, head.Length, throwOnEndOfStream: false)];
        }

        if (name.Contains(".tfevents.", StringComparison.Ordinal))
        {
            return
            [
                $"{path}: a log for TensorBoard: tensorboard --logdir " +
                $"{Shell.Quote(Path.GetDirectoryName(path) is { Length: > 0 } folder ? folder : ".")}",
            ];
        }

        if (IsText(head))
        {
            return Path.GetExtension(name) is ".jsonl" ? OfLog(path)
                : head.AsSpan().TrimStart(" \t\r\n"u8) is [(byte)'{' or (byte)'[', ..] ? OfJson(path)
                : OfText(path, head);
        }

        return FileSignature.Describe(head) is { } known && !MayHoldWeights(head) ? [$"{path}: {known}"] : null;
    }

    /// <summary>Whether a file is binary and not empty.</summary>
    public static bool IsBinary(string path)
    {
        using var stream = File.OpenRead(path);
        var head = new byte[FileSignature.HeadBytes];
        head = head[..stream.ReadAtLeast(head, head.Length, throwOnEndOfStream: false)];
        return head.Length > 0 && !IsText(head);
    }

    // File types that the readers of weights check themselves.
    private static bool MayHoldWeights(ReadOnlySpan<byte> head) =>
        head.IsEmpty
        || head.StartsWith("PK"u8)
        || head[0] == 0x80
        || (head.Length > 262 && head[257..].StartsWith("ustar"u8));

    private static string Classes(IImageDataset images) =>
        images.ClassNames.Count > 0 ? $"{images.ClassNames.Count} classes" : "without labels";

    private static bool IsText(ReadOnlySpan<byte> head)
    {
        foreach (var letter in head)
        {
            if (letter is < 32 and not ((byte)'\t' or (byte)'\n' or (byte)'\r'))
            {
                return false;
            }
        }

        return head.Length > 0;
    }

    private static IReadOnlyList<string> OfLog(string path)
    {
        var (lines, last) = (0, (JsonObject?)null);
        foreach (var line in RunFolder.ReadMetrics(path))
        {
            lines++;
            last = line;
        }

        var run = Path.GetDirectoryName(Path.GetFullPath(path))!;
        return
        [
            $"{path}: {(Path.GetFileName(path) == "metrics.jsonl" ? "the metrics of a run" : "lines of JSON")}: " +
            $"{lines} lines{(last?["step"] is { } step ? $", the last of step {step}" : "")}",
            .. RunFolder.Exists(run)
                ?
                [
                    "the run: moco inspect " +
                    $"{Shell.Quote(Path.GetDirectoryName(path) is { Length: > 0 } folder ? folder : ".")}",
                ]
                : Array.Empty<string>(),
        ];
    }

    private static IReadOnlyList<string> OfJson(string path)
    {
        JsonObject? json = null;
        try
        {
            json = new FileInfo(path).Length > LongestJson ? null
                : JsonNode.Parse(
                    File.ReadAllText(path),
                    documentOptions: new JsonDocumentOptions
                    {
                        CommentHandling = JsonCommentHandling.Skip,
                        AllowTrailingCommas = true,
                    }
                ) as JsonObject;
        }
        catch (Exception error) when (error is JsonException or ArgumentException)
        {
            return [$"{path}: a text that looks like JSON but is not valid: {error.Message}"];
        }

        if (json is null)
        {
            return [$"{path}: a JSON text."];
        }

        var folder = Path.GetDirectoryName(path) is { Length: > 0 } named ? named : ".";
        if (json.ContainsKey("detector"))
        {
            return [.. Detection(path), $"the run: {folder}"];
        }

        if (RunConfig.MethodNames.Any(json.ContainsKey) || json.ContainsKey("encoder"))
        {
            try
            {
                var config = RunConfig.Load(path);
                var isOfRun = Path.GetFileName(path) == RunFolder.ConfigName;
                return
                [
                    $"{path}: {(isOfRun ? "the configuration of a run" : "a recipe")}: {config.Description}",
                    Line(config),
                    .. isOfRun ? [$"the run: moco inspect {Shell.Quote(folder)}"] : Array.Empty<string>(),
                ];
            }
            catch (ConfigurationException error)
            {
                return [$"{path}: a recipe or configuration with faults:", .. error.Faults];
            }
        }

        var what = json switch
        {
            _ when json.ContainsKey("mocoSharp") => "the environment of a run: versions and hardware",
            _ when json.ContainsKey("protocol") => "the report of an evaluation",
            _ when json.ContainsKey("missing") && json.ContainsKey("kind") =>
                "the report on the file that a run was imported from",
            _ when json.ContainsKey("annotations") && json.ContainsKey("images") =>
                $"COCO's annotations; --data coco:{path} reads them",
            _ when json.ContainsKey("weight_map") =>
                "the index of weights in several safetensors files, which are not supported",
            _ => $"a JSON text with {string.Join(", ", json.Select(item => item.Key).Take(6))}",
        };
        return [$"{path}: {what}{(json["protocol"] is JsonValue protocol ? $": {protocol}" : "")}"];
    }

    /// <summary>Describes a detection run.</summary>
    public static IReadOnlyList<string> Detection(string path)
    {
        var config = DetectionConfig.Load(path);
        return
        [
            $"{path}: the configuration of a detection: Faster R-CNN with a ResNet-{config.Encoder.Depth} of width " +
            $"{config.Encoder.Width}, from {config.From}",
            $"data {config.Data}; {config.Steps} steps of {config.BatchSize} images, {config.Metric.Name()}, seed " +
            $"{config.Seed}",
        ];
    }

    /// <summary>Describes a configuration in one line.</summary>
    public static string Line(RunConfig config) =>
        $"data {config.Data}; ResNet-{config.Encoder.Depth} of width {config.Encoder.Width}, " +
        $"{config.Encoder.Stem.Name()} stem, {config.Encoder.Head.Name()} head; "
        + $"batch {config.BatchSize}, {config.BnGroups} BN groups, {config.Method.Describe()}, {config.Epochs} " +
            $"epochs, seed {config.Seed}"
        + (config.InitialWeights is { } weights ? $"; starts from {weights}" : "");

    private static IReadOnlyList<string> OfText(string path, ReadOnlySpan<byte> head)
    {
        if (FileSignature.Describe(head) is { } known)
        {
            return [$"{path}: {known}"];
        }

        try
        {
            var images = ImageList.Open(path);
            return [$"{path}: a list of {images.Count} images, {Classes(images)}"];
        }
        catch (Exception error) when (error is DataSourceException or IOException)
        {
            return
            [
                $"{path}: a text of {File.ReadLines(path).Take(1_000_000).Count()} lines, but not a list of images: " +
                $"{error.Message}",
            ];
        }
    }
}
