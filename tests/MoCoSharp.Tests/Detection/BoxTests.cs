using MoCoSharp.Data.Views;
using MoCoSharp.Detection.Model;
using MoCoSharp.Models;
using static TorchSharp.torch;

namespace MoCoSharp.Tests.Detection;

public sealed class AnchorGridTests
{
    [Fact]
    public void Anchors_OfTwoSizesAndThreeRatios_AreTheHandComputedOnes()
    {
        // A map of 1 x 2 points, 4 pixels apart. Width = size / sqrt(ratio), height = size x sqrt(ratio).
        Box[] about =
        [
            new(-32, -8, 32, 8), new(-16, -16, 16, 16), new(-8, -32, 8, 32),
            new(-64, -16, 64, 16), new(-32, -32, 32, 32), new(-16, -64, 16, 64),
        ];
        var expected = about.Concat(about.Select(box => new Box(box.Left + 4, box.Top, box.Right + 4, box.Bottom)));

        Assert.Equal(
            expected,
            AnchorGrid.Over(AnchorGrid.Cell([32, 64], [0.25, 1, 4]), height: 1, width: 2, stride: 4));
    }

    [Fact]
    public void Anchors_GoRowByRow() =>
        Assert.Equal(
            [new(-1, -1, 1, 1), new(7, -1, 9, 1), new(-1, 7, 1, 9), new(7, 7, 9, 9)],
            AnchorGrid.Over([new Box(-1, -1, 1, 1)], height: 2, width: 2, stride: 8));
}

public sealed class BoxCoderTests
{
    [Fact]
    public void Encode_MatchesHandComputedValues()
    {
        var deltas = new float[4];
        BoxCoder.Classified.Encode(new Box(0, 0, 10, 20), new Box(5, 5, 25, 15), deltas);

        // Centres (5, 10) and (15, 10); sizes 10 x 20 and 20 x 10.
        Assert.Equal([10, 0, 5 * MathF.Log(2), -5 * MathF.Log(2)], deltas);
    }

    [Theory]
    [InlineData("proposals")]
    [InlineData("classified")]
    public void EncodeAndDecode_AreTorchvisions(string name)
    {
        using var golden = Golden.Open("detection.safetensors");
        var (coder, boxes) = (
            name == "proposals" ? BoxCoder.Proposals : BoxCoder.Classified,
            BoxesOf(golden.Tensors["nms.boxes"]));
        var (codes, wild, decoded) = (
            HostMemory.Floats(golden.Tensors[$"code.{name}"]),
            HostMemory.Floats(golden.Tensors[$"decode.{name}.deltas"]),
            BoxesOf(golden.Tensors[$"decode.{name}"]));
        var deltas = new float[4];
        for (var i = 0; i < boxes.Length; i++)
        {
            coder.Encode(boxes[i], boxes[(i + boxes.Length - 7) % boxes.Length], deltas); // torch.roll(7)
            for (var j = 0; j < 4; j++)
            {
                Assert.Equal(codes[(4 * i) + j], deltas[j], 1e-3f);
            }

            var found = coder.Decode(boxes[i], wild.AsSpan(4 * i, 4));
            var scale = 1e-4f * (1 + decoded[i].Width + decoded[i].Height);
            Assert.True(
                MathF.Abs(found.Left - decoded[i].Left)
                    + MathF.Abs(found.Top - decoded[i].Top)
                    + MathF.Abs(found.Right - decoded[i].Right)
                    + MathF.Abs(found.Bottom - decoded[i].Bottom)
                    < 4 * scale,
                $"{found} for {decoded[i]}");
        }
    }

    [Fact]
    public void Decode_OfWildDeltas_GrowsNoMoreThan62AndAHalfTimes()
    {
        var box = BoxCoder.Proposals.Decode(new Box(0, 0, 16, 16), [0, 0, 1000, 1000]);

        Assert.Equal(1000, box.Width, 0.01f);
        Assert.True(box.IsFinite);
    }

    internal static Box[] BoxesOf(Tensor boxes) =>
        [
            .. HostMemory
                .Floats(boxes)
                .Chunk(4)
                .Select(corners => new Box(corners[0], corners[1], corners[2], corners[3])),
        ];
}

public sealed class BoxMatcherTests
{
    [Theory]
    [InlineData(0.3f, 0.7f, true)]
    [InlineData(0.5f, 0.5f, false)]
    public void Match_IsTorchvisions(float low, float high, bool keepsBest)
    {
        using var golden = Golden.Open("detection.safetensors");
        // the object, or -1 background, -2 between
        var expected = golden.Tensors[FormattableString.Invariant($"match.{high:0.0}")].data<long>().ToArray();
        var (matches, labels) = new BoxMatcher(low, high, keepsBest).Match(
            BoxCoderTests.BoxesOf(golden.Tensors["match.truths"]),
            BoxCoderTests.BoxesOf(golden.Tensors["nms.boxes"]));

        Assert.Equal(
            expected,
            labels.Select(
                (label, b) =>
                    label == BoxMatcher.Object ? matches[b]
                    : label == BoxMatcher.Background ? -1L
                    : -2L));
        Assert.Contains(-2L, keepsBest ? expected : [-2L]);
        Assert.Contains(expected, value => value >= 0);
    }

    [Fact]
    public void Match_OfAnObjectThatMeetsNothingWell_KeepsAllItsBestBoxes()
    {
        Box[] boxes = [new(0, 0, 10, 10), new(10, 0, 20, 10), new(50, 50, 60, 60)];
        // IoU 20 / 120 with each of the first two
        var (matches, labels) = new BoxMatcher(0.3f, 0.7f, keepsBest: true).Match([new Box(8, 0, 12, 10)], boxes);

        Assert.Equal([BoxMatcher.Object, BoxMatcher.Object, BoxMatcher.Background], labels);
        Assert.Equal([0, 0, 0], matches);
    }

    [Fact]
    public void Match_OfABoxThatMeetsTwoObjectsAlike_TakesTheFirst() =>
        Assert.Equal(
            [0],
            new BoxMatcher(0.3f, 0.7f, keepsBest: true)
                .Match([new Box(0, 0, 10, 10), new Box(0, 0, 10, 10)], [new Box(0, 0, 10, 9)])
                .Matches);

    [Fact]
    public void Match_WithoutObjects_IsAllBackground() =>
        Assert.Equal(
            [BoxMatcher.Background, BoxMatcher.Background],
            new BoxMatcher(0.3f, 0.7f, keepsBest: true).Match([], [new Box(0, 0, 1, 1), new Box(0, 0, 2, 2)]).Labels);

    [Fact]
    public void Match_OfAnObjectThatMeetsNothing_TakesNoBox() =>
        Assert.Equal(
            [BoxMatcher.Background],
            new BoxMatcher(0.3f, 0.7f, keepsBest: true)
                .Match([new Box(100, 100, 101, 101)], [new Box(0, 0, 10, 10)])
                .Labels);

    [Fact]
    public void Match_AtTheThresholds_IsAnObjectFromTheUpperAndNoBackgroundFromTheLower()
    {
        // IoU 0.5 exactly, against (0.5, 0.75) and (0.25, 0.5).
        Assert.Equal(
            [BoxMatcher.Ignored],
            new BoxMatcher(0.5f, 0.75f, keepsBest: false).Match([new Box(0, 0, 10, 10)], [new Box(0, 0, 10, 5)]).Labels
        );
        Assert.Equal(
            [BoxMatcher.Object],
            new BoxMatcher(0.25f, 0.5f, keepsBest: false).Match([new Box(0, 0, 10, 10)], [new Box(0, 0, 10, 5)]).Labels
        );
    }
}

public sealed class LabelSamplerTests
{
    [Theory]
    [InlineData(100, 100, 40, 0.25, 10, 30)] // enough of both
    [InlineData(3, 100, 40, 0.25, 3, 37)]    // background fills what objects lack
    [InlineData(100, 5, 40, 0.25, 10, 5)]    // objects do not fill what background lacks
    [InlineData(0, 7, 40, 0.5, 0, 7)]
    public void Sample_TakesAtMostItsShare_AndFillsWithBackground(
        int objects, int background, int count, double share, int objectsTaken, int backgroundTaken)
    {
        sbyte[] labels =
        [
            .. Enumerable.Repeat(BoxMatcher.Ignored, 5), .. Enumerable.Repeat(BoxMatcher.Object, objects),
            .. Enumerable.Repeat(BoxMatcher.Background, background),
        ];
        var random = new SampleRandom(1, 2, 3, 4);
        var (first, second) = LabelSampler.Sample(labels, count, share, ref random);

        Assert.Equal((objectsTaken, backgroundTaken), (first.Distinct().Count(), second.Distinct().Count()));
        Assert.Equal((objectsTaken, backgroundTaken), (first.Length, second.Length));
        Assert.All(first, i => Assert.Equal(BoxMatcher.Object, labels[i]));
        Assert.All(second, i => Assert.Equal(BoxMatcher.Background, labels[i]));
    }

    [Fact]
    public void Sample_DrawsEveryBoxEquallyOften()
    {
        var counts = new int[20];
        for (var draw = 0; draw < 4000; draw++)
        {
            var random = new SampleRandom(draw, 0, 0, 0);
            foreach (var i in LabelSampler.Sample(new sbyte[20], 5, 0.5, ref random).Background)
            {
                counts[i]++;
            }
        }

        // six standard deviations of a quarter of 4000
        Assert.All(counts, count => Assert.InRange(count, 1000 - 165, 1000 + 165));
    }
}

public sealed class NonMaximumSuppressionTests
{
    [Fact]
    public void Keep_MatchesAHandWorkedCase()
    {
        Box[] boxes = [new(0, 0, 10, 10), new(0, 0, 10, 6), new(100, 0, 110, 10), new(0, 0, 10, 5)];

        // IoUs with the first: 0.6, 0, 0.5: the last is not above
        Assert.Equal([2, 0, 3], NonMaximumSuppression.Keep(boxes, [0.9f, 0.8f, 0.95f, 0.7f], threshold: 0.5f));
        Assert.Equal([2, 0], NonMaximumSuppression.Keep(boxes, [0.9f, 0.8f, 0.95f, 0.7f], threshold: 0.5f, limit: 2));
        Assert.Equal(
            [2, 0, 1, 3],
            NonMaximumSuppression.KeepByClass(boxes, [0.9f, 0.8f, 0.95f, 0.7f], [0, 1, 0, 2], threshold: 0.5f));
        Assert.Empty(NonMaximumSuppression.Keep([], [], 0.5f));
    }

    [Fact]
    public void Keep_OfEqualScores_KeepsTheFirst() =>
        Assert.Equal(
            [0],
            NonMaximumSuppression.Keep(
                [new(0, 0, 10, 10), new(0, 0, 10, 10), new(0, 0, 10, 9)],
                [0.5f, 0.5f, 0.5f],
                0.5f));

    [Theory]
    [InlineData("0.3")]
    [InlineData("0.5")]
    [InlineData("0.7")]
    public void Keep_IsTorchvisions(string threshold)
    {
        using var golden = Golden.Open("detection.safetensors");
        var (boxes, scores, classes) = (
            BoxCoderTests.BoxesOf(golden.Tensors["nms.boxes"]),
            HostMemory.Floats(golden.Tensors["nms.scores"]),
            golden.Tensors["nms.classes"].data<long>().ToArray());
        var limit = float.Parse(threshold, System.Globalization.CultureInfo.InvariantCulture);

        Assert.Equal(
            golden.Tensors[$"nms.{threshold}"].data<long>().ToArray(),
            NonMaximumSuppression.Keep(boxes, scores, limit).Select(i => (long)i));
        Assert.Equal(
            golden
                .Tensors[$"nms.{threshold}.byClass"]
                .data<long>()
                .ToArray()
                .OrderByDescending(i => scores[i])
                .ThenBy(i => i),
            NonMaximumSuppression
                .KeepByClass(boxes, scores, [.. classes.Select(label => (int)label)], limit)
                .Select(i => (long)i));
    }
}
