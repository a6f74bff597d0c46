using System.Text.Json;
using System.Text.Json.Nodes;
using MoCoSharp.Data;
using MoCoSharp.Features;
using MoCoSharp.Models;
using MoCoSharp.PyTorch;
using MoCoSharp.Runs;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Encoders;

/// <summary>
/// A safetensors file of one encoder, with torchvision's keys, with or without the head. The metadata hold its
/// architecture and image preparation.
/// </summary>
/// <remarks>timm and others can read it. MoCoSharp needs no configuration file with it.</remarks>
internal static class EncoderFile
{
    internal const string ConfigKey = "mocosharp.config"; // the parts of a RunConfig that an encoder needs
    internal const string ClassesKey = "classes"; // for a classifier: a JSON list of names, by output

    /// <summary>Writes an encoder atomically.</summary>
    /// <param name="path">The file.</param>
    /// <param name="trained">The encoder.</param>
    /// <param name="withHead">Whether to include the head.</param>
    /// <param name="more">Additional metadata.</param>
    public static void Write(
        string path, TrainedEncoder trained, bool withHead, IEnumerable<KeyValuePair<string, string>>? more = null)
    {
        ArgumentNullException.ThrowIfNull(trained);
        using var scope = NewDisposeScope();
        var metadata = new Dictionary<string, string>(trained.Describe(withHead), StringComparer.Ordinal)
        {
            ["format"] = "pt", // tells Python readers that keys and layouts are PyTorch's
            [ConfigKey] = Config(trained, withHead),
        };
        foreach (var (key, value) in more ?? [])
        {
            metadata[key] = value;
        }

        var tensors = Weights(trained.Encoder, withHead).ToList();
        AtomicFile.Write(path, stream => SafeTensors.Write(stream, tensors, metadata));
    }

    /// <summary>
    /// The tensors of an encoder under torchvision's names, with or without the head. All are float32, except int64
    /// counters.
    /// </summary>
    public static IEnumerable<(string Name, Tensor Tensor)> Weights(Encoder encoder, bool withHead)
    {
        ArgumentNullException.ThrowIfNull(encoder);
        return encoder.state_dict()
            .Where(item => withHead || !item.Key.StartsWith("fc.", StringComparison.Ordinal))
            .Select(item => (item.Key, item.Value.is_floating_point() ? item.Value.detach().to(float32) : item.Value));
    }

    internal static TrainedEncoder Load(string path, SafeTensors file, EncoderRole role)
    {
        var classes = Classes(path, file);
        var found = EnumNames.Find<EncoderRole>(file.Metadata.GetValueOrDefault("encoder"));
        if (found is not { } saved || (saved != role && classes.Count == 0))
        {
            throw new InvalidDataException(
                $"{path}: holds the {file.Metadata.GetValueOrDefault("encoder")} encoder, but the {role.Name()} " +
                "encoder was requested. Load it from the run.");
        }

        var config = RunConfigFile.Parse(file.Metadata[ConfigKey], path, []);
        if (
            classes.Count > 0
            && (config.Encoder.Head != EncoderHead.Linear || config.Method.Dimension != classes.Count))
        {
            throw new InvalidDataException(
                $"{path}: names {classes.Count} classes, but its head, {config.Encoder.Head.Name()}, has " +
                $"{config.Method.Dimension} outputs: expected a linear head with as many outputs as classes.");
        }

        var encoder = Build(path, config.Encoder, config.Method.Dimension, file.Tensors, prefix: "");
        _ = long.TryParse(file.Metadata.GetValueOrDefault("step"), out var step);
        var source = file.Metadata.GetValueOrDefault("source") ?? Path.GetFileName(path);
        var hasKnn = JsonNode.Parse(file.Metadata[ConfigKey])?["knn"] is not null;
        return new TrainedEncoder(encoder, config.Views, step, classes.Count > 0 ? saved : role, source)
        {
            Classes = classes,
            Knn = hasKnn ? config.Knn : null,
            Precision = config.Precision,
        };
    }

    internal static string Text(IReadOnlyList<string> classes) =>
        new JsonArray([.. classes.Select(name => (JsonNode)name)]).ToJsonString();

    private static IReadOnlyList<string> Classes(string path, SafeTensors file)
    {
        if (!file.Metadata.TryGetValue(ClassesKey, out var text))
        {
            return [];
        }

        try
        {
            return [.. JsonNode.Parse(text).Required().AsArray().Select(name => (string)name.Required()!)];
        }
        catch (Exception error)
            when (error is JsonException or InvalidOperationException or ArgumentException)
        {
            throw new InvalidDataException($"{path}: its {ClassesKey} are not a list of names.", error);
        }
    }

    /// <summary>Builds an encoder in evaluation mode from the saved tensors with a prefix.</summary>
    internal static Encoder Build(
        string path, EncoderOptions options, int outputSize, IReadOnlyDictionary<string, Tensor> saved, string prefix)
    {
        using var random = new Generator(0); // every weight is overwritten
        var encoder = new Encoder(options, outputSize, bnGroups: 1, random);
        try
        {
            var targets = encoder.state_dict();
            StateDictionary.Load(path, targets.Select(item => (prefix + item.Key, item.Value)), saved);
            FiniteValues.Check(path, targets.Keys.Select(name => (prefix + name, saved[prefix + name])));
        }
        catch
        {
            encoder.Dispose();
            throw;
        }

        encoder.eval();
        return encoder;
    }

    private static string Config(TrainedEncoder trained, bool withHead)
    {
        var options = trained.Encoder.Options;
        var all = JsonNode.Parse(RunConfigFile.Write(new RunConfig
        {
            Encoder = withHead ? options : options with { Head = EncoderHead.None, HeadWidth = null },
            Views = trained.Views,
            Knn = trained.Knn ?? new KnnOptions(),
            Precision = trained.Precision,
        }))!;
        var config = new JsonObject
        {
            ["encoder"] = all["encoder"]!.DeepClone(),
            ["views"] = all["views"]!.DeepClone(),
            ["moco"] = new JsonObject { ["dimension"] = trained.Encoder.OutputSize },
        };
        if (trained.Knn is not null)
        {
            config["knn"] = all["knn"]!.DeepClone();
            config["precision"] = all["precision"]!.DeepClone(); // so that kNN gives the same result as for the run
        }

        return config.ToJsonString();
    }
}
