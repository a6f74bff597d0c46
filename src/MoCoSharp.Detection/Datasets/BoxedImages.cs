using System.Security.Cryptography;
using System.Text;
using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Images;

namespace MoCoSharp.Detection.Datasets;

/// <summary>An image file, and the objects in it.</summary>
/// <param name="File">The path.</param>
/// <param name="Name">What people and results call it: the id of Pascal VOC, the file name of COCO.</param>
/// <param name="Width">As the annotation says, in pixels, above 0.</param>
/// <param name="Height">As the annotation says, in pixels, above 0.</param>
/// <param name="Boxes">Inside the image; may be none.</param>
public sealed record BoxedImage(string File, string Name, int Width, int Height, IReadOnlyList<ObjectBox> Boxes)
{
    /// <summary>Whether there is an object to learn from; a crowd is none.</summary>
    public bool HasObjects => Boxes.Any(box => !box.IsCrowd);
}

/// <summary>
/// Images with boxes by index, the same ones in the same order each time; safe to read from several threads.
/// </summary>
public sealed class BoxedImages
{
    private readonly IReadOnlyList<BoxedImage> images;

    /// <summary>Images whose annotations were read.</summary>
    /// <param name="description">What a person calls the set.</param>
    /// <param name="classNames">By label.</param>
    /// <param name="images">At least one.</param>
    /// <param name="notices">What was dropped while reading, a sentence each.</param>
    public BoxedImages(
        string description, IReadOnlyList<string> classNames, IReadOnlyList<BoxedImage> images,
        IReadOnlyList<string>? notices = null)
    {
        ArgumentNullException.ThrowIfNull(images);
        Description = description;
        ClassNames = classNames;
        this.images = images;
        Notices = notices ?? [];
    }

    /// <summary>Number of images, M.</summary>
    public int Count => images.Count;

    /// <summary>Class names by label.</summary>
    public IReadOnlyList<string> ClassNames { get; }

    /// <summary>What a person calls this set.</summary>
    public string Description { get; }

    /// <summary>What was dropped or mended while reading, a sentence each.</summary>
    public IReadOnlyList<string> Notices { get; }

    /// <summary>An image's annotation.</summary>
    /// <param name="index">0 to Count - 1.</param>
    public BoxedImage this[int index] => images[index];

    /// <summary>Decodes one image, turned upright as its EXIF data say.</summary>
    /// <param name="index">0 to Count - 1.</param>
    /// <exception cref="BrokenImageException">
    /// It cannot be read, or has another size than its annotation says, so that the boxes lie nobody knows where.
    /// </exception>
    public ImageBuffer Read(int index)
    {
        var image = images[index];
        var pixels = ImageDecoder.ReadFile(image.File, new DecodeRequest { AppliesOrientation = true });
        if ((pixels.Width, pixels.Height) == (image.Width, image.Height))
        {
            return pixels;
        }

        var found = $"{pixels.Width} x {pixels.Height}";
        pixels.Dispose();
        throw new BrokenImageException(
            $"{image.File}: is {found} pixels, and its annotation says {image.Width} x {image.Height}: its boxes " +
            "lie elsewhere.");
    }

    /// <summary>
    /// The same images with labels of another list of classes; boxes of classes that are not in it go, and are told.
    /// </summary>
    /// <param name="classNames">Those that are known.</param>
    public BoxedImages WithClasses(IReadOnlyList<string> classNames)
    {
        ArgumentNullException.ThrowIfNull(classNames);
        var known = classNames
            .Select((name, label) => (name, label))
            .ToDictionary(item => item.name, item => item.label, StringComparer.Ordinal);
        var labels = ClassNames.Select(name => known.GetValueOrDefault(name, -1)).ToArray();
        var mapped = images
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
        var lost = images.Sum(image => image.Boxes.Count) - mapped.Sum(image => image.Boxes.Count);
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

    /// <summary>The same images, with a notice of those that are learned from as well.</summary>
    internal BoxedImages WithOverlapTold(BoxedImages learned)
    {
        var files = learned.images.Select(image => Path.GetFullPath(image.File)).ToHashSet(StringComparer.Ordinal);
        var both = images.Where(image => files.Contains(Path.GetFullPath(image.File)))
            .Select(image => image.Name).ToList();
        return both.Count == 0
            ? this
            : new BoxedImages(Description, ClassNames, images, [
                .. Notices,
                $"{Description}: {both.Count} of its {Count} images are also learned from, so that the AP is too high: "
                    + $"{DataNotice.Some(both, 5)}.",
            ]);
    }

    /// <summary>Only the images with something to learn from; those without are told.</summary>
    public BoxedImages WithObjects()
    {
        var kept = images.Where(image => image.HasObjects).ToList();
        return kept.Count == images.Count
            ? this
            : new BoxedImages(
                Description, ClassNames, kept,
                [
                    .. Notices,
                    $"{Description}: {images.Count - kept.Count} images without boxes take no part in training, as " +
                    "in the protocol.",
                ]);
    }

    /// <summary>A digest of names, sizes and boxes: what tells one data set from another, wherever it lies.</summary>
    /// <returns>16 hexadecimal digits.</returns>
    public string Fingerprint()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.UTF8.GetBytes(string.Join('\n', ClassNames)));
        foreach (var image in images)
        {
            hash.AppendData(Encoding.UTF8.GetBytes($"{image.Name} {image.Width} {image.Height}\n"));
            foreach (var box in image.Boxes)
            {
                hash.AppendData(Encoding.UTF8.GetBytes(FormattableString.Invariant(
                    $"{box.Left:R} {box.Top:R} {box.Right:R} {box.Bottom:R} {box.Label} {box.IsDifficult} {box.IsCrowd} {box.OutlineArea:R}\n"
                )));
            }
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset().AsSpan(0, 8));
    }
}
