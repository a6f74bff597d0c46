namespace MoCoSharp.Data;

/// <summary>Quotes a word of a printed command, so that a shell reads it as one word.</summary>
internal static class Shell
{
    /// <summary>The text itself if a shell does not change it, otherwise the text in quotes.</summary>
    /// <param name="text">A path or another word.</param>
    public static string Quote(string text)
    {
        if (text.StartsWith('-'))
        {
            text = "./" + text; // a file, not an option
        }

        return text.Length > 0 && text.All(IsPlain) ? text
            : !OperatingSystem.IsWindows() ? $"'{text.Replace("'", @"'\''", StringComparison.Ordinal)}'"
            : text.AsSpan().IndexOfAny('$', '`', '"') < 0 ? $"\"{text}\"" // also for cmd
            : PowerShellQuote(text);
    }

    /// <summary>The text in quotes in which PowerShell changes nothing.</summary>
    /// <param name="text">A path or another word.</param>
    public static string PowerShellQuote(string text) =>
        $"'{string.Concat(text.Select(letter => IsSingleQuote(letter) ? $"{letter}{letter}" : $"{letter}"))}'";

    private static bool IsPlain(char letter) =>
        char.IsLetterOrDigit(letter) || letter is '/' or '.' or '_' or '-' or '+' or '=' or ':'
        || (OperatingSystem.IsWindows() ? letter is '\\' : letter is ',' or '@' or '%');

    // To PowerShell, typographic quotes are quotes too.
    private static bool IsSingleQuote(char letter) => letter is '\'' or '\u2018' or '\u2019' or '\u201A' or '\u201B';
}
