using System.Diagnostics;
using MoCoSharp.Distributed;
using MoCoSharp.Runs;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Training;

/// <summary>The saves of a run: a copy on the training thread, the rest behind its back; a failed one is told, and tried again.</summary>
internal sealed class Saver : IDisposable
{
    private static readonly TimeSpan LongestWait = TimeSpan.FromMinutes(1);

    private readonly IProcessGroup _group;
    private readonly IPretrainObserver _observer;
    private readonly SaveClock _clock;
    private readonly CheckpointShelf _shelf;
    private readonly CheckpointWriter _writer;
    private readonly StateSnapshot _snapshot = new();
    private (long Step, double? BestKnn) _taken = (-1, null); // of the newest copy: steps done, and the best that the monitor had found
    private (long Step, double? BestKnn) _saved = (-1, null); // of the newest state that is on the disk
    private string? _told; // the file that was told last
    private bool _waiting; // a save was due while the one before was being written

    /// <summary>Saves into a folder that is held.</summary>
    public Saver(RunFolder run, CheckpointOptions options, RunLog log, IProcessGroup group, TimeProvider time, IPretrainObserver observer)
    {
        _group = group;
        _observer = observer;
        _clock = new SaveClock(options, time);
        _shelf = new CheckpointShelf(run, options, log.Knn.Select(item => (item.Key, item.Value)));
        _writer = new CheckpointWriter(run, _shelf, log.Flush);
    }

    /// <summary>Seconds that training stood still for each copy.</summary>
    public List<double> Pauses { get; } = [];

    /// <summary>The newest file to go on from; null where there is none.</summary>
    public string? Newest => _shelf.Newest;

    /// <summary>Takes the memory for the copies. Before the first step.</summary>
    public void Prepare(StateSource state)
    {
        if (_group.Rank == 0)
        {
            using var scope = NewDisposeScope();
            _snapshot.Prepare(TrainingState.Tensors(state.Method, state.Optimizer));
        }
    }

    /// <summary>Tells what has ended meanwhile, and whether to save now. Rank 0 alone saves: every rank holds the same state.</summary>
    public bool IsDue(long step, bool requested)
    {
        Tell();
        _waiting |= requested || _clock.IsDue(step);
        return _group.Rank == 0 && _waiting && !_writer.IsBusy;
    }

    /// <summary>Copies the state, and leaves the rest to another thread.</summary>
    public void Begin(StateSource state)
    {
        if (IsSaved(state) || _group.Rank != 0)
        {
            _waiting = false;
            return;
        }

        _writer.Wait(); // seldom: an epoch's end while the save before is still being written
        Tell();
        _waiting = false;
        _clock.Begun();
        var since = Stopwatch.GetTimestamp();
        using (NewDisposeScope())
        {
            _snapshot.Take(
                state.Progress.Step,
                TrainingState.Tensors(state.Method, state.Optimizer),
                TrainingState.Metadata(state.Progress, state.Method, state.Config, state.Data));
        }

        _taken = (state.Progress.Step, state.Progress.BestKnn);
        _writer.Begin(_snapshot);
        Pauses.Add(Stopwatch.GetElapsedTime(since).TotalSeconds);
    }

    /// <summary>The monitor has judged a step: a better one stays longer.</summary>
    public void Judged(long step, double score)
    {
        if (_group.Rank == 0)
        {
            _shelf.Judge(step, score);
        }
    }

    /// <summary>Saves the last state, and waits until it is on the disk; as long as nobody asks to stop, until there is room for it.</summary>
    /// <exception cref="IOException">It could not be saved.</exception>
    /// <exception cref="DivergedException">It holds a NaN or an infinity.</exception>
    public void Finish(StateSource state, CancellationToken stop)
    {
        const int attemptsOnceStopped = 3;
        var wait = TimeSpan.FromSeconds(1);
        for (var attempt = 1; ; attempt++)
        {
            var error = SaveNow(state);
            if (error is null)
            {
                return;
            }

            if (error is DivergedException)
            {
                throw error;
            }

            if (error is DirectoryNotFoundException || (stop.IsCancellationRequested && attempt >= attemptsOnceStopped))
            {
                throw new IOException($"The state after step {state.Progress.Step} could not be saved: {error.Message} " +
                    $"The newest checkpoint is {_shelf.Newest ?? "none"}.", error);
            }

            if (stop.IsCancellationRequested || stop.WaitHandle.WaitOne(wait))
            {
                Thread.Sleep(TimeSpan.FromSeconds(1));
            }

            wait = TimeSpan.FromTicks(Math.Min(2 * wait.Ticks, LongestWait.Ticks));
        }
    }

    /// <summary>Waits for the save under way.</summary>
    public void Settle()
    {
        _writer.Wait();
        Tell();
    }

    /// <summary>Saves the last state if that is possible.</summary>
    public void TryFinish(StateSource state) => SaveNow(state);

    /// <inheritdoc/>
    public void Dispose()
    {
        _writer.Dispose();
        Tell();
        _snapshot.Dispose();
    }

    // A step whose evaluation came after its save is saved once more where that was the best: so does a run that was stopped between the two.
    private bool IsSaved(StateSource state) => _saved == (state.Progress.Step, state.Progress.BestKnn);

    private Exception? SaveNow(StateSource state)
    {
        _writer.Wait();
        var error = Tell();
        if (IsSaved(state))
        {
            return error;
        }

        Begin(state);
        _writer.Wait();
        return Tell();
    }

    // On the training thread, as observers expect.
    private Exception? Tell()
    {
        Exception? error = null;
        foreach (var outcome in _writer.Outcomes())
        {
            error = outcome.Error;
            _clock.Ended(error is null);
            if (error is null)
            {
                _saved = _taken;
                if (outcome.Path != _told) // a step that turned out to be the best is written once more
                {
                    _told = outcome.Path;
                    _observer.Saved(outcome.Path);
                }
            }
            else
            {
                _observer.Warned($"{outcome.Path} was not saved: {error.Message} The run goes on and tries again; the newest checkpoint is {_shelf.Newest ?? "none"}.");
            }
        }

        return error;
    }
}
