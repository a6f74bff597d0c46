using MoCoSharp.Data.Datasets;
using MoCoSharp.Report.Html;
using MoCoSharp.Report.RunReports;

namespace MoCoSharp.Cli.Reports;

/// <summary>Collects the images that parts of a report show, each once, for one sheet of thumbnails.</summary>
/// <param name="images">The images of the report.</param>
/// <param name="upright">Whether thumbnails are turned by their EXIF orientation.</param>
internal sealed class ShownPictures(IImageDataset images, bool upright)
{
    private const int ThumbnailSide = 96; // pixels
    private const int MostBytes = 800_000; // of the thumbnails

    private readonly List<int> _shown = []; // indices of images
    private readonly Dictionary<int, int> _places = []; // index of an image -> position in _shown

    /// <summary>The position of an image in the sheet.</summary>
    /// <param name="index">Its index in the data set.</param>
    public int Place(int index)
    {
        if (!_places.TryGetValue(index, out var place))
        {
            place = _places[index] = _shown.Count;
            _shown.Add(index);
        }

        return place;
    }

    /// <summary>The sheet; null if no image was placed.</summary>
    public PictureSheet? Draw() => _shown.Count == 0 ? null : new PictureSheet(
        [.. _shown.Select(Describe)], ThumbnailSheet.Create(images, _shown, upright, ThumbnailSide, MostBytes));

    private PageImage Describe(int index) => new(
        images.NameOf(index), images.LabelOf(index) is var label and >= 0 ? images.ClassNames[label] : null);
}
