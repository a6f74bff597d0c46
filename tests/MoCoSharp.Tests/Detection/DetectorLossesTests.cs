using MoCoSharp.Detection.Model;
using MoCoSharp.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Tests.Detection;

public sealed class DetectorLossesTests
{
    [Fact]
    public void LossesOfAnchors_MatchHandComputedValues()
    {
        // Two of three anchors are sampled: an object with logit 0 (ln 2), background with logit ln 3 (ln 4); its
        // deltas are off by 1, 2, 0 and 0.5. Divided by 8.
        var (objectness, proposal) = DetectorLosses.OfAnchors(
            tensor([0f, 5f, MathF.Log(3)]).reshape(1, 3),
            tensor([1f, 2, 0, 0.5f, 9, 9, 9, 9, 9, 9, 9, 9]).reshape(1, 3, 4),
            [0], [2], [0, 0, 0, 0], samples: 8);

        Assert.Equal((Math.Log(2) + Math.Log(4)) / 8, objectness.item<float>(), 1e-6);
        Assert.Equal(3.5 / 8, proposal.item<float>(), 1e-6);
    }

    [Fact]
    public void LossesOfRegions_MatchHandComputedValues()
    {
        // One object of class 0 of two, one background; all logits 0, so ln 3 each. The object's deltas of its own
        // class are off by 1 each; those of the other class do not count.
        var (classification, location) = DetectorLosses.OfRegions(
            zeros(2, 3),
            tensor([1f, 1, 1, 1, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7]).reshape(2, 2, 4),
            [0, 2],
            [2, 0, 2, 0]);

        Assert.Equal(Math.Log(3), classification.item<float>(), 1e-6);
        Assert.Equal(4.0 / 2, location.item<float>(), 1e-6);
    }

    [Fact]
    public void LossesAndGradients_ArePyTorchs()
    {
        using var golden = Golden.Open("detection.safetensors");
        using var scope = NewDisposeScope();
        var (logits, deltas) = (
            Golden.View(2, 0, ScalarType.Float32, 2, 50).requires_grad_(),
            Golden.View(2, 1, ScalarType.Float32, 2, 50, 4).requires_grad_());
        var (objectness, proposal) = DetectorLosses.OfAnchors(
            logits, deltas, [3, 17, 60, 99], [0, 1, 5, 40, 70, 71],
            HostMemory.Floats(Golden.View(2, 2, ScalarType.Float32, 4, 4)),
            samples: 64);
        stack([objectness, proposal]).sum().backward();

        Assert.True(Golden.Difference(stack([objectness, proposal]), golden.Tensors["rpn.losses"]) < 1e-6);
        Assert.True(Golden.Difference(logits.grad!, golden.Tensors["rpn.logits.gradient"]) < 1e-6);
        Assert.True(Golden.Difference(deltas.grad!, golden.Tensors["rpn.deltas.gradient"]) < 1e-6);

        var (scores, shifts) = (
            Golden.View(3, 0, ScalarType.Float32, 6, 4).requires_grad_(),
            Golden.View(3, 1, ScalarType.Float32, 6, 3, 4).requires_grad_());
        var (classification, location) = DetectorLosses.OfRegions(
            scores, shifts, [2, 0, 1, 3, 3, 3],
            HostMemory.Floats(Golden.View(3, 2, ScalarType.Float32, 3, 4)));
        stack([classification, location]).sum().backward();

        Assert.True(Golden.Difference(stack([classification, location]), golden.Tensors["roi.losses"]) < 1e-6);
        Assert.True(Golden.Difference(scores.grad!, golden.Tensors["roi.logits.gradient"]) < 1e-6);
        Assert.True(Golden.Difference(shifts.grad!, golden.Tensors["roi.deltas.gradient"]) < 1e-6);
    }

    [Fact]
    public void LossesOfNothing_AreZero_AndHaveAGradient()
    {
        using var scope = NewDisposeScope();
        var (logits, deltas) = (zeros(1, 5, requires_grad: true), zeros(1, 5, 4, requires_grad: true));
        var (objectness, proposal) = DetectorLosses.OfAnchors(logits, deltas, [], [], [], samples: 4);
        var (classification, location) = DetectorLosses.OfRegions(
            zeros(0, 3, requires_grad: true), zeros(0, 2, 4, requires_grad: true), [], []);
        var total = new DetectorLosses(objectness, proposal, classification, location).Total();
        total.backward();

        Assert.Equal(0, total.item<float>());
        Assert.Equal(0, logits.grad!.abs().sum().item<float>());
    }
}
