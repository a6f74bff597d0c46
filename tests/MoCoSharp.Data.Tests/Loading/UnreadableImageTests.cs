using System.Collections.Concurrent;
using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Images;
using MoCoSharp.Data.Loading;
using MoCoSharp.Data.Packing;
using MoCoSharp.Data.Tests.Datasets;
using MoCoSharp.Data.Views;

namespace MoCoSharp.Data.Tests.Loading;

/// <summary>"Cannot be read now" is not "is no image".</summary>
public sealed class UnreadableImageTests : IDisposable
{
    private const int Size = 6;
    private static readonly ViewTransform Transform = ViewRecipes.Train(new ViewOptions { Size = Size });
    private static readonly ViewTransform Evaluation = ViewRecipes.Evaluation(new ViewOptions { Size = Size });
    private static readonly LoaderOptions OneWorker = new() { Workers = 1, PrefetchBatches = 1 };

    private readonly TempFolder temp = new();

    [Fact]
    public void AnImageThatCouldNotBeReadOnce_TakesPartAgainAtItsNextTurn_ToTheBit()
    {
        var order = EpochOrder.Shuffled(12, 6, 0);
        var data = new FlakyImages(12);
        var whole = ViewLoader.Open(new FakeImages(12), Transform, OneWorker, 6, 4);
        using var loader = ViewLoader.Open(data, Transform, OneWorker, 6, 4);
        var told = new List<BadImage>();
        loader.BadImageFound += told.Add;

        data.Gone = index => index == order[2];
        var first = loader.Epoch(0).Select(Copy).ToList();
        data.Gone = _ => false;
        var second = loader.Epoch(1).Select(Copy).ToList();

        Assert.Equal(order[3], first[0].Indices[2]); // stood in
        Assert.Equal([order[2]], first[0].LeftOut.Select(bad => bad.Index));
        Assert.All(first.Skip(1), batch => Assert.Empty(batch.LeftOut));
        AssertSame(whole.Epoch(1).Select(Copy), second);
        Assert.True(Assert.Single(told).MayPass);
        Assert.Equal([order[2]], loader.BadImages.Select(bad => bad.Index));
    }

    [Fact]
    public void AFileThatIsMissingForever_IsToldOnce_AndLosesEveryTurn()
    {
        using var loader = ViewLoader.Open(
            new FlakyImages(10) { Gone = index => index == 3 },
            Transform, OneWorker, 0, 5);
        var told = 0;
        loader.BadImageFound += _ => told++;

        var lost = Enumerable
            .Range(0, 4)
            .SelectMany(epoch => loader.Epoch(epoch).Select(Copy).ToList())
            .SelectMany(batch => batch.LeftOut)
            .ToList();

        Assert.Equal(1, told);
        Assert.Equal([3, 3, 3, 3], lost.Select(bad => bad.Index));
    }

    [Fact(Timeout = 240_000)]
    public async Task WhereNoImageCanBeRead_ItWaits_AndGoesOnWithTheVeryBatches()
    {
        var data = new FlakyImages(12);
        var notices = new ConcurrentQueue<string>();
        var options = OneWorker with
        {
            Notice = text =>
            {
                notices.Enqueue(text);
                data.Gone = _ => false; // the first word ends it: nothing depends on the clock
            },
        };
        using var loader = ViewLoader.Open(data, Transform, options, 6, 4);
        var seen = new List<Seen>();
        await Task.Run(() =>
        {
            foreach (var batch in loader.Epoch(0, cancellation: TestContext.Current.CancellationToken))
            {
                seen.Add(Copy(batch));
                if (seen.Count == 1)
                {
                    data.Gone = _ => true;
                }
            }
        });

        AssertSame(ViewLoader.Open(new FakeImages(12), Transform, OneWorker, 6, 4).Epoch(0).Select(Copy), seen);
        Assert.All(seen, batch => Assert.Empty(batch.LeftOut));
        Assert.Contains("no image can be read now", notices.First());
        Assert.Contains("Waiting up to 60 s", notices.First());
        Assert.Contains("can be read again", notices.Last());
        Assert.Empty(loader.BadImages);
    }

    [Fact(Timeout = 240_000)]
    public async Task WhereNoImageComesBack_ItEndsAfterTheLongestWait_AndSaysSo()
    {
        var data = new FlakyImages(12);
        using var loader = ViewLoader.Open(data, Transform, OneWorker with { OutageSeconds = 1 }, 6, 4);
        var error = await Task.Run(() => Assert.Throws<BrokenImageException>(() =>
        {
            foreach (var batch in loader.Epoch(0, cancellation: TestContext.Current.CancellationToken))
            {
                batch.Dispose();
                data.Gone = _ => true;
            }
        }));

        Assert.Contains("none of the 12 images could be read for 1 s", error.Message);
        Assert.Contains("Is the disk or the network folder there?", error.Message);
    }

    [Theory(Timeout = 240_000)]
    [InlineData(BadImageAction.Skip)]
    [InlineData(BadImageAction.Fail)]
    public async Task ASetThatNeverGaveAnImage_EndsAtOnce(BadImageAction onBadImage)
    {
        using var loader = ViewLoader.Open(
            new FlakyImages(12) { Gone = _ => true },
            Transform,
            OneWorker with
            {
                OutageSeconds = 100_000,
                OnBadImage = onBadImage,
            },
            6,
            4);
        var error = await Task.Run(() =>
            Assert.Throws<BrokenImageException>(() =>
                loader.Epoch(0, cancellation: TestContext.Current.CancellationToken).Count()));
        Assert.Contains(
            onBadImage == BadImageAction.Skip ? "none of the 12 images" : "loader.onBadImage",
            error.Message);
    }

    [Fact(Timeout = 240_000)]
    public async Task APartThatIsGone_IsPassedOver_WithoutWaiting()
    {
        var order = EpochOrder.Shuffled(3000, 1, 0);
        var gone = order[5..1500].ToHashSet(); // in one piece, as a shard's images may stand
        using var loader = ViewLoader.Open(
            new FlakyImages(3000) { Gone = gone.Contains },
            Transform,
            OneWorker with
            {
                OutageSeconds = 100_000,
            },
            1,
            10);

        var seen = await Task.Run(() =>
            loader.Epoch(0, cancellation: TestContext.Current.CancellationToken).Take(2).Select(Copy).ToList());

        Assert.Equal(order[..5], seen[0].Indices[..5]);
        Assert.DoesNotContain(seen.SelectMany(batch => batch.Indices), gone.Contains);
        Assert.Equal(order[5..20], seen.SelectMany(batch => batch.LeftOut).Select(bad => bad.Index));
    }

    [Fact(Timeout = 240_000)]
    public async Task Cancellation_EndsTheWait()
    {
        using var cancel = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        var data = new FlakyImages(12);
        using var loader = ViewLoader.Open(
            data,
            Transform,
            OneWorker with
            {
                OutageSeconds = 100_000,
                Notice = _ => cancel.Cancel(),
            },
            6,
            4);
        await Task.Run(() => Assert.Throws<OperationCanceledException>(() =>
        {
            foreach (var batch in loader.Epoch(0, cancellation: cancel.Token))
            {
                batch.Dispose();
                data.Gone = _ => true;
            }
        }));
    }

    [Fact(Timeout = 240_000)]
    public async Task WithFail_ItWaitsForTheImage_AndGoesOnWithIt()
    {
        var data = new FlakyImages(12);
        var order = EpochOrder.Shuffled(12, 6, 0);
        var notices = new ConcurrentQueue<string>();
        var options = OneWorker with
        {
            OnBadImage = BadImageAction.Fail,
            Notice = text =>
            {
                notices.Enqueue(text);
                data.Gone = _ => false;
            },
        };
        data.Gone = index => index == order[5];
        using var loader = ViewLoader.Open(data, Transform, options, 6, 4);

        var seen = await Task.Run(() =>
            loader.Epoch(0, cancellation: TestContext.Current.CancellationToken).Select(Copy).ToList());

        AssertSame(ViewLoader.Open(new FakeImages(12), Transform, OneWorker, 6, 4).Epoch(0).Select(Copy), seen);
        Assert.Contains("onBadImage", Assert.Single(notices));
    }

    [Fact(Timeout = 240_000)]
    public async Task WithFail_AnImageThatDoesNotComeBack_EndsTheEpoch_WithTheCure()
    {
        var order = EpochOrder.Shuffled(12, 6, 0);
        using var loader = ViewLoader.Open(
            new FlakyImages(12) { Gone = index => index == order[9] },
            Transform,
            OneWorker with
            {
                OnBadImage = BadImageAction.Fail,
                OutageSeconds = 1,
            },
            6,
            4);
        var error = await Task.Run(() =>
            Assert.Throws<BrokenImageException>(() =>
                loader.Epoch(0, cancellation: TestContext.Current.CancellationToken).Count()));
        Assert.Contains($"image {order[9]}", error.Message);
        Assert.Contains("loader.onBadImage", error.Message);
    }

    [Fact]
    public void AFileThatIsMovedAwayAndBack_TakesPartAgain()
    {
        for (var i = 0; i < 6; i++)
        {
            temp.WriteImage($"set/{i}.png", (byte)(20 * i));
        }

        using var loader = ViewLoader.Open(ImageFolder.Open(temp["set"]), Transform, OneWorker, 0, 6);
        var told = new List<BadImage>();
        loader.BadImageFound += told.Add;
        File.Move(temp["set/4.png"], temp["away"]);
        Assert.Equal(5, loader.Epoch(0).Select(Copy).Single().Indices.Distinct().Count());
        File.Move(temp["away"], temp["set/4.png"]);
        Assert.Equal(6, loader.Epoch(1).Select(Copy).Single().Indices.Distinct().Count());
        Assert.True(Assert.Single(told).MayPass);
        Assert.Contains("there is no such file", told[0].Reason);
    }

    [Fact]
    public void ABrokenFileThatIsMended_TakesPartAgain()
    {
        for (var i = 0; i < 6; i++)
        {
            temp.WriteImage($"set/{i}.png", (byte)(20 * i));
        }

        var whole = File.ReadAllBytes(temp["set/4.png"]);
        File.WriteAllBytes(temp["set/4.png"], whole[..(whole.Length / 2)]); // as if it were still being copied
        File.SetLastWriteTimeUtc(temp["set/4.png"], DateTime.UtcNow.AddDays(-1));
        using var loader = ViewLoader.Open(ImageFolder.Open(temp["set"]), Transform, OneWorker, 0, 6);
        var told = new List<BadImage>();
        loader.BadImageFound += told.Add;
        Assert.Equal(5, loader.Epoch(0).Select(Copy).Single().Indices.Distinct().Count());
        File.WriteAllBytes(temp["set/4.png"], whole);
        Assert.Equal(6, loader.Epoch(1).Select(Copy).Single().Indices.Distinct().Count());
        Assert.False(Assert.Single(told).MayPass);
    }

    [Fact]
    public void WhatIsNoFile_IsBroken_AndNotWaitedFor()
    {
        temp.WriteImage("a.png");
        Directory.CreateDirectory(temp["folder.png"]);
        File.CreateSymbolicLink(temp["circle.png"], temp["circle.png"]);
        var list = ImageList.Open(temp.Write("list.txt", "a.png\nfolder.png\ncircle.png\nmissing.png\n"));
        var told = new ConcurrentBag<BadImage>();

        var seen = ViewLoader.Evaluate(list, Evaluation, OneWorker, 4, told.Add).Select(Copy).ToList();

        Assert.Equal([0], seen.Single().Indices);
        Assert.Equal(
            OperatingSystem.IsWindows() ? [1] : [1, 2],
            told.Where(bad => !bad.MayPass).Select(bad => bad.Index).Order());
    }

    [Fact]
    public void WhereTooManyFilesAreOpen_TheReaderWaitsForOthersToClose()
    {
        Queue<int> errors = new([4, 24, 23, 24]); // EINTR, EMFILE, ENFILE, EMFILE
        var pauses = 0;
        Assert.Equal(
            7,
            RegularFile.OpenPatiently(() => errors.TryDequeue(out var error) ? (-1, error) : (7, 0), () => pauses++));
        Assert.Equal(3, pauses);
    }

    [Theory]
    [InlineData(24, false)]  // EMFILE, for ever
    [InlineData(116, false)] // ESTALE
    [InlineData(5, false)]   // EIO
    [InlineData(13, false)]  // EACCES
    [InlineData(107, false)] // ENOTCONN: a mounted drive without its server
    [InlineData(40, true)]   // ELOOP
    [InlineData(6, true)]    // ENXIO: a socket
    public void FaultsOfOpening_ArePassing_UnlessTheNameLeadsToNoFile(int error, bool isNoFile)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "these numbers are Linux's");
        var thrown = Assert.ThrowsAny<IOException>(() => RegularFile.OpenPatiently(() => (-1, error), () => { }));
        Assert.Equal(isNoFile, thrown is NoFileException);
        Assert.Equal(!isNoFile, EncodedImage.MayPass(thrown));
        Assert.Equal(error == 24, thrown.Message.Contains("ulimit -n"));
    }

    [Fact]
    public void APassOverTheSet_TriesAgainBeforeItLeavesAnImageOut()
    {
        var tries = 0;
        var data = new FlakyImages(11) { Gone = index => index == 7 && ++tries < 5 };
        var told = new ConcurrentBag<BadImage>();

        var seen = ViewLoader.Evaluate(data, Evaluation, OneWorker, 4, told.Add).Select(Copy).ToList();

        Assert.Equal(Enumerable.Range(0, 11), seen.SelectMany(batch => batch.Indices));
        Assert.Empty(told);
        AssertSame(ViewLoader.Evaluate(new FakeImages(11), Evaluation, OneWorker, 4).Select(Copy), seen);
    }

    [Fact(Timeout = 240_000)]
    public async Task APassOverTheSet_LeavesOutWhatIsMissing_AndWaitsLessForEachMore()
    {
        var data = new FlakyImages(400) { Gone = index => index is > 50 and < 350 };
        var told = new ConcurrentBag<BadImage>();

        var seen = await Task.Run(() =>
            ViewLoader
                .Evaluate(
                    data, Evaluation, OneWorker, 32, told.Add, cancellation: TestContext.Current.CancellationToken)
                .Select(Copy)
                .ToList());

        Assert.Equal(101, seen.Sum(batch => batch.Indices.Length));
        Assert.Equal(299, told.Count);
        Assert.All(told, bad => Assert.True(bad.MayPass));
    }

    [Fact(Timeout = 240_000)]
    public async Task APassOverTheSet_WhereNothingComesBack_EndsAndSaysSo()
    {
        var data = new FlakyImages(40);
        var read = 0;
        data.Gone = _ => ++read > 10;
        var error = await Task.Run(() => Assert.Throws<BrokenImageException>(() => ViewLoader.Evaluate(
            data,
            Evaluation,
            OneWorker with
            {
                OutageSeconds = 1,
            },
            8,
            cancellation: TestContext.Current.CancellationToken)
        .Select(Copy)
        .Count()));
        Assert.Contains("none of the 40 images could be read for", error.Message);
    }

    [Fact]
    public void Packing_TriesAgain_AndTellsWhatCouldNotBeReadThisTime()
    {
        var tries = 0;
        var data = new FlakyImages(9)
        {
            Gone = index => index == 8 || (index == 4 && Interlocked.Increment(ref tries) < 4),
        };

        var result = PackWriter.Write(data, temp["set.moco"], new PackOptions { Workers = 1 });

        Assert.Equal((8, 1), (result.Images, result.Unreadable));
        Assert.Contains("could not be read this time", Assert.Single(result.Broken));
    }

    [Fact]
    public void AMeasurement_CountsABrokenImageOnce()
    {
        var times = StageTimes.Measure(new FakeImages(8, 1, 6), Transform, JpegDecoder.Auto, seed: 1, images: 24);
        Assert.Equal((2, 18), (times.Broken, times.Images));
    }

    public void Dispose() => temp.Dispose();

    private sealed record Seen(int[] Indices, float[] Query, float[] Key, IReadOnlyList<BadImage> LeftOut);

    private static Seen Copy(ViewBatch batch)
    {
        using (batch)
        {
            var length = batch.Count * Size * Size * 3;
            return new Seen(
                [.. batch.Indices], batch.Query[..length], batch.Key.Length == 0 ? [] : batch.Key[..length],
                batch.LeftOut);
        }
    }

    private static void AssertSame(IEnumerable<Seen> expected, IReadOnlyList<Seen> actual)
    {
        List<Seen> all = [.. expected];
        Assert.Equal(all.Select(batch => batch.Indices), actual.Select(batch => batch.Indices));
        Assert.Equal(all.Select(batch => batch.Query), actual.Select(batch => batch.Query));
        Assert.Equal(all.Select(batch => batch.Key), actual.Select(batch => batch.Key));
    }

    /// <summary>Noise images that a disk refuses now and then.</summary>
    private sealed class FlakyImages(int count) : IImageDataset
    {
        private readonly FakeImages images = new(count);
        private Func<int, bool> gone = _ => false;

        public Func<int, bool> Gone
        {
            get => Volatile.Read(ref gone);
            set => Volatile.Write(ref gone, value);
        }

        public int Count => count;

        public IReadOnlyList<string> ClassNames => [];

        public string Description => "flaky images";

        public LabeledImage Read(int index) => Gone(index)
            ? throw new BrokenImageException($"{NameOf(index)}: Input/output error.") { MayPass = true }
            : images.Read(index);

        public int LabelOf(int index) => images.LabelOf(index);

        public string NameOf(int index) => images.NameOf(index);
    }
}
