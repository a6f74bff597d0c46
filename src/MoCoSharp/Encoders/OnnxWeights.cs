using MoCoSharp.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Encoders;

/// <summary>Reads a ResNet of an ONNX file, whoever wrote it.</summary>
internal static class OnnxWeights
{
    /// <summary>Reads the encoder of a file.</summary>
    /// <exception cref="InvalidDataException">The file is broken, or holds no ResNet of a supported kind.</exception>
    public static ForeignWeights Read(string path)
    {
        using var stream = OnnxModel.Open(path);
        return Read(stream, path);
    }

    /// <summary>Reads the encoder of a seekable stream.</summary>
    internal static ForeignWeights Read(Stream stream, string path)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var model = OnnxModel.Read(stream, path);
        var network = OnnxResNet.Find(model, path);
        var tensors = new OnnxTensors(stream, path).Read(network);
        var ignored = new List<string>();
        if (network.Head.Rest is { } rest)
        {
            ignored.Add($"the head, which begins before {rest}: expected one linear layer, or two with a ReLU between");
        }

        var shapes = tensors.ToDictionary(
            item => item.Key, item => (IReadOnlyList<long>)item.Value.shape, StringComparer.Ordinal);
        var (options, outputs) = EncoderShape.Infer(path, shapes, network.Stem, ignored);
        var query = tensors
            .Where(item => outputs is not null || !item.Key.StartsWith("fc.", StringComparison.Ordinal))
            .ToDictionary(item => item.Key, item => item.Value, StringComparer.Ordinal);
        EncoderShape.Compare(path, options, outputs, query);
        if (OnnxPreparation.IsCntk(model))
        {
            OnnxPreparation.CheckCntk(options, path);
            OnnxPreparation.FoldCntk(query);
        }

        FiniteValues.Check(path, query.Select(item => (item.Key, item.Value)));
        var views = OnnxPreparation.Views(model, path);
        return new ForeignWeights(new Owned([.. query.Values.Select(value => value.DetachFromDisposeScope())]))
        {
            Kind = ForeignWeightsReader.Describe(Kind(model, network), options, outputs),
            Encoder = options,
            OutputSize = outputs,
            Query = query,
            HasFoldedNorms = network.HasFoldedNorms,
            Views = views,
            Ignored = ignored,
        };
    }

    private static string Kind(OnnxModel model, OnnxResNet network) =>
        $"an ONNX model by {(model.Producer.Length > 0 ? model.Producer : "an unknown program")}" +
        (network.HasFoldedNorms ? ", BatchNorm folded into the convolutions" : "") +
        (OnnxPreparation.IsCntk(model) ? ", its scale of pixels folded into the first layer" : "");

    private sealed class Owned(IReadOnlyList<Tensor> tensors) : IDisposable
    {
        public void Dispose()
        {
            foreach (var tensor in tensors)
            {
                tensor.Dispose();
            }
        }
    }
}
