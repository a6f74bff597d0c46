using System.Runtime.InteropServices;
using System.Text;

namespace MoCoSharp.Kernels;

/// <summary>What the NVIDIA driver says of the GPUs. TorchSharp tells no names and no memory.</summary>
/// <remarks>cuda.h; the driver's interface has the same names in every version of CUDA.</remarks>
internal static unsafe class CudaDriver
{
    private static readonly Lazy<nint> Library = new(() =>
        NativeLibrary.TryLoad(OperatingSystem.IsWindows() ? "nvcuda.dll" : "libcuda.so.1", out var library)
        && ((delegate* unmanaged[Cdecl]<uint, int>)NativeLibrary.GetExport(library, "cuInit"))(0) == 0
            ? library
            : 0);

    /// <summary>The name of a GPU, for example "NVIDIA H100 80GB HBM3"; null without a driver.</summary>
    /// <param name="index">0 and up.</param>
    public static string? Name(int index)
    {
        const int length = 256;
        var name = stackalloc byte[length];
        int device;
        if (Library.Value == 0)
        {
            return null;
        }

        var find = (delegate* unmanaged[Cdecl]<int*, int, int>)Function("cuDeviceGet");
        var nameOf = (delegate* unmanaged[Cdecl]<byte*, int, int, int>)Function("cuDeviceGetName");
        return find(&device, index) == 0 && nameOf(name, length, device) == 0
            ? Encoding.UTF8.GetString(MemoryMarshal.CreateReadOnlySpanFromNullTerminated(name))
            : null;
    }

    /// <summary>
    /// Bytes in use on a GPU by all programs, and its size; null without a driver.
    /// </summary>
    /// <param name="index">0 and up.</param>
    public static (long Used, long Total)? Memory(int index)
    {
        if (Library.Value == 0)
        {
            return null;
        }

        // The driver answers for the context that is current on this thread.
        var retain = (delegate* unmanaged[Cdecl]<nint*, int, int>)Function("cuDevicePrimaryCtxRetain");
        var release = (delegate* unmanaged[Cdecl]<int, int>)Function("cuDevicePrimaryCtxRelease_v2");
        var push = (delegate* unmanaged[Cdecl]<nint, int>)Function("cuCtxPushCurrent_v2");
        var pop = (delegate* unmanaged[Cdecl]<nint*, int>)Function("cuCtxPopCurrent_v2");
        var memory = (delegate* unmanaged[Cdecl]<nuint*, nuint*, int>)Function("cuMemGetInfo_v2");
        nint context;
        if (retain(&context, index) != 0)
        {
            return null;
        }

        try
        {
            nuint free = 0, total = 0;
            var read = push(context) == 0 && memory(&free, &total) == 0;
            _ = pop(&context);
            return read ? ((long)(total - free), (long)total) : null;
        }
        finally
        {
            _ = release(index);
        }
    }

    private static nint Function(string name) => NativeLibrary.GetExport(Library.Value, name);
}
