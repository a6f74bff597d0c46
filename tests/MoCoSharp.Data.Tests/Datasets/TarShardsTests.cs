using System.Formats.Tar;
using System.Text;
using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Images;
using MoCoSharp.Data.Loading;
using MoCoSharp.Data.Tests.Fuzzing;
using MoCoSharp.Data.Tests.Loading;
using MoCoSharp.Data.Views;

namespace MoCoSharp.Data.Tests.Datasets;

public sealed class TarShardsTests : IDisposable
{
    private readonly TempFolder temp = new();

    public void Dispose() => temp.Dispose();

    [Theory]
    [InlineData(TarEntryFormat.Ustar)]
    [InlineData(TarEntryFormat.Pax)]
    [InlineData(TarEntryFormat.Gnu)]
    public void Shards_OfEveryTarFormat_GiveTheirImagesAndClasses(TarEntryFormat format)
    {
        var deep = format == TarEntryFormat.Ustar ? "folder/" : new string('d', 200) + "/";
        for (var shard = 0; shard < 3; shard++)
        {
            Write($"s-{shard:D2}.tar", format, Enumerable.Range(0, 4).SelectMany(i => new[]
            {
                ($"{deep}{i}.cls", Encoding.ASCII.GetBytes($" {i % 3}\n")),
                ($"{deep}{i}.seg.json", "{}"u8.ToArray()),
                ($"{deep}{i}.png", Image(shard, i)),
            }));
        }

        var (train, _) = DataSource.Open(temp["s-{00..02}.tar"], null);

        Assert.Equal(12, train.Count);
        Assert.Equal(["0", "1", "2"], train.ClassNames);
        Assert.Equal([0, 4, 8], Assert.IsType<TarShards>(train).ShardStarts);
        for (var i = 0; i < 12; i++)
        {
            var read = train.Read(i);
            Assert.Equal([(byte)(i / 4), (byte)(i % 4), 7], read.Image.Pixels);
            Assert.Equal((i % 4 % 3, i % 4 % 3), (read.Label, train.LabelOf(i)));
            Assert.Equal($"s-{i / 4:D2}.tar/{deep}{i % 4}.png", train.NameOf(i));
        }
    }

    [Fact]
    public void Samples_WithoutImages_AndOddMembers_ArePassedOver()
    {
        using (var file = File.Create(temp["a.tar"]))
        using (var writer = new TarWriter(file))
        {
            writer.WriteEntry(new PaxTarEntry(TarEntryType.Directory, "set"));
            writer.WriteEntry(new PaxTarEntry(TarEntryType.SymbolicLink, "set/link.png") { LinkName = "0.png" });
            FuzzTests.Add(writer, TarEntryFormat.Pax, "set/only.json", "{}"u8.ToArray());
            FuzzTests.Add(writer, TarEntryFormat.Pax, "set/.hidden.png", Image(1, 1));
            FuzzTests.Add(writer, TarEntryFormat.Pax, "set/0.PNG", Image(0, 0));
            FuzzTests.Add(writer, TarEntryFormat.Pax, "set/1.png", []);
            FuzzTests.Add(writer, TarEntryFormat.Pax, "README", "no dot"u8.ToArray());
        }

        var set = TarShards.Open(temp["a.tar"]);

        Assert.Equal(["a.tar/set/0.PNG", "a.tar/set/1.png"], Enumerable.Range(0, set.Count).Select(set.NameOf));
        Assert.Empty(set.ClassNames);
        Assert.Equal(-1, set.LabelOf(0));
        Assert.Contains("empty", Assert.Throws<BrokenImageException>(() => set.Read(1)).Message);
    }

    [Fact]
    public void WhatCannotBeUsed_IsRefusedWithTheCure()
    {
        Write("a.tar", TarEntryFormat.Ustar, [("0.png", Image(0, 0)), ("0.cls", "1"u8.ToArray()), ("1.png", Image(0, 1))]);
        Write("b.tar", TarEntryFormat.Ustar, [("0.png", Image(0, 0)), ("0.cls", "cat"u8.ToArray())]);
        Write("c.tar", TarEntryFormat.Ustar, [("0.txt", "text"u8.ToArray())]);
        temp.Write("d.tar", [0x1F, 0x8B, .. new byte[600]]);
        temp.Write("e.tar", File.ReadAllBytes(temp["a.tar"])[..1300]);
        var checksumOfBytes = File.ReadAllBytes(temp["a.tar"]);
        checksumOfBytes[148] = 0x80; // GNU's mark of a number in bytes, which this short field cannot hold
        temp.Write("f.tar", checksumOfBytes);

        Assert.Contains("1.png has no .cls", Refused("a.tar"));
        Assert.Contains("holds no class number", Refused("b.tar"));
        Assert.Contains("no images in 1 archives", Refused("c.tar"));
        Assert.Contains("not compressed?", Refused("d.tar"));
        Assert.Contains("whole tar archive", Refused("e.tar"));
        Assert.Contains("a header's checksum differs", Refused("f.tar"));
        Assert.Contains("missing.tar", Refused("missing.tar"));
        var both = Refused("{1..2}.tar");
        Assert.Contains(temp["1.tar"], both);
        Assert.Contains(temp["2.tar"], both);
        Assert.Contains("one pair of braces", Refused("{2..1}.tar"));
        Assert.Contains("one pair of braces", Refused("{0..9}{0..9}.tar"));
        Assert.Contains("one pair of braces", Refused("{a..b}.tar"));
    }

    [Fact]
    public void Braces_StandForNumbersAsWide()
    {
        Assert.Equal(["x/008.tar", "x/009.tar", "x/010.tar"], TarShards.Expand("x/{008..010}.tar"));
        Assert.Equal(["9.tar", "10.tar"], TarShards.Expand("{9..10}.tar"));
        Assert.Equal(["plain.tar"], TarShards.Expand("plain.tar"));
    }

    [Fact]
    public void Windows_HoldWholeShards_AndEveryImageOnce()
    {
        int[] starts = [0, 7, 20, 21, 30, 44, 50, 63]; // shards of 7, 13, 1, 9, 14, 6, 13 and 17 of 80 images
        for (var epoch = 0; epoch < 20; epoch++)
        {
            var order = EpochOrder.InWindows(starts, 80, window: 15, seed: 3, epoch);
            Assert.Equal(Enumerable.Range(0, 80), order.Order());
            Assert.Equal(order, EpochOrder.InWindows(starts, 80, 15, 3, epoch));

            // Cut where a set of whole shards is done: each window has at least 15 images and no shard is in two of them.
            var shards = order.Select(index => Array.FindLastIndex(starts, start => start <= index)).ToArray();
            var (begin, windows) = (0, 0);
            for (var end = 1; end <= 80; end++)
            {
                var before = shards[begin..end];
                if (!before.Intersect(shards[end..]).Any() && (end - begin >= 15 || end == 80))
                {
                    Assert.True(end - begin >= 15, $"a window of {end - begin}");
                    Assert.InRange(end - begin, 15, 15 + 17 + 15);
                    (begin, windows) = (end, windows + 1);
                }
            }

            Assert.InRange(windows, 2, 5);
            Assert.NotEqual(shards.Distinct(), Enumerable.Range(0, 8)); // and the shards are shuffled
        }

        Assert.NotEqual(EpochOrder.InWindows(starts, 80, 15, 3, 0), EpochOrder.InWindows(starts, 80, 15, 3, 1));
        Assert.Equal(EpochOrder.Shuffled(80, 3, 0), EpochOrder.InWindows(starts, 80, 0, 3, 0));
        Assert.Equal(EpochOrder.Shuffled(80, 3, 0), EpochOrder.InWindows(starts, 80, 80, 3, 0));
    }

    [Fact]
    public void ALoaderOfShards_FollowsTheWindows_WithAnyWorkersAndFromAnyStep()
    {
        for (var shard = 0; shard < 5; shard++)
        {
            Write($"{shard}.tar", TarEntryFormat.Ustar, Enumerable.Range(0, 6).Select(i => ($"{i}.png", Image(shard, i))));
        }

        var data = TarShards.Open(temp["{0..4}.tar"]);
        var expected = EpochOrder.InWindows(data.ShardStarts, 30, 12, seed: 5, epoch: 1);
        foreach (var (workers, first) in new[] { (1, 0), (4, 0), (3, 4) })
        {
            using var loader = ViewLoader.Open(
                data, ViewRecipes.Train(new ViewOptions { Size = 4 }), new LoaderOptions { Workers = workers, ShuffleWindow = 12 }, seed: 5, batchSize: 3);
            var seen = new List<int>();
            foreach (var batch in loader.Epoch(1, first))
            {
                using (batch)
                {
                    seen.AddRange(batch.Indices);
                }
            }

            Assert.Equal(expected.Skip(3 * first), seen);
        }
    }

    private static byte[] Image(int shard, int number) => ImageEncoder.Png(new ImageBuffer(1, 1, [(byte)shard, (byte)number, 7]));

    private void Write(string name, TarEntryFormat format, IEnumerable<(string Name, byte[] Bytes)> members)
    {
        using var file = File.Create(temp[name]);
        using var writer = new TarWriter(file, format);
        foreach (var (member, bytes) in members)
        {
            FuzzTests.Add(writer, format, member, bytes);
        }
    }

    private string Refused(string name) => Assert.Throws<DataSourceException>(() => TarShards.Open(temp[name])).Message;
}
