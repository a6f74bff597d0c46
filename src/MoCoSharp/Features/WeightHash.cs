using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Features;

/// <summary>A hash of a model's parameters and buffers. It is equal only if all bits are equal.</summary>
internal static class WeightHash
{
    /// <summary>SHA-256 over names, types, shapes and row-major values, in hexadecimal.</summary>
    public static string Of(nn.Module model)
    {
        ArgumentNullException.ThrowIfNull(model);
        using var noGrad = no_grad();
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Span<byte> number = stackalloc byte[8];
        foreach (var (name, tensor) in model.state_dict())
        {
            using var scope = NewDisposeScope();
            hash.AppendData(Encoding.UTF8.GetBytes($"{name} {tensor.dtype} [{string.Join(", ", tensor.shape)}]\n"));
            BinaryPrimitives.WriteInt64LittleEndian(number, tensor.numel());
            hash.AppendData(number);
            if (tensor.numel() > 0)
            {
                hash.AppendData(tensor.detach().cpu().contiguous().bytes);
            }
        }

        return Convert.ToHexString(hash.GetHashAndReset());
    }
}
