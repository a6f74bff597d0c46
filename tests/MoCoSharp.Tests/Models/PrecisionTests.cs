using MoCoSharp.Models;
using static TorchSharp.torch;

namespace MoCoSharp.Tests.Models;

public sealed class PrecisionTests
{
    [Fact]
    public void AWord_IsAPrecision()
    {
        Assert.Equal(Precision.Fp32, PrecisionChoice.Resolve("fp32", CPU));
        Assert.Equal(Precision.Bf16, PrecisionChoice.Resolve("bf16", CPU));
        Assert.Contains("expected auto, fp32, bf16", Assert.Throws<ArgumentException>(() => PrecisionChoice.Resolve("fp16", CPU)).Message);
        Assert.Equal(["fp32", "bf16"], new[] { Precision.Fp32, Precision.Bf16 }.Select(PrecisionChoice.Name));
    }

    [Fact]
    public void Auto_FollowsTheProcessor()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "only Linux lists the processor's abilities in a file");
        var flags = File.ReadLines("/proc/cpuinfo").FirstOrDefault(line => line.StartsWith("flags", StringComparison.Ordinal))?.Split(' ') ?? [];

        Assert.Equal(flags.Contains("avx512_bf16") || flags.Contains("amx_bf16"), PrecisionChoice.Resolve("auto", CPU) == Precision.Bf16);
    }
}
