using MoCoSharp.Models;
using static TorchSharp.torch;

namespace MoCoSharp.Tests.Models;

public sealed class PrecisionTests
{
    [Fact]
    public void AChoice_IsAPrecision()
    {
        Assert.Equal(Precision.Fp32, PrecisionChoice.Fp32.Resolve(CPU));
        Assert.Equal(Precision.Bf16, PrecisionChoice.Bf16.Resolve(CPU));
        Assert.Contains(
            "expected auto, fp32 or bf16",
            Assert.Throws<ArgumentException>(() => ((PrecisionChoice)9).Resolve(CPU)).Message);
        Assert.Equal(
            [PrecisionChoice.Fp32, PrecisionChoice.Bf16],
            new[] { Precision.Fp32, Precision.Bf16 }.Select(PrecisionChoices.ToChoice));
    }

    [Fact]
    public void Auto_FollowsTheProcessor()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "only Linux lists the processor's abilities in a file");
        var flags =
            File.ReadLines("/proc/cpuinfo")
                .FirstOrDefault(line => line.StartsWith("flags", StringComparison.Ordinal))
                ?.Split(' ')
            ?? [];

        Assert.Equal(
            flags.Contains("avx512_bf16") || flags.Contains("amx_bf16"),
            PrecisionChoice.Auto.Resolve(CPU) == Precision.Bf16);
    }
}
