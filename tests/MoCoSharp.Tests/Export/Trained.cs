using MoCoSharp.Data.Views;
using MoCoSharp.Encoders;
using MoCoSharp.Models;
using MoCoSharp.Runs;
using TorchSharp;
using static TorchSharp.torch;
using Encoder = MoCoSharp.Models.Encoder;

namespace MoCoSharp.Tests.Export;

/// <summary>Encoders whose BatchNorm differs from layer to layer, as after training.</summary>
internal static class Trained
{
    public static TrainedEncoder New(
        EncoderOptions options,
        int outputSize = 16,
        int size = 32,
        EncoderRole role = EncoderRole.Query)
    {
        using var random = new Generator(1);
        var encoder = new Encoder(options, outputSize, bnGroups: 1, random);
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        foreach (var (name, value) in encoder.state_dict().Where(item => item.Value.dim() == 1))
        {
            value.copy_(
                (rand(value.shape, generator: random) * 0.5)
                    + (name.EndsWith("bias") || name.EndsWith("mean") ? -0.25 : 0.75));
        }

        encoder.eval();
        var config = new RunConfig { Encoder = options, Views = new ViewOptions { Size = size } };
        return new TrainedEncoder(encoder, config.Views, 7, role, "a test")
        {
            Run = config,
            Knn = config.Knn,
            Precision = config.Precision,
        };
    }
}
