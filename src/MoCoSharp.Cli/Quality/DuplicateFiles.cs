using System.Globalization;
using System.Text;
using MoCoSharp.Cli.FeatureFiles;
using MoCoSharp.Data.Quality;
using MoCoSharp.PyTorch;

namespace MoCoSharp.Cli.Quality;

/// <summary>Writes the result of moco duplicates as .json, .csv or .html.</summary>
internal static class DuplicateFiles
{
    /// <summary>The endings of the files.</summary>
    public static IReadOnlyList<string> Endings { get; } = [".json", ".csv", ".html"];

    /// <summary>Writes a file by its ending.</summary>
    public static void Write(string path, DuplicateReport report)
    {
        var bytes = Path.GetExtension(path).ToLowerInvariant() switch
        {
            ".json" => DuplicateJson.Write(report),
            ".csv" => Encoding.UTF8.GetBytes(Csv(report)),
            _ => Encoding.UTF8.GetBytes(DuplicateGallery.Page(report)),
        };
        AtomicFile.Write(path, stream => stream.Write(bytes));
    }

    /// <summary>A line for each image of a group, or for each pair.</summary>
    private static string Csv(DuplicateReport report)
    {
        var text = new StringBuilder();
        if (report.Other is not null)
        {
            text.Append("name,other,kind,similarity,path,otherPath\n");
            foreach (var leak in report.Leaks)
            {
                AppendLine(
                    text, leak.Image.Name, leak.Other.Name, Key(leak.Kind), Number(leak.Similarity), leak.Image.Path,
                    leak.Other.Path);
            }

            return text.ToString();
        }

        text.Append("group,name,kind,similarity,width,height,path\n");
        foreach (var (number, group) in report.Groups.Index())
        {
            Append(number + 1, group.Kept, "keep", 1);
            foreach (var other in group.Others)
            {
                Append(number + 1, other.Image, Key(other.Kind), other.Similarity);
            }
        }

        return text.ToString();

        void Append(int group, ImageFacts image, string kind, double similarity) => AppendLine(
            text, $"{group}", image.Name, kind, Number(similarity), $"{image.Width}", $"{image.Height}", image.Path);
    }

    /// <summary>The word for a kind in files.</summary>
    public static string Key(DuplicateKind kind) => kind switch
    {
        DuplicateKind.SameFile => "file",
        DuplicateKind.SamePixels => "pixels",
        _ => "similar",
    };

    private static string Number(double similarity) => similarity.ToString("0.######", CultureInfo.InvariantCulture);

    private static void AppendLine(StringBuilder text, params IEnumerable<string?> cells) =>
        text.AppendJoin(',', cells.Select(cell => CsvWriter.Quoted(cell ?? ""))).Append('\n');
}
