using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Distributed.Mpi;

/// <summary>Processes that mpirun or srun started, joined by MPI. For tensors on the CPU.</summary>
public sealed class MpiGroup : IProcessGroup
{
    /// <summary>
    /// The silence after which a process counts as lost, unless MOCO_SILENCE_SECONDS is set.
    /// </summary>
    public static readonly TimeSpan DefaultSilence = TimeSpan.FromSeconds(40);

    private readonly MpiThread _mpi;
    private double _waitedSeconds;
    private readonly int[] _processes = [Environment.ProcessId];
    private bool _hasEnded;

    private MpiGroup(IReadOnlyList<string> libraries, TimeSpan silence, Action<int> lost)
    {
        Silence = silence;
        _mpi = new MpiThread(
            libraries, silence, lost,
            error => throw new InvalidOperationException("MPI failed outside of any call.", error));
        (Rank, Size) = (_mpi.Rank, _mpi.Size);
        if (Size > 1)
        {
            var all = GroupText
                .Gather(this, $"{Environment.ProcessId} {Environment.MachineName}")
                .Select(text => text.Split(' ', 2))
                .ToList();
            Hosts = [.. all.Select(parts => parts[1])];
            _processes = [.. all.Select(parts => int.Parse(parts[0], CultureInfo.InvariantCulture))];
        }

        LocalRank = Hosts.Take(Rank).Count(host => host == Hosts[Rank]);
    }

    /// <inheritdoc/>
    public int Rank { get; }

    /// <inheritdoc/>
    public int Size { get; }

    /// <inheritdoc/>
    public int LocalRank { get; }

    /// <summary>The machine of each rank.</summary>
    public IReadOnlyList<string> Hosts { get; } = [Environment.MachineName];

    /// <summary>The silence after which a process counts as lost.</summary>
    public TimeSpan Silence { get; }

    /// <summary>The MPI library's name and version.</summary>
    public string Library => _mpi.Version.Split(',')[0];

    /// <summary>
    /// Whether this process was stopped until a moment ago: its thread did not run for longer than scheduling explains.
    /// </summary>
    public bool HasStoodStill => _mpi.HasStoodStill;

    /// <summary>
    /// Whether every process before this one is on this machine and has ended. Then this one reports errors first.
    /// </summary>
    public bool IsFirstAlive =>
        Enumerable.Range(0, Rank).All(rank => Hosts[rank] == Hosts[Rank] && IsGone(_processes[rank]));

    /// <summary>Largest number of elements of one MPI call, which counts in 32 bits. Tests lower it.</summary>
    internal int LargestCount { get; set; } = 1 << 30;

    /// <summary>Joins the processes that a launcher started.</summary>
    /// <param name="libraries">MPI libraries to try, by soname or path, the likeliest first.</param>
    /// <param name="lost">
    /// Called with the rank of a process that has died or was stopped, on another thread, before all processes are
    /// ended.
    /// </param>
    /// <param name="silence">
    /// The silence after which a process counts as lost; null for <see cref="DefaultSilence"/>.
    /// </param>
    /// <exception cref="DllNotFoundException">No MPI library was found.</exception>
    public static MpiGroup Join(IReadOnlyList<string> libraries, Action<int> lost, TimeSpan? silence = null)
    {
        ArgumentNullException.ThrowIfNull(libraries);
        ArgumentNullException.ThrowIfNull(lost);
        return new MpiGroup(libraries, silence ?? DefaultSilence, lost);
    }

    /// <inheritdoc/>
    public void AllReduceSum(Tensor tensor) => BeginAllReduceSum(tensor)();

    /// <inheritdoc/>
    public Action BeginAllReduceSum(Tensor tensor)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        var type = TypeOf(tensor);
        if (tensor.device_type != DeviceType.CPU)
        {
            return BeginOverHost(tensor);
        }

        var (address, size) = (TensorMemory.Address(tensor), tensor.element_size());
        var wait = _mpi.PostAll(Pieces(tensor.numel()).Select(piece =>
            (Func<MpiLibrary, nint>)(
                mpi => mpi.AllReduceSum(address + (nint)(piece.First * size), piece.Count, type))));
        return () =>
        {
            Wait(wait);
            GC.KeepAlive(tensor);
        };
    }

    /// <inheritdoc/>
    public Tensor AllGather(Tensor tensor)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var mine = tensor.detach().cpu().contiguous();
        var all = empty([Size, .. tensor.shape], dtype: tensor.dtype);
        Gather(TensorMemory.Address(mine), TensorMemory.Address(all), TensorMemory.Bytes(mine));
        GC.KeepAlive(mine);
        return all.to(tensor.device).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public void Broadcast(Tensor tensor, int root)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        ArgumentOutOfRangeException.ThrowIfNegative(root);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(root, Size);
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var values = tensor.detach().cpu().contiguous();
        var address = TensorMemory.Address(values);
        Wait(_mpi.PostAll(Pieces(TensorMemory.Bytes(values)).Select(piece =>
            (Func<MpiLibrary, nint>)(mpi => mpi.Broadcast(address + (nint)piece.First, piece.Count, root)))));
        if (!tensor.is_contiguous() || tensor.device_type != DeviceType.CPU)
        {
            tensor.copy_(values);
        }

        GC.KeepAlive(values);
    }

    /// <inheritdoc/>
    public void Barrier() => Wait(_mpi.Post(mpi => mpi.Barrier()));

    /// <inheritdoc/>
    public void Abort(string reason)
    {
        _hasEnded = true;
        _mpi.Abort(1);
    }

    /// <inheritdoc/>
    public double TakeWaitedSeconds()
    {
        var seconds = _waitedSeconds;
        _waitedSeconds = 0;
        return seconds;
    }

    /// <summary>Waits for every process, and leaves the group.</summary>
    public void Dispose()
    {
        if (!_hasEnded)
        {
            _hasEnded = true;
            _mpi.Finish();
        }
    }

    // A tensor on a GPU travels through the memory of the host.
    private Action BeginOverHost(Tensor tensor)
    {
        using var scope = NewDisposeScope();
        var host = tensor.detach().cpu().DetachFromDisposeScope();
        var wait = BeginAllReduceSum(host);
        return () =>
        {
            wait();
            using (no_grad())
            {
                tensor.copy_(host);
            }

            host.Dispose();
        };
    }

    private void Wait(Action wait)
    {
        var since = Stopwatch.GetTimestamp();
        wait();
        _waitedSeconds += Stopwatch.GetElapsedTime(since).TotalSeconds;
    }

    // MPI puts the bytes of each rank after those of the rank before. For a tensor in pieces, that is the wrong place.
    private unsafe void Gather(nint mine, nint all, long bytes)
    {
        if (bytes <= LargestCount)
        {
            Wait(_mpi.Post(mpi => mpi.AllGather(mine, all, (int)bytes)));
            return;
        }

        foreach (var (first, count) in Pieces(bytes))
        {
            var piece = (byte*)NativeMemory.Alloc((nuint)count * (nuint)Size);
            Wait(_mpi.Post(mpi => mpi.AllGather(mine + (nint)first, (nint)piece, count)));
            for (var rank = 0L; rank < Size; rank++)
            {
                NativeMemory.Copy(piece + (rank * count), (byte*)all + (rank * bytes) + first, (nuint)count);
            }

            NativeMemory.Free(piece);
        }
    }

    private IEnumerable<(long First, int Count)> Pieces(long count)
    {
        for (var first = 0L; first < count; first += LargestCount)
        {
            yield return (first, (int)Math.Min(LargestCount, count - first));
        }
    }

    /// <summary>Whether a process of this machine has ended.</summary>
    internal static bool IsGone(int process)
    {
        if (!OperatingSystem.IsLinux())
        {
            try
            {
                using var found = Process.GetProcessById(process);
                return found.HasExited;
            }
            catch (ArgumentException)
            {
                return true;
            }
        }

        try
        {
            // ended, but not yet waited for by its parent
            return File.ReadAllText($"/proc/{process}/stat").Split(") ")[^1][0] is 'Z' or 'X';
        }
        catch (IOException)
        {
            return true;
        }
    }

    private static MpiType TypeOf(Tensor tensor) => tensor.dtype switch
    {
        ScalarType.Float32 => MpiType.Float,
        ScalarType.Float64 => MpiType.Double,
        ScalarType.Int64 => MpiType.Int64,
        var other => throw new ArgumentException(
            $"A tensor of type {other} cannot be added over processes: expected float32, float64 or int64.",
            nameof(tensor)),
    };
}
