namespace MoCoSharp.Kernels;

/// <summary>A fast kernel: code of this library that replaces operations of libtorch.</summary>
/// <param name="Name">The name in <see cref="KernelSwitches.Variable"/>, in lower case with hyphens.</param>
/// <param name="Applies">Inputs that it is used for.</param>
/// <param name="Replaces">The operations of libtorch that run if it is off.</param>
/// <param name="Gains">The measured gain, from docs/explanation/speed.md or docs/decisions.</param>
/// <param name="Error">Largest error in the test, and the reference of that test.</param>
/// <param name="Test">The test class that compares it with float64.</param>
/// <param name="Needs">Required processor feature; null for none.</param>
/// <param name="ProcessorHas">Whether this processor has it.</param>
internal sealed record FastKernel(
    string Name, string Applies, string Replaces, string Gains, string Error, string Test, string? Needs,
    bool ProcessorHas)
{
    /// <summary>Whether it may be used: it is not switched off, and the processor supports it.</summary>
    public bool IsOn
    {
        get
        {
            var switches = KernelSwitches.Current;
            return (ProcessorHas || switches.AssumesProcessor) && !switches.Off.Contains(Name);
        }
    }

    /// <summary>"on", "off: MOCOSHARP_KERNELS switches it off", or the missing processor feature.</summary>
    public string State =>
        KernelSwitches.Current.Off.Contains(Name) ? $"off: {KernelSwitches.Variable} switches it off"
        : IsOn ? "on"
        : $"not on this processor: it needs {Needs}";
}
