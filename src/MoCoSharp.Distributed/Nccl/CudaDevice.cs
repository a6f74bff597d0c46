using System.Runtime.InteropServices;

namespace MoCoSharp.Distributed.Nccl;

/// <summary>The GPU that a thread computes on, which "cuda" without a number means. NCCL takes it too.</summary>
internal static unsafe class CudaDevice
{
    // libtorch has loaded one of them already.
    private static readonly string[] Libraries = OperatingSystem.IsWindows()
        ? ["cudart64_13.dll", "cudart64_12.dll"]
        : ["libcudart.so.13", "libcudart.so.12"];

    /// <summary>Selects a GPU for this thread.</summary>
    /// <param name="index">0 and up.</param>
    /// <exception cref="DllNotFoundException">The CUDA runtime was not found.</exception>
    /// <exception cref="IOException">There is no such GPU, or it cannot be used.</exception>
    public static void Select(int index)
    {
        var library = Libraries
            .Select(name => NativeLibrary.TryLoad(name, out var loaded) ? loaded : 0)
            .FirstOrDefault(loaded => loaded != 0);
        if (library == 0)
        {
            throw new DllNotFoundException(
                $"The CUDA runtime was not found: looked for {string.Join(" and ", Libraries)}. It comes with a " +
                "libtorch for CUDA 12 or 13.");
        }

        var result = ((delegate* unmanaged[Cdecl]<int, int>)NativeLibrary.GetExport(library, "cudaSetDevice"))(index);
        if (result != 0)
        {
            throw new IOException($"CUDA device {index} cannot be selected (error {result}).");
        }
    }
}
