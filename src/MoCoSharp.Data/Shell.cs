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
            : OperatingSystem.IsWindows() ? $"\"{text.Replace("\"", "\\\"", StringComparison.Ordinal)}\""
            : $"'{text.Replace("'", @"'\''", StringComparison.Ordinal)}'";
    }

    private static bool IsPlain(char letter) =>
        char.IsLetterOrDigit(letter) || letter is '/' or '.' or '_' or '-' or '+' or '=' or ':' or ',' or '@' or '%'
        || (letter == '\\' && OperatingSystem.IsWindows());
}
