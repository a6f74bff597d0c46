using System.Runtime.InteropServices;
using TorchSharp;

namespace MoCoSharp.Kernels;

/// <summary>
/// Loads libtorch from a folder of the user's choice, for example <c>torch/lib</c> of an installed PyTorch. This is
/// how a GPU is reached without a package for it.
/// </summary>
/// <remarks>
/// TorchSharp offers no choice of its own: it loads the libtorch beside it, and otherwise copies one from the package
/// cache. Here the libraries are loaded first, by whole path; TorchSharp and its library then find them by name.
/// TorchSharp's library binds a function of libtorch at its first call, so a libtorch of a near version works where the
/// functions that are called are the same: 2.11.0 does.
/// </remarks>
internal static class OwnLibtorch
{
    private const string Variable = TorchRuntime.LibtorchVariable;

    // In the order of their needs. The CUDA ones are absent from a libtorch for CPUs.
    private static readonly string[] Libraries = ["c10", "torch_cpu", "c10_cuda", "torch_cuda", "torch"];

    private const int MostLines = 100; // of a file that tells a version

    private static Version? BuiltFor => typeof(torch).Assembly.GetName().Version;

    /// <summary>The folder that the variable names; null if it is not set.</summary>
    public static string? Chosen =>
        Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } folder ? Path.GetFullPath(folder) : null;

    /// <summary>Loads libtorch from a folder, in place of the deployed one. Once a process.</summary>
    /// <exception cref="PlatformNotSupportedException">The folder has no libtorch, or it does not fit.</exception>
    public static void Load(string folder)
    {
        // TorchSharp would load this one too, and two libtorch in a process do not get along.
        if (TorchSharpLibrary.Find(FileName("torch_cpu")) is { } deployed)
        {
            throw new PlatformNotSupportedException(
                $"{Variable} (or --libtorch) is \"{folder}\", but this program brings its own libtorch: " +
                $"{deployed}. Leave it out, or build the program without libtorch: dotnet publish " +
                "-p:WithoutLibtorch=true.");
        }

        if (!File.Exists(Path.Combine(folder, FileName("torch_cpu"))))
        {
            throw new PlatformNotSupportedException(
                $"{Variable} (or --libtorch) is \"{folder}\", which has no {FileName("torch_cpu")}. Name the " +
                "folder of libtorch's libraries: torch/lib of an installed PyTorch " +
                "(python3 -c \"import torch; print(torch.__path__[0] + '/lib')\"), or lib of a libtorch archive.");
        }

        try
        {
            foreach (
                var path in Libraries.Select(name => Path.Combine(folder, FileName(name))).Where(File.Exists))
            {
                NativeLibrary.Load(path);
            }

            TorchSharpLibrary.Load();
        }
        catch (Exception error) when (error is DllNotFoundException or BadImageFormatException)
        {
            throw new PlatformNotSupportedException(
                $"The libtorch {VersionOf(folder) ?? "of unknown version"} in {folder} ({Variable}) does not load: " +
                $"TorchSharp {BuiltFor} is built for libtorch 2.10.0. {error.Message}", error);
        }
    }

    /// <summary>The version of the libtorch in a folder, as its own files give it; null if they do not.</summary>
    public static string? VersionOf(string folder)
    {
        try
        {
            var libraries = new DirectoryInfo(folder);
            libraries = libraries.ResolveLinkTarget(returnFinalTarget: true) as DirectoryInfo ?? libraries;
            var above = libraries.Parent?.FullName ?? folder;
            return Line("build-version", "") ?? Line("version.py", "__version__"); // an archive's, a Python package's

            string? Line(string file, string start) => File.Exists(Path.Combine(above, file))
                ? File.ReadLines(Path.Combine(above, file))
                    .Take(MostLines)
                    .FirstOrDefault(line => line.StartsWith(start, StringComparison.Ordinal))
                    ?.Split('=')[^1].Trim().Trim('\'', '"')
                : null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static string FileName(string name) =>
        OperatingSystem.IsWindows() ? $"{name}.dll"
        : OperatingSystem.IsMacOS() ? $"lib{name}.dylib"
        : $"lib{name}.so";
}
