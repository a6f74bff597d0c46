using System.Formats.Tar;
using System.Text;
using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Images;
using MoCoSharp.Data.Loading;
using MoCoSharp.Data.Tests.Fuzzing;
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
        Write(
            "a.tar",
            TarEntryFormat.Ustar,
            [("0.png", Image(0, 0)), ("0.cls", "1"u8.ToArray()), ("1.png", Image(0, 1))]);
        Write("b.tar", TarEntryFormat.Ustar, [("0.png", Image(0, 0)), ("0.cls", "cat"u8.ToArray())]);
        Write("c.tar", TarEntryFormat.Ustar, [("0.txt", "text"u8.ToArray())]);
        temp.Write("d.tar", [0x1F, 0x8B, .. new byte[600]]);
        temp.Write("e.tar", File.ReadAllBytes(temp["a.tar"])[..1300]);
        var checksumOfBytes = File.ReadAllBytes(temp["a.tar"]);
        checksumOfBytes[148] = 0x80; // GNU's mark of a number in bytes, which this short field cannot hold
        temp.Write("f.tar", checksumOfBytes);

        Assert.Contains("1.png has no .cls", Refused("a.tar"));
        Assert.Contains("b.tar: 0.cls holds \"cat\", expected a class number", Refused("b.tar"));
        Assert.Contains("no images in 1 archives", Refused("c.tar"));
        Assert.Contains("expected a tar archive, not compressed; it is a gzip archive", Refused("d.tar"));
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
        Assert.Equal(["x/008.tar", "x/009.tar", "x/010.tar"], ShardPattern.Expand("x/{008..010}.tar"));
        Assert.Equal(["9.tar", "10.tar"], ShardPattern.Expand("{9..10}.tar"));
        Assert.Equal(["plain.tar"], ShardPattern.Expand("plain.tar"));
        // none twice
        Assert.Equal(["00.tar", "01.tar", "03.tar", "10.tar"], ShardPattern.Expand("{00..01,03,10,01..01}.tar"));
        Assert.Throws<DataSourceException>(() => ShardPattern.Expand("{0..99999,0..99999}.tar"));
    }

    [Fact]
    public void ShardsThatAreMissing_AreNamed_WithThePatternOfTheOthers()
    {
        foreach (var number in new[] { 0, 1, 3, 5, 6 })
        {
            Write($"s-{number:D3}.tar", TarEntryFormat.Ustar, [("a.jpg", Image(0, 0))]);
        }

        Assert.Equal(
            $"{temp["s-{000..006}.tar"]}: 2 of 7 shards are missing: {temp["s-002.tar"]}, {temp["s-004.tar"]}. "
                + $"Download them, or give the others: '{temp["s-{000..001,003,005..006}.tar"]}'.",
            Refused("s-{000..006}.tar"));
        Assert.Equal(5, TarShards.Open(temp["s-{000..001,003,005..006}.tar"]).Count);
    }

    [Fact]
    public void AStar_StandsForWhatIsThere_InOrdinalOrder()
    {
        foreach (var name in new[] { "s-2.tar", "s-10.tar", "._s-2.tar", "s-2.tar.part", "t.tar" })
        {
            temp.Write(name, "");
        }

        Assert.Equal([temp["s-10.tar"], temp["s-2.tar"]], ShardPattern.Expand(temp["s-*.tar"]));
        Assert.Contains(
            "0 files fit",
            Assert.Throws<DataSourceException>(() => ShardPattern.Expand(temp["x-*.tar"])).Message);
        Assert.Contains(
            "existing folder",
            Assert.Throws<DataSourceException>(() => ShardPattern.Expand(temp["*/x.tar"])).Message);
    }

    [Fact]
    public void Labels_BehindAllImages_BelongToTheirKeys()
    {
        Write(
            "a.tar",
            TarEntryFormat.Ustar,
            [
                ("./a.jpg", Image(0, 0)), ("./b.JPEG", Image(0, 1)), ("b.CLS", "1.0\n"u8.ToArray()),
                ("./a.cls", "\uFEFF 0"u8.ToArray()),
            ]);

        var set = TarShards.Open(temp["a.tar"]);

        Assert.Equal([0, 1], Enumerable.Range(0, set.Count).Select(set.LabelOf));
        Assert.Equal(["0", "1"], set.ClassNames);
        Assert.Empty(set.Notices);
    }

    [Fact]
    public void AKeyThatStandsThereTwice_IsRefusedWithShardAndMember()
    {
        Write(
            "a.tar",
            TarEntryFormat.Ustar,
            [("a.jpg", Image(0, 0)), ("a.cls", "0"u8.ToArray()), ("./a.jpg", Image(0, 1)), ("a.cls", "1"u8.ToArray())]);
        Write("b.tar", TarEntryFormat.Ustar, [("a.jpg", Image(0, 0)), ("b.jpg", Image(0, 0)), ("a.jpg", Image(0, 1))]);
        Write(
            "c.tar",
            TarEntryFormat.Ustar,
            [("a.jpg", Image(0, 0)), ("a.cls", "0"u8.ToArray()), ("a.CLS", "1"u8.ToArray())]);

        Assert.StartsWith($"{temp["a.tar"]}: a.jpg occurs twice, and so do 1 more,", Refused("a.tar"));
        Assert.StartsWith($"{temp["b.tar"]}: a.jpg occurs twice, so", Refused("b.tar"));
        Assert.StartsWith($"{temp["c.tar"]}: a.CLS occurs twice", Refused("c.tar"));
    }

    [Fact]
    public void TheSameKey_InTwoShardsOrFolders_IsTwoImages()
    {
        Write(
            "0.tar",
            TarEntryFormat.Ustar,
            [
                ("x/a.jpg", Image(0, 0)), ("x/a.cls", "0"u8.ToArray()), ("y/a.jpg", Image(0, 1)),
                ("y/a.cls", "1"u8.ToArray()),
            ]);
        Write("1.tar", TarEntryFormat.Ustar, [("x/a.jpg", Image(0, 0)), ("x/a.cls", "2"u8.ToArray())]);

        var set = TarShards.Open(temp["{0..1}.tar"]);

        Assert.Equal([0, 1, 2], Enumerable.Range(0, set.Count).Select(set.LabelOf));
    }

    [Fact]
    public void WhatIsPassedOver_IsCountedAndNamed()
    {
        using (var file = File.Create(temp["a.tar"]))
        using (var writer = new TarWriter(file))
        {
            foreach (var name in new[]
            {
                "a.jpg", "a.png", "a.json", "b.v2.jpg", "b.v2.cls", "c.HEIC", "d.cls", "README", "._a.jpg",
                "__MACOSX/a.jpg", ".cache/a.jpg", "PaxHeaders.7/a.jpg", "e.jpg", "f.v2.json",
            })
            {
                FuzzTests.Add(
                    writer, TarEntryFormat.Pax, name,
                    name.EndsWith("cls", StringComparison.Ordinal) ? "0"u8.ToArray() : Image(0, 0));
            }

            writer.WriteEntry(new PaxTarEntry(TarEntryType.SymbolicLink, "g.jpg") { LinkName = "a.jpg" });
            writer.WriteEntry(new PaxTarEntry(TarEntryType.HardLink, "h.jpg") { LinkName = "a.jpg" });
        }

        var set = TarShards.Open(temp["a.tar"]);

        Assert.Equal(2, set.Count);
        Assert.Equal(6, set.Notices.Count);
        AssertTold(set, "1 further images with the same key were skipped", "a.tar/a.png");
        AssertTold(
            set,
            "1 images with more than one dot in their name were skipped, since a key ends at the first dot",
            "a.tar/b.v2.jpg");
        AssertTold(
            set, "warning: ", "2 labels (.cls) belong to no image and were skipped", "a.tar/b.v2.cls, a.tar/d.cls");
        AssertTold(
            set, "note: ", "4 hidden members",
            "a.tar/._a.jpg, a.tar/__MACOSX/a.jpg, a.tar/.cache/a.jpg, a.tar/PaxHeaders.7/a.jpg");
        AssertTold(set, "2 links were skipped", "a.tar/g.jpg, a.tar/h.jpg");
        AssertTold(
            set,
            "neither images nor .cls files were skipped: 2 .json, 1 .heic, 1 without ending",
            "a.tar/a.json");
    }

    [Fact]
    public void AShardOfDottedKeysAlone_IsRefusedWithTheReason()
    {
        Write(
            "a.tar",
            TarEntryFormat.Ustar,
            [
                ("22.05.jpg", Image(0, 0)), ("22.05.cls", "0"u8.ToArray()), ("23.06.jpg", Image(0, 1)),
                ("23.06.cls", "1"u8.ToArray()),
            ]);
        Write("b.tar", TarEntryFormat.Ustar, [("a.heic", [1]), ("a.cls", "0"u8.ToArray())]);
        temp.Write("c.tar", new byte[1024]);

        Assert.Contains(
            "2 images have more than one dot in their names, as a.tar/22.05.jpg: a key ends at the first dot, and " +
            "this one would be \"22\"",
            Refused("a.tar"));
        Assert.Contains("1 .heic; the first is b.tar/a.heic", Refused("b.tar"));
        Assert.Contains("1 shards without an image", Refused("c.tar"));
    }

    [Fact]
    public void AShardWithoutImages_OrAnEnd_OrWithAnotherBehindIt_IsTold()
    {
        Write("0.tar", TarEntryFormat.Ustar, [("a.jpg", Image(0, 0))]);
        Write("1.tar", TarEntryFormat.Ustar, [("a.txt", Image(0, 0))]);
        Write("2.tar", TarEntryFormat.Ustar, [("a.jpg", Image(0, 0))]);
        File.WriteAllBytes(temp["2.tar"], File.ReadAllBytes(temp["2.tar"])[..1024]);
        temp.Write(
            "3.tar",
            [.. File.ReadAllBytes(temp["0.tar"]), .. new byte[10_240], .. File.ReadAllBytes(temp["0.tar"])]);

        var set = TarShards.Open(temp["{0..3}.tar"]);

        Assert.Equal((3, 4), (set.Count, set.Notices.Count));
        AssertTold(set, "1 shards without an image", temp["1.tar"]);
        AssertTold(set, "1 shards without an end marker", temp["2.tar"]);
        AssertTold(set, "1 shards with another archive after their end", temp["3.tar"]);
        Assert.Equal([0, 1, 2], set.ShardStarts);
    }

    [Fact]
    public void ClassNumbersThatNoImageHas_AreTold()
    {
        Write(
            "a.tar",
            TarEntryFormat.Ustar,
            [("a.jpg", Image(0, 0)), ("a.cls", "1"u8.ToArray()), ("b.jpg", Image(0, 0)), ("b.cls", "2"u8.ToArray())]);

        AssertTold(TarShards.Open(temp["a.tar"]), "1 of the classes 0 to 2 have no image: 0", "Classes count from 0");
    }

    [Fact]
    public void APartWithoutImagesOfTheLastClasses_HasTheClassesOfTheOther()
    {
        Write(
            "train.tar",
            TarEntryFormat.Ustar,
            Enumerable
                .Range(0, 3)
                .SelectMany(i => new[] { ($"{i}.jpg", Image(0, i)), ($"{i}.cls", Encoding.ASCII.GetBytes($"{i}")) }));
        Write("val.tar", TarEntryFormat.Ustar, [("a.jpg", Image(0, 0)), ("a.cls", "1"u8.ToArray())]);

        var (_, validation) = DataSource.Open(temp["train.tar"], temp["val.tar"]);

        Assert.Equal(["0", "1", "2"], validation!.ClassNames);
        Assert.Contains(
            "only in the second: 2",
            Assert.Throws<DataSourceException>(() => DataSource.Open(temp["val.tar"], temp["train.tar"])).Message);
    }

    [Theory]
    [InlineData("cat", "holds \"cat\"")]
    [InlineData("3.5", "holds \"3.5\"")]
    [InlineData("-1", "holds \"-1\"")]
    [InlineData("", "holds nothing")]
    [InlineData("1 2", "holds \"1 2\"")]
    [InlineData("9999999", "holds \"9999999\"")]
    [InlineData("nan", "holds \"nan\"")]
    public void ALabelThatIsNoClassNumber_IsShown(string text, string expected)
    {
        Write(
            "a.tar",
            TarEntryFormat.Ustar,
            [
                ("a.jpg", Image(0, 0)), ("a.cls", Encoding.ASCII.GetBytes(text)), ("b.jpg", Image(0, 0)),
                ("b.cls", Encoding.ASCII.GetBytes(text)),
            ]);

        Assert.Contains(
            $"a.cls {expected}, expected a class number, 0 to 1048575 in digits; and 1 other .cls files",
            Refused("a.tar"));
    }

    [Fact]
    public void ALabelOfManyZeros_IsNotCutShort()
    {
        Write(
            "a.tar",
            TarEntryFormat.Ustar,
            [("a.jpg", Image(0, 0)), ("a.cls", Encoding.ASCII.GetBytes(new string('0', 40) + "3"))]);
        Write(
            "b.tar",
            TarEntryFormat.Ustar,
            [("a.jpg", Image(0, 0)), ("a.cls", Encoding.ASCII.GetBytes(new string('0', 400) + "3"))]);

        Assert.Equal(3, TarShards.Open(temp["a.tar"]).LabelOf(0));
        Assert.Contains("expected a class number", Refused("b.tar"));
    }

    [Theory]
    [InlineData(
        "tgz",
        new byte[] { 0x1F, 0x8B, 8, 0 },
        "it is a gzip archive. Unpack it first. `gunzip` leaves the .tar"
    )]
    [InlineData("tar.xz", new byte[] { 0xFD, 0x37, 0x7A, 0x58, 0x5A, 0 }, "`unxz` leaves the .tar")]
    [InlineData("tar", new byte[] { 0x28, 0xB5, 0x2F, 0xFD }, "`unzstd` leaves the .tar")]
    [InlineData("tar", new byte[] { (byte)'P', (byte)'K', 3, 4 }, "a zip archive")]
    [InlineData("tar", new byte[] { }, "it is empty")]
    public void WhatIsNoTar_IsNamedByItsFirstBytes(string ending, byte[] head, string expected)
    {
        temp.Write($"a.{ending}", head.Length == 0 ? [] : [.. head, .. new byte[600]]);

        Assert.Contains(
            expected,
            Assert.Throws<DataSourceException>(() => DataSource.Open(temp[$"a.{ending}"], null)).Message);
    }

    [Fact]
    public void NamesThatAreNoUtf8_StayDifferent()
    {
        Write("a.tar", TarEntryFormat.Ustar, [("caf1.jpg", Image(0, 0)), ("caf2.jpg", Image(0, 1))]);
        var bytes = File.ReadAllBytes(temp["a.tar"]);
        (bytes[3], bytes[1024 + 3]) = (0xE8, 0xE9);
        foreach (var header in new[] { 0, 1024 })
        {
            bytes.AsSpan(header + 148, 8).Fill((byte)' ');
            Encoding
                .ASCII.GetBytes(
                    Convert.ToString(bytes.Skip(header).Take(512).Sum(value => value), 8).PadLeft(6, '0') + "\0 ")
                .CopyTo(bytes.AsSpan(header + 148));
        }

        File.WriteAllBytes(temp["a.tar"], bytes);

        Assert.Equal(
            ["a.tar/caf\u00E8.jpg", "a.tar/caf\u00E9.jpg"],
            Enumerable.Range(0, 2).Select(TarShards.Open(temp["a.tar"]).NameOf));
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

            // Cut where a set of whole shards is done: each window has at least 15 images and no shard is in two of
            // them.
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
            Write(
                $"{shard}.tar",
                TarEntryFormat.Ustar,
                Enumerable.Range(0, 6).Select(i => ($"{i}.png", Image(shard, i))));
        }

        var data = TarShards.Open(temp["{0..4}.tar"]);
        var expected = EpochOrder.InWindows(data.ShardStarts, 30, 12, seed: 5, epoch: 1);
        foreach (var (workers, first) in new[] { (1, 0), (4, 0), (3, 4) })
        {
            using var loader = ViewLoader.Open(
                data,
                ViewRecipes.Train(new ViewOptions { Size = 4 }),
                new LoaderOptions { Workers = workers, ShuffleWindow = 12 },
                seed: 5,
                batchSize: 3);
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

    private static byte[] Image(int shard, int number) =>
        ImageEncoder.Png(new ImageBuffer(1, 1, [(byte)shard, (byte)number, 7]));

    private void Write(string name, TarEntryFormat format, IEnumerable<(string Name, byte[] Bytes)> members)
    {
        using var file = File.Create(temp[name]);
        using var writer = new TarWriter(file, format);
        foreach (var (member, bytes) in members)
        {
            FuzzTests.Add(writer, format, member, bytes);
        }
    }

    private static void AssertTold(TarShards set, params string[] parts) =>
        Assert.True(
            set.Notices.Any(notice => parts.All(part => $"{notice}".Contains(part, StringComparison.Ordinal))),
            string.Join('\n', set.Notices));

    private string Refused(string name) => Assert.Throws<DataSourceException>(() => TarShards.Open(temp[name])).Message;
}
