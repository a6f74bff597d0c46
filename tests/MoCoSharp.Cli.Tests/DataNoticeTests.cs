using System.Diagnostics;
using System.Formats.Tar;
using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Images;
using MoCoSharp.Distributed;

namespace MoCoSharp.Cli.Tests;

/// <summary>What every verb tells of the images that it is given.</summary>
public sealed class DataNoticeTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("moco").FullName;

    public DataNoticeTests()
    {
        var images = new Patterns(24, 40, seed: 5);
        for (var i = 0; i < images.Count; i++)
        {
            Write(
                $"photos/{(i < 16 ? "Train" : "Valid")}/{images.ClassNames[images.LabelOf(i)]}/{i:D2}.png",
                ImageEncoder.Png(images.Read(i).Image));
        }

        Write("photos/Train/.thumbs/00.png", [1]);
        Write("photos/Train/rays/scan.heic", [1]);
        Write("photos/Train/rays/broken.png", "<!DOCTYPE html><html>"u8.ToArray());
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void EveryVerb_ReportsTheSkippedFiles()
    {
        string[][] verbs =
        [
            ["pack", "photos", "-o", "set.moco"],
            ["bench", "data", "photos", "--recipe", "patterns", "--images", "60"],
            ["pretrain", "patterns", "--data", "photos", "--run", "run",
                "--set", .. Moco.Tiny.Split(' '), "--steps", "1"],
            ["embed", "run", "-o", "features.csv"],
            ["knn", "run", "-k", "3"],
        ];
        foreach (var verb in verbs)
        {
            var (code, output, error) = Moco.Run(folder, verb);

            Assert.True(code == 0, error);
            Assert.Contains("note: photos/Train: 1 hidden folder skipped: .thumbs/", error);
            Assert.Contains("note: photos/Train: 1 image file of other kinds (.heic (1)) skipped", error);
            Assert.DoesNotContain("are also training images", error); // none stands in both parts
            Assert.True(verb[0] != "bench" || output.Contains("; 1 broken"), output); // once, though read several times
        }

        var (_, _, told) = Moco.Run(folder, "knn", "run", "--data", "photos/Train", "--val", "photos/Train", "-k", "3");
        Assert.Contains("warning: 17 of the 17 test images (photos/Train) are also training images", told);
    }

    [Fact]
    public void ATarShard_WithSkippedMembers_Warns()
    {
        var image = ImageEncoder.Png(new Patterns(1, 40, seed: 5).Read(0).Image);
        using (var file = File.Create(Path.Combine(folder, "a.tar")))
        using (var writer = new TarWriter(file, TarEntryFormat.Ustar))
        {
            foreach (
                var (name, bytes) in new[]
                {
                    ("a.png", image), ("b.v2.png", image), ("a.cls", "0"u8.ToArray()), ("b.v2.cls", "1"u8.ToArray()),
                    ("a.json", "{}"u8.ToArray()),
                })
            {
                writer.WriteEntry(
                    new UstarTarEntry(TarEntryType.RegularFile, name) { DataStream = new MemoryStream(bytes) });
            }
        }

        var (code, _, error) = Moco.Run(folder, "pack", "a.tar", "-o", "set.moco");

        Assert.True(code == 0, error);
        Assert.Contains(
            "moco: warning: a.tar: 1 images with more than one dot in their name were skipped, since a key ends " +
            "at the first dot (rename them with one dot): a.tar/b.v2.png.",
            error);
        Assert.Contains("moco: warning: a.tar: 1 labels (.cls) belong to no image", error);
        Assert.Contains(
            "moco: note: a.tar: members that are neither images nor .cls files were skipped: 1 .json; the first " +
            "is a.tar/a.json.",
            error);
    }

    [Fact]
    public void Pretrain_WithAnImageInBothParts_Warns()
    {
        var shared = Directory
            .GetFiles(Path.Combine(folder, "photos/Train"), "*.png", SearchOption.AllDirectories)
            .Order()
            .First(file => !file.Contains("broken") && !file.Contains(".thumbs"));
        File.Copy(shared, shared.Replace("Train", "Valid", StringComparison.Ordinal));

        var (code, _, error) = Moco.Run(
            folder,
            ["pretrain", "patterns", "--data", "photos", "--dry-run", "--set", .. Moco.Tiny.Split(' ')]);

        Assert.True(code == 0, error);
        Assert.Contains("warning: 1 of the 9 test images", error);
    }

    [Fact]
    public void Pretrain_OnRotatedPhotos_NamesTheOptionThatTurnsThem()
    {
        using var surface = SkiaSharp.SKSurface.Create(new SkiaSharp.SKImageInfo(48, 32));
        var jpeg = surface.Snapshot().Encode(SkiaSharp.SKEncodedImageFormat.Jpeg, 80).ToArray();
        byte[] exif =
        [
            0xFF, 0xE1, 0, 34, .. "Exif\0\0"u8, .. "II*\0"u8, 8, 0, 0, 0, 1, 0, 0x12, 1, 3, 0, 1, 0, 0, 0, 6, 0, 0, 0,
            0, 0, 0, 0,
        ];
        for (var i = 0; i < 16; i++)
        {
            Write($"turned/{i}.jpg", [0xFF, 0xD8, .. exif, .. jpeg[2..]]);
        }

        string[] command = ["pretrain", "patterns", "--data", "turned", "--dry-run", "--set", .. Moco.Tiny.Split(' ')];
        var (code, _, error) = Moco.Run(folder, command);
        Assert.True(code == 0, error);
        Assert.Contains("16 of 16 examined photos lie on their side or upside down", error);
        Assert.Contains("--exif-orientation", error);

        (code, var output, error) = Moco.Run(folder, [.. command, "--exif-orientation", "--json"]);
        Assert.True(code == 0, error);
        Assert.DoesNotContain("lie on their side", error);
        Assert.Contains("\"exifOrientation\": true", output);
    }

    [Theory]
    [InlineData("1", 1)]
    [InlineData(" 3,2", 3)]
    [InlineData("", null)]
    [InlineData("0", null)]
    [InlineData("many", null)]
    [InlineData(null, null)]
    public void OmpNumThreads_LimitsTheThreads_IfItIsANumber(string? variable, int? bound) =>
        Assert.Equal(bound, CpuShare.Bound(variable));

    [Fact]
    public void Pretrain_UnderOmpNumThreads_LeavesThreadsAtThatNumber()
    {
        var start = Moco.StartInfo(
            folder,
            ["pretrain", "patterns", "--data", "patterns:20", "--dry-run", "--set", .. Moco.Tiny.Split(' '),
                "threads=0"]);
        start.Environment["OMP_NUM_THREADS"] = "1";
        using var process = Process.Start(start)!;
        _ = process.StandardError.ReadToEndAsync();

        var output = process.StandardOutput.ReadToEnd();

        Assert.Contains("1 torch threads", output);
    }

    private void Write(string relative, byte[] bytes)
    {
        var file = Path.Combine(folder, relative);
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        File.WriteAllBytes(file, bytes);
    }
}
