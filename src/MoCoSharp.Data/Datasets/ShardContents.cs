using System.Globalization;
using MoCoSharp.Data.Images;

namespace MoCoSharp.Data.Datasets;

/// <summary>An image of a shard, and the place of its bytes.</summary>
/// <param name="Shard">Number of the shard.</param>
/// <param name="Offset">Offset of the first byte.</param>
/// <param name="Length">In bytes.</param>
/// <param name="Name">File name of the shard and name of the member.</param>
/// <param name="Label">Class id; -1 for none.</param>
internal readonly record struct ShardImage(int Shard, long Offset, int Length, string Name, int Label);

/// <summary>The contents of one shard: images, their labels, and skipped members.</summary>
/// <remarks>
/// An image and a label belong together if they have the same key, wherever they are in the shard. As in WebDataset, a
/// key is the path of a member up to the first dot of its file name.
/// </remarks>
internal sealed class ShardContents
{
    /// <summary>The kind of notice about images without a usable key.</summary>
    public const string Dotted =
        "images with more than one dot in their name were skipped, since a key ends at the first dot (rename " +
        "them with one dot)";

    private const string Links = "links were skipped (`tar --dereference --hard-dereference` writes files instead)";
    private const string HiddenOnes =
        "hidden members (a name with a dot before it, __MACOSX, @eaDir, PaxHeaders) were skipped";

    private const string Orphans =
        "labels (.cls) belong to no image and were skipped (image and label share folder and name up to the first dot)";

    private const string Label = ".cls";
    private const int LongestLabel = 256; // bytes of a .cls file
    private const int MostClasses = 1 << 20;

    private readonly Shard _shard;
    private readonly string _file;
    private readonly List<ShardImage> _images = [];
    private readonly Dictionary<string, int> _keys = new(StringComparer.Ordinal);
    private readonly Dictionary<string, (string Member, int Label)> _labels = new(StringComparer.Ordinal);
    private readonly List<string> _twice = [];
    private readonly List<string> _unreadable = [];

    private ShardContents(Shard shard)
    {
        _shard = shard;
        _file = Path.GetFileName(shard.Name);
        Hidden = new Tally(shard.Name);
        Odd = new Tally(shard.Name);
    }

    /// <summary>The images in the order of the archive.</summary>
    public IReadOnlyList<ShardImage> Images => _images;

    /// <summary>Hidden members, skipped as in a folder.</summary>
    public Tally Hidden { get; }

    /// <summary>Skipped members that may be a mistake, and unusual properties of the archive.</summary>
    public Tally Odd { get; }

    /// <summary>Members with endings that are not used.</summary>
    public MemberEndings Unread { get; } = new();

    /// <summary>Reads a shard's headers and labels.</summary>
    /// <param name="shard">The archive.</param>
    /// <param name="number">Number of the shard in the set.</param>
    /// <param name="count">Counts the images of all shards; may be null.</param>
    /// <exception cref="DataSourceException">The file is not a tar archive, or its labels are ambiguous.</exception>
    public static ShardContents Read(Shard shard, int number, ImageCount? count)
    {
        using var archive = shard.Open();
        var contents = new ShardContents(shard);
        foreach (var member in TarIndex.Read(archive, shard.Name, contents.Odd))
        {
            var before = contents._images.Count;
            contents.Add(archive, member, number);
            if (contents._images.Count > before)
            {
                count?.Add();
            }
        }

        contents.ThrowIfFaulty();
        contents.JoinLabels();
        return contents;
    }

    /// <summary>A file name up to the first dot.</summary>
    public static string KeyOf(string path) => path[(path.LastIndexOf('/') + 1)..].Split('.')[0];

    private void Add(IByteSource archive, TarMember member, int number)
    {
        var path = WithoutDot(member.Name);
        var name = path[(path.LastIndexOf('/') + 1)..];
        var place = $"{_file}/{member.Name}";
        switch (member.Kind)
        {
            case TarKind.Folder:
                return;
            case TarKind.Link:
                Odd.Add(Links, place);
                return;
            case TarKind.Other:
                Odd.Add("sparse files, devices and the like were skipped", place);
                return;
        }

        if (IsHidden(path))
        {
            Hidden.Add(HiddenOnes, place);
            return;
        }

        var dot = name.IndexOf('.');
        var extension = dot < 0 ? "" : name[dot..];
        var ending = Path.GetExtension(name);
        if (ImageEndings.IsImage(extension))
        {
            // An image that is too long or empty is reported as broken when it is read.
            var length = (int)Math.Min(member.Length, ImageDecoder.LargestFileBytes);
            AddImage(path[..^extension.Length], path, new ShardImage(number, member.Offset, length, place, -1));
        }
        else if (extension.Equals(Label, StringComparison.OrdinalIgnoreCase))
        {
            AddLabel(path[..^extension.Length], place, ReadLabel(archive, member));
        }
        else if (ImageEndings.IsImage(ending))
        {
            Odd.Add(Dotted, place);
        }
        else if (ending.Equals(Label, StringComparison.OrdinalIgnoreCase))
        {
            NoImage(place);
        }
        else
        {
            Unread.Add(name, place);
        }
    }

    private void AddImage(string key, string path, ShardImage image)
    {
        if (_keys.TryAdd(key, _images.Count))
        {
            _images.Add(image);
        }
        else if (_images[_keys[key]].Name is var first && Plain(first) == path)
        {
            _twice.Add(path);
        }
        else
        {
            Odd.Add("further images with the same key were skipped (the first counts)", image.Name);
        }
    }

    private void AddLabel(string key, string place, int label)
    {
        if (!_labels.TryAdd(key, (place, label)))
        {
            _twice.Add(Plain(place));
        }
    }

    private void JoinLabels()
    {
        foreach (var (key, (place, label)) in _labels)
        {
            if (_keys.TryGetValue(key, out var index))
            {
                _images[index] = _images[index] with { Label = label };
            }
            else
            {
                NoImage(place);
            }
        }
    }

    private void ThrowIfFaulty()
    {
        if (_twice.Count > 0)
        {
            throw new DataSourceException(
                $"{_shard.Name}: {_twice[0]} occurs " +
                $"twice{(_twice.Count > 1 ? $", and so do {_twice.Count - 1} more" : "")}, "
                    + "so it is not clear which label belongs to which image. "
                    + "Give every image its own key, and write the shard again (`tar --sort=name` from a folder).");
        }

        if (_unreadable.Count > 0)
        {
            throw new DataSourceException(
                $"{_shard.Name}: {_unreadable[0]}, expected a class number, 0 to {MostClasses - 1} in digits" +
                $"{(_unreadable.Count > 1 ? $"; and {_unreadable.Count - 1} other .cls files" : "")}.");
        }
    }

    private void NoImage(string place) => Odd.Add(Orphans, place);

    // As the path in AddImage.
    private string Plain(string place) => WithoutDot(place[(_file.Length + 1)..]);

    private static string WithoutDot(string name) => name.StartsWith("./", StringComparison.Ordinal) ? name[2..] : name;

    // "3" or "3.0", also with blanks or a byte order mark.
    private int ReadLabel(IByteSource archive, TarMember member)
    {
        Span<byte> bytes = stackalloc byte[LongestLabel];
        bytes = bytes[..(int)Math.Min(member.Length, LongestLabel)];
        var read = 0;
        while (read < bytes.Length && archive.Read(bytes[read..], member.Offset + read) is var more and > 0)
        {
            read += more;
        }

        var text = System.Text.Encoding.UTF8.GetString(bytes[..read]).Trim(' ', '\r', '\n', '\t', '\0', '\uFEFF');
        if (member.Length <= LongestLabel
            && double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var label)
            && label is >= 0 and < MostClasses && label == Math.Floor(label))
        {
            return (int)label;
        }

        var shown = new string([.. text.Take(20).Select(letter => char.IsControl(letter) ? ' ' : letter)]);
        var rest = text.Length > 20 ? "..." : "";
        _unreadable.Add($"{member.Name} holds {(text.Length == 0 ? "nothing" : $"\"{shown}\"{rest}")}");
        return -1;
    }

    // As in a folder; also the placeholders that old tar programs wrote for unknown headers.
    private static bool IsHidden(string path) => path.Split('/').Any(part =>
        (part is not ("." or "..") && ImageEndings.IsHidden(part))
        || part.StartsWith("PaxHeader", StringComparison.Ordinal));
}
