using System.Buffers.Binary;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Runtime.Loader;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace MoCoSharp.Kernels;

/// <summary>
/// Loads TorchSharp's native library where the system's libstdc++ is too old for it, as on Debian 12.
/// </summary>
/// <remarks>
/// libLibTorchSharp.so for linux-x64 needs symbol version GLIBCXX_3.4.32 (GCC 13), for one marker that nothing calls.
/// eng/MoCoSharp.targets makes that need weak in the files of a program that has the package. A program that
/// references the project gets the original; it is repaired here, in memory. Upstream.md says when this may go.
/// </remarks>
internal static partial class TorchSharpLibrary
{
    /// <summary>Its name, without prefix and extension.</summary>
    public const string Name = "LibTorchSharp";

    private const string Version = "GLIBCXX_3.4.32";
    private static readonly string[] Needed = ["libc10.so", "libtorch_cpu.so", "libtorch.so"]; // in this order

    /// <summary>The import that lets the build repair the library, for messages.</summary>
    public const string ImportLine = "<Import Project=\"PATH-OF-MOCOSHARP/eng/MoCoSharp.targets\" />";

    private static int _offered;
    private static nint _loaded; // by Load()

    /// <summary>
    /// Offers the repaired library to the runtime, which asks when its own search has failed. Later calls do nothing.
    /// </summary>
    public static void Offer()
    {
        if (Interlocked.Exchange(ref _offered, 1) == 0
            && OperatingSystem.IsLinux() && RuntimeInformation.ProcessArchitecture == Architecture.X64
            && AssemblyLoadContext.GetLoadContext(typeof(TorchSharpLibrary).Assembly) is { } context)
        {
            context.ResolvingUnmanagedDll += Resolve;
        }
    }

    /// <summary>A native library's file; null where none was deployed.</summary>
    public static string? Find(string file) =>
        Folders().Select(folder => Path.Combine(folder, file)).FirstOrDefault(File.Exists);

    /// <summary>
    /// Makes the need for a symbol version weak, so that the library loads where the version is missing.
    /// </summary>
    /// <param name="elf">A 64-bit little-endian shared object; changed in place.</param>
    /// <param name="version">The symbol version.</param>
    /// <returns>How many needs were changed.</returns>
    public static int Weaken(Span<byte> elf, string version)
    {
        const uint versionNeeds = 0x6ffffffe; // SHT_GNU_verneed
        const byte weak = 2; // VER_FLG_WEAK
        if (elf.Length < 64 || !elf[..6].SequenceEqual<byte>([0x7f, (byte)'E', (byte)'L', (byte)'F', 2, 1]))
        {
            return 0;
        }

        var sections = (int)Long(elf, 0x28);
        var (sectionSize, sectionCount) = (Short(elf, 0x3A), Short(elf, 0x3C));
        var weakened = 0;
        for (var section = sections; section < sections + (sectionSize * sectionCount); section += sectionSize)
        {
            if (Int(elf, section + 4) != versionNeeds)
            {
                continue;
            }

            var texts = (int)Long(elf, sections + ((int)Int(elf, section + 0x28) * sectionSize) + 0x18);
            var file = (int)Long(elf, section + 0x18);
            for (var files = Int(elf, section + 0x2C); files > 0; files--)
            {
                var need = file + (int)Int(elf, file + 8);
                for (var needs = Short(elf, file + 2); needs > 0; needs--)
                {
                    var text = elf[(texts + (int)Int(elf, need + 8))..];
                    if (Encoding.ASCII.GetString(text[..text.IndexOf((byte)0)]) == version)
                    {
                        elf[need + 4] |= weak;
                        weakened++;
                    }

                    need += (int)Int(elf, need + 12);
                }

                file += (int)Int(elf, file + 12);
            }
        }

        return weakened;
    }

    /// <summary>
    /// Loads the deployed library, repaired if need be. libtorch must have been loaded before.
    /// </summary>
    /// <exception cref="DllNotFoundException">It was not deployed, or it does not load.</exception>
    public static nint Load()
    {
        var file = OperatingSystem.IsWindows() ? $"{Name}.dll"
            : OperatingSystem.IsMacOS() ? $"lib{Name}.dylib"
            : $"lib{Name}.so";
        var path = Find(file) ?? throw new DllNotFoundException($"{file} is not beside the program.");
        _loaded = NativeLibrary.TryLoad(path, out var library) ? library
            : Repaired(path, loadsNeeded: false) is var repaired and not 0 ? repaired
            : NativeLibrary.Load(path); // its message says why not
        return _loaded;
    }

    private static nint Resolve(Assembly assembly, string name) =>
        name != Name ? 0
        : _loaded != 0 ? _loaded
        : Find($"lib{Name}.so") is { } path ? Repaired(path, loadsNeeded: true)
        : 0;

    // The library, loaded with its demand weakened; 0 if it has no such demand or cannot be loaded.
    private static nint Repaired(string path, bool loadsNeeded)
    {
        try
        {
            var elf = File.ReadAllBytes(path);
            return Weaken(elf, Version) == 0 ? 0
                : Load(elf, loadsNeeded ? Needed : []); // 0: another fault
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException
            or DllNotFoundException or EntryPointNotFoundException)
        {
            return 0; // TorchRuntime.Load says what can be done
        }
    }

    // The file lies in memory, so that nothing needs to be written; what it needs is found by name where it is loaded
    // already.
    private static nint Load(byte[] elf, string[] needed)
    {
        foreach (var library in needed)
        {
            if (Find(library) is { } found)
            {
                NativeLibrary.Load(found);
            }
        }

        // MFD_CLOEXEC
        using var memory = new SafeFileHandle(CreateMemoryFile($"lib{Name}.so", flags: 1), ownsHandle: true);
        if (memory.IsInvalid)
        {
            return 0;
        }

        RandomAccess.Write(memory, elf, fileOffset: 0);
        return NativeLibrary.Load($"/proc/self/fd/{memory.DangerousGetHandle()}");
    }

    private static IEnumerable<string> Folders() =>
    [
        .. (AppContext.GetData("NATIVE_DLL_SEARCH_DIRECTORIES") as string ?? "")
            .Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries),
        AppContext.BaseDirectory,
    ];

    private static ushort Short(Span<byte> elf, int at) => BinaryPrimitives.ReadUInt16LittleEndian(elf[at..]);

    private static uint Int(Span<byte> elf, int at) => BinaryPrimitives.ReadUInt32LittleEndian(elf[at..]);

    private static long Long(Span<byte> elf, int at) => BinaryPrimitives.ReadInt64LittleEndian(elf[at..]);

    [LibraryImport("libc", EntryPoint = "memfd_create", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int CreateMemoryFile(string name, uint flags);
}
