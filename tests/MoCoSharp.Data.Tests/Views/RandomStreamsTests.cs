using MoCoSharp.Data.Views;

namespace MoCoSharp.Data.Tests.Views;

public sealed class RandomStreamsTests
{
    // A run that is resumed draws on: the numbers of a stream never change.
    [Fact]
    public void Streams_KeepTheirNumbers()
    {
        Same(new(5, 2, 7, 1), RandomStreams.View(5, 2, 7, 1));
        Same(new(5, 0, 7, 0), RandomStreams.Pattern(5, 7));
        Same(new(5, 2, -1, -1), RandomStreams.EpochOrder(5, 2));
        Same(new(5, 2, -2, -2), RandomStreams.AspectOrder(5, 2));
        Same(new(5, 0, -2, 3), RandomStreams.LabelSubset(5, 3));
        Same(new(5, -1, 2, 1), RandomStreams.KeyShuffle(5, 2, 1));
        Same(new(5, -2, 2, 7), RandomStreams.MemoryBankNegatives(5, 2, 7));
        Same(new(5, 9, 7, 0), RandomStreams.DetectionView(5, 9, 7));
        Same(new(5, 9, 7, 2), RandomStreams.Anchors(5, 9, 7));
        Same(new(5, 9, 7, 3), RandomStreams.Regions(5, 9, 7));
        Same(new(5, 0, -5, -5), RandomStreams.Clusters(5));
        Assert.Equal((5UL, 0x6465746563740005UL), (RandomStreams.Weights(5), RandomStreams.DetectorWeights(5)));
    }

    [Fact]
    public void StreamsOfAPreTraining_AreAllDifferent()
    {
        var streams = new List<SampleRandom>();
        for (var i = 0; i < 4; i++)
        {
            streams.AddRange([
                RandomStreams.EpochOrder(5, i), RandomStreams.KeyShuffle(5, i, 0), RandomStreams.KeyShuffle(5, i, 1),
            ]);
            for (var j = 0; j < 4; j++)
            {
                streams.AddRange([
                    RandomStreams.View(5, i, j, 0), RandomStreams.View(5, i, j, 1),
                    RandomStreams.MemoryBankNegatives(5, i, j),
                ]);
            }
        }

        Assert.Equal(streams.Count, streams.Select(stream => stream.NextUInt64()).Distinct().Count());
    }

    private static void Same(SampleRandom expected, SampleRandom actual) =>
        Assert.Equal(expected.NextUInt64(), actual.NextUInt64());
}
