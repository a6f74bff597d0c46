using MoCoSharp.Data;
using MoCoSharp.Encoders;
using MoCoSharp.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Evaluation;

/// <summary>
/// An encoder whose head tells classes, in one file that needs nothing beside it: an encoder file with the head
/// "linear" and the class names in its metadata. <see cref="TrainedEncoder.Load"/> reads it, and
/// <see cref="TrainedEncoder.Classes"/> names the classes.
/// </summary>
internal static class ClassifierFile
{
    /// <summary>Writes an encoder that was trained on labels, in one stroke.</summary>
    /// <param name="path">The file; its folder is made.</param>
    /// <param name="origin">Where the training began: its views and its source go along.</param>
    /// <param name="classifier">Its head has an output for each class.</param>
    /// <param name="classes">Names by output.</param>
    /// <param name="protocol">How it was trained, in full.</param>
    /// <exception cref="ArgumentException">The number of classes is not that of the outputs.</exception>
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
                $"A {classifier.Options.Head.Name()} head of {classifier.OutputSize} outputs with {classes.Count} " +
                "class names: expected a linear one of as many.",
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

    /// <summary>The same, for a linear classifier on the pooled features of an encoder.</summary>
    /// <param name="path">The file; its folder is made.</param>
    /// <param name="origin">The encoder.</param>
    /// <param name="weight">Shape [classes, D].</param>
    /// <param name="bias">Shape [classes].</param>
    /// <param name="classes">Names by output.</param>
    /// <param name="protocol">How it was trained, in full.</param>
    /// <exception cref="ArgumentException">The number of classes is not that of the outputs.</exception>
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
