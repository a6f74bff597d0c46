using System.Runtime.InteropServices;
using Mono.Cecil;

namespace MoCoSharp.Tests.Kernels;

public sealed partial class TorchRuntimeTests
{
    [Fact]
    public void LoadingAnAssembly_RunsNoCode()
    {
        var assemblies = Directory.GetFiles(AppContext.BaseDirectory, "MoCoSharp*.dll");
        Assert.Contains(assemblies, path => Path.GetFileName(path) == "MoCoSharp.dll");

        // A module initializer is the type constructor of <Module>: nothing else runs when an assembly is loaded.
        foreach (var path in assemblies)
        {
            using var assembly = AssemblyDefinition.ReadAssembly(path);
            Assert.DoesNotContain(assembly.MainModule.GetType("<Module>").Methods, method => method.Name == ".cctor");
        }
    }

    [Fact]
    public void Configure_LetsWaitingThreadsSleepSoon()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "sets nothing elsewhere");
        Assert.SkipUnless(
            Environment.GetEnvironmentVariable("OMP_WAIT_POLICY") is null
            && Environment.GetEnvironmentVariable("GOMP_SPINCOUNT") is null,
            "a variable is set already");

        TorchRuntime.Configure(); // as the assembly fixture did: a second call changes nothing

        Assert.Equal("PASSIVE", Marshal.PtrToStringUTF8(NativeVariable("OMP_WAIT_POLICY")));
        Assert.Equal("4000", Marshal.PtrToStringUTF8(NativeVariable("GOMP_SPINCOUNT")));
    }

    [LibraryImport("libc", EntryPoint = "getenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint NativeVariable(string name);
}
