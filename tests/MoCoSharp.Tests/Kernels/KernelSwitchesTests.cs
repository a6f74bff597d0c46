using MoCoSharp.Kernels;

namespace MoCoSharp.Tests.Kernels;

public sealed class KernelSwitchesTests
{
    [Theory]
    [InlineData(null, "")]
    [InlineData("", "")]
    [InlineData("-softmax", "softmax")]
    [InlineData(" -softmax , -sgd,", "sgd softmax")]
    public void Parse_NamesWithAMinus_SwitchesTheseOff(string? text, string off) =>
        Assert.Equal(off, string.Join(' ', KernelSwitches.Parse(text).Off.Order(StringComparer.Ordinal)));

    [Fact]
    public void Parse_Libtorch_SwitchesAllOff()
    {
        Assert.Equal(
            KernelTable.All.Select(kernel => kernel.Name).Order(StringComparer.Ordinal),
            KernelSwitches.Parse("libtorch").Off.Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("softmax", "\"softmax\", expected libtorch alone", "Did you mean -softmax?")] // without its minus
    [InlineData("-sgd,-sofmax", "\"-sofmax\"", "Did you mean -softmax?")]
    [InlineData("pytorch", "\"pytorch\"", "Did you mean libtorch?")]
    [InlineData("libtorch,-sgd", "\"libtorch\", expected libtorch alone", "There are ")]
    [InlineData("-weight-gradient", "\"-weight-gradient\"", "There are winograd, winograd-fp32")] // removed
    [InlineData("-", "\"-\"", "batch-norm")]
    public void Parse_AnythingElse_IsRefusedWithTheNearestWord(string text, string found, string cure)
    {
        var message = Assert.Throws<ArgumentException>(() => KernelSwitches.Parse(text)).Message;

        Assert.Contains($"MOCOSHARP_KERNELS has {found}", message, StringComparison.Ordinal);
        Assert.Contains(cure, message, StringComparison.Ordinal);
    }

    [Fact]
    public void Override_EndsWhenItIsDisposed()
    {
        var before = KernelTable.Softmax.State;
        using (KernelSwitches.Override("-softmax"))
        {
            Assert.False(KernelTable.Softmax.IsOn);
            Assert.Equal("off: MOCOSHARP_KERNELS switches it off", KernelTable.Softmax.State);
            Assert.True(KernelTable.Sgd.IsOn);
        }

        Assert.Equal(before, KernelTable.Softmax.State);
    }
}
