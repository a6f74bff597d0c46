using System.Diagnostics;
using System.Runtime.InteropServices;

namespace MoCoSharp.Distributed.Mpi;

/// <summary>
/// Each process sends its neighbour a sign of life every second, around a ring, and listens to the one before it: MPI
/// itself would wait for ever for a process that was stopped or has gone. One that is merely slow, reading images, say,
/// still sends. Called on MPI's thread alone.
/// </summary>
internal sealed unsafe class Heartbeat
{
    private const byte Beat = 1, Farewell = 2;
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private readonly MpiLibrary _mpi;
    private readonly nint _communicator;
    private readonly int _before, _after;
    private readonly TimeSpan _silence;
    private readonly Action<int> _lost;
    // sent and heard; never freed, as MPI may hold on to it
    private readonly byte* _values = (byte*)NativeMemory.AllocZeroed(2);
    private nint _sending, _hearing;
    private bool _isSending, _isLost, _hasLeft;
    private long _sent = Stopwatch.GetTimestamp(),
        _heard = Stopwatch.GetTimestamp(),
        _tended = Stopwatch.GetTimestamp();

    public Heartbeat(MpiLibrary mpi, int rank, int size, TimeSpan silence, Action<int> lost)
    {
        _mpi = mpi;
        _communicator = mpi.Duplicate();
        (_before, _after) = ((rank + size - 1) % size, (rank + 1) % size);
        _silence = silence;
        _lost = lost;
        _hearing = mpi.Receive((nint)(_values + 1), _before, _communicator);
    }

    /// <summary>
    /// Sends what is due, hears what has come, and tells of a silence that was too long. Often; it costs a microsecond.
    /// </summary>
    public void Tend()
    {
        if (_isSending && _mpi.HasEnded(ref _sending))
        {
            _isSending = false;
        }

        if (!_isSending && Stopwatch.GetElapsedTime(_sent) > Interval)
        {
            Send(Beat);
        }

        if (!_hasLeft && _mpi.HasEnded(ref _hearing))
        {
            Hear();
        }

        // Whoever was stopped itself has heard nothing either, and must listen first.
        var slept = Stopwatch.GetElapsedTime(_tended) > Interval * 2;
        _tended = Stopwatch.GetTimestamp();
        if (slept)
        {
            _heard = _tended;
        }

        if (!_isLost && Stopwatch.GetElapsedTime(_heard) > _silence)
        {
            _isLost = true;
            _lost(_before);
        }
    }

    /// <summary>The last sign, once every process is done: nothing is left under way.</summary>
    public void Finish(Action<nint> complete)
    {
        if (_isSending)
        {
            complete(_sending);
        }

        Send(Farewell);
        while (!_hasLeft)
        {
            complete(_hearing);
            Hear();
        }

        complete(_sending);
        _isSending = false;
    }

    private void Hear()
    {
        _heard = Stopwatch.GetTimestamp();
        _hasLeft = _values[1] == Farewell;
        if (!_hasLeft)
        {
            _hearing = _mpi.Receive((nint)(_values + 1), _before, _communicator);
        }
    }

    private void Send(byte value)
    {
        _values[0] = value;
        _sending = _mpi.Send((nint)_values, _after, _communicator);
        _isSending = true;
        _sent = Stopwatch.GetTimestamp();
    }
}
