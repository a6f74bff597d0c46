using MoCoSharp.Checkpoints;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Tests.Checkpoints;

public sealed class SafeTensorsTests : IDisposable
{
    private readonly string path = Path.GetTempFileName();

    [Fact]
    public void ARoundTrip_KeepsNamesTypesShapesValuesAndMetadata()
    {
        using var scope = NewDisposeScope();
        (string, Tensor)[] tensors =
        [
            ("a", rand(2, 3)), ("b.é", rand(3, 2).t().to(float64)), ("scalar", tensor(7L)), ("empty", empty(0, 4)), ("half", rand(5).to(bfloat16)), ("flag", tensor([true, false])),
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
