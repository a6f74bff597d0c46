using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.InteropServices;

namespace MoCoSharp.Distributed.Mpi;

/// <summary>
/// The one thread that calls MPI. It asks again and again whether something has ended, and sleeps between, so that
/// training keeps the core.
/// </summary>
/// <remarks>
/// MPI's own waiting would keep a core busy, has no time-out, and would not notice that another process has stopped.
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
    /// <param name="libraries">Where to look for MPI.</param>
    /// <param name="silence">After so long without a sign of life of another process, it is taken for lost.</param>
    /// <param name="lost">Told which; the processes end when it returns.</param>
    /// <param name="failed">Told what went wrong in this thread outside of any job.</param>
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
    /// Whether this thread stands still, or did until a moment ago, for longer than it ever waits for its turn. Any
    /// thread may ask.
    /// </summary>
    public bool HasStoodStill =>
        Stopwatch.GetElapsedTime(Interlocked.Read(ref _alive)) > Still
        || Stopwatch.GetElapsedTime(Interlocked.Read(ref _wokeUp)) < Moment;

    /// <summary>Begins something, and waits for its end on MPI's thread.</summary>
    /// <param name="begin">On MPI's thread.</param>
    /// <returns>Waits for it on the caller's.</returns>
    public Action Post(Func<MpiLibrary, nint> begin) => PostAll([begin]);

    /// <summary>The same for several things, one after the other.</summary>
    public Action PostAll(IEnumerable<Func<MpiLibrary, nint>> beginnings) => Add(() =>
    {
        foreach (var begin in beginnings)
        {
            Complete(begin(_mpi));
        }
    });

    /// <summary>Ends every process.</summary>
    public void Abort(int code) => Add(() => _mpi.Abort(code))();

    /// <summary>Waits for the other processes, and leaves.</summary>
    public void Finish()
    {
        Run(() =>
        {
            Complete(_mpi.Barrier());
            var heartbeat = _heartbeat;
            _heartbeat = null; // nobody else touches it from here on
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

    // What is in the other process's cache line takes microseconds, a step of another one much longer.
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
