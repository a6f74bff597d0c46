using System.Buffers.Binary;
using System.IO.Hashing;
using System.Text;
using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Images;
using MoCoSharp.Data.Loading;
using MoCoSharp.Data.Views;

namespace MoCoSharp.Data.Packing;

/// <summary>Options of a packed set.</summary>
public sealed record PackOptions
{
    /// <summary>
    /// Images with a longer short side are resized to this, in pixels. Smaller images keep their size.
    /// </summary>
    /// <value>Default 256; 0 resizes none.</value>
    public int ShortSide { get; init; } = 256;

    /// <summary>The storage format of the images.</summary>
    public PackFormat Format { get; init; } = PackFormat.Raw;

    /// <summary>
    /// JPEG quality, 1 to 100. A JPEG that need not be resized is copied unchanged.
    /// </summary>
    public int Quality { get; init; } = 90;

    /// <summary>How to decode the images.</summary>
    public DecodeRequest Request { get; init; }

    /// <summary>Images that are prepared in parallel; 0 for the number of cores.</summary>
    public int Workers { get; init; }

    /// <summary>Every fault of these options, with the option's name.</summary>
    public IEnumerable<string> Validate()
    {
        if (ShortSide is < 0 or > 16_384)
        {
            yield return $"--short-side is {ShortSide}, expected 1 to 16384 pixels, or 0 to resize none. 256 is the " +
                "default.";
        }

        if (Quality is < 1 or > 100)
        {
            yield return $"--quality is {Quality}, expected 1 to 100. 90 is the default.";
        }
    }
}

/// <summary>The result of packing.</summary>
/// <param name="Images">Number of images written.</param>
/// <param name="SizeBytes">Size of the file.</param>
/// <param name="Broken">Skipped images, with the reason.</param>
public sealed record PackResult(int Images, long SizeBytes, IReadOnlyList<string> Broken)
{
    /// <summary>Number of skipped images with an error of disk or network, which may pass.</summary>
    public int Unreadable { get; init; }
}

/// <summary>Writes packed sets.</summary>
public static class PackWriter
{
    private const int Chunk = 64; // images prepared between two writes

    /// <summary>
    /// Packs every readable image of a set, in order. The file appears when all of it is on the disk.
    /// </summary>
    /// <param name="data">The images.</param>
    /// <param name="path">The file. An existing file is replaced.</param>
    /// <param name="options">Options.</param>
    /// <param name="progress">Called with the number of images done.</param>
    /// <param name="notice">Called when no image can be read any more, and the writer waits.</param>
    /// <param name="cancellation">Stops the work. No file is left behind.</param>
    /// <exception cref="BrokenImageException">
    /// No image of the set can be read; or none can be read any more, for a minute.
    /// </exception>
    public static PackResult Write(
        IImageDataset data, string path, PackOptions options, Action<int>? progress = null,
        Action<string>? notice = null,
        CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(data);
        ArgumentNullException.ThrowIfNull(options);
        var unfinished = $"{path}.{Environment.ProcessId}.tmp";
        try
        {
            PackResult result;
            using (
                var file = new FileStream(unfinished, FileMode.Create, FileAccess.ReadWrite, FileShare.None, 1 << 20))
            {
                result = Write(data, file, options, progress, notice, cancellation);
                file.Flush(flushToDisk: true);
            }

            File.Move(unfinished, path, overwrite: true);
            return result;
        }
        catch
        {
            File.Delete(unfinished);
            throw;
        }
    }

    private static PackResult Write(
        IImageDataset data, FileStream file, PackOptions options, Action<int>? progress, Action<string>? notice,
        CancellationToken cancellation)
    {
        file.SetLength(0);
        file.Position = PackLayout.HeaderLength;
        var records = new MemoryStream();
        var names = new MemoryStream();
        var broken = new List<string>();
        var (count, unreadable) = (0, 0);
        var images = new BadImages(data, new LoaderOptions { Notice = notice });
        var record = new byte[PackLayout.RecordLength];
        var parallel = new ParallelOptions
        {
            CancellationToken = cancellation,
            MaxDegreeOfParallelism = options.Workers > 0 ? options.Workers : -1,
        };
        for (var start = 0; start < data.Count; start += Chunk)
        {
            var made = new Made[Math.Min(Chunk, data.Count - start)];
            try
            {
                Parallel.For(0, made.Length, parallel, i => made[i] = MakePatiently(images, data, start + i, options));
            }
            catch (AggregateException error)
                when (error.InnerExceptions.OfType<BrokenImageException>().FirstOrDefault() is { } gone)
            {
                throw new BrokenImageException(gone.Message, error) { MayPass = true };
            }

            for (var i = 0; i < made.Length; i++)
            {
                var (bytes, width, height, fault) = made[i];
                if (bytes is null)
                {
                    broken.Add(fault!.MayPass ? $"{fault.Message} It could not be read this time." : fault.Message);
                    unreadable += fault.MayPass ? 1 : 0;
                    continue;
                }

                if (options.Format == PackFormat.Raw)
                {
                    file.Position += -file.Position & (PackLayout.Alignment - 1);
                }

                names.Write(Encoding.UTF8.GetBytes(data.NameOf(start + i)));
                var label = data.ClassNames.Count > 0 ? data.LabelOf(start + i) : -1;
                new PackRecord(
                    file.Position, bytes.Length, width, height, label, Crc32.HashToUInt32(bytes),
                    checked((int)names.Length)
                ).Write(record);
                records.Write(record);
                file.Write(bytes);
                count++;
            }

            progress?.Invoke(start + made.Length);
        }

        if (count == 0)
        {
            throw new BrokenImageException(
                $"{data.Description}: none of its {data.Count} images can be read. The first: {broken.FirstOrDefault()}"
            );
        }

        var indexOffset = file.Position;
        var index = Index(data, records, names);
        file.Write(index);
        file.Position = 0;
        file.Write(PackLayout.Header(options.Format, count, options.ShortSide, indexOffset, index));
        return new PackResult(count, file.Length, broken) { Unreadable = unreadable };
    }

    // A packed set is used for long: an image that cannot be read now gets a second try.
    private static Made MakePatiently(BadImages images, IImageDataset data, int number, PackOptions options)
    {
        var first = default((long, long));
        for (var isSecond = false; ; isSecond = true)
        {
            var made = Make(data, number, options);
            if (made.Fault is not { MayPass: true } fault)
            {
                images.Outage.Answered();
                if (isSecond && made.Fault is null)
                {
                    images.SecondTries.Helped();
                }

                return made;
            }

            if (
                !images.SecondTries.Again(
                    new BadImage(number, data.NameOf(number), fault.Message) { MayPass = true },
                    ref first))
            {
                return made;
            }
        }
    }

    private static Made Make(IImageDataset data, int number, PackOptions options)
    {
        try
        {
            if (
                options.Format == PackFormat.Jpeg
                && !options.Request.AppliesOrientation
                && data is IEncodedImages files)
            {
                using var encoded = files.ReadEncoded(number);
                if (encoded.Bytes is [0xFF, 0xD8, 0xFF, ..])
                {
                    using var decoded = encoded.Decode(options.Request);
                    if (options.ShortSide == 0 || Math.Min(decoded.Width, decoded.Height) <= options.ShortSide)
                    {
                        return new Made(encoded.Bytes.ToArray(), decoded.Width, decoded.Height, null);
                    }
                }
            }

            using var image = data.Read(number, options.Request).Image;
            using var canvas = new ViewCanvas(image);
            if (options.ShortSide > 0 && Math.Min(image.Width, image.Height) > options.ShortSide)
            {
                new Resize(options.ShortSide).Apply(canvas);
            }

            if (Math.Max(canvas.Width, canvas.Height) > ushort.MaxValue)
            {
                throw new BrokenImageException(
                    $"{data.NameOf(number)}: {canvas.Width} x {canvas.Height} pixels, expected at most " +
                    $"{ushort.MaxValue} a side in a packed set.");
            }

            var bytes = options.Format == PackFormat.Raw
                ? canvas.Pixels.ToArray()
                : ImageEncoder.Jpeg(
                    new ImageBuffer(canvas.Width, canvas.Height, canvas.Pixels.ToArray()),
                    options.Quality);
            return new Made(bytes, canvas.Width, canvas.Height, null);
        }
        catch (BrokenImageException error)
        {
            return new Made(null, 0, 0, error);
        }
    }

    private static byte[] Index(IImageDataset data, MemoryStream records, MemoryStream names)
    {
        var index = new MemoryStream();
        var note = Encoding.UTF8.GetBytes(data.Description);
        var head = new byte[PackLayout.IndexHead];
        BinaryPrimitives.WriteInt32LittleEndian(head, data.ClassNames.Count);
        BinaryPrimitives.WriteInt32LittleEndian(head.AsSpan(4), (int)names.Length);
        BinaryPrimitives.WriteInt32LittleEndian(head.AsSpan(8), note.Length);
        index.Write(head);
        records.WriteTo(index);
        foreach (var name in data.ClassNames)
        {
            var bytes = Encoding.UTF8.GetBytes(name);
            index.Write([(byte)bytes.Length, (byte)(checked((ushort)bytes.Length) >> 8)]);
            index.Write(bytes);
        }

        names.WriteTo(index);
        index.Write(note);
        return index.ToArray();
    }

    private readonly record struct Made(byte[]? Bytes, int Width, int Height, BrokenImageException? Fault);
}
