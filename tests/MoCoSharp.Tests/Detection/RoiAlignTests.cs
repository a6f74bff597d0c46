using MoCoSharp.Detection.Model;
using MoCoSharp.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Tests.Detection;

public sealed class RoiAlignTests
{
    [Fact]
    public void Align_OfARamp_MatchesHandComputedValues()
    {
        // Value 5 y + x at point (x, y), which lies at (x + 0.5, y + 0.5) in the box's coordinates: a box from (1, 1)
        // to (3, 3) in 4 x 4 cells has its first center at (1.25, 1.25).
        var ramp = arange(25, dtype: float32).reshape(1, 1, 5, 5);
        var cells = HostMemory.Floats(RoiAlign.Of(ramp, [(0, new Box(1, 1, 3, 3))], scale: 1, size: 4));

        Assert.Equal(
            Enumerable.Range(0, 16).Select(i => (5 * (0.75f + (0.5f * (i / 4)))) + 0.75f + (0.5f * (i % 4))),
            cells);
    }

    [Theory]
    [InlineData(7)]
    [InlineData(3)]
    public void AlignAndItsGradient_AreTorchvisions(int size)
    {
        using var golden = Golden.Open("detection.safetensors");
        using var scope = NewDisposeScope();
        var features = Golden.View(0, 0, ScalarType.Float32, 2, 20, 9, 13).requires_grad_();
        var pooled = RoiAlign.Of(features, Boxes(golden.Tensors["roi.boxes"]), 1.0 / 16, size);
        pooled.mul(Golden.View(1, size, ScalarType.Float32, 10, 20, size, size)).sum().backward();

        Assert.InRange(Golden.Difference(pooled, golden.Tensors[$"roi.{size}.pooled"]), 0, 1e-6);
        Assert.InRange(Golden.Difference(features.grad!, golden.Tensors[$"roi.{size}.gradient"]), 0, 1e-6);
    }

    [Fact]
    public void AlignAndItsGradient_AreTheSameBits_OnAnyNumberOfThreads()
    {
        var before = get_num_threads();
        try
        {
            var results = new[] { 1, 2, 5 }.Select(threads =>
            {
                set_num_threads(threads);
                using var scope = NewDisposeScope();
                var features = Golden.View(0, 0, ScalarType.Float32, 2, 50, 9, 13).requires_grad_();
                (int, Box)[] boxes =
                [
                    .. Enumerable.Range(0, 60).Select(i => (i % 2, new Box(i, i / 2f, i + 60.3f, i + 40.7f))),
                ]; // over one another: many sums meet in a point
                var pooled = RoiAlign.Of(features, boxes, 1.0 / 16, 7);
                pooled.mul(Golden.View(1, 7, ScalarType.Float32, 60, 50, 7, 7)).sum().backward();
                return HostMemory.Floats(cat([pooled.flatten(), features.grad!.flatten()]));
            }).ToList();

            Assert.All(results, result => Assert.Equal(results[0], result));
        }
        finally
        {
            set_num_threads(before);
        }
    }

    [Fact]
    public void Align_OfNoBoxes_IsEmpty_AndHasAGradientOfZero()
    {
        using var scope = NewDisposeScope();
        var features = ones(1, 4, 3, 3, requires_grad: true);
        var pooled = RoiAlign.Of(features, [], 1, 2);
        pooled.sum().backward();

        Assert.Equal([0, 4, 2, 2], pooled.shape);
        Assert.Equal(0, features.grad!.abs().sum().item<float>());
    }

    [Theory]
    [InlineData(2, 0, 0, 1, 1)]
    [InlineData(-1, 0, 0, 1, 1)]
    [InlineData(0, 0, float.NaN, 1, 1)]
    [InlineData(0, 0, 0, float.PositiveInfinity, 1)]
    public void Align_RefusesBoxesOfNoImageAndNoNumber(int image, float left, float top, float right, float bottom) =>
        Assert.Throws<ArgumentException>(() =>
            RoiAlign.Of(ones(2, 4, 3, 3), [(0, new Box(0, 0, 1, 1)), (image, new Box(left, top, right, bottom))], 1, 2)
        );

    [Fact]
    public void Align_RefusesOtherShapesAndTypes()
    {
        Assert.Throws<ArgumentException>(() => RoiAlign.Of(ones(4, 3, 3), [], 1, 2));
        Assert.Throws<ArgumentException>(() => RoiAlign.Of(ones(1, 4, 3, 3, dtype: float64), [], 1, 2));
    }

    [Fact]
    public void Align_LeavesNoTensorBehind()
    {
        void Once()
        {
            using var scope = NewDisposeScope();
            RoiAlign.Of(ones(1, 4, 3, 3, requires_grad: true), [(0, new Box(0, 0, 2, 2))], 1, 2).sum().backward();
        }

        Once();
        var before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        Once();
        Assert.Equal(before, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
    }

    private static (int, Box)[] Boxes(Tensor boxes) =>
        [.. HostMemory.Floats(boxes).Chunk(5).Select(row => ((int)row[0], new Box(row[1], row[2], row[3], row[4])))];
}
