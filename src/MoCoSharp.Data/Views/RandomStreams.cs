namespace MoCoSharp.Data.Views;

/// <summary>
/// All random streams, with their purposes and arguments. Every draw in the program uses a stream of this list.
/// </summary>
/// <remarks>
/// A stream is identified by the seed and three numbers. Views have the numbers (epoch, image, view), all 0 or more.
/// Each other stream of a pre-training has a negative number in place of one of these, so no two streams are the same.
/// The numbers of detection, label subsets and built-in images occur twice, but never for two purposes in one run.
/// Changing a number changes every bit of a run.
/// </remarks>
internal static class RandomStreams
{
    private const long OrderNumber = -1;
    private const long AspectOrderNumber = -2;
    private const long LabelSubsetNumber = -2;
    private const long KeyShuffleNumber = -1;
    private const long MemoryBankNumber = -2;
    private const long SelectionNumber = -3;
    private const long MapNumber = -4;
    private const long ClustersNumber = -5;
    private const long DetectionViewNumber = 0;
    private const long AnchorNumber = 2;
    private const long RegionNumber = 3;

    private const ulong DetectorWeightsMark = 0x6465746563740000; // "detect"

    /// <summary>A view of an image: its crop, colors, blur and flip.</summary>
    /// <param name="seed">Seed of the run.</param>
    /// <param name="epoch">From 0.</param>
    /// <param name="image">Index in the data set.</param>
    /// <param name="view">
    /// 0 for the query, 1 for the key. Each replacement of a broken image uses the next two.
    /// </param>
    public static SampleRandom View(long seed, long epoch, long image, long view) => new(seed, epoch, image, view);

    /// <summary>A built-in image: the pattern of its class, colors and noise.</summary>
    /// <param name="seed">Seed of the set.</param>
    /// <param name="image">Index in the set.</param>
    public static SampleRandom Pattern(long seed, long image) => new(seed, 0, image, 0);

    /// <summary>The order of the images in an epoch, and of their shards.</summary>
    /// <param name="seed">Seed of the run.</param>
    /// <param name="epoch">From 0.</param>
    public static SampleRandom EpochOrder(long seed, long epoch) => new(seed, epoch, OrderNumber, OrderNumber);

    /// <summary>
    /// The order of the images in an epoch of a detection, whose batches are grouped by aspect ratio.
    /// </summary>
    /// <param name="seed">Seed of the run.</param>
    /// <param name="epoch">From 0.</param>
    public static SampleRandom AspectOrder(long seed, long epoch) =>
        new(seed, epoch, AspectOrderNumber, AspectOrderNumber);

    /// <summary>The images of a class that keep their labels.</summary>
    /// <param name="seed">Seed of the evaluation.</param>
    /// <param name="label">The class, from 0.</param>
    public static SampleRandom LabelSubset(long seed, int label) => new(seed, 0, LabelSubsetNumber, label);

    /// <summary>The order in which the keys of a step pass through the key encoder.</summary>
    /// <param name="seed">Seed of the run.</param>
    /// <param name="step">Steps done before this one.</param>
    /// <param name="half">0, or 1 for the second half of a symmetric step.</param>
    public static SampleRandom KeyShuffle(long seed, long step, int half) => new(seed, KeyShuffleNumber, step, half);

    /// <summary>The features of a memory bank that serve as negatives.</summary>
    /// <param name="seed">Seed of the run.</param>
    /// <param name="step">Steps done before this one.</param>
    /// <param name="query">Place in the global batch; 0 if all queries share the negatives.</param>
    public static SampleRandom MemoryBankNegatives(long seed, long step, long query) =>
        new(seed, MemoryBankNumber, step, query);

    /// <summary>The images to label: the first one, the centers of clusters, or all of them.</summary>
    /// <param name="seed">Seed of the selection.</param>
    /// <param name="round">From 0, if images are chosen in rounds.</param>
    public static SampleRandom Selection(long seed, int round) => new(seed, 0, SelectionNumber, round);

    /// <summary>The layout of a map: its first places, then the images that repel each other.</summary>
    /// <param name="seed">Seed of the map.</param>
    public static SampleRandom Map(long seed) => new(seed, 0, MapNumber, MapNumber);

    /// <summary>The first centers of the clusters of a report.</summary>
    /// <param name="seed">Seed of the clusters.</param>
    public static SampleRandom Clusters(long seed) => new(seed, 0, ClustersNumber, ClustersNumber);

    /// <summary>The scale and the flip of an image in a detection.</summary>
    /// <param name="seed">Seed of the run.</param>
    /// <param name="position">Place in the endless stream of images, from 0.</param>
    /// <param name="image">Index in the data set.</param>
    public static SampleRandom DetectionView(long seed, long position, long image) =>
        new(seed, position, image, DetectionViewNumber);

    /// <summary>
    /// The anchors of an image that a region proposal network learns from. Arguments as of <see cref="DetectionView"/>.
    /// </summary>
    public static SampleRandom Anchors(long seed, long position, long image) =>
        new(seed, position, image, AnchorNumber);

    /// <summary>
    /// The proposals of an image that the heads learn from. Arguments as of <see cref="DetectionView"/>.
    /// </summary>
    public static SampleRandom Regions(long seed, long position, long image) =>
        new(seed, position, image, RegionNumber);

    /// <summary>
    /// The seed of the generator that draws a method's weights, then its queue or memory bank; also a linear
    /// classifier's weights.
    /// </summary>
    /// <param name="seed">Seed of the run or the evaluation.</param>
    public static ulong Weights(long seed) => (ulong)seed;

    /// <summary>
    /// The seed of the generator that draws a detector's new layers. It differs from <see cref="Weights"/> of the same
    /// seed.
    /// </summary>
    /// <param name="seed">Seed of the run.</param>
    public static ulong DetectorWeights(long seed) => (ulong)seed ^ DetectorWeightsMark;
}
