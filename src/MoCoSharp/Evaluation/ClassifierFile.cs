using MoCoSharp.Data;
using MoCoSharp.Encoders;
using MoCoSharp.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Evaluation;

/// <summary>
/// A file with an encoder, a linear head that predicts classes, and the class names in its metadata.
/// <see cref="TrainedEncoder.Load"/> reads it, and <see cref="TrainedEncoder.Classes"/> names the classes.
/// </summary>
internal static class ClassifierFile
{
    /// <summary>Writes an encoder that was trained on labels, atomically.</summary>
    /// <param name="path">The file. Its folder is created.</param>
    /// <param name="origin">The encoder that training began with. Its views and source are stored.</param>
    /// <param name="classifier">The trained encoder, whose head has one output for each class.</param>
    /// <param name="classes">Class names by output.</param>
    /// <param name="protocol">The complete training protocol.</param>
    /// <exception cref="ArgumentException">The number of classes differs from the number of outputs.</exception>
    public static void Write(
        string path, TrainedEncoder origin, Encoder classifier, IReadOnlyList<string> classes, string protocol)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(origin);
        ArgumentNullException.ThrowIfNull(classifier);
        ArgumentNullException.ThrowIfNull(classes);
        if (classifier.Options.Head != EncoderHead.Linear || classifier.OutputSize != classes.Count)
        {
            throw new ArgumentException(
                $"Found a {classifier.Options.Head.Name()} head of {classifier.OutputSize} outputs and " +
                $"{classes.Count} class names, expected a linear head with one output for each class name.",
                nameof(classes));
        }

        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        EncoderFile.Write(
            path,
            origin with
            {
                Encoder = classifier,
                Classes = classes,
            },
            withHead: true,
            [new("protocol", protocol)]);
    }

    /// <summary>Writes an encoder with a linear classifier on its pooled features, atomically.</summary>
    /// <param name="path">The file. Its folder is created.</param>
    /// <param name="origin">The encoder.</param>
    /// <param name="weight">Shape [classes, D].</param>
    /// <param name="bias">Shape [classes].</param>
    /// <param name="classes">Class names by output.</param>
    /// <param name="protocol">The complete training protocol.</param>
    /// <exception cref="ArgumentException">The number of classes differs from the number of outputs.</exception>
    public static void Write(
        string path, TrainedEncoder origin, Tensor weight, Tensor bias, IReadOnlyList<string> classes, string protocol)
    {
        ArgumentNullException.ThrowIfNull(origin);
        ArgumentNullException.ThrowIfNull(classes);
        using var random = new Generator(0); // every weight is overwritten
        using var classifier = new Encoder(
            origin.Encoder.Options with
            {
                Head = EncoderHead.Linear,
            },
            classes.Count,
            bnGroups: 1,
            random);
        using (no_grad())
        using (NewDisposeScope())
        {
            var body = origin.Encoder.state_dict();
            foreach (var (name, tensor) in classifier.state_dict())
            {
                tensor.copy_(name == "fc.weight" ? weight : name == "fc.bias" ? bias : body[name]);
            }
        }

        Write(path, origin, classifier, classes, protocol);
    }
}
