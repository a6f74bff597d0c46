using MoCoSharp.Data.Images;
using MoCoSharp.Data.Views;

namespace MoCoSharp.Data.Tests.Views;

/// <summary>The pipelines as the papers and official code give them, written out a second time by hand.</summary>
public sealed class ViewRecipesTests
{
    private static readonly ImageBuffer Photo = GoldenViews.Instance.ImageOf(GoldenViews.Instance.Cases.First(entry => entry.GetProperty("image").GetString() == "photo"));

    private static readonly Normalize ImageNet = new([0.485f, 0.456f, 0.406f], [0.229f, 0.224f, 0.225f]);
    private static readonly Normalize Cifar = new([0.4914f, 0.4822f, 0.4465f], [0.2023f, 0.1994f, 0.2010f]);

    private delegate void Steps(ViewCanvas canvas, ref SampleRandom random);

    [Fact]
    public void MoCoV1_GreysBeforeItJitters() => AssertSteps("moco-v1", ImageNet, static (ViewCanvas canvas, ref SampleRandom random) =>
    {
        new RandomResizedCrop(32, 0.2, 1).Apply(canvas, ref random);
        new RandomGrayscale(0.2).Apply(canvas, ref random);
        new ColorJitter(0.4, 0.4, 0.4, 0.4, 1).Apply(canvas, ref random);
        new HorizontalFlip(0.5).Apply(canvas, ref random);
    });

    [Fact]
    public void MoCoV2_JittersThenGreysThenBlursThenFlips() => AssertSteps("moco-v2", ImageNet, static (ViewCanvas canvas, ref SampleRandom random) =>
    {
        new RandomResizedCrop(32, 0.2, 1).Apply(canvas, ref random);
        new ColorJitter(0.4, 0.4, 0.4, 0.1, 0.8).Apply(canvas, ref random);
        new RandomGrayscale(0.2).Apply(canvas, ref random);
        new GaussianBlur(0.1, 2, 0.5).Apply(canvas, ref random);
        new HorizontalFlip(0.5).Apply(canvas, ref random);
    });

    [Fact]
    public void CifarDemo_FlipsFirstAndDoesNotBlur() => AssertSteps("cifar-demo", Cifar, static (ViewCanvas canvas, ref SampleRandom random) =>
    {
        new RandomResizedCrop(32, 0.08, 1).Apply(canvas, ref random);
        new HorizontalFlip(0.5).Apply(canvas, ref random);
        new ColorJitter(0.4, 0.4, 0.4, 0.1, 0.8).Apply(canvas, ref random);
        new RandomGrayscale(0.2).Apply(canvas, ref random);
    });

    [Fact]
    public void Describe_TellsEachStepOnALine()
    {
        Assert.Equal(
            """
            random resized crop to 224 x 224, area 0.2 to 1, ratio 3/4 to 4/3
            colour jitter (brightness 0.4, contrast 0.4, saturation 0.4, hue 0.1, random order), probability 0.8
            greyscale, probability 0.2
            Gaussian blur, sigma 0.1 to 2, probability 0.5
            horizontal flip, probability 0.5
            normalise by mean 0.485 0.456 0.406, std 0.229 0.224 0.225
            """,
            ViewRecipes.Train(new ViewOptions()).Describe());
        Assert.Equal(
            """
            resize the shorter side to 256
            centre crop to 224 x 224
            normalise by mean 0.485 0.456 0.406, std 0.229 0.224 0.225
            """,
            ViewRecipes.Evaluation(new ViewOptions()).Describe());
    }

    [Fact]
    public void Options_DepartFromTheRecipe()
    {
        var options = new ViewOptions { Recipe = "moco-v1", Size = 16, CropScaleMin = 0.5, CropScaleMax = 0.75, Blur = true, Mean = [0, 0, 0], Std = [1, 1, 1] };
        Assert.Equal(
            """
            random resized crop to 16 x 16, area 0.5 to 0.75, ratio 3/4 to 4/3
            greyscale, probability 0.2
            colour jitter (brightness 0.4, contrast 0.4, saturation 0.4, hue 0.4, random order), probability 1
            Gaussian blur, sigma 0.1 to 2, probability 0.5
            horizontal flip, probability 0.5
            normalise by mean 0 0 0, std 1 1 1
            """,
            ViewRecipes.Train(options).Describe());
    }

    [Fact]
    public void Evaluation_OfADemoImage_OnlyNormalises()
    {
        var image = new ImageBuffer(32, 32, Photo.Pixels[..(32 * 32 * 3)]);
        var expected = new float[32 * 32 * 3];
        Cifar.Apply(image.Pixels, expected);
        Assert.Equal(expected, Write(ViewRecipes.Evaluation(new ViewOptions { Recipe = "cifar-demo", Size = 32 }), image, default));
        Assert.Equal(32 * 32 * 3, Write(ViewRecipes.Evaluation(new ViewOptions { Recipe = "cifar-demo", Size = 32 }), Photo, default).Length);
    }

    [Fact]
    public void Evaluation_OfAThread_IsBrokenInsteadOfHuge()
    {
        var thread = new ImageBuffer(1, 60_000, new byte[180_000]);
        var exception = Assert.Throws<BrokenImageException>(() => Write(ViewRecipes.Evaluation(new ViewOptions()), thread, default));
        Assert.Contains("1 x 60000", exception.Message);
        Assert.Equal(32 * 32 * 3, Write(ViewRecipes.Train(new ViewOptions { Size = 32 }), thread, new SampleRandom(0, 0, 0, 0)).Length);
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
        var options = new ViewOptions { Recipe = "moco-v9", Size = 0, CropScaleMin = 2, Mean = [1], Std = [1, 0, 1] };
        var faults = ViewRecipes.Faults(options).ToList();
        Assert.Equal(["views.recipe", "views.size", "views.cropScaleMin", "views.mean", "views.std"], faults.Select(fault => fault.Split(' ')[0]));
        Assert.Contains("moco-v1, moco-v2, cifar-demo", faults[0]);
        Assert.Contains("moco-v1, moco-v2, cifar-demo", Assert.Throws<ArgumentException>(() => ViewRecipes.Train(options)).Message);
        Assert.All(ViewRecipes.Names, name => Assert.Empty(ViewRecipes.Faults(new ViewOptions { Recipe = name })));
    }

    [Fact]
    public void Write_LeavesNoGarbageOfImageSize()
    {
        var transform = ViewRecipes.Train(new ViewOptions());
        var image = GoldenViews.Formula(500, 375);
        var pixels = new float[224 * 224 * 3];
        long most = 0;
        for (var view = 0; view < 40; view++)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            var random = new SampleRandom(0, 0, 0, view);
            transform.Write(image, ref random, pixels);
            most = view < 20 ? 0 : Math.Max(most, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        Assert.InRange(most, 0, 20_000); // the runtime counts whole allocation contexts of 8 KB; the image is 560 KB, the view 150 KB
    }

    private static void AssertSteps(string recipe, Normalize normalize, Steps steps)
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
