using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using MoCoSharp.Data;
using MoCoSharp.Kernels;
using MoCoSharp.PyTorch;

namespace MoCoSharp.Runs;

/// <summary>
/// A run on disk: configuration, environment, metrics, checkpoints. Commands exchange data only through it.
/// </summary>
public sealed class RunFolder
{
    private RunLock? _lock;
    private bool _isNew; // whether this process created the folder
    private HashSet<string>? _before; // prior content; null if another process created the run

    private RunFolder(string path) => Path = path;

    /// <summary>The name of the file that holds a run's configuration.</summary>
    public const string ConfigName = "config.json";

    /// <summary>The folder.</summary>
    public string Path { get; }

    /// <summary>The resolved configuration.</summary>
    public string ConfigPath => ConfigOf(Path);

    /// <summary>The environment in which the run began; see <see cref="EnvironmentJson"/>.</summary>
    public string EnvironmentPath => EnvironmentOf(Path);

    /// <summary>A report on the file that this run was imported from; only in imported runs.</summary>
    public string ImportPath => System.IO.Path.Combine(Path, "import.json");

    /// <summary>The metrics, one JSON object per line.</summary>
    public string MetricsPath => System.IO.Path.Combine(Path, "metrics.jsonl");

    /// <summary>Event files for TensorBoard.</summary>
    public string TensorBoardPath => System.IO.Path.Combine(Path, "tensorboard");

    /// <summary>A preview of training views.</summary>
    public string ViewsPath => System.IO.Path.Combine(Path, "views.png");

    /// <summary>A report on why the loss became NaN or infinite.</summary>
    public string DivergedPath => System.IO.Path.Combine(Path, "diverged.json");

    /// <summary>Which queries kNN labels correctly, by the encoder and by what needs no learning.</summary>
    internal string BaselinesPath => System.IO.Path.Combine(Path, "baselines.json");

    /// <summary>Changes of the configuration during the run, one JSON object per line.</summary>
    public string ChangesPath => System.IO.Path.Combine(Path, "changes.jsonl");

    private string CheckpointsPath => System.IO.Path.Combine(Path, "checkpoints");

    /// <summary>Whether a folder holds a run: pre-training or detection.</summary>
    /// <param name="path">The folder; it need not exist.</param>
    public static bool Exists(string path) => File.Exists(ConfigOf(path));

    /// <summary>The first of runs/NAME-001, runs/NAME-002, ... that does not exist.</summary>
    /// <param name="name">The name of the recipe, for example.</param>
    public static string Next(string name)
    {
        for (var i = 1; ; i++)
        {
            var path = System.IO.Path.Combine("runs", $"{name}-{i:D3}");
            if (!Directory.Exists(path))
            {
                return path;
            }
        }
    }

    /// <summary>Creates the folder of a new run, and writes its configuration and environment.</summary>
    /// <exception cref="IOException">The folder already has a run, or another process is creating one.</exception>
    public static RunFolder Create(string path, RunConfig config) => Create(path, RunConfigFile.Write(config));

    /// <summary>Creates the folder of a new run of any kind, such as a detection.</summary>
    /// <param name="path">The folder.</param>
    /// <param name="configuration">The text of its config.json.</param>
    /// <exception cref="IOException">The folder already has a run, or another process is creating one.</exception>
    public static RunFolder Create(string path, string configuration)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        var isNew = !Directory.Exists(path);
        Directory.CreateDirectory(path);
        var run = new RunFolder(path) { _isNew = isNew };
        var before = Directory
            .GetFileSystemEntries(path)
            .Select(entry => System.IO.Path.GetFileName(entry))
            .ToHashSet(StringComparer.Ordinal);
        using var hold = run.Hold(_ => { });
        if (File.Exists(run.ConfigPath))
        {
            throw new IOException(
                $"{path} already has a run. Add --resume to continue it, or name another folder with --run.");
        }

        Directory.CreateDirectory(run.CheckpointsPath);
        Directory.CreateDirectory(System.IO.Path.Combine(path, "evaluations"));
        AtomicFile.Write(
            EnvironmentOf(path),
            stream => stream.Write(Encoding.UTF8.GetBytes(EnvironmentJson())));
        // Last, because config.json makes the folder a run.
        AtomicFile.Write(run.ConfigPath, stream => stream.Write(Encoding.UTF8.GetBytes(configuration)));
        run._before = before;
        return run;
    }

    /// <summary>
    /// Opens the folder of a run that another process writes. Skips the check, because this process may not see its
    /// files.
    /// </summary>
    public static RunFolder OpenUnchecked(string path) => new(path);

    /// <summary>Opens the folder of a run.</summary>
    /// <exception cref="IOException">The folder has no run.</exception>
    public static RunFolder Open(string path)
    {
        var run = new RunFolder(path);
        if (!File.Exists(run.ConfigPath))
        {
            throw new IOException(
                $"{path} is not a run folder: it has no {ConfigName}. Name the folder that a training wrote " +
                "(moco pretrain --run FOLDER).");
        }

        Directory.CreateDirectory(run.CheckpointsPath);
        return run;
    }

    /// <summary>
    /// Locks the folder against other training processes until disposed. Nested holds of one process are allowed.
    /// </summary>
    /// <param name="notice">Receives a notice when a stale lock is taken over.</param>
    /// <exception cref="RunLockedException">Another process is training in this folder.</exception>
    public IDisposable Hold(Action<string> notice)
    {
        ArgumentNullException.ThrowIfNull(notice);
        if (_lock is not null)
        {
            return new Holding(null);
        }

        _lock = RunLock.Take(Path, notice);
        return new Holding(this);
    }

    /// <summary>Describes the process that is training in this folder; null if there is none.</summary>
    public string? Holder() => RunLock.Holder(Path);

    /// <summary>
    /// Deletes the files of <see cref="Create(string, RunConfig)"/> and of the run, if the run could not begin.
    /// Otherwise a folder with a configuration but no training would block the next try. Keeps files that were in the
    /// folder before. Does nothing if there is a checkpoint of a later step or a divergence report.
    /// </summary>
    public void RemoveUnbegun()
    {
        var beginning = CheckpointPath(0); // saved if the first step failed
        if (_before is null || File.Exists(DivergedPath)
            || (
                Directory.Exists(CheckpointsPath)
                && Directory.EnumerateFileSystemEntries(CheckpointsPath).Any(file => file != beginning)))
        {
            return;
        }

        File.Delete(ConfigPath); // first, so that the folder is no longer a run
        foreach (
            var entry in Directory
                .GetFileSystemEntries(Path)
                .Where(entry => !_before.Contains(System.IO.Path.GetFileName(entry))))
        {
            if (Directory.Exists(entry))
            {
                Directory.Delete(entry, recursive: true);
            }
            else
            {
                File.Delete(entry);
            }
        }

        if (_isNew)
        {
            Directory.Delete(Path);
        }
    }

    /// <summary>Removes temporary files of a killed process. Requires the lock of the folder.</summary>
    internal void RemoveLeftovers()
    {
        foreach (
            var file in Directory
                .GetFiles(Path, "*" + AtomicFile.TemporaryEnding)
                .Concat(Directory.GetFiles(CheckpointsPath, "*" + AtomicFile.TemporaryEnding)))
        {
            File.Delete(file);
        }
    }

    /// <summary>Renames a broken checkpoint, so that it is not loaded again but can be examined.</summary>
    internal static string SetAside(string checkpoint)
    {
        var aside = checkpoint + ".broken";
        File.Move(checkpoint, aside, overwrite: true);
        return aside;
    }

    /// <summary>Replaces the configuration, and records its differences from the resumed checkpoint.</summary>
    internal void Change(RunConfig config, IReadOnlyList<string> differences, long step)
    {
        AtomicFile.Write(ConfigPath, stream => stream.Write(Encoding.UTF8.GetBytes(RunConfigFile.Write(config))));
        if (differences.Count > 0)
        {
            var line = new JsonObject
            {
                ["step"] = step,
                ["changes"] = new JsonArray([.. differences.Select(difference => (JsonNode)difference)]),
            };
            File.AppendAllText(ChangesPath, line.ToJsonString() + "\n");
        }
    }

    /// <summary>Writes a small JSON file atomically.</summary>
    internal static void WriteJson(string path, JsonObject content) =>
        AtomicFile.Write(path, stream => stream.Write(Encoding.UTF8.GetBytes(content.ToJsonString(Indented) + "\n")));

    private sealed class Holding(RunFolder? run) : IDisposable
    {
        public void Dispose()
        {
            run?._lock?.Dispose();
            run?._lock = null;
        }
    }

    /// <summary>
    /// Reads the lines of a metrics.jsonl. Skips a line that a crash cut short. A folder without metrics has none.
    /// </summary>
    /// <param name="path">The file: <see cref="MetricsPath"/>.</param>
    public static IEnumerable<JsonObject> ReadMetrics(string path) => File.Exists(path) ? MetricsLog.Read(path) : [];

    /// <summary>Parses one line of a metrics.jsonl; null if it is incomplete.</summary>
    /// <param name="line">Without its line break.</param>
    public static JsonObject? ParseMetrics(string line) => MetricsLog.Parse(line);

    /// <summary>The configuration that the run was started with.</summary>
    public RunConfig ReadConfig() => RunConfigFile.Load(ConfigPath);

    /// <summary>The path of the checkpoint after a number of steps.</summary>
    public string CheckpointPath(long step) => System.IO.Path.Combine(CheckpointsPath, $"step-{step:D8}.safetensors");

    /// <summary>The checkpoints, newest first.</summary>
    public IReadOnlyList<string> Checkpoints() => Directory.Exists(CheckpointsPath)
        ?
        [
            .. Directory
                .GetFiles(CheckpointsPath, "step-*.safetensors")
                .Where(path => StepOf(path) >= 0)
                .OrderByDescending(StepOf),
        ]
        : [];

    /// <summary>The steps done in a checkpoint, from its name; -1 if the name is not a checkpoint's.</summary>
    public static long StepOf(string checkpoint)
    {
        ArgumentNullException.ThrowIfNull(checkpoint);
        var name = System.IO.Path.GetFileName(checkpoint);
        return
            name.StartsWith("step-", StringComparison.Ordinal)
            && name.EndsWith(".safetensors", StringComparison.Ordinal)
            && long.TryParse(
                name["step-".Length..^".safetensors".Length], System.Globalization.NumberStyles.None, null,
                out var step)
            ? step
            : -1;
    }

    /// <summary>Writes the result of an evaluation, with its protocol.</summary>
    public void WriteEvaluation(string name, JsonObject result)
    {
        ArgumentNullException.ThrowIfNull(result);
        var folder = System.IO.Path.Combine(Path, "evaluations");
        Directory.CreateDirectory(folder);
        WriteJson(System.IO.Path.Combine(folder, name + ".json"), result);
    }

    private static JsonSerializerOptions Indented { get; } = new() { WriteIndented = true };

    /// <summary>The environment that a result depends on besides the configuration.</summary>
    /// <param name="describesKernels">Whether to describe each fast kernel, not only its state.</param>
    public static string EnvironmentJson(bool describesKernels = false) => new JsonObject
    {
        ["mocoSharp"] = typeof(RunFolder)
            .Assembly.GetCustomAttributes(typeof(System.Reflection.AssemblyInformationalVersionAttribute), false)
            .OfType<System.Reflection.AssemblyInformationalVersionAttribute>().FirstOrDefault()?.InformationalVersion,
        ["torchSharp"] = typeof(TorchSharp.torch).Assembly.GetName().Version?.ToString(),
        ["libtorch"] = TorchRuntime.LibtorchVersion,
        ["gpus"] = TorchRuntime.Gpus is { Count: > 0 } gpus
            ? new JsonArray([.. gpus.Select(name => (JsonNode?)name)])
            : null,
        ["jpegDecoder"] =
            Data.Images.ImageDecoder.TurboJpegLibrary ?? "SkiaSharp (this system has no libturbojpeg 2.0 or newer)",
        ["dotnet"] = RuntimeInformation.FrameworkDescription,
        ["system"] = RuntimeInformation.OSDescription,
        ["processor"] = Processor(),
        ["cores"] = Environment.ProcessorCount,
        ["kernels"] = describesKernels ? KernelTable.Describe() : KernelTable.States(),
        ["commandLine"] = string.Join(' ', Environment.GetCommandLineArgs().Skip(1)),
        ["started"] = Process.GetCurrentProcess().StartTime.ToUniversalTime().ToString("O"),
    }.ToJsonString(Indented) + "\n";

    /// <summary>
    /// What may round differently here than where the run began, such as the processor: one clause each. With a change,
    /// the result of a resumed run may not be, to the bit, that of a run without a stop.
    /// </summary>
    /// <param name="usesGpu">Whether the run computes on a GPU.</param>
    public IReadOnlyList<string> EnvironmentChanges(bool usesGpu)
    {
        try
        {
            return EnvironmentDifferences.Between(File.ReadAllText(EnvironmentPath), EnvironmentJson(), usesGpu);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    private static string Processor()
    {
        try
        {
            return File.ReadLines("/proc/cpuinfo")
                    .FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal))
                    ?.Split(':')[1]
                    .Trim()
                ?? RuntimeInformation.ProcessArchitecture.ToString();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return RuntimeInformation.ProcessArchitecture.ToString();
        }
    }

    private static string EnvironmentOf(string folder) => System.IO.Path.Combine(folder, "environment.json");

    private static string ConfigOf(string folder) => System.IO.Path.Combine(folder, ConfigName);
}
