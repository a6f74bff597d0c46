using System.Runtime.CompilerServices;

namespace MoCoSharp.Cli.Tests;

/// <summary>
/// Lets .NET compile the processes that tests start only once, and quickly. They end after seconds, and much of their
/// time is compilation. The code and its results are the same.
/// </summary>
internal static class QuickStart
{
    // For the children: of this process, .NET has read its settings.
    [ModuleInitializer]
    internal static void Set()
    {
        Environment.SetEnvironmentVariable("DOTNET_TC_CallCounting", "0"); // do not compile again, optimized
        Environment.SetEnvironmentVariable("DOTNET_EnableWriteXorExecute", "0"); // do not map code twice
    }
}
