using CsCheck;
using MoCoSharp.Data.Images;
using MoCoSharp.Data.Loading;
using MoCoSharp.Data.Views;

namespace MoCoSharp.Data.Tests.Loading;

public sealed class ViewLoaderTests
{
    private const int Size = 6;
    private static readonly ViewTransform Transform = ViewRecipes.Train(new ViewOptions { Size = Size });
    private static readonly ViewTransform Evaluation = ViewRecipes.Evaluation(new ViewOptions { Size = Size });

    private sealed record Seen(int[] Indices, int[] Labels, float[] Query, float[] Key);

    [Fact]
    public void Batches_AreTheSameForAnyWorkersPrefetchAndResume() =>
        Gen.Select(
                Gen.Int[1, 40], Gen.Int[1, 12], Gen.Int[2, 5], Gen.Int[1, 4], Gen.Int.Array[0, 8], Gen.Long,
                Gen.Int[0, 100])
            .Sample(
                (count, batch, workers, prefetch, bad, seed, first) =>
                {
                    batch = Math.Min(batch, count);
                    int[] broken =
                    [
                        .. bad.Select(index => (int)((uint)index % (uint)count)).Distinct().Take(count - 1),
                    ];
                    var expected = Epoch(
                        new FakeImages(count, broken), seed, batch,
                        new LoaderOptions { Workers = 1, PrefetchBatches = 1 });
                    first %= expected.Count + 1;
                    var actual = Epoch(
                        new FakeImages(count, broken), seed, batch,
                        new LoaderOptions { Workers = workers, PrefetchBatches = prefetch },
                        first);
                    Assert.Equal(count / batch, expected.Count);
                    AssertSame(expected.Skip(first), actual);
                },
                iter: 60);

    [Fact]
    public void Views_AreDrawnFromStreamsZeroAndOneOfTheImage()
    {
        var data = new FakeImages(20);
        foreach (var batch in Epoch(data, seed: 9, batchSize: 5, new LoaderOptions { Workers = 4 }, epoch: 3))
        {
            Assert.NotEqual(batch.Query, batch.Key);
            for (var slot = 0; slot < 5; slot++)
            {
                Assert.Equal(View(data, batch.Indices[slot], 9, 3, 0), Slot(batch.Query, slot));
                Assert.Equal(View(data, batch.Indices[slot], 9, 3, 1), Slot(batch.Key, slot));
                Assert.Equal(batch.Indices[slot] % 3, batch.Labels[slot]);
            }
        }
    }

    [Fact]
    public void Epoch_TakesEachImageOnceInTheEpochsOrder()
    {
        var seen = Epoch(new FakeImages(23), seed: 4, batchSize: 5, new LoaderOptions { Workers = 3 }, epoch: 2)
            .SelectMany(batch => batch.Indices);
        Assert.Equal(EpochOrder.Shuffled(23, 4, 2)[..20], seen);
    }

    [Fact]
    public void Ranks_ShareTheGlobalBatchBySlotModuloRanks()
    {
        int[] broken = [2, 3, 7, 20];
        var whole = Epoch(new FakeImages(30, broken), 1, 9, new LoaderOptions { Workers = 2 });
        for (var rank = 0; rank < 3; rank++)
        {
            var part = Epoch(new FakeImages(30, broken), 1, 9, new LoaderOptions { Workers = 2 }, rank: rank, ranks: 3);
            Assert.Equal(whole.Count, part.Count);
            foreach (var (all, own) in whole.Zip(part))
            {
                for (var slot = 0; slot < 3; slot++)
                {
                    Assert.Equal(all.Indices[(slot * 3) + rank], own.Indices[slot]);
                    Assert.Equal(Slot(all.Query, (slot * 3) + rank), Slot(own.Query, slot));
                    Assert.Equal(Slot(all.Key, (slot * 3) + rank), Slot(own.Key, slot));
                }
            }
        }
    }

    [Fact]
    public void BrokenImage_LeavesItsSlotToTheNextReadableOfTheOrder()
    {
        var order = EpochOrder.Shuffled(12, 6, 0);
        int[] broken = [order[2], order[3], order[11]];
        var data = new FakeImages(12, broken);
        var told = new List<BadImage>();
        using var loader = ViewLoader.Open(data, Transform, new LoaderOptions { Workers = 1 }, 6, 4);
        loader.BadImageFound += told.Add;
        var batches = loader.Epoch(0).Select(Copy).ToList();

        // The last one wraps around to the first of the order.
        Assert.Equal(
            [order[0], order[1], order[4], order[4], .. order[4..11], order[0]],
            batches.SelectMany(batch => batch.Indices));
        Assert.Equal(broken.Order(), loader.BadImages.Select(bad => bad.Index));
        Assert.Equal(broken.Order(), told.Select(bad => bad.Index).Order());
        Assert.Equal($"image {broken.Min()}", loader.BadImages.First().Name);
        Assert.Contains("made so", loader.BadImages.First().Reason);

        // Two hops and one hop away from its own place: views 4, 5 and 2, 3; its own are 0, 1.
        Assert.Equal(View(data, order[4], 6, 0, 4), Slot(batches[0].Query, 2));
        Assert.Equal(View(data, order[4], 6, 0, 5), Slot(batches[0].Key, 2));
        Assert.Equal(View(data, order[4], 6, 0, 2), Slot(batches[0].Query, 3));
        Assert.Equal(View(data, order[4], 6, 0, 3), Slot(batches[0].Key, 3));
        Assert.Equal(View(data, order[4], 6, 0, 0), Slot(batches[1].Query, 0));
    }

    [Fact]
    public void BrokenImage_IsDecodedAndNamedOnce()
    {
        var data = new FakeImages(10, 3);
        using var loader = ViewLoader.Open(data, Transform, new LoaderOptions { Workers = 1 }, 0, 5);
        var told = 0;
        loader.BadImageFound += _ => Interlocked.Increment(ref told);
        for (var epoch = 0; epoch < 3; epoch++)
        {
            loader.Epoch(epoch).ToList().ForEach(batch => batch.Dispose());
        }

        Assert.Equal(1, told);
        Assert.Single(data.Reads, index => index == 3);
    }

    [Fact]
    public void BrokenImage_WithFail_StopsAtItsBatchWithTheCure()
    {
        var order = EpochOrder.Shuffled(20, 0, 0);
        using var loader = ViewLoader.Open(
            new FakeImages(20, order[11]),
            Transform,
            new LoaderOptions { Workers = 4, OnBadImage = BadImageAction.Fail },
            0,
            5);
        var batches = 0;
        var exception = Assert.Throws<BrokenImageException>(() =>
        {
            foreach (var batch in loader.Epoch(0))
            {
                batches++;
                batch.Dispose();
            }
        });
        Assert.Equal(2, batches);
        Assert.Contains($"image {order[11]}", exception.Message);
        Assert.Contains("loader.onBadImage", exception.Message);
    }

    [Fact(Timeout = 240_000)]
    public async Task AllImagesBroken_ThrowsInsteadOfSearchingForEver()
    {
        using var loader = ViewLoader.Open(
            new FakeImages(6, 0, 1, 2, 3, 4, 5),
            Transform,
            new LoaderOptions { Workers = 3 },
            0,
            2);
        var exception = await Task.Run(() =>
            Assert.Throws<BrokenImageException>(() =>
                loader.Epoch(0, cancellation: TestContext.Current.CancellationToken).Count()));
        Assert.Contains("none of the 6 images", exception.Message);
    }

    [Fact(Timeout = 240_000)]
    public async Task WorkersException_ReachesTheConsumer()
    {
        var data = new FakeImages(30)
        {
            OnRead = index => _ = index == 17 ? throw new InvalidOperationException("a fault of the data set") : 0,
        };
        using var loader = ViewLoader.Open(data, Transform, new LoaderOptions { Workers = 4 }, 0, 5);
        var exception = await Task.Run(() =>
            Assert.Throws<InvalidOperationException>(() =>
                loader.Epoch(0, cancellation: TestContext.Current.CancellationToken).Count()));
        Assert.Equal("a fault of the data set", exception.Message);
    }

    [Fact(Timeout = 240_000)]
    public async Task EarlyBreak_StopsTheWorkersAndReadsABoundedNumberAhead()
    {
        var data = new FakeImages(1000);
        using var loader = ViewLoader.Open(
            data,
            Transform,
            new LoaderOptions { Workers = 4, PrefetchBatches = 2 },
            0,
            10);
        await Task.Run(() =>
        {
            foreach (var batch in loader.Epoch(0, cancellation: TestContext.Current.CancellationToken))
            {
                batch.Dispose();
                break;
            }
        });
        var reads = data.Reads.Count;
        Assert.InRange(reads, 10, 30); // the batch and two ahead
        await Task.Delay(50);
        Assert.Equal(reads, data.Reads.Count);
        Assert.Equal(100, loader.Epoch(0).Count()); // and it can be used again
    }

    [Fact(Timeout = 240_000)]
    public async Task Cancellation_EndsAWaitInTheMiddle()
    {
        using var cancel = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        using var release = new ManualResetEventSlim();
        var data = new FakeImages(100)
        {
            OnRead = _ =>
            {
                cancel.CancelAfter(20);
                release.Wait(TimeSpan.FromMilliseconds(200));
            },
        };
        using var loader = ViewLoader.Open(data, Transform, new LoaderOptions { Workers = 2 }, 0, 50);
        await Task.Run(() =>
            Assert.Throws<OperationCanceledException>(() => loader.Epoch(0, cancellation: cancel.Token).Count()));
        Assert.InRange(data.Reads.Count, 1, 10);
    }

    [Fact(Timeout = 240_000)]
    public async Task Dispose_InTheMiddle_EndsTheEnumeration()
    {
        var loader = ViewLoader.Open(new FakeImages(100), Transform, new LoaderOptions { Workers = 2 }, 0, 5);
        using var batches = loader.Epoch(0, cancellation: TestContext.Current.CancellationToken).GetEnumerator();
        Assert.True(batches.MoveNext());
        await Task.Run(loader.Dispose);
        Assert.Throws<ObjectDisposedException>(() => batches.MoveNext());
        Assert.Throws<ObjectDisposedException>(() => loader.Epoch(0));
    }

    [Fact]
    public void DisposedBatches_LendTheirArraysAgain()
    {
        using var loader = ViewLoader.Open(
            new FakeImages(400),
            Transform,
            new LoaderOptions { Workers = 2, PrefetchBatches = 2 },
            0,
            4);
        var arrays = new HashSet<float[]>(ReferenceEqualityComparer.Instance);
        foreach (var batch in loader.Epoch(0))
        {
            arrays.Add(batch.Query);
            arrays.Add(batch.Key);
            batch.Dispose();
            batch.Dispose();
            Assert.Throws<ObjectDisposedException>(() => batch.Query);
        }

        Assert.InRange(arrays.Count, 1, 8); // 100 batches in the arrays of 4: one in use, two ahead, one between
    }

    [Fact]
    public void Evaluate_GoesThroughTheSetInOrderAndLeavesBrokenOnesOut()
    {
        var data = new FakeImages(11, 1, 4, 5, 6, 7, 10);
        var batches = new List<Seen>();
        foreach (var batch in ViewLoader.Evaluate(data, Evaluation, new LoaderOptions { Workers = 3 }, 4))
        {
            Assert.Empty(batch.Key);
            batches.Add(Copy(batch));
        }

        Assert.Equal([[0, 2, 3], [8, 9]], batches.Select(batch => batch.Indices));
        Assert.Equal([[0, 2, 0], [2, 0]], batches.Select(batch => batch.Labels));
        foreach (var batch in batches)
        {
            for (var slot = 0; slot < batch.Indices.Length; slot++)
            {
                Assert.Equal(View(data, batch.Indices[slot], 0, 0, 0, Evaluation), Slot(batch.Query, slot));
            }
        }
    }

    [Fact]
    public void Labelled_TakesEachAskedForImageOnce_KeepsTheLastBatch_AndNamesBrokenOnes()
    {
        var data = new FakeImages(11, 4);
        int[] asked = [0, 1, 2, 4, 5, 7, 9, 10];
        List<int[]> Epoch(int epoch, int workers, Action<BadImage>? bad = null)
        {
            var seen = new List<int[]>();
            foreach (
                var batch in ViewLoader.Labeled(
                    data, asked, Transform, new LoaderOptions { Workers = workers },
                    seed: 3, epoch, batchSize: 3, bad))
            {
                seen.Add([.. batch.Indices.Take(batch.Count)]);
                Assert.Equal(batch.Indices.Select(data.LabelOf), batch.Labels);
                batch.Dispose();
            }

            return seen;
        }

        var named = new System.Collections.Concurrent.ConcurrentBag<string>();
        var first = Epoch(0, 1, bad => named.Add(bad.Name));
        Assert.Equal(asked.Where(index => index != 4), first.SelectMany(batch => batch).Order());
        Assert.Equal(8, first.Sum(batch => batch.Length) + named.Count); // 3 + 3 + 2, less the broken one
        Assert.Equal(["image 4"], named);
        Assert.Equal(first, Epoch(0, 4));
        Assert.NotEqual(first, Epoch(1, 1));
    }

    [Fact]
    public void Open_RefusesWhatCannotWork()
    {
        Assert.Contains(
            "fewer than a batch of 8",
            Assert.Throws<ArgumentException>(() => ViewLoader.Open(new FakeImages(7), Transform, new(), 0, 8)).Message);
        Assert.Contains(
            "multiple of 3",
            Assert
                .Throws<ArgumentException>(() => ViewLoader.Open(new FakeImages(9), Transform, new(), 0, 8, 0, 3))
                .Message);
        var faulty = new LoaderOptions { Workers = -1, PrefetchBatches = 0, OnBadImage = (BadImageAction)9 };
        var message = Assert
            .Throws<ArgumentException>(() => ViewLoader.Open(new FakeImages(9), Transform, faulty, 0, 3))
            .Message;
        Assert.Contains("loader.workers", message);
        Assert.Contains("loader.prefetchBatches", message);
        Assert.Contains("loader.onBadImage", message);
    }

    private static List<Seen> Epoch(
        FakeImages data, long seed, int batchSize, LoaderOptions options, int first = 0,
        int epoch = 0,
        int rank = 0,
        int ranks = 1)
    {
        using var loader = ViewLoader.Open(data, Transform, options, seed, batchSize, rank, ranks);
        return [.. loader.Epoch(epoch, first).Select(Copy)];
    }

    private static Seen Copy(ViewBatch batch)
    {
        using (batch)
        {
            var length = batch.Count * Size * Size * 3;
            return new Seen(
                [.. batch.Indices], [.. batch.Labels], batch.Query[..length],
                batch.Key.Length == 0 ? [] : batch.Key[..length]);
        }
    }

    private static float[] Slot(float[] views, int slot) =>
        views[(slot * Size * Size * 3)..((slot + 1) * Size * Size * 3)];

    private static float[] View(
        FakeImages data, int index, long seed, int epoch, int view, ViewTransform? transform = null)
    {
        var pixels = new float[Size * Size * 3];
        var random = new SampleRandom(seed, epoch, index, view);
        (transform ?? Transform).Write(data.Read(index).Image, ref random, pixels);
        return pixels;
    }

    private static void AssertSame(IEnumerable<Seen> expected, IEnumerable<Seen> actual)
    {
        foreach (var (left, right) in expected.Zip(actual))
        {
            Assert.Equal(left.Indices, right.Indices);
            Assert.Equal(left.Labels, right.Labels);
            Assert.Equal(left.Query, right.Query);
            Assert.Equal(left.Key, right.Key);
        }

        Assert.Equal(expected.Count(), actual.Count());
    }
}
