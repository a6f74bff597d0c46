using MoCoSharp.Data.Images;
using MoCoSharp.Data.Views;
using MoCoSharp.Detection.Datasets;

namespace MoCoSharp.Tests.Detection;

/// <summary>
/// Images of bright squares (class 0) and dark discs (class 1) on noise, in a folder of Pascal VOC's kind.
/// </summary>
internal sealed class MadeImages : IDisposable
{
    public MadeImages(int train = 8, int test = 4)
    {
        Folder = Directory.CreateTempSubdirectory("moco-detection-").FullName;
        foreach (var name in new[] { "ImageSets/Main", "Annotations", "JPEGImages" })
        {
            Directory.CreateDirectory(Path.Combine(Folder, name));
        }

        Write("train", 0, train);
        Write("test", train, test);
    }

    public string Folder { get; }

    public string Source => $"voc:{Folder}";

    public (BoxedImages Train, BoxedImages Judged) Open()
    {
        var (train, judged) = DetectionSource.Open(Source, null);
        return (train, judged!);
    }

    public void Dispose() => Directory.Delete(Folder, recursive: true);

    private void Write(string set, int first, int count)
    {
        for (var i = first; i < first + count; i++)
        {
            var random = new SampleRandom(7, 7, i, 7);
            var (width, height) = i % 2 == 0 ? (80, 64) : (64, 80);
            var pixels = new byte[3 * width * height];
            for (var p = 0; p < pixels.Length; p++)
            {
                pixels[p] = (byte)(110 + random.NextInt(40));
            }

            var objects = "";
            for (var n = 0; n < 1 + (i % 2); n++)
            {
                var size = 18 + random.NextInt(10);
                int left = 2 + random.NextInt(width - size - 4),
                    top = 2 + random.NextInt(height - size - 4),
                    label = random.NextInt(2);
                Paint(pixels, width, left, top, size, label);
                objects +=
                    $"<object><name>{(label == 0 ? "square" : "disc")}</name><difficult>0</difficult>" +
                    $"<bndbox><xmin>{left + 1}</xmin><ymin>{top + 1}</ymin>" +
                    $"<xmax>{left + size}</xmax><ymax>{top + size}</ymax></bndbox></object>";
            }

            File.WriteAllBytes(
                Path.Combine(Folder, "JPEGImages", $"{i:D4}.png"),
                ImageEncoder.Png(new ImageBuffer(width, height, pixels)));
            File.WriteAllText(
                Path.Combine(Folder, "Annotations", $"{i:D4}.xml"),
                $"<annotation><size><width>{width}</width><height>{height}</height></size>{objects}</annotation>");
        }

        File.WriteAllLines(
            Path.Combine(Folder, "ImageSets", "Main", set + ".txt"),
            Enumerable.Range(first, count).Select(i => $"{i:D4}"));
    }

    private static void Paint(byte[] pixels, int width, int left, int top, int size, int label)
    {
        for (var y = 0; y < size; y++)
        {
            for (var x = 0; x < size; x++)
            {
                var (dx, dy) = (x - (size / 2.0), y - (size / 2.0));
                if (label == 0 || (dx * dx) + (dy * dy) < size * size / 4.0)
                {
                    pixels.AsSpan(3 * (((top + y) * width) + left + x), 3).Fill((byte)(label == 0 ? 240 : 15));
                }
            }
        }
    }
}
