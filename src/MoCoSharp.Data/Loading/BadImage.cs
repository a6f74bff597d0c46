namespace MoCoSharp.Data.Loading;

/// <summary>An image that could not be read.</summary>
/// <param name="Index">Index in the data set.</param>
/// <param name="Name">A name that helps a user find the image.</param>
/// <param name="Reason">The error.</param>
public sealed record BadImage(int Index, string Name, string Reason)
{
    /// <summary>
    /// Whether the error may pass, as an error of disk or network: the image is tried again. False if the file was read
    /// and is not an image.
    /// </summary>
    public bool MayPass { get; init; }

    /// <summary>Name and reason, in one line.</summary>
    public override string ToString()
    {
        var text = Reason.Contains(Name, StringComparison.Ordinal) ? Reason : $"{Name}: {Reason}";
        // Messages of the system have no full stop.
        return text.Length > 0 && char.IsLetterOrDigit(text[^1]) ? text + "." : text;
    }
}
