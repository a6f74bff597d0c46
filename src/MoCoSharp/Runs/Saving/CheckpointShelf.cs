using MoCoSharp.PyTorch;

namespace MoCoSharp.Runs;

/// <summary>The checkpoints of a run folder, and which of them stay. Safe to use from several threads.</summary>
internal sealed class CheckpointShelf
{
    private readonly RunFolder _run;
    private readonly CheckpointOptions _options;
    private readonly Lock _gate = new();
    private readonly SortedDictionary<long, int?> _epochs = []; // by step; the epochs done, where the file is of an epoch's end
    private readonly Dictionary<long, double> _scores = [];

    /// <summary>Looks at the files that are there.</summary>
    public CheckpointShelf(RunFolder run, CheckpointOptions options, IEnumerable<(long Step, double Score)> scores)
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
                _epochs[RunFolder.StepOf(path)] = EpochOf(SafeTensors.ReadHeader(path).Metadata);
            }
            catch (InvalidDataException)
            {
                // Not a file to go on from, so not one to count.
            }
        }
    }

    /// <summary>The newest; null where there is none.</summary>
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

    /// <summary>A file has come; those that need not stay go.</summary>
    public void Add(long step, IReadOnlyDictionary<string, string> metadata)
    {
        lock (_gate)
        {
            _epochs[step] = EpochOf(metadata);
            Drop(Superfluous());
        }
    }

    /// <summary>The monitor has judged a step.</summary>
    public void Judge(long step, double score)
    {
        lock (_gate)
        {
            _scores[step] = score;
            Drop(Superfluous());
        }
    }

    /// <summary>Lets go, before a file of this step comes, of what would go after it; the newest stays in any case.</summary>
    /// <returns>False where there is nothing to let go of.</returns>
    public bool MakeRoomFor(long step)
    {
        lock (_gate)
        {
            var after = new KeptCheckpoint(step, null, null);
            var newest = _epochs.Count == 0 ? -1 : _epochs.Keys.Last();
            var room = Retention.Superfluous([.. All().Where(item => item.Step != step), after], _options).Where(old => old != newest && old != step).ToList();
            Drop(room);
            return room.Count > 0;
        }
    }

    private IEnumerable<KeptCheckpoint> All() =>
        _epochs.Select(item => new KeptCheckpoint(item.Key, item.Value, _scores.TryGetValue(item.Key, out var score) ? score : null));

    private IReadOnlyList<long> Superfluous() => Retention.Superfluous(All(), _options);

    private void Drop(IReadOnlyList<long> steps)
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
                // Tried again at the next save: an old file too many harms nothing.
            }
        }
    }

    private static int? EpochOf(IReadOnlyDictionary<string, string> metadata) =>
        metadata.GetValueOrDefault("batch") == "0" && int.TryParse(metadata.GetValueOrDefault("epoch"), out var epoch) ? epoch : null;
}
