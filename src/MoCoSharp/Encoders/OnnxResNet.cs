using MoCoSharp.Models;

namespace MoCoSharp.Encoders;

/// <summary>A ResNet in an ONNX graph, found by its operations from the images on; names mean nothing.</summary>
internal sealed class OnnxResNet
{
    private readonly OnnxFlow _flow;
    private readonly OrderedDictionary<string, OnnxLayer> _layers = new(StringComparer.Ordinal);
    private int _stage; // 1 to 4; 0 before the first block
    private int _block; // in its stage

    private OnnxResNet(OnnxFlow flow) => _flow = flow;

    /// <summary>Convolutions with their BatchNorms, by torchvision's name: "layer1.0.conv1".</summary>
    public IReadOnlyDictionary<string, OnnxLayer> Layers => _layers;

    /// <summary>Whether BatchNorm was folded into some convolution.</summary>
    public bool HasFoldedNorms => _layers.Values.Any(layer => layer.Norm is null);

    /// <summary>What follows the pooled features.</summary>
    public OnnxHead Head { get; private set; } = new([], null);

    /// <summary>The first layers.</summary>
    public EncoderStem Stem { get; private set; }

    /// <summary>Finds the ResNet of a graph.</summary>
    /// <param name="model">The graph.</param>
    /// <param name="path">Prefix of each message.</param>
    /// <exception cref="InvalidDataException">There is no ResNet of a supported kind; the message says why.</exception>
    public static OnnxResNet Find(OnnxModel model, string path)
    {
        var network = new OnnxResNet(new OnnxFlow(model, path));
        var value = network.FirstLayers(network._flow.Images.Name);
        while (network._flow.Consumers(value).Count == 2)
        {
            value = network.Block(value);
        }

        network.Head = OnnxHead.Pass(network._flow, network.Pool(value));
        return network;
    }

    private string FirstLayers(string images)
    {
        var first = OnnxLayer.Pass(_flow, _flow.Next(images), out var value);
        _layers.Add("conv1", first);
        value = Relu(value);
        var kernel = first.Weight.Shape[2];
        var isPooled = _flow.Consumers(value) is [{ Operation: "MaxPool" }];
        Stem = (kernel, first.Stride, isPooled) switch
        {
            (7, 2, true) => EncoderStem.ImageNet,
            (3, 1, false) => EncoderStem.Cifar,
            (3, 2, false) => EncoderStem.Small,
            _ => throw _flow.Fault(
                $"it begins with a {kernel}x{kernel} convolution of stride {first.Stride} with" +
                $"{(isPooled ? "" : "out")} max pooling, which is none of the stems imagenet, cifar and small"),
        };
        return isPooled ? MaxPool(_flow.Next(value)!) : value;
    }

    private string MaxPool(OnnxNode pool) =>
        pool.Integers("kernel_shape").SequenceEqual([3L, 3])
        && pool.Integers("strides").SequenceEqual([2L, 2])
        && OnnxLayer.IsCentered(pool, kernel: 3, stride: 2)
        && pool.Integer("ceil_mode", 0) == 0
            ? _flow.Pass(pool)
            : throw _flow.Fault($"{pool} is no 3x3 pooling of stride 2 with a padding of 1");

    // Two or three convolutions, and beside them nothing or one; then Add and ReLU.
    private string Block(string value)
    {
        var branches = _flow.Consumers(value);
        var paths = branches.Where(node => !IsSum(node)).Select(Branch).OrderBy(path => path.Layers.Count).ToList();
        var shortcut = paths.Count == 2 ? paths[0].Layers : [];
        var ends = paths.Select(path => path.End).Concat(branches.Where(IsSum)).Distinct().ToList();
        if (paths is not [.., ({ Count: 2 or 3 } layers, _)] || shortcut.Count > 1 || ends is not [var end])
        {
            throw _flow.Fault($"after {value}, expected two or three convolutions, and beside them one or none");
        }

        (_stage, _block) = _stage == 0 || shortcut.Count > 0 ? (_stage + 1, 0) : (_stage, _block + 1);
        if (_stage > 4)
        {
            throw _flow.Fault($"{end} ends a block of a fifth stage, and the encoders have four");
        }

        CheckStrides(layers, shortcut);
        var name = $"layer{_stage}.{_block}.";
        for (var i = 0; i < layers.Count; i++)
        {
            _layers.Add($"{name}conv{i + 1}", layers[i]);
        }

        if (shortcut is [var projection])
        {
            _layers.Add($"{name}downsample.0", projection);
        }

        return Relu(_flow.Pass(end));
    }

    // From a convolution to the sum that ends the block.
    private (IReadOnlyList<OnnxLayer> Layers, OnnxNode End) Branch(OnnxNode first)
    {
        var layers = new List<OnnxLayer>();
        for (OnnxNode? node = first; ;)
        {
            layers.Add(OnnxLayer.Pass(_flow, node, out var value));
            if (_flow.Next(value) is { } end && IsSum(end))
            {
                return (layers, end);
            }

            node = _flow.Next(Relu(value));
        }
    }

    // The first block of the stages 2 to 4 has stride 2, on its first 3x3 convolution.
    private void CheckStrides(IReadOnlyList<OnnxLayer> layers, IReadOnlyList<OnnxLayer> shortcut)
    {
        var stride = _stage > 1 && _block == 0 ? 2 : 1;
        var strided = layers.Count == 3 ? 1 : 0;
        for (var i = 0; i < layers.Count; i++)
        {
            var expected = i == strided ? stride : 1;
            if (layers[i].Stride != expected)
            {
                throw _flow.Fault($"{layers[i].Node} has stride {layers[i].Stride}, expected {expected}" +
                    (layers.Count == 3 && i == 0 ? ": torchvision's bottlenecks have it on the 3x3 convolution" : ""));
            }
        }

        if (shortcut is [var projection] && projection.Stride != stride)
        {
            throw _flow.Fault($"{projection.Node} has stride {projection.Stride}, expected {stride}");
        }
    }

    private string Relu(string value) => _flow.Next(value) is { Operation: "Relu" } relu
        ? _flow.Pass(relu)
        : throw _flow.Fault($"{_flow.Next(value)?.ToString() ?? "the end of the graph"} is where a Relu should be");

    private string Pool(string value)
    {
        if (
            _flow.Next(value) is not { Operation: "GlobalAveragePool" or "ReduceMean" or "AveragePool" } pool
            || (pool.Operation == "AveragePool" && !IsGlobal(pool))
            || (pool.Operation == "ReduceMean" && !IsOverTheImage(pool)))
        {
            throw _flow.Fault(
                $"{_flow.Next(value)?.ToString() ?? "the end of the graph"} is where a block, or the pooling of " +
                "whole images, should be");
        }

        return _flow.Pass(pool);
    }

    // Over height and width. Newer graphs have the axes as an input.
    private bool IsOverTheImage(OnnxNode mean)
    {
        IReadOnlyList<long> axes = mean.Integers("axes");
        return axes.Count > 0
            ? axes.Select(axis => axis < 0 ? axis + 4 : axis).Order().SequenceEqual([2L, 3])
            : _flow.FindWeight(mean, 1) is { Shape: [2] };
    }

    // The kernel is as large as the last stage's output; unknown if the graph leaves the size open.
    private bool IsGlobal(OnnxNode pool)
    {
        var reduction = Stem switch { EncoderStem.ImageNet => 32, EncoderStem.Small => 16, _ => 8 };
        return _flow.Images.Shape is not [_, _, var height, _]
            || !long.TryParse(height, out var size)
            || pool.Integers("kernel_shape") is [var kernel, _] && kernel == (size + reduction - 1) / reduction;
    }

    private bool IsSum(OnnxNode node) => node.Operation is "Add" or "Sum"
        && node.Inputs.Count == 2
        && _flow.FindWeight(node, 0) is null
        && _flow.FindWeight(node, 1) is null;
}
