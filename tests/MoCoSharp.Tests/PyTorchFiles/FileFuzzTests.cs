using System.Buffers.Binary;
using MoCoSharp.PyTorch;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Tests.PyTorchFiles;

/// <summary>
/// Mutants of whole files, by fixed seeds: each is read or refused in a sentence that begins with its path, in memory
/// that its size explains. MOCOSHARP_FUZZ sets another number of mutants than 10,000 a format.
/// </summary>
public sealed class FileFuzzTests(ITestOutputHelper output) : IDisposable
{
    private static readonly int Mutants = int.TryParse(
        Environment.GetEnvironmentVariable("MOCOSHARP_FUZZ"),
        out var count)
        ? count
        : 10_000;

    private static readonly byte[] Opcodes =
    [
        .. "NJKMGXUTCB(])}tareasuqhcibRQ."u8, 0x80, 0x81, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x8b, 0x8c, 0x8d, 0x8e,
        0x93, 0x94, 0x95,
    ];

    // In memory where there is such a place: files are written ten thousand times.
    private readonly string folder = Directory
        .CreateDirectory(
            Path.Combine(Directory.Exists("/dev/shm") ? "/dev/shm" : Path.GetTempPath(), $"mocosharp{Guid.NewGuid():N}")
        )
        .FullName;

    [Theory]
    [InlineData("zip", 0.2)]
    [InlineData("pickle", 0.5)]
    [InlineData("legacy", 0.5)]
    [InlineData("safetensors", 0.02)]
    public void AnyMutant_IsReadOrRefused_AndNeverMore(string format, double leastShareBehindTheHeader)
    {
        var path = Path.Combine(folder, "mutant");
        var whole = Sample(format);
        var random = new Random(1);
        int read = 0, behindTheHeader = 0;
        long most = 0;
        for (var i = 0; i < Mutants; i++)
        {
            var mutant = Mutant(whole, format, random);
            File.WriteAllBytes(path, mutant);
            var before = GC.GetAllocatedBytesForCurrentThread();
            var tensors = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
            try
            {
                Read(path, format, ref behindTheHeader);
                read++;
            }
            catch (InvalidDataException error)
            {
                Assert.StartsWith(path, error.Message);
                Assert.True(error.Message.Length < path.Length + 1500, error.Message);
            }

            Assert.Equal(tensors, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
            var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            Assert.True(
                allocated < 600_000 + (300L * mutant.Length),
                $"mutant {i} of {mutant.Length} bytes took {allocated} bytes");
            most = Math.Max(most, allocated);
        }

        output.WriteLine(
            $"{format}: {Mutants} mutants of {whole.Length} bytes, {behindTheHeader / (double)Mutants:P1} pass the " +
            $"header, {read / (double)Mutants:P1} are read, at most {most} bytes");
        Assert.True(behindTheHeader >= leastShareBehindTheHeader * Mutants, $"{behindTheHeader} passed the header");
        Assert.InRange(read, Mutants / 1000, Mutants - (Mutants / 10));
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private static void Read(string path, string format, ref int behindTheHeader)
    {
        if (format == "safetensors")
        {
            SafeTensors.ReadHeader(path);
            behindTheHeader++;
            SafeTensors.Read(path).Dispose();
            return;
        }

        using (var stream = File.OpenRead(path))
        {
            var hasHeader = format switch
            {
                "zip" => ZipDirectory.Read(stream, path).Count > 0,
                "legacy" => TorchLegacy.ReadHeader(stream, path),
                _ => stream.ReadByte() == 0x80 && stream.ReadByte() <= 5, // a plain pickle has no more of a header
            };
            behindTheHeader += hasHeader ? 1 : 0;
        }

        using var file = TorchFile.Read(path);
        Walk(file.Root);
    }

    // Makes every tensor, and copies those that are not large.
    private static void Walk(PickleValue value)
    {
        switch (value)
        {
            case PickleTensor tensor when tensor.Shape.Aggregate(1.0, (product, size) => product * size) < 1e5:
                using (NewDisposeScope())
                {
                    _ = tensor.Tensor.clone();
                }

                break;
            case PickleTensor tensor:
                _ = tensor.Tensor;
                break;
            case PickleDictionary dictionary:
                foreach (var (_, item) in dictionary)
                {
                    Walk(item);
                }

                break;
            case IEnumerable<PickleValue> items:
                foreach (var item in items)
                {
                    Walk(item);
                }

                break;
        }
    }

    private byte[] Sample(string format)
    {
        using var scope = NewDisposeScope();
        var path = Path.Combine(folder, "whole");
        manual_seed(1);
        PickleValue tree = new PickleDictionary
        {
            ["epoch"] = 3,
            ["arch"] = "resnet18",
            ["state_dict"] = new PickleDictionary(isOrderedDict: true)
            {
                ["module.queue"] = rand(4, 6),
                ["module.queue_ptr"] = zeros(1, dtype: int64),
            },
            ["optimizer"] = new PickleDictionary
            {
                ["state"] = new PickleDictionary { [0] = new PickleDictionary { ["momentum_buffer"] = rand(3) } },
                ["groups"] = new PickleTuple(0.5, PickleValue.None, true),
            },
        };
        if (format == "safetensors")
        {
            using var stream = File.Create(path);
            SafeTensors.Write(
                stream,
                [("a", rand(4, 4)), ("b", rand(8)), ("c", zeros(2, dtype: int64))],
                new Dictionary<string, string> { ["k"] = "v" });
        }
        else
        {
            TorchFile.Write(path, tree, Enum.Parse<TorchFormat>(format, ignoreCase: true));
        }

        return File.ReadAllBytes(path);
    }

    private static byte[] Mutant(byte[] whole, string format, Random random)
    {
        var mutant = whole.ToArray();
        for (var changes = random.Next(1, 4); changes > 0; changes--)
        {
            var at = At(mutant.Length, format, random);
            switch (random.Next(9))
            {
                case 0: mutant[at] = (byte)random.Next(256); break;
                case 1: mutant[at] ^= (byte)(1 << random.Next(8)); break;
                case 2: mutant[at] = Opcodes[random.Next(Opcodes.Length)]; break;
                case 3: mutant[at]++; break;
                case 4 when at + 4 <= mutant.Length:
                    BinaryPrimitives.WriteInt32LittleEndian(
                        mutant.AsSpan(at),
                        random.Next(3) == 0 ? -1
                            : random.Next(3) == 0 ? int.MaxValue
                            : random.Next(-10, 100000));
                    break;
                case 5 when at + 8 <= mutant.Length:
                    BinaryPrimitives.WriteInt64LittleEndian(
                        mutant.AsSpan(at),
                        random.Next(2) == 0 ? long.MaxValue : random.NextInt64());
                    break;
                case 6: mutant = [.. mutant[..at], .. mutant[Math.Min(mutant.Length, at + random.Next(1, 9))..]]; break;
                case 7: // a piece from elsewhere
                    var from = At(mutant.Length, format, random);
                    var piece = mutant[from..Math.Min(mutant.Length, from + random.Next(1, 40))];
                    mutant = [.. mutant[..at], .. piece, .. mutant[at..]];
                    break;
                case 8 when random.Next(4) == 0: mutant = mutant[..at]; break;
            }

            if (mutant.Length == 0)
            {
                return [0];
            }
        }

        return mutant;
    }

    // Where the structure of a file is, rather than its values.
    private static int At(int length, string format, Random random) => format switch
    {
        "zip" when random.Next(3) == 0 => Math.Max(0, length - 1 - random.Next(Math.Min(length, 480))), // the directory
        "zip" => random.Next(Math.Min(length, 900)),                                                       // the pickle
        "safetensors" when random.Next(8) > 0 => random.Next(Math.Min(length, 240)),
        // the old header, or the pickles behind it
        "legacy" when random.Next(8) > 0 => Math.Min(length - 1, random.Next(random.Next(4) == 0 ? 140 : 780)),
        _ => random.Next(length),
    };
}
