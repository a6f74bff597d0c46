using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.PyTorch;

/// <summary>Loads saved tensors into a model, and reports all differences.</summary>
public static class StateDictionary
{
    /// <summary>Overwrites each target with the saved tensor of the same name, in place.</summary>
    /// <param name="source">Source of the tensors, for messages.</param>
    /// <param name="targets">The tensors of the model. All must be in the file.</param>
    /// <param name="saved">The tensors of a file. Others than the targets are ignored.</param>
    /// <exception cref="InvalidDataException">Tensors are missing or have another shape. All are named.</exception>
    public static void Load(
        string source,
        IEnumerable<(string Name, Tensor Tensor)> targets,
        IReadOnlyDictionary<string, Tensor> saved)
    {
        ArgumentNullException.ThrowIfNull(saved);
        var pairs = targets.ToList();
        if (Faults(pairs, saved) is { Count: > 0 } faults)
        {
            throw new InvalidDataException(
                $"{source}: {string.Join(" and ", faults)}. Was it made with other encoder or moco options?");
        }

        using var noGrad = no_grad();
        foreach (var (name, tensor) in pairs)
        {
            tensor.copy_(saved[name]);
        }
    }

    /// <summary>
    /// The reasons why saved tensors cannot be loaded: missing tensors, and other shapes. Empty if they fit.
    /// </summary>
    public static IReadOnlyList<string> Faults(
        IEnumerable<(string Name, Tensor Tensor)> targets,
        IReadOnlyDictionary<string, Tensor> saved)
    {
        ArgumentNullException.ThrowIfNull(saved);
        var pairs = targets
            .Select(target => (target.Name, target.Tensor, Saved: saved.GetValueOrDefault(target.Name)))
            .ToList();
        var missing = pairs.Where(pair => pair.Saved is null).Select(pair => pair.Name).ToList();
        var reshaped = pairs.Where(pair => pair.Saved is not null && !pair.Saved.shape.SequenceEqual(pair.Tensor.shape))
            .Select(pair =>
                $"{pair.Name}: file [{string.Join(", ", pair.Saved!.shape)}], model " +
                $"[{string.Join(", ", pair.Tensor.shape)}]")
            .ToList();
        List<string> faults = [];
        if (missing.Count > 0)
        {
            faults.Add($"{missing.Count} tensors are missing{Some(missing)}");
        }

        if (reshaped.Count > 0)
        {
            faults.Add($"{reshaped.Count} have another shape{Some(reshaped)}");
        }

        return faults;
    }

    private static string Some(List<string> names) => names.Count switch
    {
        0 => "",
        <= 6 => $" ({string.Join(", ", names)})",
        _ => $" ({string.Join(", ", names.Take(6))}, ...)",
    };
}
