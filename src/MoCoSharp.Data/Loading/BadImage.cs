namespace MoCoSharp.Data.Loading;

/// <summary>An image that could not be read.</summary>
/// <param name="Index">In the data set.</param>
/// <param name="Name">By which a person can find it.</param>
/// <param name="Reason">Why it cannot be read.</param>
public sealed record BadImage(int Index, string Name, string Reason)
{
    /// <summary>
    /// Whether it could not be read this time only, for a fault of disk or network: it is tried again. False where it
    /// was read and is no image.
    /// </summary>
    public bool MayPass { get; init; }

    /// <summary>Name and reason, in a line for people.</summary>
    public override string ToString()
    {
        var text = Reason.Contains(Name, StringComparison.Ordinal) ? Reason : $"{Name}: {Reason}";
        // the system's own words have no full stop
        return text.Length > 0 && char.IsLetterOrDigit(text[^1]) ? text + "." : text;
    }
}
