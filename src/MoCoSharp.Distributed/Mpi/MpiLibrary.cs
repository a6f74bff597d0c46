using System.Runtime.InteropServices;
using System.Text;

namespace MoCoSharp.Distributed.Mpi;

/// <summary>The element type of a reduction or a message.</summary>
internal enum MpiType
{
    /// <summary>Only for messages.</summary>
    Byte,

    /// <summary>float.</summary>
    Float,

    /// <summary>double.</summary>
    Double,

    /// <summary>long.</summary>
    Int64,
}

/// <summary>MPI's C functions, loaded at run time from the launcher's library.</summary>
/// <remarks>
/// One binding for three ABIs, with every handle as a nint. Open MPI's handles are addresses of exported objects. Those
/// of MPICH (and Intel, Cray and MVAPICH) are 32-bit numbers. Those of the standard ABI of MPI 5 are small numbers in a
/// pointer; this ABI has not been tested.
/// </remarks>
internal sealed unsafe partial class MpiLibrary
{
    private readonly nint _library;
    private readonly nint _byte, _float, _double, _int64, _sum, _inPlace, _statusIgnore;
    private readonly delegate* unmanaged[Cdecl]<int*, nint, int, int*, int> _init;
    private readonly delegate* unmanaged[Cdecl]<int> _finalize;
    private readonly delegate* unmanaged[Cdecl]<nint, int*, int> _rank, _size;
    private readonly delegate* unmanaged[Cdecl]<nint, nint*, int> _duplicate;
    private readonly delegate* unmanaged[Cdecl]<nint, nint, int, nint, nint, nint, nint*, int> _allReduce;
    private readonly delegate* unmanaged[Cdecl]<nint, int, nint, nint, int, nint, nint, nint*, int> _allGather;
    private readonly delegate* unmanaged[Cdecl]<nint, int, nint, int, nint, nint*, int> _broadcast;
    private readonly delegate* unmanaged[Cdecl]<nint, nint*, int> _barrier;
    private readonly delegate* unmanaged[Cdecl]<nint, int, nint, int, int, nint, nint*, int> _send, _receive;
    private readonly delegate* unmanaged[Cdecl]<nint*, int*, nint, int> _test;
    private readonly delegate* unmanaged[Cdecl]<nint, int, int> _abort;
    private readonly delegate* unmanaged[Cdecl]<byte*, int*, int> _version;
    private readonly delegate* unmanaged[Cdecl]<int, byte*, int*, int> _errorText;

    private MpiLibrary(nint library, string name)
    {
        _library = library;
        Name = name;
        if (NativeLibrary.TryGetExport(library, "ompi_mpi_comm_world", out var world))
        {
            (World, _inPlace, _statusIgnore) = (world, 1, 0);
            (_byte, _float, _double, _int64) = (
                Symbol("ompi_mpi_byte"), Symbol("ompi_mpi_float"), Symbol("ompi_mpi_double"),
                Symbol("ompi_mpi_int64_t"));
            _sum = Symbol("ompi_mpi_op_sum");
        }
        else if (name.Contains("mpi_abi", StringComparison.Ordinal))
        {
            (World, _inPlace, _statusIgnore) = (0x101, 1, 0);
            (_byte, _float, _double, _int64, _sum) = (0x247, 0x210, 0x214, 0x258, 0x21);
        }
        else
        {
            (World, _inPlace, _statusIgnore) = (0x44000000, -1, 1);
            (_byte, _float, _double, _int64, _sum) = (0x4c00010d, 0x4c00040a, 0x4c00080b, 0x4c00083a, 0x58000003);
        }

        _init = (delegate* unmanaged[Cdecl]<int*, nint, int, int*, int>)Symbol("MPI_Init_thread");
        _finalize = (delegate* unmanaged[Cdecl]<int>)Symbol("MPI_Finalize");
        _rank = (delegate* unmanaged[Cdecl]<nint, int*, int>)Symbol("MPI_Comm_rank");
        _size = (delegate* unmanaged[Cdecl]<nint, int*, int>)Symbol("MPI_Comm_size");
        _duplicate = (delegate* unmanaged[Cdecl]<nint, nint*, int>)Symbol("MPI_Comm_dup");
        _allReduce = (delegate* unmanaged[Cdecl]<nint, nint, int, nint, nint, nint, nint*, int>)Symbol(
            "MPI_Iallreduce");
        _allGather = (delegate* unmanaged[Cdecl]<nint, int, nint, nint, int, nint, nint, nint*, int>)Symbol(
            "MPI_Iallgather");
        _broadcast = (delegate* unmanaged[Cdecl]<nint, int, nint, int, nint, nint*, int>)Symbol("MPI_Ibcast");
        _barrier = (delegate* unmanaged[Cdecl]<nint, nint*, int>)Symbol("MPI_Ibarrier");
        _send = (delegate* unmanaged[Cdecl]<nint, int, nint, int, int, nint, nint*, int>)Symbol("MPI_Isend");
        _receive = (delegate* unmanaged[Cdecl]<nint, int, nint, int, int, nint, nint*, int>)Symbol("MPI_Irecv");
        _test = (delegate* unmanaged[Cdecl]<nint*, int*, nint, int>)Symbol("MPI_Test");
        _abort = (delegate* unmanaged[Cdecl]<nint, int, int>)Symbol("MPI_Abort");
        _version = (delegate* unmanaged[Cdecl]<byte*, int*, int>)Symbol("MPI_Get_library_version");
        _errorText = (delegate* unmanaged[Cdecl]<int, byte*, int*, int>)Symbol("MPI_Error_string");
    }

    /// <summary>The name under which the library was found.</summary>
    public string Name { get; }

    /// <summary>All processes.</summary>
    public nint World { get; }

    /// <summary>Name and version of the library: the first line of its description.</summary>
    public string Version
    {
        get
        {
            var text = stackalloc byte[8192]; // MPI_MAX_LIBRARY_VERSION_STRING of both
            var length = 0;
            Check(_version(text, &length));
            return Encoding.UTF8.GetString(text, length).Split('\n')[0].TrimEnd('\0');
        }
    }

    /// <summary>Loads the first library that exists.</summary>
    /// <param name="names">Sonames or paths.</param>
    /// <exception cref="DllNotFoundException">None exists.</exception>
    public static MpiLibrary Load(IReadOnlyList<string> names)
    {
        KeepNullChecks();
        foreach (var name in names)
        {
            if (TryOpen(name, out var library))
            {
                return new MpiLibrary(library, name);
            }
        }

        throw new DllNotFoundException(
            "The launcher started several processes, but no MPI library was found to join them: looked for " +
            $"{string.Join(", ", names)}. "
                + "Install the one that the launcher belongs to (Debian: libopenmpi3 or libmpich12), or name its " +
                    "file in MOCO_MPI_LIBRARY.");
    }

    /// <summary>Joins the other processes. From now on only this thread may call MPI.</summary>
    public void Initialize()
    {
        const int funneled = 1; // MPI_THREAD_FUNNELED, in every ABI
        int provided;
        Check(_init(null, 0, funneled, &provided));
    }

    public void Finish() => Check(_finalize());

    public int Rank
    {
        get
        {
            int rank;
            Check(_rank(World, &rank));
            return rank;
        }
    }

    public int Size
    {
        get
        {
            int size;
            Check(_size(World, &size));
            return size;
        }
    }

    /// <summary>A second communicator of the same processes, whose messages are separate.</summary>
    public nint Duplicate()
    {
        nint copy = 0;
        Check(_duplicate(World, &copy));
        return copy;
    }

    // Each of these begins an operation and returns its request.
    public nint AllReduceSum(nint values, int count, MpiType type) =>
        Begin(request => _allReduce(_inPlace, values, count, Handle(type), _sum, World, request));

    public nint AllGather(nint mine, nint all, int count) =>
        Begin(request => _allGather(mine, count, _byte, all, count, _byte, World, request));

    public nint Broadcast(nint values, int count, int root) =>
        Begin(request => _broadcast(values, count, _byte, root, World, request));

    public nint Barrier() => Begin(request => _barrier(World, request));

    public nint Send(nint value, int to, nint communicator) =>
        Begin(request => _send(value, 1, _byte, to, 0, communicator, request));

    public nint Receive(nint value, int from, nint communicator) =>
        Begin(request => _receive(value, 1, _byte, from, 0, communicator, request));

    /// <summary>Whether an operation has ended. Testing also advances it.</summary>
    public bool HasEnded(ref nint request)
    {
        var ended = 0;
        fixed (nint* cell = &request)
        {
            Check(_test(cell, &ended, _statusIgnore));
        }

        return ended != 0;
    }

    /// <summary>Ends every process. Returns only if that fails.</summary>
    public void Abort(int code) => _ = _abort(World, code);

    private delegate int Beginning(nint* request);

    private nint Begin(Beginning begin)
    {
        nint request = 0; // MPICH fills only the lower half
        Check(begin(&request));
        return request;
    }

    private nint Handle(MpiType type) => type switch
    {
        MpiType.Float => _float,
        MpiType.Double => _double,
        MpiType.Int64 => _int64,
        _ => _byte,
    };

    private nint Symbol(string name) => NativeLibrary.GetExport(_library, name);

    private void Check(int result)
    {
        if (result != 0)
        {
            var text = stackalloc byte[8192];
            var length = 0;
            _ = _errorText(result, text, &length);
            throw new IOException($"MPI ({Name}): {Encoding.UTF8.GetString(text, length)}");
        }
    }

    // The plug-ins of Open MPI before version 5 look up libmpi's symbols globally.
    private static bool TryOpen(string name, out nint library)
    {
        if (!OperatingSystem.IsLinux())
        {
            return NativeLibrary.TryLoad(name, out library);
        }

        const int now = 2, global = 0x100; // RTLD_NOW | RTLD_GLOBAL
        library = OpenLibrary(name, now | global);
        return library != 0;
    }

    // UCX, which Debian's MPICH uses, catches SIGSEGV and takes .NET's null checks for crashes. An existing user
    // setting is respected.
    private static void KeepNullChecks()
    {
        if (OperatingSystem.IsLinux() && Environment.GetEnvironmentVariable("UCX_ERROR_SIGNALS") is null)
        {
            _ = SetNativeVariable("UCX_ERROR_SIGNALS", "", overwrite: 0);
        }
    }

    [LibraryImport("libc", EntryPoint = "dlopen", StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint OpenLibrary(string name, int flags);

    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SetNativeVariable(string name, string value, int overwrite);
}
