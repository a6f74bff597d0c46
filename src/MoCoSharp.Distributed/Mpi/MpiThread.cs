using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.InteropServices;

namespace MoCoSharp.Distributed.Mpi;

/// <summary>
/// The only thread that calls MPI. It polls pending operations and sleeps in between, so that training keeps the core.
/// </summary>
/// <remarks>
/// MPI's own wait keeps a core busy, has no timeout, and does not notice that another process has stopped.
/// </remarks>
internal sealed partial class MpiThread
{
    private static readonly TimeSpan Idle = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan Still = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan Moment = TimeSpan.FromSeconds(5);

    private readonly BlockingCollection<Job> _jobs = [];
    private readonly Action<Exception> _failed;
    private MpiLibrary _mpi = null!;
    private Heartbeat? _heartbeat;
    private long _alive = Stopwatch.GetTimestamp();
    private long _wokeUp = long.MinValue / 2;

    /// <summary>Loads MPI and joins the other processes.</summary>
    /// <param name="libraries">MPI libraries to try.</param>
    /// <param name="silence">The silence after which another process counts as lost.</param>
    /// <param name="lost">Called with the lost rank. The processes end when it returns.</param>
    /// <param name="failed">Called with an error of this thread outside of any job.</param>
    public MpiThread(IReadOnlyList<string> libraries, TimeSpan silence, Action<int> lost, Action<Exception> failed)
    {
        _failed = failed;
        new Thread(Work) { IsBackground = true, Name = "mpi" }.Start();
        Run(() =>
        {
            _mpi = MpiLibrary.Load(libraries);
            _mpi.Initialize();
            (Rank, Size, Version) = (_mpi.Rank, _mpi.Size, _mpi.Version);
            if (Size > 1)
            {
                _heartbeat = new Heartbeat(_mpi, Rank, Size, silence, rank =>
                {
                    lost(rank);
                    _mpi.Abort(1);
                });
            }
        });
    }

    public int Rank { get; private set; }

    public int Size { get; private set; }

    public string Version { get; private set; } = "";

    /// <summary>
    /// Whether this thread does not run, or did not until a moment ago, for longer than scheduling explains.
    /// Thread-safe.
    /// </summary>
    public bool HasStoodStill =>
        Stopwatch.GetElapsedTime(Interlocked.Read(ref _alive)) > Still
        || Stopwatch.GetElapsedTime(Interlocked.Read(ref _wokeUp)) < Moment;

    /// <summary>Begins an operation. MPI's thread polls it.</summary>
    /// <param name="begin">Called on MPI's thread. Returns the request.</param>
    /// <returns>Waits for the operation, on the caller's thread.</returns>
    public Action Post(Func<MpiLibrary, nint> begin) => PostAll([begin]);

    /// <summary>The same for several operations, one after another.</summary>
    public Action PostAll(IEnumerable<Func<MpiLibrary, nint>> beginnings) => Add(() =>
    {
        foreach (var begin in beginnings)
        {
            Complete(begin(_mpi));
        }
    });

    /// <summary>Ends every process.</summary>
    public void Abort(int code) => Add(() => _mpi.Abort(code))();

    /// <summary>Waits for the other processes, and leaves the group.</summary>
    public void Finish()
    {
        Run(() =>
        {
            Complete(_mpi.Barrier());
            var heartbeat = _heartbeat;
            _heartbeat = null; // not used elsewhere from here on
            heartbeat?.Finish(Complete);
            _mpi.Finish();
        });
        _jobs.CompleteAdding();
    }

    private void Run(Action work) => Add(work)();

    private Action Add(Action work)
    {
        var job = new Job(work);
        _jobs.Add(job);
        return job.Wait;
    }

    private void Work()
    {
        try
        {
            while (!_jobs.IsCompleted)
            {
                if (_jobs.TryTake(out var job, Idle))
                {
                    job.Run();
                }

                Tend();
            }
        }
        catch (Exception error) when (error is not OperationCanceledException)
        {
            _failed(error);
        }
    }

    // A message in the cache takes microseconds, a step of another process much longer.
    private void Complete(nint request)
    {
        const int eager = 50, polite = 200, nap = 50; // rounds, rounds, microseconds
        for (var round = 0; !_mpi.HasEnded(ref request); round++)
        {
            if (round < eager)
            {
                Thread.SpinWait(20);
            }
            else if (round < polite || !OperatingSystem.IsLinux())
            {
                Thread.Yield();
            }
            else
            {
                _ = SleepMicroseconds(nap);
            }

            if (round % 64 == 63)
            {
                Tend();
            }
        }
    }

    private void Tend()
    {
        var now = Stopwatch.GetTimestamp();
        if (Stopwatch.GetElapsedTime(Interlocked.Exchange(ref _alive, now), now) > Still)
        {
            Interlocked.Exchange(ref _wokeUp, now);
        }

        _heartbeat?.Tend();
    }

    [LibraryImport("libc", EntryPoint = "usleep")]
    private static partial int SleepMicroseconds(uint time);

    private sealed class Job(Action work)
    {
        private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public void Run()
        {
            try
            {
                work();
                _done.SetResult();
            }
            catch (Exception error)
            {
                _done.SetException(error);
            }
        }

        public void Wait() => _done.Task.GetAwaiter().GetResult();
    }
}
