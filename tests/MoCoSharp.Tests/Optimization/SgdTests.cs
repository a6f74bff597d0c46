using MoCoSharp.Optimization;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MoCoSharp.Tests.Optimization;

public sealed class SgdTests
{
    [Fact]
    public void TwoSteps_MatchAHandComputation()
    {
        using var scope = NewDisposeScope();
        var parameter = new Parameter(tensor([2.0]));
        using var optimizer = new Sgd([("p", parameter)], momentum: 0.9, weightDecay: 0.1);

        (parameter * 3).sum().backward(); // g = 3 + 0.1 x 2 = 3.2; v = 3.2; p = 2 - 0.5 x 3.2
        optimizer.Step(0.5);
        Assert.Equal(0.4, parameter.item<double>(), 12);
        optimizer.ClearGradients();

        (parameter * 3).sum().backward(); // g = 3.04; v = 0.9 x 3.2 + 3.04 = 5.92; p = 0.4 - 0.1 x 5.92
        optimizer.Step(0.1);
        Assert.Equal(-0.192, parameter.item<double>(), 12);
    }

    [Fact]
    public void AParameterWithoutGradient_DoesNotDecay()
    {
        using var scope = NewDisposeScope();
        var parameter = new Parameter(tensor([2.0]));
        using var optimizer = new Sgd([("p", parameter)], momentum: 0.9, weightDecay: 0.1);

        optimizer.Step(0.5);

        Assert.Equal(2.0, parameter.item<double>());
    }

    [Fact]
    public void Steps_OnConvolutionWeights_MatchTheFormulaInDoublePrecision()
    {
        using var scope = NewDisposeScope();
        var start = Golden.View(1, 0, float64, 40, 24, 3, 3);
        var parameter = new Parameter(MoCoSharp.Kernels.ChannelsLast.From(start.to(float32)));
        using var optimizer = new Sgd([("w", parameter)], momentum: 0.9, weightDecay: 0.1);
        var (expected, velocity) = (start.clone(), zeros_like(start));

        for (var i = 0; i < 3; i++)
        {
            var gradient = Golden.View(i, 1, float64, 40, 24, 3, 3);
            parameter.grad = gradient.to(float32).alias(); // in plain order, unlike the parameter
            optimizer.Step(0.2);
            velocity = (0.9 * velocity) + gradient + (0.1 * expected);
            expected -= 0.2 * velocity;
        }

        Assert.True(Golden.Difference(parameter, expected) < 1e-6);
        Assert.True(Golden.Difference(optimizer.Velocities.Single().Velocity, velocity) < 1e-6);
    }
}
