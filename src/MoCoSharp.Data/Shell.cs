namespace MoCoSharp.Data;

/// <summary>Quotes a word of a printed command, so that a shell reads it as one word.</summary>
internal static class Shell
{
    /// <summary>The text itself if a shell does not change it, otherwise the text in quotes.</summary>
    /// <param name="text">A path or another word.</param>
    public static string Quote(string text) => Quote(text, OperatingSystem.IsWindows());

    /// <summary>The same for a system.</summary>
    internal static string Quote(string text, bool isWindows)
    {
        if (text.StartsWith('-'))
        {
            text = "./" + text; // a file, not an option
        }

        return text.Length > 0 && text.All(letter => IsPlain(letter, isWindows)) ? text
            : !isWindows ? $"'{text.Replace("'", @"'\''", StringComparison.Ordinal)}'"
            : text.Any(IsReadInDoubleQuotes) || text.EndsWith('\\') ? PowerShellQuote(text)
            : $"\"{text}\""; // for cmd too
    }

    /// <summary>The text in quotes in which PowerShell changes nothing.</summary>
    /// <param name="text">A path or another word.</param>
    public static string PowerShellQuote(string text) =>
        $"'{string.Concat(text.Select(letter => IsSingleQuote(letter) ? $"{letter}{letter}" : $"{letter}"))}'";

    private static bool IsPlain(char letter, bool isWindows) =>
        char.IsLetterOrDigit(letter) || letter is '/' or '.' or '_' or '-' or '+' or '=' or ':'
        || (isWindows ? letter is '\\' : letter is ',' or '@' or '%');

    private static bool IsReadInDoubleQuotes(char letter) =>
        letter is '$' or '`' or '"' or '\u201C' or '\u201D' or '\u201E';

    // To PowerShell, typographic quotes are quotes too.
    private static bool IsSingleQuote(char letter) => letter is '\'' or '\u2018' or '\u2019' or '\u201A' or '\u201B';
}
