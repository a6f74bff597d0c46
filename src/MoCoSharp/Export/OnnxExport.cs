using Google.Protobuf;
using MoCoSharp.Encoders;
using MoCoSharp.Models;
using MoCoSharp.Runs;
using TorchSharp;
using static MoCoSharp.Export.OnnxGraph;
using static MoCoSharp.Kernels.Scalars;
using static TorchSharp.torch;

namespace MoCoSharp.Export;

/// <summary>Writes an encoder as an ONNX model: images in, features or embeddings out, any batch size.</summary>
/// <remarks>
/// The metadata of the model say how to prepare images: mean, std, size, and the whole preparation in words. Weights
/// are float32.
/// </remarks>
internal static class OnnxExport
{
    /// <summary>The version of the operator set. ONNX Runtime 1.12 and newer read it.</summary>
    public const int Opset = 17;

    /// <summary>The name of the input. Shape [batch, 3, size, size].</summary>
    public const string Input = "images";

    /// <summary>Writes the model.</summary>
    /// <param name="stream">The model is written at its position.</param>
    /// <param name="trained">The encoder.</param>
    /// <param name="withHead">
    /// Whether the output is that of the head, [batch, C], named "embeddings" or, for a classifier, "logits". Otherwise
    /// it is the pooled "features", [batch, D].
    /// </param>
    /// <param name="foldBatchNorm">
    /// Whether each BatchNorm is folded into the convolution before it: fewer operations, slightly different rounding.
    /// </param>
    /// <exception cref="NotSupportedException">The model would take 2 GB or more.</exception>
    public static void Write(Stream stream, TrainedEncoder trained, bool withHead, bool foldBatchNorm)
    {
        ArgumentNullException.ThrowIfNull(stream);
        ArgumentNullException.ThrowIfNull(trained);
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var encoder = trained.Encoder;
        var (output, width) = withHead
            ? (trained.Classes.Count > 0 ? "logits" : "embeddings", encoder.OutputSize)
            : ("features", encoder.FeatureSize);
        var layers = new Layers(encoder.state_dict(), foldBatchNorm);
        layers.Build(encoder.Options, withHead, output);

        long size = trained.Views.Size;
        var metadata = new Dictionary<string, string>(trained.Describe(withHead), StringComparer.Ordinal)
        {
            ["opset"] = $"{Opset}",
            ["batchNorm"] = foldBatchNorm ? "folded" : "kept",
        };
        var model = layers.Graph.Model(
            trained.Architecture, Opset, (Input, [0, 3, size, size]), (output, [0, width]), metadata);
        if (model.Size > int.MaxValue)
        {
            throw new NotSupportedException(
                $"The ONNX model would take {model.Size / 1e9:F1} GB, and one file holds less than 2. Export " +
                "safetensors instead.");
        }

        using var coded = new CodedOutputStream(stream, leaveOpen: true);
        model.Write(coded);
    }

    /// <summary>Models.Encoder as ONNX operations. A value has the name of the layer that computes it.</summary>
    private sealed class Layers(IReadOnlyDictionary<string, Tensor> state, bool foldBatchNorm)
    {
        private const double Epsilon = 1e-5; // of SplitBatchNorm

        // in the order of the operation's inputs
        private static readonly string[] NormParts = [".weight", ".bias", ".running_mean", ".running_var"];

        public OnnxGraph Graph { get; } = new();

        public void Build(EncoderOptions options, bool withHead, string output)
        {
            var hidden = Relu(Normalized(Input, "conv1", "bn1", stride: options.Stem == EncoderStem.Cifar ? 1 : 2));
            if (options.Stem == EncoderStem.ImageNet)
            {
                hidden = Graph.Node("MaxPool", "maxpool", [hidden],
                    Attribute("kernel_shape", [3, 3]), Attribute("strides", [2, 2]), Attribute("pads", [1, 1, 1, 1]));
            }

            for (var stage = 1; stage <= 4; stage++)
            {
                for (var i = 0; state.ContainsKey($"layer{stage}.{i}.conv1.weight"); i++)
                {
                    hidden = Block($"layer{stage}.{i}.", hidden, stride: stage > 1 && i == 0 ? 2 : 1);
                }
            }

            var pooled = Graph.Node("GlobalAveragePool", "avgpool", [hidden]);                   // [N, D, 1, 1]
            var hasHead = withHead && options.Head != EncoderHead.None;
            // [N, D]
            var features = Graph.Node("Flatten", hasHead ? "features" : output, [pooled], Attribute("axis", 1L));
            if (hasHead)
            {
                // [N, C]
                _ = options.Head == EncoderHead.Linear ? Linear("fc", features, output) : Mlp(features, output);
            }
        }

        // Linear layers, each but the last with a ReLU and, in some heads, a BatchNorm before it.
        private string Mlp(string input, string output)
        {
            int[] linear =
            [
                .. Enumerable
                    .Range(0, 10)
                    .Where(i => state.TryGetValue($"fc.{i}.weight", out var weight) && weight.dim() == 2),
            ];
            foreach (var i in linear[..^1])
            {
                input = Linear($"fc.{i}", input, $"fc.{i}");
                if (state.ContainsKey($"fc.{i + 1}.running_mean"))
                {
                    string[] statistics =
                    [
                        .. NormParts.Select(part => Graph.Weight($"fc.{i + 1}{part}", state[$"fc.{i + 1}{part}"])),
                    ];
                    input = Graph.Node(
                        "BatchNormalization", $"fc.{i + 1}", [input, .. statistics],
                        Attribute("epsilon", (float)Epsilon));
                }

                input = Relu(input);
            }

            return Linear($"fc.{linear[^1]}", input, output);
        }

        private string Block(string name, string input, int stride)
        {
            var isBottleneck = state.ContainsKey(name + "conv3.weight");
            var hidden = Relu(Normalized(input, name + "conv1", name + "bn1", isBottleneck ? 1 : stride));
            hidden = Normalized(hidden, name + "conv2", name + "bn2", isBottleneck ? stride : 1);
            if (isBottleneck)
            {
                hidden = Normalized(Relu(hidden), name + "conv3", name + "bn3", stride: 1);
            }

            var shortcut = state.ContainsKey(name + "downsample.0.weight")
                ? Normalized(input, name + "downsample.0", name + "downsample.1", stride)
                : input;
            return Relu(Graph.Node("Add", name + "add", [hidden, shortcut]));
        }

        private string Normalized(string input, string convolution, string norm, int stride)
        {
            var weight = state[convolution + ".weight"];
            long kernel = weight.shape[2], padding = kernel / 2;
            ProtoMessage[] attributes =
                [
                    Attribute("kernel_shape", [kernel, kernel]), Attribute("strides", [stride, stride]),
                    Attribute("pads", [padding, padding, padding, padding]),
                ];
            if (!foldBatchNorm)
            {
                var hidden = Graph.Node(
                    "Conv", convolution, [input, Graph.Weight(convolution + ".weight", weight)], attributes);
                string[] statistics = [.. NormParts.Select(part => Graph.Weight(norm + part, state[norm + part]))];
                return Graph.Node(
                    "BatchNormalization", norm, [hidden, .. statistics],
                    Attribute("epsilon", (float)Epsilon));
            }

            // γ (w x - μ) / sqrt(σ² + ε) + β, in float64 until the one rounding of the result.
            var scale =
                state[norm + ".weight"].to(float64)
                / state[norm + ".running_var"].to(float64).add(Held(Epsilon), One).sqrt();
            var bias = state[norm + ".bias"].to(float64) - (state[norm + ".running_mean"].to(float64) * scale);
            var folded = weight.to(float64) * scale.view(-1, 1, 1, 1);
            return Graph.Node("Conv", convolution,
                [
                    input, Graph.Weight(convolution + ".weight", folded.to(float32)),
                    Graph.Weight(convolution + ".bias", bias.to(float32)),
                ],
                attributes);
        }

        private string Linear(string name, string input, string output) => Graph.Node("Gemm", output,
            [
                input, Graph.Weight(name + ".weight", state[name + ".weight"]),
                .. state.TryGetValue(name + ".bias", out var bias)
                    ? [Graph.Weight(name + ".bias", bias)]
                    : Array.Empty<string>(),
            ],
            Attribute("transB", 1L));

        private string Relu(string input) => Graph.Node("Relu", input + ".relu", [input]);
    }
}
