using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Distributed.Nccl;

/// <summary>Ranks with a GPU each, joined by NCCL. Tested against a stand-in; not run on GPUs.</summary>
/// <remarks>
/// Everything is put on libtorch's default stream, where it stands in order between the kernels that make its input and
/// those that use its output: nothing waits on the host. Tensors on the CPU go through the ranks' MPI group where there
/// is one, else over the GPU.
/// </remarks>
public sealed partial class NcclGroup : IProcessGroup
{
    private const int DefaultStream = 0;

    private readonly NcclLibrary _nccl;
    private readonly IProcessGroup? _host;
    private readonly Device? _device; // null in tests: the stand-in's memory is the CPU's
    private nint _communicator;

    internal NcclGroup(
        NcclLibrary nccl, NcclId id, int rank, int size, int localRank, IProcessGroup? host, Device? device)
    {
        (_nccl, Rank, Size, LocalRank, _host, _device) = (nccl, rank, size, localRank, host, device);
        if (device is not null)
        {
            TakeDevice(device.index);
        }

        _communicator = nccl.Join(size, id, rank);
    }

    /// <inheritdoc/>
    public int Rank { get; }

    /// <inheritdoc/>
    public int Size { get; }

    /// <inheritdoc/>
    public int LocalRank { get; }

    /// <summary>Joins GPUs of ranks that MPI has joined already: rank 0's id goes to all by a broadcast.</summary>
    /// <param name="host">For the id, and for tensors on the CPU; disposed with this group.</param>
    /// <param name="device">This rank's GPU.</param>
    /// <exception cref="DllNotFoundException">There is no NCCL.</exception>
    public static NcclGroup Join(IProcessGroup host, Device device)
    {
        ArgumentNullException.ThrowIfNull(host);
        return Join(NcclLibrary.Load(), host, device);
    }

    /// <summary>
    /// Joins the ranks that torchrun started: RANK, WORLD_SIZE, LOCAL_RANK, MASTER_ADDR, and the port after
    /// MASTER_PORT.
    /// </summary>
    /// <exception cref="DllNotFoundException">There is no NCCL.</exception>
    public static NcclGroup Join(Rendezvous rendezvous)
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
        AllReduceSum(tensor); // returns when it is in the stream, long before it is done
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
        const int bytes = 1; // ncclUint8: whatever they mean
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

    // On a contiguous copy of this rank's device where the tensor is none itself.
    private void OnDevice(Tensor tensor, Action<Tensor> call)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var values = (_device is null ? tensor.detach() : tensor.detach().to(_device)).contiguous();
        call(values);
        if (!tensor.is_contiguous() || (_device is not null && tensor.device_type == DeviceType.CPU))
        {
            tensor.copy_(values);
        }
    }

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

    // NCCL takes the calling thread's current device.
    private static void TakeDevice(int index)
    {
        var result = SetCudaDevice(index);
        if (result != 0)
        {
            throw new IOException($"CUDA device {index} cannot be taken (error {result}).");
        }
    }

    [LibraryImport("libcudart.so.12", EntryPoint = "cudaSetDevice")]
    private static partial int SetCudaDevice(int index);
}
