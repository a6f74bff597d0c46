using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Distributed.Nccl;

/// <summary>Ranks with one GPU each, joined by NCCL.</summary>
/// <remarks>
/// All calls use libtorch's default stream. There they run after the kernels that make their input and before those
/// that use their output, without waiting on the host. Tensors on the CPU use the ranks' MPI group if there is one,
/// otherwise the GPU.
/// </remarks>
public sealed class NcclGroup : IProcessGroup
{
    private const int DefaultStream = 0;

    private readonly NcclLibrary _nccl;
    private readonly IProcessGroup? _host;
    private readonly Device? _device; // null in tests, where the substitute uses the CPU
    private nint _communicator;

    internal NcclGroup(
        NcclLibrary nccl, NcclId id, int rank, int size, int localRank, IProcessGroup? host, Device? device)
    {
        (_nccl, Rank, Size, LocalRank, _host, _device) = (nccl, rank, size, localRank, host, device);
        if (device is not null)
        {
            CudaDevice.Select(device.index);
        }

        _communicator = nccl.Join(size, id, rank);
    }

    /// <inheritdoc/>
    public int Rank { get; }

    /// <inheritdoc/>
    public int Size { get; }

    /// <inheritdoc/>
    public int LocalRank { get; }

    /// <summary>
    /// Joins the GPUs of ranks that MPI has already joined: by NCCL if each has its own, and otherwise over the host,
    /// because NCCL refuses two ranks on one GPU.
    /// </summary>
    /// <param name="ranks">The MPI group, which sends tensors on a GPU over the host. Disposed with the result.</param>
    /// <param name="gpus">GPUs of this machine, above 0.</param>
    /// <exception cref="DllNotFoundException">NCCL was not found.</exception>
    public static IProcessGroup JoinGpus(IProcessGroup ranks, int gpus)
    {
        ArgumentNullException.ThrowIfNull(ranks);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(gpus);
        using var scope = NewDisposeScope();
        var shares = tensor(new long[] { ranks.LocalRank >= gpus ? 1 : 0 });
        ranks.AllReduceSum(shares);
        if (shares.item<long>() == 0)
        {
            return Join(ranks, device($"cuda:{ranks.LocalRank}"));
        }

        CudaDevice.Select(ranks.LocalRank % gpus);
        return ranks;
    }

    /// <summary>Joins the GPUs of ranks that MPI has already joined. Rank 0 broadcasts the NCCL id.</summary>
    /// <param name="host">The MPI group, for the id and for tensors on the CPU. Disposed with this group.</param>
    /// <param name="device">This rank's GPU.</param>
    /// <exception cref="DllNotFoundException">NCCL was not found.</exception>
    public static NcclGroup Join(IProcessGroup host, Device device)
    {
        ArgumentNullException.ThrowIfNull(host);
        return Join(NcclLibrary.Load(), host, device);
    }

    /// <summary>
    /// Joins the ranks that torchrun started, by RANK, WORLD_SIZE, LOCAL_RANK, MASTER_ADDR, and the port after
    /// MASTER_PORT.
    /// </summary>
    /// <exception cref="DllNotFoundException">NCCL was not found.</exception>
    internal static NcclGroup Join(Rendezvous rendezvous)
    {
        ArgumentNullException.ThrowIfNull(rendezvous);
        var nccl = NcclLibrary.Load();
        return new NcclGroup(
            nccl,
            Id(rendezvous.Exchange(rendezvous.Rank == 0 ? Bytes(nccl.NewId()) : new byte[NcclId.Length])),
            rendezvous.Rank, rendezvous.Size, rendezvous.LocalRank, host: null, device($"cuda:{rendezvous.LocalRank}"));
    }

    internal static NcclGroup Join(NcclLibrary nccl, IProcessGroup host, Device? device)
    {
        using var scope = NewDisposeScope();
        var id = tensor(host.Rank == 0 ? Bytes(nccl.NewId()) : new byte[NcclId.Length]);
        host.Broadcast(id, root: 0);
        return new NcclGroup(nccl, Id(id.bytes.ToArray()), host.Rank, host.Size, host.LocalRank, host, device);
    }

    /// <inheritdoc/>
    public void AllReduceSum(Tensor tensor)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        if (GoesOverHost(tensor))
        {
            _host!.AllReduceSum(tensor);
        }
        else
        {
            OnDevice(
                tensor,
                values =>
                    _nccl.AllReduceSum(
                        TensorMemory.Address(values), values.numel(), TypeOf(values), _communicator, DefaultStream));
        }
    }

    /// <inheritdoc/>
    public Action BeginAllReduceSum(Tensor tensor)
    {
        AllReduceSum(tensor); // returns when the sum is queued on the stream
        return () => GC.KeepAlive(tensor);
    }

    /// <inheritdoc/>
    public Tensor AllGather(Tensor tensor)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        if (GoesOverHost(tensor))
        {
            return _host!.AllGather(tensor);
        }

        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var mine = (_device is null ? tensor : tensor.to(_device)).detach().contiguous();
        var all = empty([Size, .. tensor.shape], dtype: tensor.dtype, device: mine.device);
        const int bytes = 1; // ncclUint8, for any element type
        _nccl.AllGather(
            TensorMemory.Address(mine), TensorMemory.Address(all), TensorMemory.Bytes(mine), bytes, _communicator,
            DefaultStream);
        return all.to(tensor.device).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public void Broadcast(Tensor tensor, int root)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        ArgumentOutOfRangeException.ThrowIfNegative(root);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(root, Size);
        if (GoesOverHost(tensor))
        {
            _host!.Broadcast(tensor, root);
        }
        else
        {
            const int bytes = 1;
            OnDevice(
                tensor,
                values =>
                    _nccl.Broadcast(
                        TensorMemory.Address(values), TensorMemory.Bytes(values), bytes, root, _communicator,
                        DefaultStream));
        }
    }

    /// <inheritdoc/>
    public void Barrier()
    {
        using var scope = NewDisposeScope();
        var one = ones(1);
        AllReduceSum(one);
        _ = one.item<float>(); // waits for the device
    }

    /// <inheritdoc/>
    public void Abort(string reason)
    {
        _nccl.Abort(_communicator);
        _communicator = 0;
        _host?.Abort(reason);
    }

    /// <inheritdoc/>
    public double TakeWaitedSeconds() => _host?.TakeWaitedSeconds() ?? 0;

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_communicator != 0)
        {
            _nccl.Leave(_communicator);
            _communicator = 0;
        }

        _host?.Dispose();
    }

    private bool GoesOverHost(Tensor tensor) =>
        _host is not null && _device is not null && tensor.device_type == DeviceType.CPU;

    // Calls with the tensor itself, or with a contiguous copy on this rank's device.
    private void OnDevice(Tensor tensor, Action<Tensor> call)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var values = (_device is null ? tensor.detach() : tensor.detach().to(_device)).contiguous();
        call(values);
        if (!tensor.is_contiguous() || (_device is not null && !IsOnDevice(tensor)))
        {
            tensor.copy_(values);
        }
    }

    private bool IsOnDevice(Tensor tensor) =>
        tensor.device_type == _device!.type && tensor.device_index == _device.index;

    private static int TypeOf(Tensor tensor) => tensor.dtype switch // ncclDataType_t
    {
        ScalarType.Int64 => 4,
        ScalarType.Float16 => 6,
        ScalarType.Float32 => 7,
        ScalarType.Float64 => 8,
        ScalarType.BFloat16 => 9,
        var other => throw new ArgumentException(
            $"A tensor of type {other} cannot be added over ranks: expected float16, bfloat16, float32, float64 or " +
            "int64.",
            nameof(tensor)),
    };

    private static byte[] Bytes(NcclId id) =>
        MemoryMarshal.AsBytes(MemoryMarshal.CreateReadOnlySpan(ref id, 1)).ToArray();

    private static NcclId Id(byte[] bytes) => MemoryMarshal.Read<NcclId>(bytes);
}
