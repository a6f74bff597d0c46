using System.Security.Cryptography;
using System.Text;

namespace MoCoSharp.Cli;

/// <summary>A short hash of a text, which distinguishes files of different protocols.</summary>
internal static class Fingerprint
{
    /// <summary>Eight hexadecimal digits of the text's SHA-256.</summary>
    public static string Compute(string text) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)))[..8];
}
