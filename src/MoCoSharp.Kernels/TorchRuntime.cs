using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using MoCoSharp.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp;

/// <summary>Loads libtorch and opens devices, with errors that say what is missing.</summary>
public static partial class TorchRuntime
{
    private static readonly Lock Gate = new();
    private static bool loaded;
    private static bool keepsMemory; // what is freed stays with the process: only so are there blocks to have again

    /// <summary>Loads libtorch, once; later calls cost nothing.</summary>
    /// <exception cref="PlatformNotSupportedException">No libtorch was deployed for this platform, or it does not load.</exception>
    public static void Load()
    {
        lock (Gate)
        {
            if (loaded)
            {
                return;
            }

            try
            {
                InitializeDeviceType(DeviceType.CPU);
                LeaveOutNnpack();
                if (keepsMemory && Environment.GetEnvironmentVariable("THP_MEM_ALLOC_ENABLE") is null) // with which libtorch has rules of its own
                {
                    FreedBlocks.Use();
                }

                loaded = true;
            }
            catch (Exception error) when (error is TypeInitializationException or NotSupportedException or DllNotFoundException
                or BadImageFormatException or EntryPointNotFoundException)
            {
                throw new PlatformNotSupportedException($"libtorch did not load on {RuntimeInformation.RuntimeIdentifier}. {Cure()}", error);
            }
        }
    }

    // What is there decides what is missing.
    private static string Cure()
    {
        if (OperatingSystem.IsLinux() && TorchSharpLibrary.Find("libLibTorchSharp.so") is not null && TorchSharpLibrary.Find("libtorch_cpu.so") is not null)
        {
            return "Its files are there, but TorchSharp's library was built for a newer libstdc++ than this system has. Add this line to the program's project, and build " +
                $"it again: {TorchSharpLibrary.ImportLine} Or call MoCoSharp.TorchRuntime.Load() before anything of TorchSharp.";
        }

        var missing = "It is published for linux-x64, win-x64 and osx-arm64. Is the program built for this platform (dotnet build -r <platform>), " +
            "or does its project reference the package libtorch-cpu-<platform> 2.10.0?";
        return OperatingSystem.IsWindows() ? $"{missing} libtorch also needs the Visual C++ Redistributable 2015-2022 (x64), which no package brings."
            : OperatingSystem.IsMacOS() ? $"{missing} libtorch also needs libomp: brew install libomp"
            : missing;
    }

    /// <summary>Opens the device that a person named.</summary>
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

    /// <summary>What is wrong with a device's name here; null where nothing is.</summary>
    public static string? DeviceFault(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        if (name == "cpu")
        {
            return null;
        }

        var parts = name.Split(':');
        if (parts is not ["cuda"] and not ["cuda", _] || (parts.Length == 2 && (!int.TryParse(parts[1], out var parsed) || parsed < 0)))
        {
            return $"device is \"{name}\", expected cpu, cuda or cuda:n.";
        }

        Load();
        if (!cuda.is_available())
        {
            return $"device is \"{name}\", but this build of libtorch sees no CUDA device. Use --device cpu, or build with a CUDA libtorch.";
        }

        var index = parts.Length == 2 ? int.Parse(parts[1]) : 0;
        return index < cuda.device_count() ? null : $"device is \"{name}\", but there are {cuda.device_count()} CUDA devices (cuda:0 and up).";
    }

    // libtorch tries NNPACK for small batches on one thread, and where the processor is none of NNPACK's it warns on stderr, once a
    // convolution, before it does without. So it does without from the start; only Linux's libtorch has NNPACK.
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

    // Threads of libtorch that wait for one another spin by default, and starve whatever else runs: with one busy process beside two torch
    // threads, a step of patterns.json went from 0.2 to 5 s, and with this back to 0.2. Read once, when libtorch loads; a person's own choice stays.
    // Hence when this assembly is loaded: whichever of its types comes first, libtorch comes later.
    [ModuleInitializer]
    [SuppressMessage("Usage", "CA2255", Justification = "Must happen before libtorch loads, whichever type a program uses first.")]
    internal static void PrepareProcess()
    {
        const string policy = "OMP_WAIT_POLICY";
        if (OperatingSystem.IsLinux() && Environment.GetEnvironmentVariable(policy) is null)
        {
            _ = SetNativeVariable(policy, "PASSIVE", overwrite: 0); // .NET's own variables do not reach native code
        }

        KeepMemory();
        TorchSharpLibrary.Offer();
    }

    // glibc maps each large tensor anew and gives it back when it is freed, so that every activation of every step is cleared page by page: InfoNCE as
    // the official code writes it took 2.3 s so, and 0.24 s without. What a step has freed, the next one needs. A person's own choice stays.
    private static void KeepMemory()
    {
        const int trimThreshold = -1, topPad = -2, mmapMax = -4; // malloc.h
        var tunables = Environment.GetEnvironmentVariable("GLIBC_TUNABLES");
        keepsMemory = tunables is not null && tunables.Contains("glibc.malloc.mmap_max=0", StringComparison.Ordinal);
        if (OperatingSystem.IsLinux() && tunables is null
            && NativeLibrary.TryLoad("libc.so.6", out var library) && NativeLibrary.TryGetExport(library, "mallopt", out _))
        {
            _ = SetMallocOption(mmapMax, 0);
            _ = SetMallocOption(trimThreshold, -1);
            _ = SetMallocOption(topPad, 64 << 20);
            keepsMemory = true;
        }
    }

    [LibraryImport("libc", EntryPoint = "mallopt")]
    private static partial int SetMallocOption(int option, int value);

    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SetNativeVariable(string name, string value, int overwrite);
}
