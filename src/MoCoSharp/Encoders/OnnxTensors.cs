using MoCoSharp.PyTorch;
using TorchSharp;
using static MoCoSharp.Kernels.Scalars;
using static TorchSharp.torch;

namespace MoCoSharp.Encoders;

/// <summary>Reads the weights of a ResNet in an ONNX file, under torchvision's names.</summary>
/// <param name="stream">The file.</param>
/// <param name="path">Prefix of each message.</param>
internal sealed class OnnxTensors(Stream stream, string path)
{
    private const int Float32 = 1;
    private const double Epsilon = 1e-5; // of SplitBatchNorm

    // A weight may have several names.
    private readonly Dictionary<OnnxTensor, Tensor> _read = [];

    /// <summary>All weights of a network; they belong to the current dispose scope.</summary>
    /// <exception cref="InvalidDataException">A weight is of another type or size; the message names it.</exception>
    public Dictionary<string, Tensor> Read(OnnxResNet network)
    {
        var tensors = new Dictionary<string, Tensor>(StringComparer.Ordinal);
        foreach (var (name, layer) in network.Layers)
        {
            tensors.Add($"{name}.weight", Read(layer.Weight));
            var norm = name.EndsWith("downsample.0", StringComparison.Ordinal)
                ? $"{name[..^1]}1"
                : name.Replace("conv", "bn", StringComparison.Ordinal);
            foreach (var (part, value) in Norm(layer))
            {
                tensors.Add($"{norm}.{part}", value);
            }
        }

        var linear = network.Head.Rest is null ? network.Head.Linear : [];
        for (var i = 0; i < linear.Count; i++)
        {
            var name = linear.Count == 1 ? "fc" : $"fc.{2 * i}"; // a ReLU between two
            var weight = Read(linear[i].Weight);
            weight = linear[i].IsTransposed ? weight.t() : weight; // [outputs, inputs]
            tensors.Add($"{name}.weight", weight);
            tensors.Add($"{name}.bias", linear[i].Bias is { } bias ? Read(bias).reshape(-1) : zeros(weight.shape[0]));
        }

        return tensors;
    }

    // BatchNorm's weight, bias, running_mean and running_var.
    private IEnumerable<(string Part, Tensor Value)> Norm(OnnxLayer layer)
    {
        var channels = layer.Weight.Shape[0];
        var bias = layer.Bias is null ? null : Read(layer.Bias);
        if (layer.Norm is not { } norm)
        {
            // Folded into the convolution. What stays changes nothing but adds the bias: sqrt(1 - ε + ε) is 1.
            return
            [
                ("weight", ones(channels)), ("bias", bias ?? zeros(channels)), ("running_mean", zeros(channels)),
                ("running_var", full([channels], Held(1 - Epsilon))),
            ];
        }

        var (weight, mean, variance) = (Read(norm.Weight), Read(norm.Mean), Read(norm.Variance));
        if (Math.Abs(norm.Epsilon - Epsilon) > 1e-9)
        {
            // γ / sqrt(σ² + ε'), with another ε'.
            var wide = variance.to(float64);
            var share = (wide.add(Held(Epsilon), One) / wide.add(Held(norm.Epsilon), One)).sqrt();
            weight = (weight.to(float64) * share).to(float32);
        }

        return
        [
            ("weight", weight), ("bias", Read(norm.Bias)), ("running_mean", bias is null ? mean : mean - bias),
            ("running_var", variance),
        ];
    }

    private Tensor Read(OnnxTensor tensor)
    {
        if (_read.TryGetValue(tensor, out var known))
        {
            return known;
        }

        if (tensor.IsExternal)
        {
            throw new InvalidDataException(
                $"{path}: its weights are in another file, which is not read. Export it as one file: in PyTorch, " +
                "torch.onnx.export(..., external_data=False).");
        }

        if (tensor.Type != Float32)
        {
            throw new InvalidDataException(
                $"{path}: the weight {tensor.Name} is of type {OnnxReader.TypeName(tensor.Type)}, expected float32.");
        }

        var count = Count(tensor.Shape);
        if (count is null || count * sizeof(float) != tensor.End - tensor.Begin)
        {
            throw new InvalidDataException(
                $"{path}: the weight {tensor.Name} of shape [{string.Join(", ", tensor.Shape)}] has " +
                $"{tensor.End - tensor.Begin} bytes, expected 4 for each value.");
        }

        stream.Position = tensor.Begin;
        return _read[tensor] = TensorBytes
            .Read(ScalarType.Float32, count.Value, stream.ReadExactly)
            .reshape([.. tensor.Shape]);
    }

    // Null if the product is no possible size.
    private static long? Count(IReadOnlyList<long> shape)
    {
        var count = 1L;
        foreach (var size in shape)
        {
            if (size < 1 || count > int.MaxValue / size)
            {
                return null;
            }

            count *= size;
        }

        return count;
    }
}
