using System.Diagnostics;
using System.Globalization;
using System.Numerics;
using System.Runtime.Intrinsics;

namespace MoCoSharp.Tests.Kernels;

/// <summary>
/// The tests of the kernels once more in a process whose vectors are narrower than this processor's, as on other
/// processors.
/// </summary>
public sealed class OtherProcessorsTests
{
    /// <summary>In the narrower process, the bits of its vectors.</summary>
    public const string Bits = "MOCOSHARP_TESTED_BITS";

    [Theory]
    [InlineData("DOTNET_EnableAVX512", 256)] // x86 without AVX-512
    [InlineData("DOTNET_EnableAVX2", 128)] // as wide as the vectors of Arm
    public async Task KernelTests_PassWithNarrowerVectors(string variable, int bits)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "starts the tests by dotnet");
        string[] classes = ["WinogradFp32Tests", "WinogradTests", "FusedBatchNormTests", "RunningSoftmaxTests"];
        var start = new ProcessStartInfo(
            "dotnet",
            [
                typeof(OtherProcessorsTests).Assembly.Location, "-noColor", "-explicit", "on",
                .. classes.Append(nameof(VectorWidthTests)).SelectMany(name => new[] { "-class", "*." + name }),
            ])
        {
            RedirectStandardOutput = true,
            UseShellExecute = false,
        };
        start.Environment[variable] = "0";
        start.Environment[Bits] = bits.ToString(CultureInfo.InvariantCulture);

        using var process = Process.Start(start)!;
        var reading = process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        if (!process.WaitForExit(TimeSpan.FromMinutes(4)))
        {
            process.Kill(entireProcessTree: true);
            Assert.Fail($"The tests did not end with {variable}=0.");
        }

        var output = await reading;
        Assert.True(process.ExitCode == 0, output);
        Assert.Contains("Failed: 0", output, StringComparison.Ordinal);
        Assert.DoesNotContain("Total: 0", output, StringComparison.Ordinal);
    }
}

/// <summary>For <see cref="OtherProcessorsTests"/>.</summary>
public sealed class VectorWidthTests
{
    [Fact(Explicit = true)]
    public void Vectors_HaveTheWidthThatIsSet()
    {
        Assert.Equal(
            Environment.GetEnvironmentVariable(OtherProcessorsTests.Bits),
            (8 * Vector<byte>.Count).ToString(CultureInfo.InvariantCulture));
        Assert.False(Vector512.IsHardwareAccelerated);
    }
}
