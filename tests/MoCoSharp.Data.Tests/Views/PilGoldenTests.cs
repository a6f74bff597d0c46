using System.Text.Json;
using MoCoSharp.Data.Kernels;
using MoCoSharp.Data.Views;

namespace MoCoSharp.Data.Tests.Views;

/// <summary>Every operation against PIL 9.4 and torchvision 0.14, bit by bit.</summary>
public sealed class PilGoldenTests
{
    [Theory]
    [InlineData("crop", 38)]
    [InlineData("brightness", 12)]
    [InlineData("contrast", 13)]
    [InlineData("saturation", 12)]
    [InlineData("hue", 18)]
    [InlineData("grey", 2)]
    [InlineData("blur", 32)]
    [InlineData("flip", 4)]
    [InlineData("resize", 14)]
    [InlineData("center", 14)]
    public void Operation_WithFixedParameters_EqualsPilToTheBit(string operation, int cases)
    {
        var golden = GoldenViews.Instance;
        var differences = new List<string>();
        var count = 0;
        foreach (var entry in golden.Cases.Where(entry => Text(entry, "operation") == operation))
        {
            foreach (var vectors in Enum.GetValues<VectorWidth>())
            {
                var source = golden.ImageOf(entry);
                var before = source.Pixels.ToArray();
                using var canvas = new ViewCanvas(source) { Vectors = vectors };
                Apply(canvas, operation, entry);
                var difference = golden.Difference(entry, canvas.Pixels);
                differences.Add(difference.Length == 0 ? "" : $"{vectors}: {difference}");
                Assert.Equal(before, source.Pixels);
            }

            count++;
        }

        Assert.DoesNotContain(differences, difference => difference.Length > 0);
        Assert.Equal(cases, count);
    }

    [Fact]
    public void Chain_WithFixedParameters_EqualsTorchvisionToTheBit()
    {
        var golden = GoldenViews.Instance;
        var chains = golden.Cases.Where(entry => Text(entry, "operation") == "chain").ToList();
        foreach (var entry in chains)
        {
            using var canvas = new ViewCanvas(golden.ImageOf(entry));
            foreach (var step in entry.GetProperty("steps").EnumerateArray())
            {
                Apply(canvas, Text(step, "do"), step);
            }

            var normalize = entry.GetProperty("cifar").GetBoolean()
                ? new Normalize([0.4914f, 0.4822f, 0.4465f], [0.2023f, 0.1994f, 0.2010f])
                : new Normalize([0.485f, 0.456f, 0.406f], [0.229f, 0.224f, 0.225f]);
            var actual = new float[32 * 32 * 3];
            normalize.Apply(canvas.Pixels, actual);
            Assert.Equal(golden.Floats(entry).ToArray(), actual);
        }

        Assert.Equal(10, chains.Count);
    }

    private static void Apply(ViewCanvas canvas, string operation, JsonElement golden)
    {
        switch (operation)
        {
            case "crop":
                var size = golden.TryGetProperty("size", out var given) ? given.GetInt32() : 32;
                new RandomResizedCrop(size, 0.2).Apply(
                    canvas,
                    new CropDraw(
                        Whole(golden, "top"), Whole(golden, "left"), Whole(golden, "cropHeight"),
                        Whole(golden, "cropWidth")));
                break;
            case "brightness":
                PixelColor.Brightness(canvas.Edit(), Number(golden, "factor"), canvas.Vectors);
                break;
            case "contrast":
                PixelColor.Contrast(canvas.Edit(), Number(golden, "factor"), canvas.Vectors);
                break;
            case "saturation":
                PixelColor.Saturation(canvas.Edit(), Number(golden, "factor"), canvas.Vectors);
                break;
            case "hue":
                PixelColor.Hue(canvas.Edit(), Number(golden, "factor"), canvas.Vectors);
                break;
            case "jitter":
                ColorChange[] order =
                [
                    .. golden
                        .GetProperty("order")
                        .EnumerateArray()
                        .Select(change => Enum.Parse<ColorChange>(change.GetString()!)),
                ];
                new ColorJitter(0.4, 0.4, 0.4, 0.4).Apply(canvas, new ColorJitterDraw(
                    true,
                    new ColorOrder(order[0], order[1], order[2], order[3]),
                    Number(golden, "brightness"),
                    Number(golden, "contrast"),
                    Number(golden, "saturation"),
                    Number(golden, "hue")));
                break;
            case "grey":
                RandomGrayscale.Apply(canvas, true);
                break;
            case "blur":
                GaussianBlur.Apply(canvas, new GaussianBlurDraw(true, Number(golden, "sigma")));
                break;
            case "flip":
                HorizontalFlip.Apply(canvas, true);
                break;
            case "resize":
                new Resize(Whole(golden, "size")).Apply(canvas);
                break;
            case "center":
                new CenterCrop(Whole(golden, "size")).Apply(canvas);
                break;
            default:
                Assert.Fail($"No operation {operation}.");
                break;
        }
    }

    private static string Text(JsonElement golden, string name) => golden.GetProperty(name).GetString()!;

    private static int Whole(JsonElement golden, string name) => golden.GetProperty(name).GetInt32();

    private static double Number(JsonElement golden, string name) => golden.GetProperty(name).GetDouble();
}
