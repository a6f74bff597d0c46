using MoCoSharp.PyTorch;

namespace MoCoSharp.Runs;

/// <summary>The checkpoints in a run folder. Deletes those that need not be kept. Thread-safe.</summary>
internal sealed class CheckpointIndex
{
    private readonly RunFolder _run;
    private readonly CheckpointOptions _options;
    private readonly Lock _gate = new();
    private readonly SortedDictionary<long, int?> _epochs = []; // by step; null in the middle of an epoch
    private readonly Dictionary<long, double> _scores = [];

    /// <summary>Reads the headers of the files in a folder. Unreadable files are not counted.</summary>
    /// <param name="run">The run folder.</param>
    /// <param name="options">How many files are kept.</param>
    /// <param name="scores">The scores known so far.</param>
    public CheckpointIndex(RunFolder run, CheckpointOptions options, IEnumerable<(long Step, double Score)> scores)
    {
        _run = run;
        _options = options;
        foreach (var (step, score) in scores)
        {
            _scores[step] = score;
        }

        foreach (var path in run.Checkpoints())
        {
            try
            {
                _epochs[RunFolder.StepOf(path)] = GetEpoch(SafeTensors.ReadHeader(path).Metadata);
            }
            catch (InvalidDataException)
            {
                // A run cannot be resumed from this file.
            }
        }
    }

    /// <summary>The newest file; null where there is none.</summary>
    public string? Newest
    {
        get
        {
            lock (_gate)
            {
                return _epochs.Count == 0 ? null : _run.CheckpointPath(_epochs.Keys.Last());
            }
        }
    }

    /// <summary>Adds a new file, and deletes files that need not be kept.</summary>
    public void Add(long step, IReadOnlyDictionary<string, string> metadata)
    {
        lock (_gate)
        {
            _epochs[step] = GetEpoch(metadata);
            Delete(Retention.FindSuperfluous(List(), _options));
        }
    }

    /// <summary>Records the score of a step, and deletes files that need not be kept.</summary>
    public void SetScore(long step, double score)
    {
        lock (_gate)
        {
            _scores[step] = score;
            Delete(Retention.FindSuperfluous(List(), _options));
        }
    }

    /// <summary>Deletes now what a file of this step would make superfluous. The newest file is always kept.</summary>
    /// <returns>Whether there was a file to delete.</returns>
    public bool MakeRoomFor(long step)
    {
        lock (_gate)
        {
            var newest = _epochs.Count == 0 ? -1 : _epochs.Keys.Last();
            var after = List().Where(item => item.Step != step).Append(new KeptCheckpoint(step, null, null));
            var old = Retention.FindSuperfluous(after, _options)
                .Where(item => item != newest && item != step).ToList();
            Delete(old);
            return old.Count > 0;
        }
    }

    private IEnumerable<KeptCheckpoint> List() => _epochs.Select(item =>
        new KeptCheckpoint(item.Key, item.Value, _scores.TryGetValue(item.Key, out var score) ? score : null));

    private void Delete(IReadOnlyList<long> steps)
    {
        foreach (var step in steps)
        {
            try
            {
                File.Delete(_run.CheckpointPath(step));
                _epochs.Remove(step);
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                // The next save tries again. An extra old file does no harm.
            }
        }
    }

    // Batch 0 is the beginning of an epoch, and so the end of the epoch before.
    private static int? GetEpoch(IReadOnlyDictionary<string, string> metadata) =>
        metadata.GetValueOrDefault("batch") == "0" && int.TryParse(metadata.GetValueOrDefault("epoch"), out var epoch)
            ? epoch
            : null;
}
