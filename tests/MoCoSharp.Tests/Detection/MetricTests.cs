using MoCoSharp.Data.Views;
using MoCoSharp.Detection.Datasets;
using MoCoSharp.Detection.Metrics;
using MoCoSharp.Detection.Model;
using MoCoSharp.Models;

namespace MoCoSharp.Tests.Detection;

public sealed class AveragePrecisionTests
{
    // A hit, a miss, a hit, and one of three objects is never found: recall 1/3, 1/3, 2/3; precision 1, 1/2, 2/3.
    private static readonly (double, double)[] Worked = [(1 / 3.0, 1), (1 / 3.0, 0.5), (2 / 3.0, 2 / 3.0)];

    [Fact]
    public void ElevenPoints_MatchHandComputedValues() =>
        // recalls 0 to 0.3, 0.4 to 0.6, 0.7 to 1
        Assert.Equal(((4 * 1) + (3 * (2 / 3.0)) + (4 * 0)) / 11, AveragePrecision.ElevenPoints(Worked), 1e-12);

    [Fact]
    public void Area_MatchesHandComputedValues() =>
        Assert.Equal((1 / 3.0 * 1) + (1 / 3.0 * (2 / 3.0)), AveragePrecision.Area(Worked), 1e-12);

    [Fact]
    public void NothingFound_IsZero()
    {
        Assert.Equal(0, AveragePrecision.ElevenPoints([]));
        Assert.Equal(0, AveragePrecision.Area([]));
    }

    [Fact]
    public void ElevenPoints_AtARecallOfThreeTenths_CountTheFourthPointAsPublished()
    {
        // 3 x 0.1 is a little above 0.3, so that a recall of 3 / 10 does not reach it.
        Assert.Equal(3.0 / 11, AveragePrecision.ElevenPoints([(0.3, 1)]), 1e-12);
    }
}

public sealed class DecimalsTests
{
    [Theory]
    // Python: "%.1f" % 0.25 is 0.2, of 0.75 it is 0.8, of 0.35 (which is a little less) 0.3, of 0.0625 with three
    // digits 0.062
    [InlineData(0.25, 1, 0.2)]
    [InlineData(0.75, 1, 0.8)]
    [InlineData(0.35, 1, 0.3)]
    [InlineData(2.5, 1, 2.5)]
    [InlineData(0.0625, 3, 0.062)]
    [InlineData(0.1875, 3, 0.188)]
    [InlineData(0.12345, 3, 0.123)]
    [InlineData(-0.25, 1, -0.2)]
    [InlineData(123.25, 1, 123.2)]
    public void Round_IsWhatPythonPrints(double value, int digits, double expected) =>
        Assert.Equal(expected, Decimals.Round(value, digits));
}

public sealed class DetectionMetricTests
{
    [Theory]
    [InlineData(DetectionMetric.Voc07)]
    [InlineData(DetectionMetric.Voc)]
    [InlineData(DetectionMetric.Coco)]
    public void PerfectFinds_Reach1_AndNoFinds_Reach0(DetectionMetric metric)
    {
        var images = Images([Box(10, 10, 60, 60, 0), Box(100, 20, 160, 90, 1)], [Box(5, 5, 205, 105, 0)]);
        FoundObject[] perfect =
        [
            Find(0, 0, 0.9, 10, 10, 60, 60), Find(0, 1, 0.8, 100, 20, 160, 90), Find(1, 0, 0.7, 5, 5, 205, 105),
        ];

        var all = DetectionMetrics.Compute(metric, images, [0, 1], perfect);
        var none = DetectionMetrics.Compute(metric, images, [0, 1], []);

        Assert.Equal((1, 1, 1), (Round(all.Ap), Round(all.Ap50), Round(all.Ap75)));
        Assert.Equal((0, 0, 0), (none.Ap, none.Ap50, none.Ap75));
    }

    [Fact]
    public void AClassWithoutObjects_HasNoNumber_AndIsLeftOutOfTheMean()
    {
        var images = Images([Box(10, 10, 60, 60, 0)]);
        foreach (var metric in Enum.GetValues<DetectionMetric>().Except([DetectionMetric.Auto]))
        {
            var scores = DetectionMetrics.Compute(
                metric, images, [0],
                [Find(0, 0, 0.9, 10, 10, 60, 60), Find(0, 1, 0.99, 10, 10, 60, 60)]);

            Assert.Equal(1, Round(scores.Ap));
            Assert.True(double.IsNaN(scores.Classes[1].Ap));
        }
    }

    [Fact]
    public void AnObjectFoundTwice_IsAHitAndAMistake()
    {
        var images = Images([Box(10, 10, 60, 60, 0), Box(110, 110, 160, 160, 0)]);
        FoundObject[] finds =
        [
            Find(0, 0, 0.9, 10, 10, 60, 60), Find(0, 0, 0.8, 10, 10, 60, 60), Find(0, 0, 0.7, 110, 110, 160, 160),
        ];

        // Recall 1/2, 1/2, 1; precision 1, 1/2, 2/3.
        Assert.Equal(
            ((6 * 1) + (5 * (2 / 3.0))) / 11,
            VocMetric.Of(images, [0], finds, elevenPoints: true).Ap50,
            1e-12);
        Assert.Equal(0.5 + (0.5 * 2 / 3.0), VocMetric.Of(images, [0], finds, elevenPoints: false).Ap50, 1e-12);
        // recalls 0 to 0.5, and 0.51 to 1
        Assert.Equal(((51 * 1) + (50 * (2 / 3.0))) / 101, CocoMetric.Of(images, [0], finds).Ap50, 1e-9);
    }

    [Fact]
    public void DifficultObjects_AreNeitherMissedNorMistaken()
    {
        var images = Images([Box(10, 10, 60, 60, 0), Box(110, 110, 160, 160, 0) with { IsDifficult = true }]);

        // Found first, and twice: it would be a mistake otherwise.
        FoundObject[] finds =
        [
            Find(0, 0, 0.9, 110, 110, 160, 160), Find(0, 0, 0.8, 110, 110, 160, 160), Find(0, 0, 0.7, 10, 10, 60, 60),
        ];

        Assert.Equal(1, Round(VocMetric.Of(images, [0], finds, elevenPoints: true).Ap50));
        Assert.Equal(1, Round(VocMetric.Of(images, [0], [finds[2]], elevenPoints: true).Ap50));
    }

    [Fact]
    public void Crowds_TakeAnyNumberOfFinds_AndAreNotMissed()
    {
        var images = Images([Box(10, 10, 60, 60, 0), Box(100, 100, 200, 200, 0) with { IsCrowd = true }]);
        FoundObject[] finds =
        [
            Find(0, 0, 0.9, 110, 110, 160, 160), Find(0, 0, 0.85, 120, 120, 150, 150), Find(0, 0, 0.7, 10, 10, 60, 60),
        ]; // the first two lie inside the crowd

        Assert.Equal(1, Round(CocoMetric.Of(images, [0], finds).Ap));
        // outside, it is a mistake
        Assert.Equal(0.5, CocoMetric.Of(images, [0], [Find(0, 0, 0.9, 300, 300, 350, 350), finds[2]]).Ap50, 1e-9);
    }

    [Fact]
    public void Ranges_CountObjectsOfTheirSizeAlone()
    {
        // 20 x 20, 50 x 50, 150 x 150: the small one is missed, the medium one found, the large one found in its left
        // 60 %.
        var images = Images([Box(0, 0, 20, 20, 0), Box(100, 100, 150, 150, 0), Box(200, 200, 350, 350, 0)]);
        var scores = CocoMetric.Of(
            images,
            [0],
            [Find(0, 0, 0.9, 100, 100, 150, 150), Find(0, 0, 0.8, 200, 200, 290, 350)]);

        Assert.Equal(0, scores.Others["apSmall"]);
        Assert.Equal(1, Round(scores.Others["apMedium"]));
        Assert.Equal(0.3, scores.Others["apLarge"], 1e-9); // IoU 0.6: at 0.5, 0.55 and 0.6 of ten
        Assert.Equal((1 + 0.3) / 3, scores.Others["ar100"], 1e-9);
        Assert.Equal(1 / 3.0, scores.Others["ar1"], 1e-9); // the best find of the image alone
    }

    [Fact]
    public void AreaOfTheOutline_DecidesTheSize()
    {
        var images = Images([Box(0, 0, 100, 100, 0) with { OutlineArea = 900 }]); // a thin thing in a large box

        var scores = CocoMetric.Of(images, [0], [Find(0, 0, 0.9, 0, 0, 100, 100)]);

        Assert.Equal(1, Round(scores.Others["apSmall"]));
        Assert.True(double.IsNaN(scores.Others["apLarge"]));
    }

    [Fact]
    public void ImagesThatAreNotJudged_DoNotCount()
    {
        var images = Images([Box(10, 10, 60, 60, 0)], [Box(10, 10, 60, 60, 0)]);
        foreach (var metric in Enum.GetValues<DetectionMetric>().Except([DetectionMetric.Auto]))
        {
            Assert.Equal(1, Round(DetectionMetrics.Compute(metric, images, [1], [Find(1, 0, 0.9, 10, 10, 60, 60)]).Ap));
        }
    }

    [Fact]
    public void VocScores_ThatDifferInTheFourthDigit_AreTies_WhichTheEarlierImageWins()
    {
        var images = Images([Box(10, 10, 60, 60, 0)], []);

        // The mistake of image 1 scores higher, but not as written: 0.900 both.
        Assert.Equal(
            1,
            Round(
                VocMetric
                    .Of(
                        images,
                        [0, 1],
                        [Find(0, 0, 0.9001, 10, 10, 60, 60), Find(1, 0, 0.9003, 10, 10, 60, 60)],
                        elevenPoints: false)
                    .Ap50));
        Assert.Equal(
            0.5,
            VocMetric
                .Of(
                    images,
                    [0, 1],
                    [Find(0, 0, 0.9001, 10, 10, 60, 60), Find(1, 0, 0.901, 10, 10, 60, 60)],
                    elevenPoints: false)
                .Ap50,
            1e-12);
    }

    // The twin: each number straight from its definition, slowly, without anything in common with the code under test.
    [Fact]
    public void RandomScenes_AgreeWithANaiveTwin()
    {
        for (var scene = 0; scene < 60; scene++)
        {
            var random = new SampleRandom(scene, 1, 2, 3);
            var (images, finds) = Scene(ref random);
            int[] judged = [.. Enumerable.Range(0, images.Count)];
            foreach (var eleven in new[] { true, false })
            {
                var scores = VocMetric.Of(images, judged, finds, eleven);
                Assert.Equal(NaiveVoc(images, finds, 0.5, eleven), scores.Ap50, 1e-9);
                Assert.Equal(NaiveVoc(images, finds, 0.75, eleven), scores.Ap75, 1e-9);
            }

            var coco = CocoMetric.Of(images, judged, finds);
            Assert.Equal(NaiveCoco(images, finds, 0.5, 0, 1e10, 100), coco.Ap50, 1e-9);
            Assert.Equal(NaiveCoco(images, finds, 0.75, 0, 1e10, 100), coco.Ap75, 1e-9);
            Assert.Equal(
                Enumerable.Range(0, 10).Average(t => NaiveCoco(images, finds, 0.5 + (0.05 * t), 32 * 32, 96 * 96, 100)),
                coco.Others["apMedium"],
                1e-9);
            Assert.Equal(
                Enumerable
                    .Range(0, 10)
                    .Average(t => NaiveCoco(images, finds, 0.5 + (0.05 * t), 0, 1e10, 10, recall: true)),
                coco.Others["ar10"],
                1e-9);
        }
    }

    private static double NaiveVoc(BoxedImages images, FoundObject[] finds, double iou, bool eleven)
    {
        var aps = new List<double>();
        for (var label = 0; label < images.ClassNames.Count; label++)
        {
            var objects = Enumerable
                .Range(0, images.Count)
                .Sum(i => images[i].Boxes.Count(box => box.Label == label && !box.IsDifficult));
            if (objects == 0)
            {
                continue;
            }

            var ranked = finds
                .Where(find => find.Label == label)
                .Select((find, place) => (find, score: Math.Round(find.Score, 3), place))
                .OrderByDescending(item => item.score)
                .ThenBy(item => item.find.Image)
                .ThenBy(item => item.place)
                .Select(item => item.find)
                .ToList();
            var used = new HashSet<(int, ObjectBox)>();
            var marks = new List<bool>(); // of finds that count: hit or miss
            foreach (var find in ranked)
            {
                var best = images[find.Image]
                    .Boxes.Where(box => box.Label == label)
                    .Select(box => (box, overlap: InclusiveIou(box, find)))
                    .OrderByDescending(item => item.overlap)
                    .FirstOrDefault();
                if (!(best.overlap > iou))
                {
                    marks.Add(false);
                }
                else if (!best.box.IsDifficult)
                {
                    marks.Add(used.Add((find.Image, best.box)));
                }
            }

            var points = Enumerable
                .Range(1, marks.Count)
                .Select(n =>
                    (
                        Recall: marks.Take(n).Count(hit => hit) / (double)objects,
                        Precision: marks.Take(n).Count(hit => hit) / (double)n))
                .ToList();
            double Beyond(double recall) =>
                points.Where(point => point.Recall >= recall).Select(point => point.Precision).DefaultIfEmpty(0).Max();
            aps.Add(eleven
                ? Enumerable.Range(0, 11).Average(i => Beyond(i * 0.1))
                : Enumerable.Range(1, objects).Average(n => Beyond((n / (double)objects) - 1e-12))
        ); // each object adds a strip of equal width
        }

        return aps.Average();
    }

    // As VOC's files have boxes: counted from 1, with one decimal, both ends inside.
    private static double InclusiveIou(ObjectBox box, FoundObject find)
    {
        double left = Math.Round(find.Left + 1, 1),
            top = Math.Round(find.Top + 1, 1),
            right = Math.Round(find.Right, 1),
            bottom = Math.Round(find.Bottom, 1);
        var width = Math.Min(right, box.Right) - Math.Max(left, box.Left + 1) + 1;
        var height = Math.Min(bottom, box.Bottom) - Math.Max(top, box.Top + 1) + 1;
        return width <= 0 || height <= 0
            ? 0
            : width
                * height
                / (((right - left + 1) * (bottom - top + 1)) + (box.Width * box.Height) - (width * height));
    }

    private static double NaiveCoco(
        BoxedImages images, FoundObject[] finds, double iou, double from, double to, int most, bool recall = false)
    {
        var numbers = new List<double>();
        for (var label = 0; label < images.ClassNames.Count; label++)
        {
            bool Ignored(ObjectBox box) => box.IsCrowd || box.Area < from || box.Area > to;
            var objects = Enumerable
                .Range(0, images.Count)
                .Sum(i => images[i].Boxes.Count(box => box.Label == label && !Ignored(box)));
            if (objects == 0)
            {
                continue;
            }

            var marks = new List<(double Score, bool Hit)>();
            for (var i = 0; i < images.Count; i++)
            {
                var free = images[i].Boxes.Where(box => box.Label == label).ToList();
                foreach (
                    var find in finds
                        .Where(find => find.Image == i && find.Label == label)
                        .OrderByDescending(find => find.Score)
                        .Take(most))
                {
                    // Among objects that count the one met most; else among the others.
                    var meets = free.Where(box => ContinuousIou(box, find) >= Math.Min(iou, 1 - 1e-10) - 1e-12)
                        .ToList();
                    var choice =
                        meets
                            .Where(box => !Ignored(box))
                            .OrderByDescending(box => ContinuousIou(box, find))
                            .Cast<ObjectBox?>()
                            .FirstOrDefault()
                        ?? meets
                            .Where(Ignored)
                            .OrderByDescending(box => ContinuousIou(box, find))
                            .Cast<ObjectBox?>()
                            .FirstOrDefault();
                    if (choice is { } box)
                    {
                        if (!box.IsCrowd)
                        {
                            free.Remove(box);
                        }

                        if (!Ignored(box))
                        {
                            marks.Add((find.Score, true));
                        }
                    }
                    else if (find.Area() >= from && find.Area() <= to)
                    {
                        marks.Add((find.Score, false));
                    }
                }
            }

            var ranked = marks.OrderByDescending(mark => mark.Score).ToList();
            var points = Enumerable
                .Range(1, ranked.Count)
                .Select(n =>
                    (
                        Recall: ranked.Take(n).Count(mark => mark.Hit) / (double)objects,
                        Precision: ranked.Take(n).Count(mark => mark.Hit) / (double)n))
                .ToList();
            numbers.Add(recall
                ? points.Select(point => point.Recall).DefaultIfEmpty(0).Max()
                : Enumerable
                    .Range(0, 101)
                    .Average(r =>
                        points
                            .Where(point => point.Recall >= (r / 100.0) - 1e-12)
                            .Select(point => point.Precision)
                            .DefaultIfEmpty(0)
                            .Max()));
        }

        return numbers.Count == 0 ? double.NaN : numbers.Average();
    }

    private static double ContinuousIou(ObjectBox box, FoundObject find)
    {
        var width = Math.Min(box.Right, find.Right) - Math.Max(box.Left, find.Left);
        var height = Math.Min(box.Bottom, find.Bottom) - Math.Max(box.Top, find.Top);
        var common = width <= 0 || height <= 0 ? 0 : width * height;
        return common / (box.IsCrowd ? find.Area() : (box.Width * box.Height) + find.Area() - common);
    }

    // Objects of two classes, some difficult, some crowds; finds near them, twice, elsewhere, of the other class.
    // Scores are multiples of 0.013, all different.
    private static (BoxedImages, FoundObject[]) Scene(ref SampleRandom random)
    {
        var rows = new List<ObjectBox[]>();
        var finds = new List<FoundObject>();
        var scores = Enumerable.Range(1, 76).ToArray();
        random.Shuffle(scores.AsSpan());
        var next = 0;
        for (var image = 0; image < 4; image++)
        {
            var boxes = new List<ObjectBox>();
            for (var n = random.NextInt(5) + (image == 0 ? 2 : 0); n > 0; n--)
            {
                double left = random.NextInt(200),
                    top = random.NextInt(200),
                    width = 15 + random.NextInt(120),
                    height = 15 + random.NextInt(120);
                var kind = random.NextInt(6);
                var box = Box(left, top, left + width, top + height, image == 0 ? n % 2 : random.NextInt(2)) with
                {
                    IsDifficult = kind == 0 && image > 0,
                    IsCrowd = kind == 1 && image > 0,
                };
                boxes.Add(box);
                for (var m = random.NextInt(4); m > 0 && next < scores.Length - 6; m--)
                {
                    int dx = random.NextInt(20), dy = random.NextInt(20);
                    finds.Add(
                        Find(
                            image, random.NextInt(5) == 0 ? 1 - box.Label : box.Label, 0.013 * scores[next++],
                            left + dx, top + dy, left + width + (dx / 2),
                            top + height - (dy / 3)));
                }
            }

            finds.Add(Find(image, random.NextInt(2), 0.013 * scores[next++], 300, 300, 340, 360));
            rows.Add([.. boxes]);
        }

        return (Images([.. rows]), [.. finds]);
    }

    private static double Round(double value) => Math.Round(value, 9);

    private static ObjectBox Box(double left, double top, double right, double bottom, int label) =>
        new(left, top, right, bottom, label);

    private static FoundObject Find(
        int image, int label, double score, double left, double top, double right, double bottom
    ) => new(image, label, score, left, top, right, bottom);

    private static BoxedImages Images(params ObjectBox[][] boxes) =>
        new(
            "made",
            ["first", "second"],
            [.. boxes.Select((list, i) => new BoxedImage($"{i}.png", $"{i}", 400, 400, list))]);
}

internal static class FoundObjectArea
{
    public static double Area(this FoundObject found) => (found.Right - found.Left) * (found.Bottom - found.Top);
}
