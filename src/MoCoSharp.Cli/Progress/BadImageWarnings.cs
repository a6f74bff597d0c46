using MoCoSharp.Data.Loading;

namespace MoCoSharp.Cli.Progress;

/// <summary>
/// Tells of images that are left out: the first ones by name, then now and then how many, so that a lost folder does
/// not flood a terminal.
/// </summary>
/// <param name="warn">Where to.</param>
internal sealed class BadImageWarnings(Action<string> warn)
{
    private const int Named = 20;

    private readonly Lock _gate = new();
    private int _told;
    private int _next = 100;

    /// <summary>Each image once; from any thread.</summary>
    /// <param name="bad">What is wrong.</param>
    /// <param name="then">What happens instead, a sentence.</param>
    public void Tell(BadImage bad, string then)
    {
        string? text;
        lock (_gate)
        {
            _told++;
            text = _told <= Named ? $"{bad} {then}"
                : _told == Named + 1
                    ? $"More images cannot be read, such as {bad} They are counted, and not named any more."
                : _told == _next ? FormattableString.Invariant($"{_told} images could not be read so far.")
                : null;
            _next = _told == _next ? _next * 10 : _next;
        }

        if (text is not null)
        {
            warn(text);
        }
    }
}
