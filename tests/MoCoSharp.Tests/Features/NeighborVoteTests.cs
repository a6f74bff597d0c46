using MoCoSharp.Features;
using static TorchSharp.torch;

namespace MoCoSharp.Tests.Features;

public sealed class NeighborVoteTests
{
    // On the unit circle, at 0, 60, 90 and 180 degrees.
    private static readonly float[,] Circle = { { 1, 0 }, { 0.5f, 0.8660254f }, { 0, 1 }, { -1, 0 } };

    [Fact]
    public void AnImage_IsClassifiedByTheOthers_AndNotByItself()
    {
        using var features = Of(Circle, [0, 1, 1, 0]);

        var vote = NeighborVote.Of(features, neighbors: 2, temperature: 0.5)[0];

        // Cosines 0.5 and 0, both of class 1: all of the weight.
        Assert.Equal((0, 0, 1, 1.0, false), (vote.Row, vote.Label, vote.Predicted, vote.Confidence, vote.IsRight));
        Assert.Equal([(1, 0.5f), (2, 0f)], vote.Voters);
    }

    [Fact]
    public void Confidence_IsTheShareOfTheWeights()
    {
        using var features = Of(Circle, [0, 1, 2, 0]);

        var vote = NeighborVote.Of(features, neighbors: 2, temperature: 0.5)[0];

        // exp(0.5 / 0.5) for class 1 and exp(0) for class 2: e / (e + 1).
        Assert.Equal(1, vote.Predicted);
        Assert.Equal(Math.E / (Math.E + 1), vote.Confidence, 1e-6);
    }

    [Fact]
    public void ImagesWithoutALabel_NeitherVoteNorAreClassified()
    {
        using var features = Of(Circle, [0, -1, 1, 0]);

        var votes = NeighborVote.Of(features, neighbors: 5);

        Assert.Equal([0, 2, 3], votes.Select(vote => vote.Row));
        Assert.Equal([2, 3], votes[0].Voters.Select(voter => voter.Row)); // all others that have a label
        using var alone = Of(Circle, [0, -1, -1, -1]);
        Assert.Empty(NeighborVote.Of(alone, neighbors: 5));
    }

    [Fact]
    public void AnEqualImage_Votes()
    {
        using var features = Of(new float[,] { { 1, 0 }, { 1, 0 }, { 0, 1 } }, [0, 1, 0]);

        var votes = NeighborVote.Of(features, neighbors: 1);

        Assert.Equal([1, 0], votes.Take(2).Select(vote => vote.Predicted)); // each by the other
    }

    private static FeatureSet Of(float[,] values, int[] labels) =>
        new(tensor(values), labels, [.. Enumerable.Range(0, labels.Length)]);
}
