using MoCoSharp.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Tests.Kernels;

public sealed class BackwardPassTests
{
    [Fact]
    public void AnExceptionInAGradient_IsThrownAfterThePass_AsItWas()
    {
        using var weight = ones(3, requires_grad: true);
        using var loss = (Failing.apply(weight) * 2).relu().sum();

        var error = Assert.Throws<IOException>(() => BackwardPass.Run(loss));

        Assert.Equal("the other machine is lost", error.Message);
        Assert.Contains(nameof(Failing), error.StackTrace);
    }

    [Fact]
    public void AfterAFault_EarlierLayersAreLeftOut_AndTheFirstFaultCounts()
    {
        var watch = new Watch();
        using var weight = ones(3, requires_grad: true);
        using var hidden = MoCoSharp.Models.GradientBoundary.Insert(weight * 2, watch, "layer1");
        using var loss = Failing.apply(Failing.apply(hidden), "late").sum();

        Assert.Equal("late", Assert.Throws<IOException>(() => BackwardPass.Run(loss)).Message);

        Assert.Equal(["layer1 entered"], watch.Seen);
    }

    [Fact]
    public void OfTwoBranchesThatFail_OneIsReached()
    {
        var reached = new List<string>();
        using var weight = ones(3, requires_grad: true);
        using var loss = (Failing.apply(weight, "left", reached) + Failing.apply(weight, "right", reached)).sum();

        var error = Assert.Throws<IOException>(() => BackwardPass.Run(loss));

        Assert.Equal([error.Message], reached);
    }

    [Fact]
    public void AfterAFault_TheNextPassIsAsEver()
    {
        using var weight = ones(3, requires_grad: true);
        using var failing = Failing.apply(weight).sum();
        Assert.Throws<IOException>(() => BackwardPass.Run(failing));
        using var product = LinearProduct.Of(weight.unsqueeze(0), ones(2, 3)).sum(); // two outputs: d/dw = 2

        BackwardPass.Run(product);

        Assert.Equal([2f, 2f, 2f], weight.grad!.data<float>().ToArray());
    }

    [Fact]
    public void ASecondPassThroughAGraph_IsRefused()
    {
        using var weight = ones(3, requires_grad: true);
        using var product = LinearProduct.Of(weight.unsqueeze(0), ones(2, 3)).sum();
        BackwardPass.Run(product);

        var error = Assert.Throws<InvalidOperationException>(() => BackwardPass.Run(product));

        Assert.Contains("A second backward pass through the same graph", error.Message);
    }

    [Fact]
    public void AFaultInALayerThatIsComputedAgain_IsThrownToo()
    {
        using var weight = ones(3, requires_grad: true);
        using var loss = ActivationCheckpointing
            .Run(weight, (input, again) => again ? Failing.apply(input) : input * 2)
            .sum();

        Assert.Throws<IOException>(() => BackwardPass.Run(loss));
    }

    [Fact]
    public void PassesOnTwoThreads_KeepTheirOwnFaults()
    {
        using var barrier = new Barrier(2);
        var errors = new Exception?[2];

        var threads = Enumerable.Range(0, 2).Select(i => new Thread(() =>
        {
            using var weight = ones(3, requires_grad: true);
            using var loss = Failing.apply(weight, $"of thread {i}", barrier).sum();
            errors[i] = Record.Exception(() => BackwardPass.Run(loss));
        })).ToList();
        threads.ForEach(thread => thread.Start());
        threads.ForEach(thread => thread.Join());

        Assert.Equal(["of thread 0", "of thread 1"], errors.Select(error => error?.Message));
    }

    private sealed class Failing : CustomFunction<Failing>
    {
        protected override Tensor Forward(autograd.AutogradContext ctx, IReadOnlyList<object> inputs)
        {
            ctx.save_data("message", inputs.Count > 1 ? inputs[1] : "the other machine is lost");
            ctx.save_data("witness", inputs.Count > 2 ? inputs[2] : "");
            return ((Tensor)inputs[0]).mul(3);
        }

        protected override Tensor?[] Gradients(
            autograd.AutogradContext ctx, IReadOnlyList<Tensor?> saved, Tensor gradient)
        {
            var message = (string)ctx.get_data("message");
            switch (ctx.get_data("witness"))
            {
                case Barrier barrier:
                    barrier.SignalAndWait();
                    break;
                case List<string> reached:
                    reached.Add(message);
                    break;
            }

            throw new IOException(message);
        }
    }

    private sealed class Watch : MoCoSharp.Models.IGradientWatch
    {
        public List<string> Seen { get; } = [];

        public void Entered(string part) => Seen.Add($"{part} entered");

        public void Left(string part) => Seen.Add($"{part} left");
    }
}
