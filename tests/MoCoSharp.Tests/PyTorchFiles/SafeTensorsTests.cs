using MoCoSharp.Kernels;
using MoCoSharp.PyTorch;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Tests.PyTorchFiles;

public sealed class SafeTensorsTests : IDisposable
{
    private readonly string path = Path.GetTempFileName();

    [Fact]
    public void ARoundTrip_KeepsNamesTypesShapesValuesAndMetadata()
    {
        using var scope = NewDisposeScope();
        (string, Tensor)[] tensors =
        [
            ("a", rand(2, 3)), ("b.é", rand(3, 2).t().to(float64)), ("scalar", tensor(7L)), ("empty", empty(0, 4)),
            ("half", rand(5).to(bfloat16)), ("flag", tensor([true, false])),
        ];
        Write(tensors);

        using var file = SafeTensors.Read(path);

        Assert.Equal("v", file.Metadata["k"]);
        Assert.Equal(tensors.Select(item => item.Item1), file.Tensors.Keys);
        Assert.All(tensors, item =>
        {
            var read = file.Tensors[item.Item1];
            Assert.Equal(item.Item2.dtype, read.dtype);
            Assert.Equal(item.Item2.shape, read.shape);
            Assert.True(item.Item2.contiguous().bytes.SequenceEqual(read.bytes));
        });
    }

    [Fact]
    public void TheChecksum_IsThatOfTheFile_WithItsOwnDigitsAsZeros()
    {
        using var scope = NewDisposeScope();
        Write([("a", rand(2, 3)), ("b", rand(4))]);
        var bytes = File.ReadAllBytes(path);
        using var file = SafeTensors.Read(path);
        var digits = file.Metadata[Checksum.Key];

        var text = System.Text.Encoding.Latin1.GetString(bytes).Replace(digits, new string('0', 64));

        Assert.Equal(
            digits,
            Convert.ToHexStringLower(
                System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.Latin1.GetBytes(text))));
        bytes[^1] ^= 1;
        File.WriteAllBytes(path, bytes);
        Assert.Contains("checksum", Assert.Throws<InvalidDataException>(() => SafeTensors.Read(path)).Message);
    }

    // In steps of one filter, whatever the size of an element: the file is that of the tensor in its usual layout.
    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.BFloat16)]
    [InlineData(ScalarType.Float64)]
    public unsafe void PlainMemory_ThatLiesChannelsLast_IsWrittenInTheOrderOfItsShape(ScalarType type)
    {
        using var scope = NewDisposeScope();
        var metadata = new Dictionary<string, string>();
        var weights = rand(4, 3, 2, 5).to(type);
        var lying = weights.permute(0, 2, 3, 1).contiguous(); // [N, H, W, C]
        fixed (byte* address = lying.bytes)
        {
            using var first = new MemoryStream();
            using var second = new MemoryStream();
            SafeTensors.Write(first, [("w", weights)], metadata);
            SafeTensors.WriteHost(
                second,
                [
                    new HostTensor(
                        "w", type, weights.shape, (nint)address, weights.numel() * weights.element_size(),
                        ChannelsLast: true),
                ],
                metadata);
            Assert.Equal(first.ToArray(), second.ToArray());
        }
    }

    [Fact]
    public void AFileFromElsewhere_NeedsNoChecksum()
    {
        File.WriteAllBytes(
            path,
            [
                54, 0, 0, 0, 0, 0, 0, 0,
                .. "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}"u8,
                0, 0, 128, 63,
            ]);
        using var file = SafeTensors.Read(path);
        Assert.Equal(1f, file.Tensors["a"].item<float>());
    }

    [Fact]
    public void AnyMutant_IsReadOrRefused_NeverMore()
    {
        using var scope = NewDisposeScope();
        Write([("a", rand(4, 4)), ("b", rand(8))]);
        var whole = File.ReadAllBytes(path);
        var random = new Random(1);
        for (var i = 0; i < 3000; i++)
        {
            var mutant = whole.ToArray();
            for (var flips = random.Next(1, 4); flips > 0; flips--)
            {
                mutant[random.Next(i % 2 == 0 ? 200 : mutant.Length)] = (byte)random.Next(256);
            }

            File.WriteAllBytes(path, i % 5 == 0 ? mutant[..random.Next(mutant.Length)] : mutant);
            try
            {
                SafeTensors.Read(path).Dispose();
            }
            catch (InvalidDataException error)
            {
                Assert.StartsWith(path, error.Message);
            }
        }
    }

    public void Dispose() => File.Delete(path);

    private void Write((string, Tensor)[] tensors)
    {
        using var stream = File.Create(path);
        SafeTensors.Write(stream, tensors, new Dictionary<string, string> { ["k"] = "v" });
    }
}
