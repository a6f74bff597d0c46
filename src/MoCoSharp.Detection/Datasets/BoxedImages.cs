using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Images;

namespace MoCoSharp.Detection.Datasets;

/// <summary>An image file and its objects.</summary>
/// <param name="File">Path of the file.</param>
/// <param name="Name">Name in messages and results: the id of Pascal VOC, the file name of COCO.</param>
/// <param name="Width">Width in the annotation, in pixels, above 0.</param>
/// <param name="Height">Height in the annotation, in pixels, above 0.</param>
/// <param name="Boxes">The objects. All are inside the image. There may be none.</param>
internal sealed record BoxedImage(string File, string Name, int Width, int Height, IReadOnlyList<ObjectBox> Boxes)
{
    /// <summary>Whether there is an object to train on. A crowd does not count.</summary>
    public bool HasObjects => Boxes.Any(box => !box.IsCrowd);
}

/// <summary>
/// Images with boxes, by index, always in the same order. Thread-safe.
/// </summary>
public sealed class BoxedImages
{
    private readonly IReadOnlyList<BoxedImage> _images;

    /// <summary>A set of annotated images.</summary>
    /// <param name="description">Name of the set in messages.</param>
    /// <param name="classNames">Class names by label.</param>
    /// <param name="images">The images, at least one.</param>
    /// <param name="notices">Notices about dropped annotations, a sentence each.</param>
    internal BoxedImages(
        string description, IReadOnlyList<string> classNames, IReadOnlyList<BoxedImage> images,
        IReadOnlyList<string>? notices = null)
    {
        ArgumentNullException.ThrowIfNull(images);
        Description = description;
        ClassNames = classNames;
        _images = images;
        Notices = notices ?? [];
    }

    /// <summary>Opens the training images, and test images with the same classes.</summary>
    /// <param name="source">voc:DIR, voc:DIR@SET, coco:DIR or coco:FILE.json@IMAGES.</param>
    /// <param name="validation">Another source of test images; null uses the test part of the source.</param>
    /// <returns>The test images are null if there are none.</returns>
    /// <exception cref="DataSourceException">A source cannot be used.</exception>
    public static (BoxedImages Train, BoxedImages? Judged) Open(string source, string? validation = null) =>
        DetectionSource.Open(source, validation);

    /// <summary>Number of images, M.</summary>
    public int Count => _images.Count;

    /// <summary>Class names by label.</summary>
    public IReadOnlyList<string> ClassNames { get; }

    /// <summary>Name of the set in messages.</summary>
    public string Description { get; }

    /// <summary>Notices about dropped and corrected annotations, a sentence each.</summary>
    public IReadOnlyList<string> Notices { get; }

    /// <summary>Whether an image has an object to train on.</summary>
    public bool HasObjects => _images.Any(image => image.HasObjects);

    /// <summary>The annotation of an image.</summary>
    /// <param name="index">0 to Count - 1.</param>
    internal BoxedImage this[int index] => _images[index];

    /// <summary>Decodes an image, rotated upright by its EXIF orientation.</summary>
    /// <param name="index">0 to Count - 1.</param>
    /// <exception cref="BrokenImageException">
    /// The image cannot be read, or its size differs from its annotation, so the boxes would be misplaced.
    /// </exception>
    public ImageBuffer Read(int index)
    {
        var image = _images[index];
        var pixels = ImageDecoder.ReadFile(image.File, new DecodeRequest { AppliesOrientation = true });
        if ((pixels.Width, pixels.Height) == (image.Width, image.Height))
        {
            return pixels;
        }

        var found = $"{pixels.Width} x {pixels.Height}";
        pixels.Dispose();
        throw new BrokenImageException(
            $"{image.File}: is {found} pixels, but its annotation says {image.Width} x {image.Height}: its boxes " +
            "would be misplaced.");
    }

    /// <summary>
    /// The same images with labels of another list of classes. Boxes of other classes are dropped, with a notice.
    /// </summary>
    /// <param name="classNames">The classes.</param>
    public BoxedImages WithClasses(IReadOnlyList<string> classNames)
    {
        ArgumentNullException.ThrowIfNull(classNames);
        var known = classNames
            .Select((name, label) => (name, label))
            .ToDictionary(item => item.name, item => item.label, StringComparer.Ordinal);
        var labels = ClassNames.Select(name => known.GetValueOrDefault(name, -1)).ToArray();
        var mapped = _images
            .Select(image =>
                image with
                {
                    Boxes =
                    [
                        .. image
                            .Boxes.Where(box => labels[box.Label] >= 0)
                            .Select(box => box with { Label = labels[box.Label] }),
                    ],
                })
            .ToList();
        var lost = _images.Sum(image => image.Boxes.Count) - mapped.Sum(image => image.Boxes.Count);
        var unknown = ClassNames.Except(classNames).ToList();
        IReadOnlyList<string> notices = lost == 0
            ? Notices
            :
            [
                .. Notices,
                $"{Description}: {lost} boxes of {unknown.Count} classes that are not trained on were dropped "
                    + $"({string.Join(", ", unknown.Take(5).Select(WithLike))}).",
            ];
        return new BoxedImages(Description, classNames, mapped, notices);

        // "Car (is it car?)"
        string WithLike(string name) =>
            classNames.FirstOrDefault(other => BoxNotices.Plain(other) == BoxNotices.Plain(name)) is { } like
                ? $"{name} (is it {like}?)"
                : name;
    }

    /// <summary>The same images, with a notice about those that are also in the training set.</summary>
    internal BoxedImages WithOverlapTold(BoxedImages learned)
    {
        var files = learned._images.Select(image => Path.GetFullPath(image.File)).ToHashSet(StringComparer.Ordinal);
        var both = _images.Where(image => files.Contains(Path.GetFullPath(image.File)))
            .Select(image => image.Name).ToList();
        return both.Count == 0
            ? this
            : new BoxedImages(Description, ClassNames, _images, [
                .. Notices,
                $"{Description}: {both.Count} of its {Count} images are also trained on, so the AP is too high: "
                    + $"{DataNotice.Some(both, 5)}.",
            ]);
    }

    /// <summary>Only the images with an object to train on. The others get a notice.</summary>
    public BoxedImages WithObjects()
    {
        var kept = _images.Where(image => image.HasObjects).ToList();
        return kept.Count == _images.Count
            ? this
            : new BoxedImages(
                Description, ClassNames, kept,
                [
                    .. Notices,
                    $"{Description}: {_images.Count - kept.Count} images without boxes are not trained on, as " +
                    "in the protocol.",
                ]);
    }

    /// <summary>A digest of names, sizes and boxes that identifies the set, independent of its path.</summary>
    /// <returns>16 hexadecimal digits.</returns>
    public string Fingerprint()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.UTF8.GetBytes(string.Join('\n', ClassNames)));
        foreach (var image in _images)
        {
            hash.AppendData(Encoding.UTF8.GetBytes($"{image.Name} {image.Width} {image.Height}\n"));
            foreach (var box in image.Boxes)
            {
                hash.AppendData(Encoding.UTF8.GetBytes(string.Create(
                    CultureInfo.InvariantCulture,
                    $"{box.Left:R} {box.Top:R} {box.Right:R} {box.Bottom:R} {box.Label} " +
                    $"{box.IsDifficult} {box.IsCrowd} {box.OutlineArea:R}\n")));
            }
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset().AsSpan(0, 8));
    }
}
