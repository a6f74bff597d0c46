using System.Diagnostics;
using System.Globalization;

namespace MoCoSharp.Cli.Tests.Hosts;

/// <summary>
/// Two hosts made of Linux's namespaces: each has a name, a network and mounts of its own, and the files of this
/// machine. The second runs sshd; a <see cref="Wire"/> joins them.
/// </summary>
internal sealed class HostPair : IDisposable
{
    private const string AlphaAddress = "10.90.0.1";
    private const string BetaAddress = "10.90.0.2";
    private static readonly string[] Programs = ["unshare", "nsenter", "ip", "sshd", "ssh", "ssh-keygen"];

    private static readonly string[] Passed = // environment variables
    [
        "PATH", "DOTNET_TC_CallCounting", "OMPI_MCA_btl_vader_single_copy_mechanism",
    ];

    private readonly string _folder; // keys and settings of ssh
    private readonly List<Process> _started = []; // what keeps the hosts, and sshd
    private readonly Process _alpha;
    private readonly Process _beta;

    /// <summary>Makes the hosts. Their keys and settings are in a folder.</summary>
    public HostPair(string folder)
    {
        _folder = Directory.CreateDirectory(Path.Combine(folder, "ssh")).FullName;
        try
        {
            var (alpha, beta) = (Start("alpha"), Start("beta"));
            var (tapOfAlpha, tapOfBeta) = ($"tapA{Environment.ProcessId}", $"tapB{Environment.ProcessId}");
            (_alpha, _beta, Wire) = (alpha, beta, new Wire(tapOfAlpha, tapOfBeta));
            Join(_alpha, tapOfAlpha, AlphaAddress);
            Join(_beta, tapOfBeta, BetaAddress);
            StartSshd();
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The wire between the two.</summary>
    public Wire Wire { get; }

    /// <summary>Skips a test where such hosts cannot be made. In CI, a missing program is a failure.</summary>
    public static void Demand()
    {
        Mpirun.Demand();
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Two hosts are made of Linux's namespaces.");
        var missing = Programs.Where(program => Shell($"PATH=$PATH:/usr/sbin command -v {program}").Code != 0).ToList();
        var reason = $"There is no {string.Join(", ", missing)}: apt-get install iproute2 openssh-server";
        Assert.False(missing.Count > 0 && Environment.GetEnvironmentVariable("CI") == "true", reason);
        Assert.SkipUnless(missing.Count == 0, reason);
        var (code, _, error) = Shell("unshare -n -u -m true && test -w /dev/net/tun");
        Assert.SkipUnless(
            code == 0, $"Namespaces or /dev/net/tun are not allowed here; root in a virtual machine may. {error}");
    }

    /// <summary>mpirun on the first host, with one process on each.</summary>
    /// <param name="folder">The working folder on both.</param>
    /// <param name="options">Options of mpirun.</param>
    /// <param name="betaPrefix">What comes before the program on the second host, as `env NAME=value`.</param>
    /// <param name="arguments">The arguments of `moco`.</param>
    public ProcessStartInfo Job(string folder, string[] options, string[] betaPrefix, string[] arguments)
    {
        var moco = Path.Combine(AppContext.BaseDirectory, "moco.dll");
        string[] program = ["dotnet", moco, .. arguments];
        var start = new ProcessStartInfo("nsenter", [
            .. Into(_alpha, folder), Mpirun.Launcher!, "--allow-run-as-root", "--mca", "plm_rsh_args",
            $"-F {Path.Combine(_folder, "config")}", .. options, "-wd", folder,
            .. Passed.SelectMany(name => new[] { "-x", name }),
            "-np", "1", "--host", AlphaAddress, .. program,
            ":", "-np", "1", "--host", BetaAddress, .. betaPrefix, .. program,
        ])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        start.Environment["OMPI_MCA_btl_vader_single_copy_mechanism"] = "none";
        return start;
    }

    /// <summary>Runs a line of shell on the first host.</summary>
    public void OnAlpha(string line)
    {
        var (code, _, error) = Shell($"nsenter {string.Join(' ', Into(_alpha, "/"))} sh -c '{line}'");
        Assert.True(code == 0, error);
    }

    /// <summary>The programs that run on the second host, but for sshd and what keeps the host.</summary>
    public IReadOnlyList<string> ProgramsOnBeta()
    {
        var network = Network(_beta.Id);
        return
        [
            .. Directory.GetDirectories("/proc")
                .Select(path => int.TryParse(Path.GetFileName(path), CultureInfo.InvariantCulture, out var id) ? id : 0)
                .Where(id => id > 0 && id != _beta.Id && Network(id) == network)
                .Select(CommandLine)
                .Where(command => command.Length > 0 && !command.StartsWith("sshd:", StringComparison.Ordinal)),
        ];
    }

    public void Dispose()
    {
        foreach (var process in _started)
        {
            process.Kill(entireProcessTree: true);
            process.WaitForExit();
            process.Dispose();
        }

        Wire?.Dispose();
    }

    private static string? Network(int process) =>
        OfProcess(() => new FileInfo($"/proc/{process}/ns/net").LinkTarget);

    private static string CommandLine(int process) =>
        OfProcess(() => File.ReadAllText($"/proc/{process}/cmdline").Replace('\0', ' ')) ?? "";

    // Null if the process has ended.
    private static string? OfProcess(Func<string?> read)
    {
        try
        {
            return read();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static string[] Into(Process host, string folder) =>
        ["-t", $"{host.Id}", "-n", "-u", "-m", $"--wd={folder}"];

    // A process in namespaces of its own keeps them.
    private Process Start(string name)
    {
        var host = Start("unshare", [
            "-n", "-u", "-m", "sh", "-c",
            $"hostname {name}; mount -t tmpfs none /run; mkdir /run/sshd; ip link set lo up; exec sleep infinity",
        ]);
        Assert.True(SpinWait.SpinUntil(
            () => File.ReadAllText($"/proc/{host.Id}/comm").Trim() == "sleep", TimeSpan.FromMinutes(4)));
        return host;
    }

    private Process Start(string program, string[] arguments)
    {
        // Not the output of the tests, which waits for its last writer.
        var process = Process.Start(new ProcessStartInfo(program, arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        })!;
        _started.Add(process);
        return process;
    }

    private static void Join(Process host, string device, string address)
    {
        var (code, _, error) = Shell(
            $"ip link set {device} netns {host.Id} && nsenter -t {host.Id} -n sh -c " +
            $"'ip addr add {address}/24 dev {device} && ip link set {device} up'");
        Assert.True(code == 0, error);
    }

    private void StartSshd()
    {
        foreach (var key in (string[])["host", "user"])
        {
            var (code, _, error) = Shell($"ssh-keygen -q -t ed25519 -N '' -f '{Path.Combine(_folder, key)}'");
            Assert.True(code == 0, error);
        }

        File.WriteAllText(Path.Combine(_folder, "sshd"), $"""
            ListenAddress {BetaAddress}:22
            HostKey {_folder}/host
            AuthorizedKeysFile {_folder}/user.pub
            StrictModes no
            UsePAM no
            PidFile none
            PermitRootLogin yes

            """);
        File.WriteAllText(Path.Combine(_folder, "config"), $"""
            IdentityFile {_folder}/user
            UserKnownHostsFile {_folder}/known
            StrictHostKeyChecking no
            BatchMode yes
            LogLevel ERROR

            """);
        var program = Shell("PATH=$PATH:/usr/sbin command -v sshd").Output.Trim(); // sshd wants its whole path
        Start("nsenter", [.. Into(_beta, "/"), program, "-D", "-q", "-f", Path.Combine(_folder, "sshd")]);
        var login = $"nsenter {string.Join(' ', Into(_alpha, "/"))} ssh -F '{_folder}/config' {BetaAddress} true";
        Assert.True(SpinWait.SpinUntil(() => Shell(login).Code == 0, TimeSpan.FromMinutes(4)));
    }

    private static (int Code, string Output, string Error) Shell(string line) => Moco.RunShell("/", line);
}
