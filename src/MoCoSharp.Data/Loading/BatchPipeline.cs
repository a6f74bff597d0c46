using System.Diagnostics;
using System.Runtime.ExceptionServices;

namespace MoCoSharp.Data.Loading;

/// <summary>
/// Fills batches on several threads and returns them in order, a limited number ahead of the consumer.
/// </summary>
/// <remarks>
/// One lock guards all state. Each worker takes a slot of the oldest batch that has a free one. The consumer opens
/// batches and waits until the oldest is full. Only <paramref name="fill"/> decides the content of a slot, so the
/// number of workers changes nothing.
/// </remarks>
/// <param name="batches">Number of batches.</param>
/// <param name="open">Creates the empty batch with a number. Runs on the consumer's thread.</param>
/// <param name="fill">
/// Fills a slot, given batch number, batch and slot. Runs on the workers. It may ask whether the pipeline was stopped,
/// and then leave the slot empty.
/// </param>
/// <param name="workers">Number of threads, above 0.</param>
/// <param name="ahead">Batches that are filled ahead of the consumer, above 0.</param>
internal sealed class BatchPipeline(
    int batches, Func<int, ViewBatch> open, Action<int, ViewBatch, int, Func<bool>> fill, int workers, int ahead
) : IDisposable
{
    private readonly Lock _starting = new();
    private readonly object _gate = new();
    private readonly Queue<Pending> _ready = []; // in the consumer's order
    private readonly Queue<Pending> _unfilled = []; // batches with free slots
    private readonly List<Thread> _threads = [];
    private bool _stopped;

    /// <summary>Runs the pipeline once. Ending the enumeration early stops the workers.</summary>
    public IEnumerable<ViewBatch> Run(CancellationToken cancellation)
    {
        using var registration = cancellation.Register(Stop);
        try
        {
            Start();
            var opened = 0;
            for (var number = 0; number < batches; number++)
            {
                for (; opened < batches && opened <= number + ahead; opened++)
                {
                    Open(opened);
                }

                yield return Take(cancellation);
            }
        }
        finally
        {
            Dispose();
        }
    }

    /// <summary>Stops the workers, waits for them, and disposes the unused batches.</summary>
    public void Dispose()
    {
        Stop();
        lock (_starting)
        {
            foreach (var thread in _threads)
            {
                // A handler of the loader's events may call this on a worker, which cannot wait for itself.
                if (thread != Thread.CurrentThread)
                {
                    thread.Join();
                }
            }
        }

        lock (_gate)
        {
            while (_ready.TryDequeue(out var pending))
            {
                pending.Batch.Dispose();
            }
        }
    }

    private void Start()
    {
        lock (_starting)
        {
            for (var i = 0; i < workers && !_stopped; i++)
            {
                var thread = new Thread(Work) { IsBackground = true, Name = $"views {i}" };
                thread.Start();
                _threads.Add(thread);
            }
        }
    }

    private void Stop()
    {
        lock (_gate)
        {
            _stopped = true;
            Monitor.PulseAll(_gate);
        }
    }

    private void Open(int number)
    {
        var pending = new Pending(number, open(number));
        lock (_gate)
        {
            _ready.Enqueue(pending);
            _unfilled.Enqueue(pending);
            Monitor.PulseAll(_gate);
        }
    }

    private ViewBatch Take(CancellationToken cancellation)
    {
        var since = Stopwatch.GetTimestamp();
        Pending pending;
        lock (_gate)
        {
            while (!_stopped && _ready.Peek().Unfinished > 0)
            {
                Monitor.Wait(_gate);
            }

            cancellation.ThrowIfCancellationRequested();
            ObjectDisposedException.ThrowIf(_stopped, typeof(ViewLoader));
            pending = _ready.Dequeue();
        }

        if (pending.Error is { } error)
        {
            pending.Batch.Dispose();
            error.Throw();
        }

        pending.Batch.WaitSeconds = Stopwatch.GetElapsedTime(since).TotalSeconds;
        return pending.Batch;
    }

    private void Work()
    {
        Func<bool> isStopped = () => Volatile.Read(ref _stopped);
        while (TakeSlot() is var (pending, slot))
        {
            ExceptionDispatchInfo? error = null;
            try
            {
                fill(pending.Number, pending.Batch, slot, isStopped);
            }
            catch (Exception exception) // rethrown on the consumer's thread
            {
                error = ExceptionDispatchInfo.Capture(exception);
            }

            lock (_gate)
            {
                pending.Finish(slot, error);
                if (pending.Unfinished == 0)
                {
                    Monitor.PulseAll(_gate);
                }
            }
        }
    }

    private (Pending Pending, int Slot)? TakeSlot()
    {
        lock (_gate)
        {
            while (!_stopped && _unfilled.Count == 0)
            {
                Monitor.Wait(_gate);
            }

            if (_stopped)
            {
                return null;
            }

            var pending = _unfilled.Peek();
            var slot = pending.NextSlot++;
            if (pending.NextSlot == pending.Batch.Count)
            {
                _unfilled.Dequeue();
            }

            return (pending, slot);
        }
    }

    /// <summary>A batch that is being filled.</summary>
    private sealed class Pending(int number, ViewBatch batch)
    {
        private int _errorSlot = int.MaxValue;

        public int Number => number;

        public ViewBatch Batch => batch;

        public int NextSlot { get; set; }

        public int Unfinished { get; private set; } = batch.Count;

        /// <summary>The error of the first slot that failed.</summary>
        public ExceptionDispatchInfo? Error { get; private set; }

        public void Finish(int slot, ExceptionDispatchInfo? error)
        {
            Unfinished--;
            if (error is not null && slot < _errorSlot)
            {
                (Error, _errorSlot) = (error, slot);
            }
        }
    }
}
