using System.Numerics;
using MoCoSharp.PyTorch;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Tests.PyTorchFiles;

/// <summary>Trees of every kind of value, with tensors of every type, shape and layout.</summary>
internal sealed class RandomTrees(int seed)
{
    private static readonly ScalarType[] Types =
    [
        float32, float64, float16, bfloat16, int64, int32, int16, int8, uint8, ScalarType.Bool, complex64, complex128,
    ];

    private readonly Random random = new(seed);
    private readonly List<Tensor> tensors = [];

    /// <summary>A dictionary whose values are plain, tensors, or such again.</summary>
    public PickleDictionary Next(bool withFloats, int depth = 0)
    {
        var dictionary = new PickleDictionary(isOrderedDict: random.Next(2) == 0);
        for (var i = random.Next(depth == 0 ? 4 : 0, 9); i > 0; i--)
        {
            dictionary[random.Next(4) == 0 ? random.NextInt64(-70000, 70000) : $"k{i}.é{random.Next(100)}"] = Value(
                withFloats,
                depth + 1);
        }

        return dictionary;
    }

    private PickleValue Value(bool withFloats, int depth)
    {
        switch (random.Next(depth < 4 ? 14 : 11))
        {
            case 0: return PickleValue.None;
            case 1: return random.Next(2) == 0;
            case 2: return random.Next(-300, 70000);
            case 3:
                return new PickleInteger(
                    new BigInteger(random.NextInt64()) * random.NextInt64() * (random.Next(2) - 1));
            case 4: return withFloats ? random.NextDouble() * Math.Pow(10, random.Next(-300, 300)) : 1;
            case 5:
                return new string([.. Enumerable.Range(0, random.Next(20)).Select(_ => (char)random.Next(32, 1000))]);
            case < 11: return Tensor();
            case 11: return Next(withFloats, depth);
            case 12:
                var list = new PickleList();
                for (var i = random.Next(5); i > 0; i--)
                {
                    list.Add(Value(withFloats, depth + 1));
                }

                return list;
            default:
                return new PickleTuple([
                    .. Enumerable.Range(0, random.Next(6)).Select(_ => Value(withFloats, depth + 1)),
                ]);
        }
    }

    private Tensor Tensor()
    {
        if (tensors.Count > 0 && random.Next(8) == 0)
        {
            return tensors[random.Next(tensors.Count)]; // the same storage again
        }

        long[] shape =
        [
            .. Enumerable.Range(0, random.Next(5)).Select(_ => (long)random.Next(random.Next(8) == 0 ? 1 : 5)),
        ];
        var tensor = randint(0, 100, shape, dtype: float32).to(Types[random.Next(Types.Length)]);
        tensor = random.Next(5) switch
        {
            0 when tensor.dim() > 1 => tensor.transpose(0, tensor.dim() - 1),
            1 when tensor.dim() > 0 && tensor.shape[0] > 1 => tensor.narrow(0, 1, tensor.shape[0] - 1),
            2 when tensor.dim() > 0 && tensor.shape[0] > 1 => tensor.slice(0, 0, tensor.shape[0], 2),
            3 => tensor.unsqueeze(0).expand([3, .. tensor.shape]),
            _ => tensor,
        };
        tensors.Add(tensor);
        return tensor;
    }
}
