using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Models;

/// <summary>Rejects weights that cannot give features: NaN, infinity, negative variances, integers.</summary>
internal static class FiniteValues
{
    private const int Named = 3;

    /// <summary>Counts values that are NaN or infinite in float32; 0 for integers.</summary>
    public static long Count(Tensor tensor)
    {
        if (!tensor.is_floating_point() || tensor.numel() == 0)
        {
            return 0;
        }

        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var finite = tensor.to(float32).isfinite();
        return finite.all().item<bool>() ? 0 : tensor.numel() - finite.sum().item<long>();
    }

    /// <summary>Checks tensors before use.</summary>
    /// <param name="source">Prefix of the message.</param>
    /// <param name="tensors">Tensors by their names in the file.</param>
    /// <exception cref="InvalidDataException">
    /// Some tensors are not finite or no weights; the message names them.
    /// </exception>
    public static void Check(string source, IEnumerable<(string Name, Tensor Tensor)> tensors)
    {
        var faults = new List<string>();
        foreach (var (name, tensor) in tensors)
        {
            if (!tensor.is_floating_point())
            {
                if (EncoderShape.IsParameter(name) || IsStatistic(name))
                {
                    throw new InvalidDataException($"{source}: {name} is of type {tensor.dtype}, expected floats: " +
                        "quantized weights must be turned back into floats before they are saved.");
                }
            }
            else if (Count(tensor) is > 0 and var bad)
            {
                faults.Add($"{name} ({bad} of {tensor.numel()} values)");
            }
            else if (name.EndsWith("running_var", StringComparison.Ordinal) && HasNegative(tensor))
            {
                throw new InvalidDataException(
                    $"{source}: {name} holds a variance below 0. The file is broken: take another.");
            }
        }

        if (faults.Count > 0)
        {
            throw new InvalidDataException(
                $"{source}: NaN or infinite values in {string.Join(", ", faults.Take(Named))}"
                    + (faults.Count > Named ? $" and {faults.Count - Named} more tensors" : "")
                    + ". The training that wrote it had diverged, or the file is broken: take an earlier checkpoint.");
        }
    }

    private static bool IsStatistic(string name) =>
        name.EndsWith("running_var", StringComparison.Ordinal)
        || name.EndsWith("running_mean", StringComparison.Ordinal);

    private static bool HasNegative(Tensor tensor)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        return tensor.numel() > 0 && tensor.min().to(float32).item<float>() < 0;
    }
}
