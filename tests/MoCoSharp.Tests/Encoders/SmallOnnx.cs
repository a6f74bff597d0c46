using Google.Protobuf;
using MoCoSharp.Export;
using MoCoSharp.Runs;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Tests.Encoders;

/// <summary>
/// A ResNet-10 of width 4 in ONNX, spelled as other programs spell it: names mean nothing, and each property is one of
/// their habits.
/// </summary>
internal sealed class SmallOnnx
{
    private readonly OnnxGraph graph = new();
    private readonly Random random = new(1);
    private int values;
    private int convolutions;

    /// <summary>ε of every BatchNorm; null folds it: convolutions have a bias alone.</summary>
    public float? Epsilon { get; init; } = 1e-5f;

    /// <summary>Whether convolutions have a bias before their BatchNorm.</summary>
    public bool HasBias { get; init; }

    /// <summary>Whether the padding of strided layers is one less at the end, as CNTK writes it.</summary>
    public bool IsUneven { get; init; }

    /// <summary>Whether weights and values pass an Identity, as PyTorch writes equal weights.</summary>
    public bool HasIdentities { get; init; }

    /// <summary>"Gemm", "MatMul" (with Add), "Two" (with ReLU), "GemmRelu", "Other"; "" for no head.</summary>
    public string Head { get; init; } = "";

    /// <summary>The pooling operation.</summary>
    public string Pool { get; init; } = "GlobalAveragePool";

    /// <summary>The axes of a "ReduceMean".</summary>
    public long[] Axes { get; init; } = [2, 3];

    /// <summary>Another attribute for a convolution, by its number from 0; null for none.</summary>
    public (int Convolution, ProtoMessage Attribute)? Other { get; init; }

    /// <summary>The producer of the file.</summary>
    public string Producer { get; init; } = "someone";

    /// <summary>The file, for images of [N, 3, 64, 64].</summary>
    public byte[] File()
    {
        using var scope = NewDisposeScope();
        var value = Relu(Convolution("pixels", 3, 4, kernel: 7, stride: 2));
        value = Node("MaxPool", [value], Integers("kernel_shape", 3, 3), Integers("strides", 2, 2), Pads(3, 2));
        for (var (stage, inputs) = (0, 4); stage < 4; stage++)
        {
            var (width, stride) = (4 << stage, stage == 0 ? 1 : 2);
            var shortcut = stage == 0 ? value : Convolution(value, inputs, width, kernel: 1, stride);
            var hidden = Relu(Convolution(value, inputs, width, kernel: 3, stride));
            value = Relu(Node("Add", [shortcut, Convolution(hidden, width, width, kernel: 3, stride: 1)]));
            inputs = width;
        }

        value = Node("Flatten", [
            Pool switch
            {
                "ReduceMean" => Node(Pool, [value], Integers("axes", Axes)),
                "AveragePool" => Node(Pool, [value], Integers("kernel_shape", 2, 2)),
                _ => Node(Pool, [value]),
            },
        ]);
        value = Head switch
        {
            "Gemm" => Linear(value, 32, 5),
            "MatMul" => Node("Add", [Node("MatMul", [value, Weight(32, 5)]), Weight(5)]),
            "GemmRelu" => Relu(Linear(value, 32, 5)),
            "Two" => Linear(Relu(Linear(value, 32, 32)), 32, 5),
            "Other" => Node("Mul", [Linear(value, 32, 5), Weight(5)]),
            _ => value,
        };
        var model = graph.Model("", 12, ("pixels", [0, 3, 64, 64]), (value, [0, Head.Length > 0 ? 5 : 32]), Nothing);
        using var stream = new MemoryStream();
        using (var coded = new CodedOutputStream(stream, leaveOpen: true))
        {
            model.Add(2, Producer).Write(coded); // the last producer counts
        }

        return stream.ToArray();
    }

    private static Dictionary<string, string> Nothing => [];

    private string Convolution(string input, int inputs, int outputs, int kernel, int stride)
    {
        string[] weights = HasBias || Epsilon is null
            ? [Weight(outputs, inputs, kernel, kernel), Weight(outputs)]
            : [Weight(outputs, inputs, kernel, kernel)];
        ProtoMessage[] attributes = [Integers("strides", stride, stride), Pads(kernel, stride)];
        if (Other is { } other && other.Convolution == convolutions)
        {
            attributes = [.. attributes, other.Attribute];
        }

        convolutions++;
        var output = Node("Conv", [input, .. weights], attributes);
        return Epsilon is not { } epsilon ? output : Node(
            "BatchNormalization", [output, Positive(outputs), Weight(outputs), Weight(outputs), Positive(outputs)],
            OnnxGraph.Attribute("epsilon", epsilon));
    }

    private string Linear(string input, int inputs, int outputs) =>
        Node("Gemm", [input, Weight(outputs, inputs), Weight(outputs)], OnnxGraph.Attribute("transB", 1L));

    private string Relu(string input) => Node("Relu", [input]);

    private string Node(string type, string[] inputs, params ProtoMessage[] attributes)
    {
        var output = graph.Node(type, $"{values++}", inputs, attributes);
        return HasIdentities ? graph.Node("Identity", $"{values++}", [output]) : output;
    }

    private string Weight(params long[] shape) => Weight(-0.5f, shape);

    private string Positive(long size) => Weight(0.5f, size);

    private string Weight(float least, params long[] shape)
    {
        var numbers = new float[shape.Aggregate(1L, (product, size) => product * size)];
        for (var i = 0; i < numbers.Length; i++)
        {
            numbers[i] = least + random.NextSingle();
        }

        var name = graph.Weight($"{values++}", tensor(numbers).view(shape));
        return HasIdentities ? graph.Node("Identity", $"{values++}", [name]) : name;
    }

    private ProtoMessage Pads(long kernel, int stride)
    {
        var (half, end) = (kernel / 2, (kernel / 2) - (IsUneven && stride == 2 && kernel > 1 ? 1 : 0));
        return Integers("pads", half, half, end, end);
    }

    private static ProtoMessage Integers(string name, params long[] numbers) => OnnxGraph.Attribute(name, numbers);
}
