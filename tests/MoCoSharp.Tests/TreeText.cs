using System.Security.Cryptography;
using MoCoSharp.Models;
using MoCoSharp.PyTorch;
using TorchSharp;

namespace MoCoSharp.Tests;

/// <summary>What a file holds, line by line, as pytorch/tree.py says it of what PyTorch loads.</summary>
internal static class TreeText
{
    public static IEnumerable<string> Describe(PickleValue value, string path = "") => value switch
    {
        PickleDictionary dictionary => dictionary.SelectMany(item => Describe(item.Value, $"{path}/{Plain(item.Key)}"))
            .Prepend($"{path} {(dictionary.IsOrderedDict ? "OrderedDict" : "dict")} {dictionary.Count}"),
        PickleList list => list.SelectMany((item, i) => Describe(item, $"{path}/{i}"))
            .Prepend($"{path} list {list.Count}"),
        PickleTuple tuple => tuple
            .SelectMany((item, i) => Describe(item, $"{path}/{i}"))
            .Prepend($"{path} tuple {tuple.Count}"),
        PickleTensor tensor =>
        [
            $"{path} {TorchTypes.Storage(tensor.Type)} [{string.Join(", ", tensor.Shape)}] {Hash(tensor.Tensor)}",
        ],
        _ => [$"{path} {Plain(value)}"],
    };

    private static string Plain(PickleValue value) => value switch
    {
        PickleInteger => $"int {value}",
        PickleFloat number => $"float {BitConverter.DoubleToInt64Bits(number.Value):x16}",
        PickleText => $"text {value}",
        PickleBytes bytes => $"bytes {Convert.ToHexStringLower(bytes.Value.Span)}",
        _ => value.ToString()!,
    };

    private static string Hash(torch.Tensor tensor)
    {
        using var scope = torch.NewDisposeScope();
        var bytes = tensor.numel() == 0 ? [] : tensor.detach().contiguous().bytes;
        return Convert.ToHexStringLower(SHA256.HashData(bytes))[..16];
    }
}
