using MoCoSharp.Detection.Datasets;

namespace MoCoSharp.Detection.Transfer;

/// <summary>Splits batches that do not fit into memory.</summary>
internal static class BatchGroups
{
    /// <summary>Batches of limited size, in order. Each is padded only to its own images.</summary>
    public static IEnumerable<DetectionBatch> Split(DetectionBatch batch, int size) => batch.Views.Count <= size
        ? [batch]
        : batch.Views.Zip(batch.Items).Chunk(size)
            .Select(part => new DetectionBatch(
                [.. part.Select(item => item.First)], [.. part.Select(item => item.Second)]));
}
