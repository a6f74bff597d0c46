using MoCoSharp.Data.Images;
using MoCoSharp.Data.Views;

namespace MoCoSharp.Data.Tests.Views;

/// <summary>The pipelines as the papers and official code give them, written out a second time by hand.</summary>
public sealed class ViewRecipesTests
{
    private static readonly ImageBuffer Photo = GoldenViews.Instance.ImageOf(
        GoldenViews.Instance.Cases.First(entry => entry.GetProperty("image").GetString() == "photo"));

    private static readonly Normalize ImageNet = new([0.485f, 0.456f, 0.406f], [0.229f, 0.224f, 0.225f]);
    private static readonly Normalize Cifar = new([0.4914f, 0.4822f, 0.4465f], [0.2023f, 0.1994f, 0.2010f]);

    private delegate void Steps(ViewCanvas canvas, ref SampleRandom random);

    [Fact]
    public void MoCoV1_GreysBeforeItJitters() =>
        AssertSteps(
            ViewRecipe.MoCoV1,
            ImageNet,
            static (ViewCanvas canvas, ref SampleRandom random) =>
    {
        new RandomResizedCrop(32, 0.2, 1).Apply(canvas, ref random);
        new RandomGrayscale(0.2).Apply(canvas, ref random);
        new ColorJitter(0.4, 0.4, 0.4, 0.4, 1).Apply(canvas, ref random);
        new HorizontalFlip(0.5).Apply(canvas, ref random);
    });

    [Theory]
    [InlineData(ViewRecipe.CifarDemo, 16, null, 16, 16)]
    [InlineData(ViewRecipe.CifarDemo, 16, 32, 32, 32)]
    [InlineData(ViewRecipe.MoCoV2, 64, 112, 112, 128)] // 256/224 of the size, as in the papers' evaluation
    public void EvaluationSize_IsThatOfAnImageInEvaluation_NotOfAView(
        ViewRecipe recipe, int size, int? evaluationSize, int expected, int shortSide)
    {
        var options = new ViewOptions { Recipe = recipe, Size = size, EvaluationSize = evaluationSize };

        Assert.Equal(size, ViewRecipes.Train(options).Size);
        var evaluation = ViewRecipes.Evaluation(options);
        Assert.Equal(expected, evaluation.Size);
        Assert.Equal(shortSide, evaluation.Operations.OfType<Resize>().Single().ShortSide);
    }

    [Fact]
    public void AnEvaluationSizeOfNoPixels_IsAFault() =>
        Assert.Contains(
            "views.evaluationSize is 0",
            Assert.Single(ViewRecipes.Faults(new ViewOptions { EvaluationSize = 0 })));

    [Fact]
    public void MoCoV2_JittersThenGreysThenBlursThenFlips() =>
        AssertSteps(
            ViewRecipe.MoCoV2,
            ImageNet,
            static (ViewCanvas canvas, ref SampleRandom random) =>
    {
        new RandomResizedCrop(32, 0.2, 1).Apply(canvas, ref random);
        new ColorJitter(0.4, 0.4, 0.4, 0.1, 0.8).Apply(canvas, ref random);
        new RandomGrayscale(0.2).Apply(canvas, ref random);
        new GaussianBlur(0.1, 2, 0.5).Apply(canvas, ref random);
        new HorizontalFlip(0.5).Apply(canvas, ref random);
    });

    [Fact]
    public void CifarDemo_FlipsFirstAndDoesNotBlur() =>
        AssertSteps(
            ViewRecipe.CifarDemo,
            Cifar,
            static (ViewCanvas canvas, ref SampleRandom random) =>
    {
        new RandomResizedCrop(32, 0.08, 1).Apply(canvas, ref random);
        new HorizontalFlip(0.5).Apply(canvas, ref random);
        new ColorJitter(0.4, 0.4, 0.4, 0.1, 0.8).Apply(canvas, ref random);
        new RandomGrayscale(0.2).Apply(canvas, ref random);
    });

    [Fact]
    public void CifarV1_IsMoCoV1_WithTheDemosStatistics() =>
        AssertSteps(
            ViewRecipe.CifarV1,
            Cifar,
            static (ViewCanvas canvas, ref SampleRandom random) =>
    {
        new RandomResizedCrop(32, 0.2, 1).Apply(canvas, ref random);
        new RandomGrayscale(0.2).Apply(canvas, ref random);
        new ColorJitter(0.4, 0.4, 0.4, 0.4, 1).Apply(canvas, ref random);
        new HorizontalFlip(0.5).Apply(canvas, ref random);
    });

    [Fact]
    public void SimClr_FlipsThenDistortsThenBlursByATenthOfTheSide() =>
        AssertSteps(
            ViewRecipe.SimClr,
            ImageNet,
            static (ViewCanvas canvas, ref SampleRandom random) =>
    {
        new RandomResizedCrop(32, 0.08, 1).Apply(canvas, ref random);
        new HorizontalFlip(0.5).Apply(canvas, ref random);
        new ColorJitter(0.8, 0.8, 0.8, 0.2, 0.8).Apply(canvas, ref random);
        new RandomGrayscale(0.2).Apply(canvas, ref random);
        new KernelBlur(3, 0.1, 2, 0.5).Apply(canvas, ref random);
    });

    [Fact]
    public void SimClrOnCifar_DistortsHalfAsMuch_AsMoCoV2_AndDoesNotBlur() =>
        AssertSteps(
            ViewRecipe.SimClrCifar,
            Cifar,
            static (ViewCanvas canvas, ref SampleRandom random) =>
    {
        new RandomResizedCrop(32, 0.08, 1).Apply(canvas, ref random);
        new HorizontalFlip(0.5).Apply(canvas, ref random);
        new ColorJitter(0.4, 0.4, 0.4, 0.1, 0.8).Apply(canvas, ref random);
        new RandomGrayscale(0.2).Apply(canvas, ref random);
    });

    [Fact]
    public void Strength_ScalesSimClrsColours_AndIsOfItAlone()
    {
        Assert.Contains(
            "jitter (brightness 0.2, contrast 0.2, saturation 0.2, hue 0.05",
            ViewRecipes.Train(new ViewOptions { Recipe = ViewRecipe.SimClr, Strength = 0.25 }).Describe());
        Assert.Contains(
            "views.strength is 1, which only simclr",
            Assert.Single(ViewRecipes.Faults(new ViewOptions { Strength = 1 })));
        Assert.Contains(
            "at most 2.5",
            Assert.Single(ViewRecipes.Faults(new ViewOptions { Recipe = ViewRecipe.SimClr, Strength = 3 })));
    }

    [Fact]
    public void Describe_TellsEachStepOnALine()
    {
        Assert.Equal(
            """
            random resized crop to 224 x 224, area 0.2 to 1, ratio 3/4 to 4/3
            color jitter (brightness 0.4, contrast 0.4, saturation 0.4, hue 0.1, random order), probability 0.8
            grayscale, probability 0.2
            Gaussian blur, sigma 0.1 to 2, probability 0.5
            horizontal flip, probability 0.5
            normalize by mean 0.485 0.456 0.406, std 0.229 0.224 0.225
            """,
            ViewRecipes.Train(new ViewOptions()).Describe());
        Assert.Equal(
            """
            resize the shorter side to 256
            center crop to 224 x 224
            normalize by mean 0.485 0.456 0.406, std 0.229 0.224 0.225
            """,
            ViewRecipes.Evaluation(new ViewOptions()).Describe());
    }

    [Fact]
    public void Options_DepartFromTheRecipe()
    {
        var options = new ViewOptions
        {
            Recipe = ViewRecipe.MoCoV1,
            Size = 16,
            CropScaleMin = 0.5,
            CropScaleMax = 0.75,
            Blur = true,
            Mean = [0, 0, 0],
            Std = [1, 1, 1],
        };
        Assert.Equal(
            """
            random resized crop to 16 x 16, area 0.5 to 0.75, ratio 3/4 to 4/3
            grayscale, probability 0.2
            color jitter (brightness 0.4, contrast 0.4, saturation 0.4, hue 0.4, random order), probability 1
            Gaussian blur, sigma 0.1 to 2, probability 0.5
            horizontal flip, probability 0.5
            normalize by mean 0 0 0, std 1 1 1
            """,
            ViewRecipes.Train(options).Describe());
    }

    [Fact]
    public void Evaluation_OfADemoImage_OnlyNormalises()
    {
        var image = new ImageBuffer(32, 32, Photo.Pixels[..(32 * 32 * 3)]);
        var expected = new float[32 * 32 * 3];
        Cifar.Apply(image.Pixels, expected);
        Assert.Equal(
            expected,
            Write(ViewRecipes.Evaluation(new ViewOptions { Recipe = ViewRecipe.CifarDemo, Size = 32 }), image, default)
        );
        Assert.Equal(
            32 * 32 * 3,
            Write(
                ViewRecipes.Evaluation(new ViewOptions { Recipe = ViewRecipe.CifarDemo, Size = 32 }),
                Photo,
                default
            ).Length);
    }

    [Fact]
    public void Evaluation_OfAThread_IsBrokenInsteadOfHuge()
    {
        var thread = new ImageBuffer(1, 60_000, new byte[180_000]);
        var exception = Assert.Throws<BrokenImageException>(() =>
            Write(ViewRecipes.Evaluation(new ViewOptions()), thread, default));
        Assert.Contains("1 x 60000", exception.Message);
        Assert.Equal(
            32 * 32 * 3,
            Write(ViewRecipes.Train(new ViewOptions { Size = 32 }), thread, new SampleRandom(0, 0, 0, 0)).Length);
    }

    [Fact]
    public void View_IsAFunctionOfSeedEpochImageAndView()
    {
        var transform = ViewRecipes.Train(new ViewOptions { Size = 32 });
        var first = Write(transform, Photo, new SampleRandom(1, 2, 3, 0));
        Assert.Equal(first, Write(transform, Photo, new SampleRandom(1, 2, 3, 0)));
        Assert.NotEqual(first, Write(transform, Photo, new SampleRandom(1, 2, 3, 1)));
        Assert.NotEqual(first, Write(transform, Photo, new SampleRandom(1, 2, 4, 0)));
        Assert.NotEqual(first, Write(transform, Photo, new SampleRandom(1, 3, 3, 0)));
        Assert.NotEqual(first, Write(transform, Photo, new SampleRandom(2, 2, 3, 0)));
    }

    [Fact]
    public void Faults_TellsAllAtOnce()
    {
        var options = new ViewOptions
        {
            Recipe = (ViewRecipe)9,
            Size = 0,
            CropScaleMin = 2,
            Mean = [1],
            Std = [1, 0, 1],
        };
        var faults = ViewRecipes.Faults(options).ToList();
        Assert.Equal(
            ["views.recipe", "views.size", "views.cropScaleMin", "views.mean", "views.std"],
            faults.Select(fault => fault.Split(' ')[0]));
        Assert.Contains("moco-v1, moco-v2, cifar-demo", faults[0]);
        Assert.Contains(
            "moco-v1, moco-v2, cifar-demo",
            Assert.Throws<ArgumentException>(() => ViewRecipes.Train(options)).Message);
        Assert.All(
            Enum.GetValues<ViewRecipe>(),
            name => Assert.Empty(ViewRecipes.Faults(new ViewOptions { Recipe = name })));
    }

    [Theory]
    [InlineData(ViewRecipe.MoCoV1, 224)]
    [InlineData(ViewRecipe.MoCoV2, 224)]
    [InlineData(ViewRecipe.CifarDemo, 32)]
    [InlineData(ViewRecipe.SimClr, 224)]
    public void Write_AllocatesNothingInSteadyState(ViewRecipe recipe, int size)
    {
        var transform = ViewRecipes.Train(new ViewOptions { Recipe = recipe, Size = size });
        var image = GoldenViews.Formula(500, 375);
        var pixels = new float[size * size * 3];
        var least = long.MaxValue;
        for (var round = 0; round < 5; round++)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            for (var view = 0; view < 20; view++)
            {
                var random = new SampleRandom(0, round, 0, view);
                transform.Write(image, ref random, pixels);
            }

            // a collection elsewhere may empty the pool once
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        Assert.Equal(0, least);
    }

    [Fact]
    public void ScaledDecoding_AsksOnlyForSizesWhoseCropsFillTheView()
    {
        var full = ViewRecipes.Train(new ViewOptions { Size = 64 });
        var scaled = ViewRecipes.Train(new ViewOptions { Size = 64, ScaledDecoding = true });
        Assert.Null(full.Request(JpegDecoder.Auto, default, default).AcceptsReducedSize);
        Assert.Contains("decoded at 1/8", scaled.Describe());
        var reduced = 0;
        for (var image = 0; image < 200; image++)
        {
            var (first, second) = (new SampleRandom(0, 0, image, 0), new SampleRandom(0, 0, image, 1));
            var willDo = scaled.Request(JpegDecoder.Auto, first, second).AcceptsReducedSize!;
            foreach (var (width, height) in new[] { (500, 375), (250, 188), (125, 94), (63, 47) })
            {
                var crop = new RandomResizedCrop(64, 0.2);
                var (a, b) = (crop.Draw(width, height, ref first), crop.Draw(width, height, ref second));
                var fills = Math.Min(Math.Min(a.Width, a.Height), Math.Min(b.Width, b.Height)) >= 64;
                (first, second) = (new SampleRandom(0, 0, image, 0), new SampleRandom(0, 0, image, 1));
                Assert.Equal(fills, willDo(width, height));
                reduced += fills && width < 500 ? 1 : 0;
            }
        }

        Assert.InRange(reduced, 50, 400); // neither never nor always

        var evaluation = ViewRecipes
            .Evaluation(new ViewOptions { Size = 224, ScaledDecoding = true })
            .Request(JpegDecoder.Auto, default, default)
            .AcceptsReducedSize!;
        Assert.True(evaluation(400, 256));
        Assert.False(evaluation(400, 255));
    }

    private static void AssertSteps(ViewRecipe recipe, Normalize normalize, Steps steps)
    {
        var transform = ViewRecipes.Train(new ViewOptions { Recipe = recipe, Size = 32 });
        for (var image = 0; image < 50; image++)
        {
            var random = new SampleRandom(5, 0, image, 0);
            using var canvas = new ViewCanvas(Photo);
            steps(canvas, ref random);
            var expected = new float[32 * 32 * 3];
            normalize.Apply(canvas.Pixels, expected);
            Assert.Equal(expected, Write(transform, Photo, new SampleRandom(5, 0, image, 0)));
        }
    }

    private static float[] Write(ViewTransform transform, ImageBuffer image, SampleRandom random)
    {
        var pixels = new float[transform.Size * transform.Size * 3];
        transform.Write(image, ref random, pixels);
        return pixels;
    }
}
