using MoCoSharp.Detection.Datasets;

namespace MoCoSharp.Detection.Transfer;

/// <summary>The parts of a batch that pass through a network one after another.</summary>
internal static class DetectionGroups
{
    /// <summary>Batches of at most so many images, in their order; each is only as large as its own images need.</summary>
    public static IEnumerable<DetectionBatch> Of(DetectionBatch batch, int size) => batch.Views.Count <= size
        ? [batch]
        : batch.Views.Zip(batch.Items).Chunk(size).Select(part => new DetectionBatch([.. part.Select(item => item.First)], [.. part.Select(item => item.Second)]));
}
