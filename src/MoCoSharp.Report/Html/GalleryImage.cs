using MoCoSharp.Data.Datasets;

namespace MoCoSharp.Report.Html;

/// <summary>An image of a gallery.</summary>
/// <param name="Data">The set that it is read from.</param>
/// <param name="Index">Its index in the set.</param>
/// <param name="Caption">A few words above its name, such as a similarity; empty for none.</param>
internal readonly record struct GalleryImage(IImageDataset Data, int Index, string Caption)
{
    /// <summary>Its name, from outside. Null for its name in the set.</summary>
    public string? Name { get; init; }
}
