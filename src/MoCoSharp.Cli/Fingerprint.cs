using System.Security.Cryptography;
using System.Text;

namespace MoCoSharp.Cli;

/// <summary>A short name for a long text: files of different protocols stand side by side.</summary>
internal static class Fingerprint
{
    /// <summary>Eight hexadecimal digits of the text's SHA-256.</summary>
    public static string Compute(string text) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)))[..8];
}
