using System.Diagnostics;
using static TorchSharp.torch;

namespace MoCoSharp.Runs;

/// <summary>Saves the states of a run. Training waits for a copy in memory; another thread writes the file.</summary>
/// <remarks>Every rank has a saver, and only rank 0 saves: all ranks hold the same state. Not thread-safe.</remarks>
internal sealed class Saver : IDisposable
{
    private readonly SaveCallbacks _callbacks;
    private readonly SaveSchedule _schedule;
    private readonly CheckpointIndex _index;
    private readonly CheckpointWriter _writer;
    private readonly StateSnapshot _snapshot = new();
    private (long Step, double? BestScore) _copied = (-1, null); // the newest copy in memory
    private (long Step, double? BestScore) _saved = (-1, null); // the newest state on the disk
    private string? _announced; // the newest file that Saved was called for
    private bool _isWaiting; // a save is due, and the save before is not finished

    /// <summary>A saver for a folder that this process holds.</summary>
    /// <param name="run">The run folder.</param>
    /// <param name="options">When to save, and which files to keep.</param>
    /// <param name="callbacks">Receives the saves.</param>
    /// <param name="time">For the schedule.</param>
    /// <param name="scores">The scores known so far.</param>
    public Saver(
        RunFolder run, CheckpointOptions options, SaveCallbacks callbacks, TimeProvider time,
        IEnumerable<(long Step, double Score)>? scores = null)
    {
        _callbacks = callbacks;
        _schedule = new SaveSchedule(options, time);
        _index = new CheckpointIndex(run, options, scores ?? []);
        _writer = new CheckpointWriter(run, _index, callbacks.BeforeWrite);
    }

    /// <summary>Whether this process is rank 0. The saver of another rank does nothing.</summary>
    public bool IsMain { get; init; } = true;

    /// <summary>Seconds that training waited for each copy.</summary>
    public List<double> Pauses { get; } = [];

    /// <summary>The newest checkpoint; null where there is none.</summary>
    public string? Newest => _index.Newest;

    /// <summary>Allocates the memory for copies. A run then fails before its first step if memory is short.</summary>
    public void Prepare(IRunState state)
    {
        if (IsMain)
        {
            using var scope = NewDisposeScope();
            _snapshot.Prepare(state.GetTensors());
        }
    }

    /// <summary>Whether to save now. Reports a save that has ended meanwhile.</summary>
    /// <param name="step">Steps done.</param>
    /// <param name="isRequested">Whether a user asked for a save.</param>
    public bool IsDue(long step, bool isRequested)
    {
        Report(TakeFailure());
        _isWaiting |= isRequested || _schedule.IsDue(step);
        return IsMain && _isWaiting && !_writer.IsBusy;
    }

    /// <summary>Copies a state, and lets the other thread write it. Does nothing if the state is saved.</summary>
    public void Begin(IRunState state)
    {
        if (IsSaved(state) || !IsMain)
        {
            _isWaiting = false;
            return;
        }

        Wait(); // rare: an epoch ended before the last save did
        _isWaiting = false;
        _schedule.Begin();
        var since = Stopwatch.GetTimestamp();
        using (NewDisposeScope())
        {
            _snapshot.Copy(state.Step, state.GetTensors(), state.GetMetadata());
        }

        _copied = (state.Step, state.BestScore);
        _writer.Begin(_snapshot);
        Pauses.Add(Stopwatch.GetElapsedTime(since).TotalSeconds);
    }

    /// <summary>Saves a state, and waits until it is on the disk.</summary>
    /// <returns>Why the state could not be saved; null if it was. Also reported.</returns>
    public SaveFailure? Save(IRunState state)
    {
        Wait();
        var failure = Attempt(state);
        Report(failure);
        return failure;
    }

    /// <summary>Saves the last state of a run. Tries until there is room on the disk or a user stops the run.</summary>
    /// <param name="state">The last state.</param>
    /// <param name="triesOnceStopped">Tries in all, above 0, before a stopped run gives up.</param>
    /// <param name="stop">Ends the waiting.</param>
    /// <returns>Why the state could not be saved; null if it was. The last failure is not reported.</returns>
    public SaveFailure? Finish(IRunState state, int triesOnceStopped, CancellationToken stop)
    {
        Wait();
        var wait = TimeSpan.Zero;
        for (var tries = 1; Attempt(state) is { } failure; tries++)
        {
            if (failure.Error is DivergedException or DirectoryNotFoundException
                || (stop.IsCancellationRequested && tries >= triesOnceStopped))
            {
                return failure;
            }

            wait = Backoff.Next(wait);
            Report(failure with { RetryAfter = wait });
            if (stop.WaitHandle.WaitOne(wait) && triesOnceStopped > 1)
            {
                Thread.Sleep(TimeSpan.FromSeconds(1)); // stopped: the remaining tries follow soon
            }
        }

        return null;
    }

    /// <summary>Records the score of a step. The best checkpoints are kept longer.</summary>
    public void SetScore(long step, double score)
    {
        if (IsMain)
        {
            _index.SetScore(step, score);
        }
    }

    /// <summary>Waits for the current save, and reports it.</summary>
    public void Wait()
    {
        _writer.Wait();
        Report(TakeFailure());
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _writer.Dispose();
        Report(TakeFailure());
        _snapshot.Dispose();
    }

    // A step is saved again if its score came after its save and is the best, also after a stop between the two.
    private bool IsSaved(IRunState state) => _saved == (state.Step, state.BestScore);

    private SaveFailure? Attempt(IRunState state)
    {
        Begin(state);
        _writer.Wait();
        return TakeFailure();
    }

    private void Report(SaveFailure? failure)
    {
        if (failure is not null)
        {
            _callbacks.Failed(failure);
        }
    }

    // At most one result waits: each write begins only after the result of the write before was taken.
    private SaveFailure? TakeFailure()
    {
        if (!_writer.TryTakeResult(out var result))
        {
            return null;
        }

        _schedule.End(isSaved: result.Error is null);
        if (result.Error is not null)
        {
            return new SaveFailure(result.Step, result.Path, result.Error, Newest ?? "none");
        }

        _saved = _copied;
        if (result.Path != _announced) // a step that is saved again for its score is announced once
        {
            _announced = result.Path;
            _callbacks.Saved(result.Path);
        }

        return null;
    }
}
