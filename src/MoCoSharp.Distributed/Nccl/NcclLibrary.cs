using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace MoCoSharp.Distributed.Nccl;

/// <summary>The id of a group: rank 0 makes it, and every rank needs it to join.</summary>
[InlineArray(Length)]
internal struct NcclId
{
    public const int Length = 128; // NCCL_UNIQUE_ID_BYTES

    private byte _first;
}

/// <summary>NCCL's C functions (nccl.h of NCCL 2), loaded at run time.</summary>
internal sealed unsafe class NcclLibrary
{
    private const int Sum = 0;
    private readonly delegate* unmanaged[Cdecl]<NcclId*, int> _id;
    private readonly delegate* unmanaged[Cdecl]<nint*, int, NcclId, int, int> _join;
    private readonly delegate* unmanaged[Cdecl]<nint, nint, nuint, int, int, nint, nint, int> _allReduce;
    private readonly delegate* unmanaged[Cdecl]<nint, nint, nuint, int, nint, nint, int> _allGather;
    private readonly delegate* unmanaged[Cdecl]<nint, nint, nuint, int, int, nint, nint, int> _broadcast;
    private readonly delegate* unmanaged[Cdecl]<nint, int*, int> _state;
    private readonly delegate* unmanaged[Cdecl]<nint, int> _leave, _abort;
    private readonly delegate* unmanaged[Cdecl]<int, nint> _errorText;

    /// <summary>Binds the functions.</summary>
    /// <param name="symbol">Returns the address of a function.</param>
    public NcclLibrary(Func<string, nint> symbol)
    {
        _id = (delegate* unmanaged[Cdecl]<NcclId*, int>)symbol("ncclGetUniqueId");
        _join = (delegate* unmanaged[Cdecl]<nint*, int, NcclId, int, int>)symbol("ncclCommInitRank");
        _allReduce = (delegate* unmanaged[Cdecl]<nint, nint, nuint, int, int, nint, nint, int>)symbol("ncclAllReduce");
        _allGather = (delegate* unmanaged[Cdecl]<nint, nint, nuint, int, nint, nint, int>)symbol("ncclAllGather");
        _broadcast = (delegate* unmanaged[Cdecl]<nint, nint, nuint, int, int, nint, nint, int>)symbol("ncclBroadcast");
        _state = (delegate* unmanaged[Cdecl]<nint, int*, int>)symbol("ncclCommGetAsyncError");
        _leave = (delegate* unmanaged[Cdecl]<nint, int>)symbol("ncclCommDestroy");
        _abort = (delegate* unmanaged[Cdecl]<nint, int>)symbol("ncclCommAbort");
        _errorText = (delegate* unmanaged[Cdecl]<int, nint>)symbol("ncclGetErrorString");
    }

    /// <summary>Loads NCCL: from MOCO_NCCL_LIBRARY, the system, or libtorch.</summary>
    /// <exception cref="DllNotFoundException">NCCL was not found.</exception>
    public static NcclLibrary Load()
    {
        string[] names = Environment.GetEnvironmentVariable("MOCO_NCCL_LIBRARY") is { Length: > 0 } chosen
            ? [chosen]
            : ["libnccl.so.2", "libtorch_cuda.so"];
        foreach (var name in names)
        {
            if (
                NativeLibrary.TryLoad(name, out var library)
                && NativeLibrary.TryGetExport(library, "ncclAllReduce", out _))
            {
                return new NcclLibrary(symbol => NativeLibrary.GetExport(library, symbol));
            }
        }

        throw new DllNotFoundException(
            $"NCCL was not found: looked for {string.Join(", ", names)}. Install it (Debian: libnccl2), " +
            "or name its file in MOCO_NCCL_LIBRARY.");
    }

    /// <summary>A new id for the ranks of one group.</summary>
    public NcclId NewId()
    {
        NcclId id;
        Check(_id(&id));
        return id;
    }

    /// <summary>Joins the other ranks, on the current device. Every rank must call this.</summary>
    public nint Join(int size, NcclId id, int rank)
    {
        nint communicator = 0;
        Check(_join(&communicator, size, id, rank));
        return communicator;
    }

    public void AllReduceSum(nint values, long count, int type, nint communicator, nint stream) =>
        Check(_allReduce(values, values, (nuint)count, type, Sum, communicator, stream), communicator);

    public void AllGather(nint mine, nint all, long count, int type, nint communicator, nint stream) =>
        Check(_allGather(mine, all, (nuint)count, type, communicator, stream), communicator);

    public void Broadcast(nint values, long count, int type, int root, nint communicator, nint stream) =>
        Check(_broadcast(values, values, (nuint)count, type, root, communicator, stream), communicator);

    public void Leave(nint communicator) => Check(_leave(communicator));

    public void Abort(nint communicator) => _ = _abort(communicator);

    // An error of another rank is reported at a later call of this one.
    private void Check(int result, nint communicator)
    {
        Check(result);
        int state;
        Check(_state(communicator, &state));
        Check(state);
    }

    private void Check(int result)
    {
        const int success = 0, inProgress = 7;
        if (result is not (success or inProgress))
        {
            throw new IOException(
                $"NCCL: {Marshal.PtrToStringUTF8(_errorText(result))} (error {result}). NCCL_DEBUG=INFO in the " +
                "environment tells more.");
        }
    }
}
