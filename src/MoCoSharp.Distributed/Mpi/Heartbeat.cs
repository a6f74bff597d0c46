using System.Diagnostics;
using System.Runtime.InteropServices;

namespace MoCoSharp.Distributed.Mpi;

/// <summary>
/// Detects lost processes: each sends a heartbeat to the next one in a ring every second, and listens to the one before
/// it. MPI itself would wait forever for a process that was stopped or has died. A slow process, for example one that
/// reads images, still sends. Called only on MPI's thread.
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
    // Sent and received bytes. Never freed, because MPI may still use them.
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
    /// Sends and receives heartbeats that are due, and reports a process that was silent for too long. To be called
    /// often; it takes a microsecond.
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

        // A process that was stopped has heard nothing meanwhile, and must listen first.
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

    /// <summary>Sends the last heartbeat when every process is done, so that no message is pending.</summary>
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
