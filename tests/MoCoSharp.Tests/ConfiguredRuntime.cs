[assembly: AssemblyFixture(typeof(MoCoSharp.Tests.ConfiguredRuntime))]

namespace MoCoSharp.Tests;

/// <summary>Prepares the process before the first test, as a program does.</summary>
public sealed class ConfiguredRuntime
{
    public ConfiguredRuntime()
    {
        TorchRuntime.Configure();
        TorchRuntime.Load();
    }
}
