using System.Collections.Concurrent;
using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Images;

namespace MoCoSharp.Data.Tests.Loading;

/// <summary>Images of 12 x 10 noise, some of them broken.</summary>
internal sealed class FakeImages(int count, params int[] broken) : IImageDataset
{
    private readonly HashSet<int> broken = [.. broken];

    public ConcurrentQueue<int> Reads { get; } = [];

    public Action<int> OnRead { get; init; } = _ => { };

    public int Count => count;

    public IReadOnlyList<string> ClassNames => [];

    public string Description => "fake images";

    public LabeledImage Read(int index)
    {
        Reads.Enqueue(index);
        OnRead(index);
        if (broken.Contains(index))
        {
            throw new BrokenImageException($"{NameOf(index)}: it is made so.");
        }

        var pixels = new byte[12 * 10 * 3];
        new Random(index).NextBytes(pixels);
        return new LabeledImage(new ImageBuffer(12, 10, pixels), LabelOf(index));
    }

    public int LabelOf(int index) => index % 3;

    public string NameOf(int index) => $"image {index}";
}
