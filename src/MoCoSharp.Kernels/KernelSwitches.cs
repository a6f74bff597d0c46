using System.Collections.Frozen;

namespace MoCoSharp.Kernels;

/// <summary>The fast kernels that a user has switched off.</summary>
/// <param name="Off">Names of <see cref="KernelTable"/>.</param>
/// <param name="AssumesProcessor">Whether kernels run even if the processor lacks their vectors, which .NET then
/// computes in software. For tests.</param>
internal sealed record KernelSwitches(FrozenSet<string> Off, bool AssumesProcessor = false)
{
    /// <summary>The environment variable that holds the switches.</summary>
    public const string Variable = "MOCOSHARP_KERNELS";

    private const string Everything = "libtorch";
    private static KernelSwitches? _current;

    /// <summary>The switches of this process, from <see cref="Variable"/> at the first call.</summary>
    /// <exception cref="ArgumentException">The variable is not understood.</exception>
    public static KernelSwitches Current => _current ??= Parse(Environment.GetEnvironmentVariable(Variable));

    /// <summary>
    /// Reads the switches: nothing, "libtorch" for all, or names with a minus, separated by commas:
    /// "-batch-norm,-softmax".
    /// </summary>
    /// <exception cref="ArgumentException">The text is none of these, or names an unknown kernel.</exception>
    public static KernelSwitches Parse(string? text)
    {
        var names = KernelTable.All.Select(kernel => kernel.Name).ToList();
        var words = (text ?? "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        if (words is [Everything])
        {
            return new(names.ToFrozenSet());
        }

        foreach (var word in words)
        {
            if (!word.StartsWith('-') || !names.Contains(word[1..]))
            {
                throw new ArgumentException(
                    $"{Variable} has \"{word}\", expected {Everything} alone, or kernels to switch off, " +
                    "as in -batch-norm,-softmax. " +
                    $"There are {string.Join(", ", names)}." +
                    Nearest(word, [Everything, .. names.Select(name => "-" + name)]));
            }
        }

        return new(words.Select(word => word[1..]).ToFrozenSet());
    }

    /// <summary>
    /// Sets the switches of this process until the result is disposed. For tests, which compare kernels with libtorch.
    /// </summary>
    /// <param name="text">As for <see cref="Parse"/>.</param>
    /// <param name="assumesProcessor">Whether all kernels run on any processor.</param>
    public static IDisposable Override(string? text, bool assumesProcessor = true)
    {
        var before = Current;
        _current = Parse(text) with { AssumesProcessor = assumesProcessor };
        return new Restoring(before);
    }

    // The word that shares most pairs of letters, if it shares two.
    private static string Nearest(string word, IEnumerable<string> known)
    {
        var nearest = known.MaxBy(SharedPairs)!;
        return SharedPairs(nearest) >= 2 ? $" Did you mean {nearest}?" : "";

        int SharedPairs(string other) => Enumerable.Range(0, Math.Max(0, word.Length - 1))
            .Count(i => other.Contains(word.Substring(i, 2), StringComparison.Ordinal));
    }

    private sealed class Restoring(KernelSwitches before) : IDisposable
    {
        public void Dispose() => _current = before;
    }
}
