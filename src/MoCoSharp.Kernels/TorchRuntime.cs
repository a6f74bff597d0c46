using System.Runtime.InteropServices;
using MoCoSharp.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp;

/// <summary>Loads libtorch and opens devices, with errors that say what is missing.</summary>
public static partial class TorchRuntime
{
    /// <summary>
    /// The environment variable that names a folder with another libtorch, for example <c>torch/lib</c> of an installed
    /// PyTorch. It is read by <see cref="Load"/>.
    /// </summary>
    public const string LibtorchVariable = "MOCOSHARP_LIBTORCH";

    private static readonly Lock Gate = new();
    private static bool _configured;
    private static bool _loaded;

    /// <summary>Prepares the process for training. Call it first in a program, before any tensor.</summary>
    /// <remarks>
    /// Loading the assembly changes nothing; this call does, on Linux, and only what you have not set yourself.
    /// <list type="bullet">
    /// <item><c>OMP_WAIT_POLICY=PASSIVE</c> and <c>GOMP_SPINCOUNT=4000</c>, unless one of them is set. Waiting threads
    /// of libtorch then spin for a moment, and sleep; those that spin on starve other threads. With one busy
    /// process beside two torch threads, a step took 5 s instead of 0.2. libtorch reads the variables once, when it
    /// loads.</item>
    /// <item>glibc's malloc keeps freed memory, unless <c>GLIBC_TUNABLES</c> is set: <c>M_MMAP_MAX</c> 0, no
    /// <c>M_TRIM_THRESHOLD</c>, <c>M_TOP_PAD</c> 64 MB. Otherwise each large tensor is mapped and cleared anew.</item>
    /// <item>The switches of the fast kernels, <c>MOCOSHARP_KERNELS</c>, are read and checked.</item>
    /// <item>TorchSharp's library is repaired in memory where the system's libstdc++ is too old for it.
    /// <see cref="Load"/> does this too.</item>
    /// </list>
    /// Without this call all results are the same, and training may be slower. Later calls do nothing.
    /// </remarks>
    /// <exception cref="ArgumentException"><c>MOCOSHARP_KERNELS</c> is not understood.</exception>
    public static void Configure()
    {
        lock (Gate)
        {
            if (!_configured)
            {
                _ = KernelSwitches.Current;
                ProcessSettings.Apply();
                TorchSharpLibrary.Offer();
                _configured = true;
            }
        }
    }

    /// <summary>Loads libtorch, once; later calls cost nothing.</summary>
    /// <exception cref="PlatformNotSupportedException">No libtorch was deployed for this platform, or it does not
    /// load.</exception>
    /// <exception cref="ArgumentException"><c>MOCOSHARP_KERNELS</c> is not understood.</exception>
    public static void Load()
    {
        lock (Gate)
        {
            if (_loaded)
            {
                return;
            }

            _ = KernelSwitches.Current;
            TorchSharpLibrary.Offer();
            if (OwnLibtorch.Chosen is { } folder)
            {
                OwnLibtorch.Load(folder);
            }

            try
            {
                InitializeDeviceType(DeviceType.CPU);
                LeaveOutNnpack();
                _loaded = true;
            }
            catch (Exception error) when (error is TypeInitializationException or NotSupportedException
                or DllNotFoundException or BadImageFormatException or EntryPointNotFoundException)
            {
                throw new PlatformNotSupportedException(
                    $"libtorch did not load on {RuntimeInformation.RuntimeIdentifier}. {Cure()}", error);
            }
        }
    }

    // The deployed files show what is missing.
    private static string Cure()
    {
        if (OperatingSystem.IsLinux()
            && TorchSharpLibrary.Find("libLibTorchSharp.so") is not null
            && TorchSharpLibrary.Find("libtorch_cpu.so") is not null)
        {
            return "Its files are there, but TorchSharp's library needs a newer libstdc++ than this system has. " +
                $"Add this line to the program's project, and build it again: {TorchSharpLibrary.ImportLine} " +
                "Or call MoCoSharp.TorchRuntime.Load() before anything of TorchSharp.";
        }

        var missing = "It is published for linux-x64, win-x64 and osx-arm64. " +
            "Is the program built for this platform (dotnet build -r <platform>), " +
            "or does its project reference the package libtorch-cpu-<platform> 2.10.0? A libtorch from elsewhere is " +
            $"taken from the folder that {LibtorchVariable} names.";
        return OperatingSystem.IsWindows()
            ? $"{missing} libtorch also needs the Visual C++ Redistributable 2015-2022 (x64), which no package brings."
            : OperatingSystem.IsMacOS() ? $"{missing} libtorch also needs libomp: brew install libomp"
            : missing;
    }

    /// <summary>
    /// The version of libtorch, and the folder that <c>MOCOSHARP_LIBTORCH</c> names: "2.11.0+cu130 from FOLDER".
    /// </summary>
    public static string LibtorchVersion => OwnLibtorch.Chosen is { } folder
        ? $"{OwnLibtorch.VersionOf(folder) ?? "unknown version"} from {folder}"
        : __version__;

    /// <summary>The names of the GPUs that libtorch sees, cuda:0 first.</summary>
    public static IReadOnlyList<string> Gpus
    {
        get
        {
            Load();
            return
            [
                .. Enumerable.Range(0, cuda.is_available() ? cuda.device_count() : 0)
                    .Select(index => CudaDriver.Name(index) ?? $"cuda:{index}"),
            ];
        }
    }

    /// <summary>Bytes in use on a device, by all programs on a GPU and by this one on a CPU, at its highest.</summary>
    /// <param name="device">The CPU or a GPU; "cuda" without a number is cuda:0 here.</param>
    public static long UsedBytes(Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        if (device.type == DeviceType.CUDA && CudaDriver.Memory(Math.Max(0, device.index)) is { } memory)
        {
            return memory.Used;
        }

        using var process = System.Diagnostics.Process.GetCurrentProcess();
        return process.PeakWorkingSet64;
    }

    /// <summary>Opens a device by its name.</summary>
    /// <param name="name">"cpu", "cuda" or "cuda:n".</param>
    /// <exception cref="ArgumentException">Another name, or no such device here.</exception>
    public static Device OpenDevice(string name)
    {
        Load();
        var fault = DeviceFault(name);
        if (fault is not null)
        {
            throw new ArgumentException(fault, nameof(name));
        }

        return device(name);
    }

    /// <summary>What is wrong with a device's name on this machine; null if nothing.</summary>
    public static string? DeviceFault(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        if (name == "cpu")
        {
            return null;
        }

        var parts = name.Split(':');
        if (parts is not ["cuda"] and not ["cuda", _]
            || (parts.Length == 2 && (!int.TryParse(parts[1], out var parsed) || parsed < 0)))
        {
            return $"device is \"{name}\", expected cpu, cuda or cuda:n.";
        }

        Load();
        if (!cuda.is_available())
        {
            return $"device is \"{name}\", but this build of libtorch sees no CUDA device. " +
                $"Use --device cpu, or name a libtorch with CUDA: {LibtorchVariable}=FOLDER, for example torch/lib " +
                "of an installed PyTorch (docs/getting-started.md).";
        }

        var index = parts.Length == 2 ? int.Parse(parts[1]) : 0;
        return index < cuda.device_count()
            ? null
            : $"device is \"{name}\", but there are {cuda.device_count()} CUDA devices (cuda:0 and up).";
    }

    // libtorch tries NNPACK for small batches on one thread. Where NNPACK does not know the processor, libtorch warns
    // on stderr at every convolution and goes on without. So NNPACK is off from the start; only libtorch for Linux
    // has it.
    private static void LeaveOutNnpack()
    {
        try
        {
            if (OperatingSystem.IsLinux())
            {
                EnableNnpack(GlobalContext(), false);
            }
        }
        catch (Exception error) when (error is DllNotFoundException or EntryPointNotFoundException)
        {
            // Another build of libtorch: then it warns.
        }
    }

    [LibraryImport("libtorch_cpu", EntryPoint = "_ZN2at13globalContextEv")]
    private static partial nint GlobalContext();

    [LibraryImport("libtorch_cpu", EntryPoint = "_ZN2at7Context20setUserEnabledNNPACKEb")]
    private static partial void EnableNnpack(nint context, [MarshalAs(UnmanagedType.U1)] bool enabled);
}
