using MoCoSharp.Data.Images;
using MoCoSharp.Data.Kernels;
using MoCoSharp.Data.Views;

namespace MoCoSharp.Data.Tests.Kernels;

/// <summary>Every kernel at every width of vector against its scalar twin, which the goldens hold to PIL.</summary>
public sealed class KernelTests
{
    internal static readonly VectorWidth[] Widths = [VectorWidth.Bits128, VectorWidth.Bits256, VectorWidth.Bits512];

    // One pixel, odd sizes around every vector's length, and 8,000 pixels in either direction.
    private static readonly (int Width, int Height)[] Sizes =
        [
            (1, 1), (2, 1), (1, 3), (5, 7), (15, 2), (16, 3), (17, 5), (21, 4), (22, 9), (33, 47), (64, 1), (8000, 2),
            (2, 8000), (223, 11),
        ];

    private static readonly int[] CropSizes = [1, 2, 5, 31, 32, 64];

    private delegate void Operation(ViewCanvas canvas, Random random);

    public static TheoryData<string> Operations => [.. All.Keys];

    private static Dictionary<string, Operation> All { get; } = new()
    {
        ["brightness"] = (canvas, random) =>
            PixelColor.Brightness(canvas.Edit(), random.NextDouble() * 2, canvas.Vectors),
        ["contrast"] = (canvas, random) => PixelColor.Contrast(canvas.Edit(), random.NextDouble() * 2, canvas.Vectors),
        ["saturation"] = (canvas, random) =>
            PixelColor.Saturation(canvas.Edit(), random.NextDouble() * 2, canvas.Vectors),
        ["hue"] = (canvas, random) => PixelColor.Hue(canvas.Edit(), random.NextDouble() - 0.5, canvas.Vectors),
        ["grey"] = (canvas, _) => RandomGrayscale.Apply(canvas, true),
        ["jitter"] = (canvas, random) => Jitter(canvas, random),
        ["blur"] = (canvas, random) =>
            GaussianBlur.Apply(canvas, new GaussianBlurDraw(true, 0.1 + (random.NextDouble() * 3))),
        ["wide blur"] = (canvas, random) =>
            GaussianBlur.Apply(canvas, new GaussianBlurDraw(true, 8 + random.NextDouble())),
        ["flip"] = (canvas, _) => HorizontalFlip.Apply(canvas, true),
        ["flip before all else"] = (canvas, random) =>
        {
            HorizontalFlip.Apply(canvas, true);
            Jitter(canvas, random);
            GaussianBlur.Apply(canvas, new GaussianBlurDraw(true, 1.7));
        },
        ["crop"] = (canvas, random) => Crop(canvas, random, CropSizes[random.Next(CropSizes.Length)]),
        ["crop of a mirrored image"] = (canvas, random) =>
        {
            HorizontalFlip.Apply(canvas, true);
            Crop(canvas, random, 17);
        },
        ["short side"] = (canvas, random) =>
            new Resize(
                canvas.Width > 1000 || canvas.Height > 1000 ? 1 + random.Next(3) : 1 + random.Next(40)
            ).Apply(canvas),
    };

    [Theory]
    [MemberData(nameof(Operations))]
    public void EveryWidth_GivesTheBytesOfTheScalarTwin(string name)
    {
        for (var round = 0; round < 4; round++)
        {
            foreach (var (width, height) in Sizes)
            {
                var image = Noise(width, height, round);
                var expected = Run(image, VectorWidth.Scalar);
                Assert.True(expected.Pixels.Length > 0);
                foreach (var vectors in Widths)
                {
                    var actual = Run(image, vectors);
                    Assert.Equal((expected.Width, expected.Height), (actual.Width, actual.Height));
                    var first = expected.Pixels.AsSpan().CommonPrefixLength(actual.Pixels);
                    Assert.True(
                        first == expected.Pixels.Length,
                        $"{name} of {width} x {height}, {vectors}: byte {first} of {expected.Pixels.Length} differs.");
                }

                (byte[] Pixels, int Width, int Height) Run(ImageBuffer source, VectorWidth vectors)
                {
                    using var canvas = new ViewCanvas(source) { Vectors = vectors };
                    All[name](canvas, new Random(round));
                    return (canvas.Pixels.ToArray(), canvas.Width, canvas.Height);
                }
            }
        }
    }

    [Fact]
    public void Hue_OfAllColours_IsThatOfTheScalarTwin()
    {
        // Shifts that between them reach every hue from every colour's own; one for each width.
        foreach (var (vectors, turns) in Widths.Zip([0.0, 0.31, -0.47]))
        {
            Parallel.For(0, 256, new ParallelOptions { MaxDegreeOfParallelism = 2 }, red =>
            {
                var colors = new byte[3 << 16];
                for (var i = 0; i < 1 << 16; i++)
                {
                    (colors[3 * i], colors[(3 * i) + 1], colors[(3 * i) + 2]) = ((byte)red, (byte)(i >> 8), (byte)i);
                }

                var expected = colors.ToArray();
                PixelColor.Hue(expected, turns, VectorWidth.Scalar);
                PixelColor.Hue(colors, turns, vectors);
                Assert.True(expected.AsSpan().SequenceEqual(colors), $"{vectors}, red {red}");
            });
        }
    }

    [Fact]
    public void Normalize_OfAllBytes_IsTheTablesAtEveryWidth()
    {
        byte[] bytes = [.. Enumerable.Range(0, 3 * 256 * 2).Select(i => (byte)(i / 3))];
        var random = new Random(3);
        for (var round = 0; round < 50; round++)
        {
            float[] mean = [random.NextSingle(), random.NextSingle(), random.NextSingle()];
            float[] std = [random.NextSingle() + 0.01f, random.NextSingle() + 0.01f, random.NextSingle() * 100];
            var normalize =
                round == 0
                    ? new Normalize([0.485f, 0.456f, 0.406f], [0.229f, 0.224f, 0.225f])
                    : new Normalize(mean, std);
            for (var length = bytes.Length; length > 0; length -= 3 * (1 + random.Next(200)))
            {
                var expected = new float[length];
                normalize.Apply(bytes.AsSpan(0, length), expected, VectorWidth.Scalar);
                foreach (var width in Widths)
                {
                    var actual = new float[length];
                    normalize.Apply(bytes.AsSpan(0, length), actual, width);
                    Assert.Equal(
                        expected.Select(BitConverter.SingleToInt32Bits),
                        actual.Select(BitConverter.SingleToInt32Bits));
                }
            }
        }
    }

    [Fact]
    public void Normalize_OfImageNet_TakesTheLanes()
    {
        if (!System.Runtime.Intrinsics.X86.Fma.IsSupported && !System.Runtime.Intrinsics.Arm.AdvSimd.IsSupported)
        {
            Assert.Skip("no fused multiply-add on this processor");
        }

        float[] mean = [0.485f, 0.456f, 0.406f];
        float[] std = [0.229f, 0.224f, 0.225f];
        float[] table = [.. Enumerable.Range(0, 768).Select(i => ((i % 256 / 255f) - mean[i / 256]) / std[i / 256])];
        Assert.Equal(48, new NormalizeLanes(mean, std, table).Apply(new byte[48], new float[48], VectorWidth.Bits512));

        table[300] = MathF.BitIncrement(table[300]); // what the lanes cannot give is left to the table
        Assert.Equal(0, new NormalizeLanes(mean, std, table).Apply(new byte[48], new float[48], VectorWidth.Bits512));
    }

    [Fact]
    public void AMirroredCanvas_NormalizesToTheMirrorsFloats()
    {
        var normalize = new Normalize([0.485f, 0.456f, 0.406f], [0.229f, 0.224f, 0.225f]);
        foreach (var (width, height) in Sizes)
        {
            var image = Noise(width, height, 9);
            foreach (var vectors in Widths.Append(VectorWidth.Scalar))
            {
                using var canvas = new ViewCanvas(image) { Vectors = vectors };
                HorizontalFlip.Apply(canvas, true);
                var actual = new float[image.Pixels.Length];
                normalize.Apply(canvas, actual);
                var expected = new float[actual.Length];
                normalize.Apply(canvas.Pixels, expected);
                Assert.Equal(expected, actual);
                Assert.Equal(image.Pixels[..3], canvas.Pixels.Slice(3 * (width - 1), 3).ToArray());
            }
        }
    }

    internal static ImageBuffer Noise(int width, int height, int seed)
    {
        var pixels = new byte[3 * width * height];
        var random = new Random(seed);
        random.NextBytes(pixels);
        if (seed % 2 == 1)
        {
            // Flat colours too: equal channels, black and white take other ways through HSV.
            for (var i = 0; i + 2 < pixels.Length; i += 3)
            {
                pixels.AsSpan(i, 3).Fill((byte)(random.Next(3) switch { 0 => 0, 1 => 255, _ => pixels[i] }));
            }
        }

        return new ImageBuffer(width, height, pixels);
    }

    private static void Jitter(ViewCanvas canvas, Random random)
    {
        var stream = new SampleRandom(random.Next(), 0, 0, 0);
        new ColorJitter(0.4, 0.4, 0.4, 0.1).Apply(canvas, ref stream);
    }

    private static void Crop(ViewCanvas canvas, Random random, int size)
    {
        var (width, height) = (1 + random.Next(canvas.Width), 1 + random.Next(canvas.Height));
        new RandomResizedCrop(size, 0.2).Apply(
            canvas,
            new CropDraw(random.Next(canvas.Height - height + 1), random.Next(canvas.Width - width + 1), height, width)
        );
    }
}
