using MoCoSharp.Kernels;

namespace MoCoSharp.Tests.Kernels;

/// <summary>
/// Tests with every fast kernel on. Where the processor has no vectors of 512 bits, .NET computes them in software.
/// </summary>
public abstract class WithEveryKernel : IDisposable
{
    private readonly IDisposable _switches = KernelSwitches.Override(null);

    public void Dispose()
    {
        _switches.Dispose();
        GC.SuppressFinalize(this);
    }
}
