namespace MoCoSharp.Data.Datasets;

/// <summary>A line of a list.</summary>
/// <param name="Number">Line number, from 1.</param>
/// <param name="Path">The path, relative to the list.</param>
/// <param name="Class">The class; "" if there is none.</param>
internal readonly record struct ListLine(int Number, string Path, string Class);

/// <summary>
/// Splits the lines of a list into path and class: at tabs; or at spaces, commas or semicolons if that yields files.
/// </summary>
internal sealed class ListText
{
    private const int LongestLine = 32_768;
    private const int Looked = 20; // first lines, used to find the separator
    private const char Quote = '"';

    private static readonly HashSet<string> PathTitles = new(StringComparer.OrdinalIgnoreCase)
    {
        "path", "file", "filename", "file_name", "filepath", "file_path", "image", "images", "image_path", "imagepath",
        "image_name", "image_file", "img", "img_path", "name",
    };

    private static readonly HashSet<string> ClassTitles = new(StringComparer.OrdinalIgnoreCase)
    {
        "label", "labels", "class", "classes", "class_name", "class_id", "classname", "category", "category_id",
        "target", "y", "species", "breed",
    };

    private readonly string _folder;
    private readonly char? _separator; // null: each line is a path
    private readonly int _pathColumn; // of two columns without titles
    private (int Path, int Class)? _columns; // found by their titles

    private ListText(string folder, (char? Separator, int PathColumn) parting)
    {
        _folder = folder;
        (_separator, _pathColumn) = parting;
    }

    /// <summary>The lines that name images.</summary>
    public List<ListLine> Lines { get; } = [];

    /// <summary>The faults found.</summary>
    public List<string> Faults { get; } = [];

    /// <summary>How the list was read, if not with tabs.</summary>
    public string? Manner { get; private set; }

    /// <summary>Reads a list.</summary>
    /// <param name="reader">The text of the list.</param>
    /// <param name="folder">The folder of the list.</param>
    public static ListText Of(TextReader reader, string folder)
    {
        var lines = new List<(int Number, string Text)>();
        string? fault = null;
        var number = 0;
        while (fault is null && reader.ReadLine() is { } line)
        {
            number++;
            fault = line.Length > LongestLine || line.Contains('\0')
                ? $"line {number} has {line.Length} characters or a NUL: is this a text file, a path a line?"
                : line.Contains('\uFFFD') ? $"line {number} is not UTF-8. Save the list as UTF-8." : null;
            if (fault is null && !string.IsNullOrWhiteSpace(line) && line[0] != '#')
            {
                lines.Add((number, line));
            }
        }

        var list = new ListText(folder, PartingOf(lines, folder));
        foreach (var line in lines)
        {
            list.Add(line.Number, line.Text);
        }

        if (fault is not null)
        {
            list.Faults.Add(fault);
        }

        return list;
    }

    // A tab anywhere decides. Otherwise the separator is the one that yields files: none (whole lines), the last space,
    // or the column of a table.
    private static (char? Separator, int PathColumn) PartingOf(List<(int Number, string Text)> lines, string folder)
    {
        if (lines.Any(line => line.Text.Contains('\t')))
        {
            return ('\t', 0);
        }

        var looked = lines.Take(Looked).Select(line => line.Text).ToList();
        if (looked.Any(line => Exists(folder, line)))
        {
            return (null, 0);
        }

        foreach (var candidate in ",; ")
        {
            foreach (var parts in looked.Select(line => Split(line, candidate)).Where(parts => parts is { Count: > 1 }))
            {
                var column = parts!.FindIndex(part => part.Length > 0 && Exists(folder, part));
                if (column >= 0 && (column == 0 || candidate != ' '))
                {
                    return (candidate, column);
                }
            }
        }

        return (null, 0);
    }

    private static bool Exists(string folder, string path) => File.Exists(Path.Combine(folder, Spelled(folder, path)));

    // The path as written; or without trailing blanks, or with slashes for the backslashes of another system, if that
    // is a file.
    private static string Spelled(string folder, string path)
    {
        if (path.AsSpan().IndexOfAny('\\', ' ') < 0 || path.Contains('\0') || File.Exists(Path.Combine(folder, path)))
        {
            return path;
        }

        var trimmed = path.Trim();
        var slashes = trimmed.Replace('\\', '/');
        return File.Exists(Path.Combine(folder, slashes)) && !File.Exists(Path.Combine(folder, trimmed))
            ? slashes
            : trimmed;
    }

    private void Add(int number, string line)
    {
        var parts = _separator is { } by ? Split(line, by) : [line];
        if (parts is null)
        {
            Faults.Add($"line {number}: a quotation mark is not closed.");
            return;
        }

        if (Lines.Count == 0 && _columns is null && IsTitle(parts))
        {
            return;
        }

        Manner ??= _separator switch
        {
            ',' => "commas separate path and class, as in a CSV file.",
            ';' => "semicolons separate path and class.",
            ' ' => "the last space of each line separates path and class.",
            _ => null,
        };
        var (path, name) = parts switch
        {
            _ when _columns is { } at => (
                parts.ElementAtOrDefault(at.Path) ?? "",
                at.Class < 0 ? "" : parts.ElementAtOrDefault(at.Class) ?? ""),
            [var only] => (only, ""),
            [var first, var second] => _pathColumn == 1 ? (second, first) : (first, second),
            _ => ("", ""),
        };
        if (
            string.IsNullOrWhiteSpace(path)
            || (parts.Count > 1 && string.IsNullOrWhiteSpace(name) && _columns is not { Class: < 0 }))
        {
            Faults.Add($"line {number}: expected a path, then optionally one {Separators()} and a class.");
        }
        else if (
            path.StartsWith("http://", StringComparison.OrdinalIgnoreCase)
            || path.StartsWith("https://", StringComparison.OrdinalIgnoreCase)
        )
        {
            Faults.Add($"line {number}: {path} is a web address, expected a file. Download the images first.");
        }
        else
        {
            Lines.Add(new(number, Spelled(_folder, path), name.Trim()));
        }
    }

    private string Separators() => _separator switch { ',' => "comma", ';' => "semicolon", ' ' => "space", _ => "tab" };

    // A first line of column names, such as "path,label". None of them is a file.
    private bool IsTitle(IReadOnlyList<string> parts)
    {
        var names = parts.Select(part => part.Trim()).ToList();
        var (path, label) = (names.FindIndex(PathTitles.Contains), names.FindIndex(ClassTitles.Contains));
        if (path < 0 || (label < 0 && names.Count > 1) || names.Any(name => name.Length > 0 && Exists(_folder, name)))
        {
            return false;
        }

        _columns = (path, label);
        return true;
    }

    // Null if a quotation mark is not closed.
    private static List<string>? Split(string line, char by)
    {
        if (by == '\t')
        {
            return [.. line.Split('\t')];
        }

        if (by == ' ')
        {
            var text = line.TrimEnd();
            var at = text.LastIndexOfAny([' ', '\t']);
            return at < 0 ? [text] : [Unquoted(text[..at].TrimEnd()), text[(at + 1)..]];
        }

        var parts = new List<string>();
        var part = new System.Text.StringBuilder();
        var isQuoted = false;
        for (var i = 0; i < line.Length; i++)
        {
            var letter = line[i];
            if (letter == Quote && isQuoted && i + 1 < line.Length && line[i + 1] == Quote)
            {
                part.Append(Quote);
                i++;
            }
            else if (letter == Quote && (isQuoted || part.ToString().Trim().Length == 0))
            {
                isQuoted = !isQuoted;
            }
            else if (letter == by && !isQuoted)
            {
                parts.Add(part.ToString().Trim());
                part.Clear();
            }
            else
            {
                part.Append(letter);
            }
        }

        parts.Add(part.ToString().Trim());
        return isQuoted ? null : parts;
    }

    private static string Unquoted(string text) =>
        text.Length > 1 && text[0] == Quote && text[^1] == Quote ? text[1..^1] : text;
}
