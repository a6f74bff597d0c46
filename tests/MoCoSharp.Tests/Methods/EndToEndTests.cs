using MoCoSharp.Distributed;
using MoCoSharp.Methods;
using MoCoSharp.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Tests.Methods;

public sealed class EndToEndTests
{
    private static readonly EncoderOptions Narrow = new()
    {
        Depth = 18,
        Width = 4,
        Stem = EncoderStem.Small,
        Head = EncoderHead.Mlp,
    };

    [Fact]
    public void BothEncoders_Learn()
    {
        using var scope = NewDisposeScope();
        using var method = Create(new EndToEndOptions { Dimension = 8 }, 2);

        method.Backward(
            method.call(Golden.View(0, 0, float32, 8, 3, 16, 16), Golden.View(0, 1, float32, 8, 3, 16, 16)));

        Assert.All(method.LearnedParameters, item => Assert.True(item.Parameter.grad is not null, item.Name));
        Assert.Contains(method.LearnedParameters, item => item.Name == "encoder_k.conv1.weight");
    }

    [Fact]
    public void OneEncoder_MayMakeBoth()
    {
        using var scope = NewDisposeScope();
        using var method = Create(new EndToEndOptions { Dimension = 8, SharedEncoder = true }, 2);

        method.Backward(
            method.call(Golden.View(0, 0, float32, 8, 3, 16, 16), Golden.View(0, 1, float32, 8, 3, 16, 16)));

        Assert.Null(method.KeyEncoder);
        Assert.All(method.LearnedParameters, item => Assert.StartsWith("encoder_q.", item.Name));
    }

    [Theory]
    [InlineData(1, true)]
    [InlineData(4, false)]
    public void AShuffle_ChangesSomething_WhereThereAreGroups(int groups, bool same)
    {
        using var scope = NewDisposeScope();
        var losses = new[] { true, false }.Select(shuffle =>
        {
            using var method = Create(new EndToEndOptions { Dimension = 8, Shuffle = shuffle }, groups);
            method.to(float64);
            return method
                .call(Golden.View(0, 0, float64, 8, 3, 16, 16), Golden.View(0, 1, float64, 8, 3, 16, 16))
                .Loss.item<double>();
        }).ToList();

        Assert.Equal(same, Math.Abs(losses[0] - losses[1]) < 1e-9);
    }

    private static EndToEnd Create(EndToEndOptions options, int groups)
    {
        var method = EndToEnd.Create(Narrow, options, groups, seed: 3, SingleProcess.Instance);
        method.train();
        return method;
    }
}
