using System.Collections.Concurrent;
using MoCoSharp.PyTorch;

namespace MoCoSharp.Runs;

/// <summary>How a write ended.</summary>
/// <param name="Step">Steps done in the state.</param>
/// <param name="Path">The file.</param>
/// <param name="Error">Why the file was not written; null if it was.</param>
internal readonly record struct WriteResult(long Step, string Path, Exception? Error);

/// <summary>Writes checkpoints on its own thread, one at a time.</summary>
/// <remarks>A state with a NaN or an infinity is never written: every file on the disk can be resumed from.</remarks>
internal sealed class CheckpointWriter : IDisposable
{
    private readonly RunFolder _run;
    private readonly CheckpointIndex _index;
    private readonly Action _beforeWrite;
    private readonly BlockingCollection<StateSnapshot> _jobs = new(boundedCapacity: 1);
    private readonly ConcurrentQueue<WriteResult> _results = [];
    private readonly ManualResetEventSlim _idle = new(initialState: true);
    private readonly Thread _thread;

    /// <summary>Starts the thread.</summary>
    /// <param name="run">The run folder.</param>
    /// <param name="index">Receives each new file.</param>
    /// <param name="beforeWrite">Flushes what must be on the disk before a checkpoint.</param>
    public CheckpointWriter(RunFolder run, CheckpointIndex index, Action beforeWrite)
    {
        _run = run;
        _index = index;
        _beforeWrite = beforeWrite;
        _thread = new Thread(Work) { IsBackground = true, Name = "checkpoints" };
        _thread.Start();
    }

    /// <summary>Whether a snapshot is being written. Nobody else may change that snapshot.</summary>
    public bool IsBusy => !_idle.IsSet;

    /// <summary>Begins to write. The snapshot belongs to the writer until <see cref="IsBusy"/> is false.</summary>
    public void Begin(StateSnapshot snapshot)
    {
        _idle.Reset();
        _jobs.Add(snapshot);
    }

    /// <summary>Waits for the current write.</summary>
    public void Wait() => _idle.Wait();

    /// <summary>The next result that was not taken yet.</summary>
    public bool TryTakeResult(out WriteResult result) => _results.TryDequeue(out result);

    /// <summary>Waits for the current write, and ends the thread.</summary>
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
            _results.Enqueue(Write(snapshot));
            _idle.Set();
        }
    }

    private WriteResult Write(StateSnapshot snapshot)
    {
        var path = _run.CheckpointPath(snapshot.Step);
        if (snapshot.FindNotFinite() is { } tensor)
        {
            return new(snapshot.Step, path, new DivergedException(
                $"{tensor} holds a NaN or an infinity after step {snapshot.Step}: this state is not kept."));
        }

        try
        {
            _beforeWrite();
            try
            {
                WriteFile(path, snapshot);
            }
            catch (IOException) when (_index.MakeRoomFor(snapshot.Step))
            {
                WriteFile(path, snapshot); // superfluous checkpoints were deleted first
            }

            _index.Add(snapshot.Step, snapshot.Metadata);
            return new(snapshot.Step, path, null);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return new(snapshot.Step, path, error);
        }
    }

    private static void WriteFile(string path, StateSnapshot snapshot) =>
        AtomicFile.Write(path, stream => SafeTensors.WriteHost(stream, snapshot.Tensors, snapshot.Metadata));
}
