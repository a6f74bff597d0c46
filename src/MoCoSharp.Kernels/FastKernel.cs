namespace MoCoSharp.Kernels;

/// <summary>A fast kernel: code of this library that replaces operations of libtorch.</summary>
/// <param name="Name">The name in <see cref="KernelSwitches.Variable"/>, in lower case with hyphens.</param>
/// <param name="Applies">When a call site takes it, besides the processor.</param>
/// <param name="Replaces">The operations of libtorch that run where it is off.</param>
/// <param name="Gains">What it gains, as measured in docs/explanation/speed.md or docs/decisions.</param>
/// <param name="Error">Largest difference from libtorch's result, and against what it is tested.</param>
/// <param name="Test">The test class that compares it with float64.</param>
/// <param name="Needs">What the processor must have; null where any processor will do.</param>
/// <param name="ProcessorHas">Whether this processor has it.</param>
internal sealed record FastKernel(
    string Name, string Applies, string Replaces, string Gains, string Error, string Test, string? Needs,
    bool ProcessorHas)
{
    /// <summary>Whether call sites may take it: it is not switched off, and the processor has what it needs.</summary>
    public bool IsOn
    {
        get
        {
            var switches = KernelSwitches.Current;
            return (ProcessorHas || switches.AssumesProcessor) && !switches.Off.Contains(Name);
        }
    }

    /// <summary>"on", "off: MOCOSHARP_KERNELS switches it off", or what the processor lacks.</summary>
    public string State =>
        KernelSwitches.Current.Off.Contains(Name) ? $"off: {KernelSwitches.Variable} switches it off"
        : IsOn ? "on"
        : $"not on this processor: it has no {Needs}";
}
