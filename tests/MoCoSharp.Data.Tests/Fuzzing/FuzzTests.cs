using System.Buffers.Binary;
using System.Formats.Tar;
using System.IO.Hashing;
using System.Text;
using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Images;
using MoCoSharp.Data.Packing;
using MoCoSharp.Data.Tests.Datasets;
using MoCoSharp.Data.Tests.Images;

namespace MoCoSharp.Data.Tests.Fuzzing;

/// <summary>
/// Damaged files by the ten thousand, for every parser of ours and every decoder: a result that holds together or the
/// exception that is meant for it. Checksums are repaired, so that the damage gets past them. eng/fuzz.sh runs millions
/// in processes of their own.
/// </summary>
public sealed class FuzzTests : IDisposable
{
    private const double LeastPastTheHeader = 0.3;

    // What eng/fuzz.sh sets.
    private static readonly int Mutants = Setting("MOCOSHARP_FUZZ_MUTANTS", 10_000);
    private static readonly int Seed = Setting("MOCOSHARP_FUZZ_SEED", 17);

    private readonly TempFolder temp = TempFolder.InMemory();

    public void Dispose() => temp.Dispose();

    [Theory]
    [InlineData("jpg", JpegDecoder.Auto, false)]
    [InlineData("jpg", JpegDecoder.Skia, false)]
    [InlineData("jpg", JpegDecoder.Auto, true)]
    [InlineData("png", JpegDecoder.Auto, false)]
    [InlineData("gif", JpegDecoder.Auto, false)]
    [InlineData("webp", JpegDecoder.Auto, false)]
    [InlineData("bmp", JpegDecoder.Auto, false)]
    [InlineData("tif", JpegDecoder.Auto, false)]
    public void Image_Damaged_IsAnImageOrBroken(string kind, JpegDecoder decoder, bool everything)
    {
        byte[][] corpus =
        [
            .. GoldenImages
                .Files.Where(file => file.EndsWith("." + kind, StringComparison.Ordinal))
                .Select(GoldenImages.BytesOf),
        ];
        var request = new DecodeRequest
        {
            Jpeg = decoder,
            AppliesOrientation = everything,
            AcceptsReducedSize = everything ? (width, _) => width < 20 : null,
        };
        Run(corpus, kind == "png" ? RepairPng : _ => { }, bytes =>
        {
            try
            {
                using var image = ImageDecoder.Decode(bytes, "a photo", request);
                Assert.Equal(3L * image.Width * image.Height, image.AsSpan().Length);
                return true;
            }
            catch (BrokenImageException error)
            {
                Assert.StartsWith("a photo: ", error.Message, StringComparison.Ordinal);
                return !new[] { "is not a JPEG", "begins as", ": is ", "looks like", "expected 1 to" }.Any(
                    error.Message.Contains);
            }
        });
    }

    [Theory]
    [InlineData(PackFormat.Raw)]
    [InlineData(PackFormat.Jpeg)]
    public void PackedSet_Damaged_OpensOrIsRefused_AndItsImagesAreWholeOrBroken(PackFormat format)
    {
        PackWriter.Write(
            new Patterns(3, 8, seed: 1),
            temp["whole.moco"],
            new PackOptions { Format = format, Workers = 1 });
        var whole = File.ReadAllBytes(temp["whole.moco"]);
        var index = (int)BinaryPrimitives.ReadUInt64LittleEndian(whole.AsSpan(24));
        Run([whole], RepairPack, bytes =>
        {
            var path = temp.Write("x.moco", bytes);
            try
            {
                using var set = PackedImages.Open(path);
                for (var i = 0; i < Math.Min(set.Count, 5); i++)
                {
                    Assert.InRange(set.LabelOf(i), -1, Math.Max(-1, set.ClassNames.Count - 1));
                    Assert.NotEmpty(set.NameOf(i));
                    try
                    {
                        using var image = set.Read(i).Image;
                        Assert.Equal(3L * image.Width * image.Height, image.AsSpan().Length);
                        _ = image.AsSpan().IndexOf((byte)77); // touches every byte
                    }
                    catch (BrokenImageException error)
                    {
                        Assert.NotEmpty(error.Message);
                    }
                }

                return true;
            }
            catch (DataSourceException error)
            {
                Assert.StartsWith(path, error.Message, StringComparison.Ordinal);
                return !error.Message.Contains("checksum") && !error.Message.Contains("does not begin");
            }
        }, hot: [(0, 64), (index, whole.Length - index)]);
    }

    [Fact]
    public void TarShard_Damaged_OpensOrIsRefused_AndItsImagesAreWholeOrBroken()
    {
        var corpus = new[] { TarEntryFormat.Ustar, TarEntryFormat.Pax, TarEntryFormat.Gnu }
            .Select(format => Tar(format))
            .ToArray();
        Run(corpus, RepairTar, bytes =>
        {
            try
            {
                var set = TarShards.Open("shards", [new Shard("a.tar", () => new MemoryBytes(bytes))]);
                for (var i = 0; i < Math.Min(set.Count, 5); i++)
                {
                    Assert.InRange(set.LabelOf(i), -1, Math.Max(-1, set.ClassNames.Count - 1));
                    Assert.NotEmpty(set.NameOf(i));
                    try
                    {
                        using var image = set.Read(i).Image;
                        Assert.Equal(3L * image.Width * image.Height, image.AsSpan().Length);
                    }
                    catch (BrokenImageException error)
                    {
                        Assert.NotEmpty(error.Message);
                    }
                }

                return true;
            }
            catch (DataSourceException error)
            {
                Assert.NotEmpty(error.Message);
                return !error.Message.Contains("at byte 0: a header's checksum");
            }
        });
    }

    [Fact]
    public void Exif_Damaged_IsOneOfEightOrientations()
    {
        Run([GoldenImages.BytesOf("rotated-by-exif.jpg")], _ => { }, bytes =>
        {
            Assert.InRange(Orientation.OfJpeg(bytes), 1, 8);
            return bytes.AsSpan().IndexOf("Exif"u8) >= 0;
        }, hot: [(0, 120)]);
    }

    [Fact]
    public void Cifar_Damaged_OpensOrIsRefused() => Run(
        [
            [
                .. Enumerable
                    .Range(0, 2)
                    .SelectMany(label => new byte[3073].Select((_, i) => i == 0 ? (byte)label : (byte)i)),
            ],
        ],
        _ => { },
        bytes =>
            Fuzz.OpensOrIsRefused(() => CifarBinary.Open(temp.Write("x.bin", bytes), hundred: false, test: false))
            || bytes.Length % 3073 == 0,
        hot: [(0, 1), (3073, 1)]);

    [Fact]
    public void Idx_Damaged_OpensOrIsRefused() => Run(
        [[0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4, .. new byte[24]]],
        _ => { },
        bytes =>
        {
            Fuzz.OpensOrIsRefused(() => IdxImages.Open(temp.Write("x-idx3-ubyte", bytes), test: false));
            return bytes is [0, 0, 8, 3, ..];
        });

    [Fact]
    public void List_Damaged_OpensOrIsRefused() => Run(
        [Encoding.UTF8.GetBytes("# a list\na.jpg\t1\nb/c.jpg\t2\n\n\u00e4.png\t1\n")],
        _ => { },
        bytes => Fuzz.OpensOrIsRefused(() => ImageList.Open(temp.Write("list.txt", bytes))) || bytes.Length > 0);

    // Changes bytes, half of them in the hot places; sometimes cuts a piece out, doubles one, or cuts the end off.
    private static void Run(
        byte[][] corpus, Action<byte[]> repair, Func<byte[], bool> passesTheHeader,
        (int Start, int Length)[]? hot = null)
    {
        var random = new Random(Seed);
        var passed = 0;
        for (var mutant = 0; mutant < Mutants; mutant++)
        {
            var bytes = corpus[mutant % corpus.Length].ToList();
            for (var change = random.Next(1, 6); change > 0; change--)
            {
                var (start, length) = hot?[random.Next(hot.Length)] ?? (0, Math.Min(64, bytes.Count));
                var at = random.Next(2) == 0 ? start + random.Next(length) : random.Next(bytes.Count);
                bytes[at] = random.Next(3) switch
                {
                    0 => (byte)random.Next(256),
                    1 => (byte)(bytes[at] ^ (1 << random.Next(8))),
                    _ => (byte)(random.Next(2) * 255),
                };
            }

            var (piece, size) = (random.Next(bytes.Count), random.Next(1, 2 + (bytes.Count / 4)));
            switch (random.Next(6))
            {
                case 0:
                    bytes.RemoveRange(piece, Math.Min(size, bytes.Count - piece));
                    break;
                case 1:
                    bytes.InsertRange(piece, bytes.GetRange(piece, Math.Min(size, bytes.Count - piece)));
                    break;
                case 2:
                    bytes.RemoveRange(piece, bytes.Count - piece);
                    break;
            }

            byte[] file = [.. bytes];
            repair(file);
            try
            {
                passed += passesTheHeader(file) ? 1 : 0;
            }
            catch (Exception error) when (error is not Xunit.Sdk.IAssertionException)
            {
                Assert.Fail($"seed {Seed}, mutant {mutant}: {error}");
            }
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"{Mutants} mutants, {passed} past the header");
        Assert.InRange(passed / (double)Mutants, LeastPastTheHeader, 1);
    }

    // The checksums of a PNG's chunks, as far as its lengths lead.
    private static void RepairPng(byte[] file)
    {
        for (var at = 8L; at + 12 <= file.Length;)
        {
            var length = BinaryPrimitives.ReadUInt32BigEndian(file.AsSpan((int)at));
            if (at + 12 + length > file.Length)
            {
                break;
            }

            BinaryPrimitives.WriteUInt32BigEndian(
                file.AsSpan((int)(at + 8 + length)),
                Crc32.HashToUInt32(file.AsSpan((int)at + 4, (int)length + 4)));
            at += 12 + length;
        }
    }

    // Where the index must be is known from the header; where it is not, the end will do. Now and then the magic is
    // damaged too, and stays so.
    private static void RepairPack(byte[] file)
    {
        if (file.Length < PackLayout.HeaderLength)
        {
            return;
        }

        var (offset, length) = (
            BinaryPrimitives.ReadUInt64LittleEndian(file.AsSpan(24)),
            BinaryPrimitives.ReadUInt64LittleEndian(file.AsSpan(32)));
        if (offset <= (ulong)file.Length && length > (ulong)file.Length - offset && file[20] % 2 == 0)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(file.AsSpan(32), length = (ulong)file.Length - offset);
        }

        if (offset <= (ulong)file.Length && length <= (ulong)file.Length - offset)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(
                file.AsSpan(40),
                Crc32.HashToUInt32(file.AsSpan((int)offset, (int)length)));
        }

        BinaryPrimitives.WriteUInt32LittleEndian(file.AsSpan(60), Crc32.HashToUInt32(file.AsSpan(0, 60)));
    }

    // The checksum of every block that still looks like a header.
    private static void RepairTar(byte[] file)
    {
        for (var at = 0; at + 512 <= file.Length; at += 512)
        {
            var header = file.AsSpan(at, 512);
            if (header.Slice(257, 5).SequenceEqual("ustar"u8))
            {
                header.Slice(148, 8).Fill((byte)' ');
                var sum = 0;
                foreach (var value in header)
                {
                    sum += value;
                }

                Encoding.ASCII.GetBytes(Convert.ToString(sum, 8).PadLeft(6, '0') + "\0 ").CopyTo(header[148..]);
            }
        }
    }

    private static byte[] Tar(TarEntryFormat format)
    {
        using var stream = new MemoryStream();
        using (var writer = new TarWriter(stream, format, leaveOpen: true))
        {
            for (var i = 0; i < 3; i++)
            {
                var name = $"set/{i:D4}{(format == TarEntryFormat.Ustar ? "" : new string('n', 120))}";
                Add(writer, format, name + ".png", ImageEncoder.Png(new ImageBuffer(2, 1, [1, 2, 3, 4, 5, (byte)i])));
                Add(writer, format, name + ".cls", Encoding.ASCII.GetBytes($"{i}\n"));
            }
        }

        return stream.ToArray();
    }

    internal static void Add(TarWriter writer, TarEntryFormat format, string name, byte[] bytes)
    {
        TarEntry entry = format switch
        {
            TarEntryFormat.Ustar => new UstarTarEntry(TarEntryType.RegularFile, name),
            TarEntryFormat.Gnu => new GnuTarEntry(TarEntryType.RegularFile, name),
            _ => new PaxTarEntry(TarEntryType.RegularFile, name),
        };
        entry.DataStream = new MemoryStream(bytes);
        writer.WriteEntry(entry);
    }

    private static int Setting(string name, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable(name), out var given) && given > 0 ? given : otherwise;

    internal sealed class MemoryBytes(byte[] bytes) : IByteSource
    {
        public long Length => bytes.Length;

        public int Read(Span<byte> into, long offset)
        {
            var count = (int)Math.Clamp(bytes.Length - offset, 0, into.Length);
            bytes.AsSpan((int)Math.Min(offset, bytes.Length), count).CopyTo(into);
            return count;
        }

        public void Dispose()
        {
        }
    }
}
