using System.Collections.Concurrent;
using MoCoSharp.PyTorch;

namespace MoCoSharp.Runs;

/// <summary>How a save ended.</summary>
/// <param name="Step">Steps done in the state.</param>
/// <param name="Path">The file.</param>
/// <param name="Error">Why it is not there; null where it is.</param>
internal readonly record struct SaveOutcome(long Step, string Path, Exception? Error);

/// <summary>Writes checkpoints on a thread of its own, one at a time, and drops those that need not stay.</summary>
/// <remarks>A state with a NaN or an infinity is never written, so that every file on the disk is one to go on from.</remarks>
internal sealed class CheckpointWriter : IDisposable
{
    private readonly RunFolder _run;
    private readonly CheckpointShelf _shelf;
    private readonly Action _before;
    private readonly BlockingCollection<StateSnapshot> _jobs = new(boundedCapacity: 1);
    private readonly ConcurrentQueue<SaveOutcome> _outcomes = [];
    private readonly ManualResetEventSlim _idle = new(initialState: true);
    private readonly Thread _thread;

    /// <summary>A writer at rest.</summary>
    /// <param name="run">The run folder.</param>
    /// <param name="shelf">Hears of each file that has come.</param>
    /// <param name="before">What must be on the disk before a checkpoint: the metrics until then.</param>
    public CheckpointWriter(RunFolder run, CheckpointShelf shelf, Action before)
    {
        _run = run;
        _shelf = shelf;
        _before = before;
        _thread = new Thread(Work) { IsBackground = true, Name = "checkpoints" };
        _thread.Start();
    }

    /// <summary>Whether a snapshot is being written, and must be left alone.</summary>
    public bool IsBusy => !_idle.IsSet;

    /// <summary>Begins to write; the snapshot belongs to the writer until it is no longer busy.</summary>
    public void Begin(StateSnapshot snapshot)
    {
        _idle.Reset();
        _jobs.Add(snapshot);
    }

    /// <summary>Waits for the write under way.</summary>
    public void Wait() => _idle.Wait();

    /// <summary>What has ended since the last question.</summary>
    public IEnumerable<SaveOutcome> Outcomes()
    {
        while (_outcomes.TryDequeue(out var outcome))
        {
            yield return outcome;
        }
    }

    /// <summary>Waits for the write under way, and ends the thread.</summary>
    public void Dispose()
    {
        _jobs.CompleteAdding();
        _thread.Join();
        _jobs.Dispose();
        _idle.Dispose();
    }

    private void Work()
    {
        foreach (var snapshot in _jobs.GetConsumingEnumerable())
        {
            _outcomes.Enqueue(Write(snapshot));
            _idle.Set();
        }
    }

    private SaveOutcome Write(StateSnapshot snapshot)
    {
        var path = _run.CheckpointPath(snapshot.Step);
        if (snapshot.FirstNotFinite() is { } tensor)
        {
            return new(snapshot.Step, path, new DivergedException($"{tensor} holds a NaN or an infinity after step {snapshot.Step}: this state is not kept."));
        }

        try
        {
            _before();
            try
            {
                Save();
            }
            catch (IOException) when (_shelf.MakeRoomFor(snapshot.Step))
            {
                Save(); // what had to go after this save went before it
            }

            _shelf.Add(snapshot.Step, snapshot.Metadata);
            return new(snapshot.Step, path, null);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return new(snapshot.Step, path, error);
        }

        void Save() => AtomicFile.Write(path, stream => SafeTensors.WriteHost(stream, snapshot.Tensors, snapshot.Metadata));
    }
}
