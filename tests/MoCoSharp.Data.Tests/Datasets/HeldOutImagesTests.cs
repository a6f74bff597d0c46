using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Images;

namespace MoCoSharp.Data.Tests.Datasets;

/// <summary>A part of the training images, set aside.</summary>
public sealed class HeldOutImagesTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("moco").FullName;

    [Theory]
    [InlineData("held-out", 50)]
    [InlineData("held-out:0.2", 100)]
    public void BothParts_AreTheWholeSet_WithTheSameShareOfEachClass(string validation, int aside)
    {
        var (train, heldOut) = DataSource.Open("patterns:500", validation);

        Assert.Equal((500 - aside, aside), (train.Count, heldOut!.Count));
        Assert.Equal(
            Names(new Patterns(500, 40, seed: 1)).Order(StringComparer.Ordinal),
            Names(train).Concat(Names(heldOut)).Order(StringComparer.Ordinal));
        Assert.All(
            Enumerable.Range(0, heldOut.Count).GroupBy(heldOut.LabelOf),
            group => Assert.Equal(aside / 10, group.Count()));
        Assert.Equal(train.ClassNames, heldOut.ClassNames);
        Assert.Equal(heldOut.LabelOf(3), heldOut.Read(3).Label);
    }

    [Fact]
    public void TheSameImages_AreSetAside_WhateverElseIsInTheFolder()
    {
        Photos("cat", 0, 30);
        var before = Names(DataSource.Open(folder, "held-out:0.5").Validation!);
        Photos("cat", 30, 31); // one more: at most one image changes its part

        var after = Names(DataSource.Open(folder, "held-out:0.5").Validation!);

        Assert.Equal(15, before.Count);
        Assert.InRange(before.Except(after).Count(), 0, 1);
    }

    [Fact]
    public void TheTestPart_IsNotUsed_AndFilesAreStillFiles()
    {
        Photos("train/cat", 0, 10);
        Photos("train/dog", 0, 10);
        Photos("val/cat", 0, 3);
        Photos("val/dog", 0, 3);

        var (train, heldOut) = DataSource.Open(folder, "held-out");

        Assert.Equal((18, 2), (train.Count, heldOut!.Count));
        Assert.All(Names(heldOut), name => Assert.DoesNotContain(name, Names(train)));
        Assert.EndsWith(train.NameOf(4), ((IImageFiles)train).PathOf(4), StringComparison.Ordinal);
        Assert.True(train.SizeOf(4) > 0);
    }

    [Theory]
    [InlineData("held-out:0")]
    [InlineData("held-out:0.6")]
    [InlineData("held-out:ten")]
    public void AShareThatIsNone_IsRefused(string validation) => Assert.Contains(
        "expected held-out:SHARE",
        Assert.Throws<DataSourceException>(() => DataSource.Open("patterns:100", validation)).Message);

    [Fact]
    public void AnEmptyPart_IsRefused() => Assert.Contains(
        "sets none of the 20 images aside",
        Assert.Throws<DataSourceException>(() => DataSource.Open("patterns:20", "held-out:0.01")).Message);

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private static List<string> Names(IImageDataset data) => [.. Enumerable.Range(0, data.Count).Select(data.NameOf)];

    private void Photos(string name, int first, int end)
    {
        var images = new Patterns(end, 16, seed: 5);
        var path = Directory.CreateDirectory(Path.Combine(folder, name)).FullName;
        for (var i = first; i < end; i++)
        {
            File.WriteAllBytes(Path.Combine(path, $"{i:D2}.png"), ImageEncoder.Png(images.Read(i).Image));
        }
    }
}
