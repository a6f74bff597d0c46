using MoCoSharp.Data.Loading;

namespace MoCoSharp.Cli.Progress;

/// <summary>
/// Warns about images that are left out: the first ones by name, later only their number at intervals, so that a lost
/// folder does not flood the terminal.
/// </summary>
/// <param name="warn">Receives the warnings.</param>
internal sealed class BadImageWarnings(Action<string> warn)
{
    private const int Named = 20;

    private readonly Lock _gate = new();
    private int _told;
    private int _next = 100;

    /// <summary>Warns about an image, once per image. Thread-safe.</summary>
    /// <param name="bad">The image and its fault.</param>
    /// <param name="then">A sentence on the consequence.</param>
    public void Tell(BadImage bad, string then)
    {
        string? text;
        lock (_gate)
        {
            _told++;
            text = _told <= Named ? $"{bad} {then}"
                : _told == Named + 1
                    ? $"More images cannot be read, such as {bad} From now on, they are counted and not named."
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
