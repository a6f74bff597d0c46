using System.Runtime.InteropServices;

namespace MoCoSharp.Cli;

/// <summary>
/// Handles SIGINT (Ctrl-C), SIGTERM, SIGHUP (a closed terminal) and SIGUSR1: they request a save and an end. A second
/// Ctrl-C ends at once.
/// </summary>
/// <remarks>
/// The handlers stay installed until the program ends, so that a late signal does not turn success into failure. .NET
/// translates the events of a Windows console: Ctrl-Break to SIGQUIT, a closed window to SIGHUP, and a shutdown to
/// SIGTERM.
/// </remarks>
internal sealed partial class StopSignals : IDisposable
{
    private const PosixSignal Usr1OnLinux = (PosixSignal)10;
    private const PosixSignal Usr1OnMac = (PosixSignal)30;
    private const int InterruptedExit = 130; // 128 + SIGINT, the convention of shells

    private static readonly List<PosixSignalRegistration> Registrations = [];

    private readonly CancellationTokenSource _stop = new();
    private bool _over;
    private readonly Lock _gate = new();
    private Action? _save;
    private bool _saveAsked;
    private int _interrupts;

    /// <summary>Installs the handlers.</summary>
    /// <param name="usr1Continues">Whether SIGUSR1 saves and continues.</param>
    /// <param name="saves">Whether the work can be continued later. If not, a stop writes nothing.</param>
    public StopSignals(bool usr1Continues = false, bool saves = true)
    {
        var (how, without) = saves
            ? ("stopping after this step, and saving", ", without saving")
            : ("stopping; nothing is written", "");
        Listen(PosixSignal.SIGINT, Interrupt);
        Listen(PosixSignal.SIGTERM, () => StopForGood($"SIGTERM: {how}."));
        Listen(PosixSignal.SIGHUP, () => StopForGood($"SIGHUP: {how}.")); // stays ignored under nohup
        if (OperatingSystem.IsWindows())
        {
            Listen(PosixSignal.SIGQUIT, Interrupt);
        }
        else
        {
            Listen(
                OperatingSystem.IsMacOS() ? Usr1OnMac : Usr1OnLinux,
                usr1Continues ? AskForSave : () => Stop($"SIGUSR1: {how}."));
        }

        void Interrupt()
        {
            if (Interlocked.Increment(ref _interrupts) > 1)
            {
                ExitAtOnce();
            }

            Stop($"{how}; a second Ctrl-C ends at once{without}.");
        }
    }

    /// <summary>Canceled when the program should stop.</summary>
    public CancellationToken Token => _stop.Token;

    /// <summary>Sets the action of a request to save and continue. Also runs it for an earlier request.</summary>
    public void OnSave(Action save)
    {
        lock (_gate)
        {
            _save = save;
            if (_saveAsked)
            {
                save();
            }
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _over = true;
            _stop.Dispose();
        }
    }

    private static void Listen(PosixSignal signal, Action heard) =>
        Registrations.Add(
            PosixSignalRegistration.Create(
                signal,
                context =>
    {
        context.Cancel = true; // prevents the default action, which ends the process
        heard();
    }));

    private void Stop(string message)
    {
        lock (_gate)
        {
            if (_over || _stop.IsCancellationRequested)
            {
                return;
            }

            try
            {
                Processes.TellStop(message);
            }
            catch (IOException)
            {
                // The terminal is closed.
            }

            _stop.Cancel();
        }
    }

    // Windows ends the process when this returns, and after five seconds in any case.
    private void StopForGood(string message)
    {
        Stop(message);
        if (OperatingSystem.IsWindows())
        {
            Thread.Sleep(Timeout.Infinite);
        }
    }

    private void AskForSave()
    {
        lock (_gate)
        {
            if (_over)
            {
                return;
            }

            Console.Error.WriteLine("moco: SIGUSR1: saving after this step, and continuing.");
            _saveAsked = true;
            _save?.Invoke();
        }
    }

    // Environment.Exit would wait for running work.
    private static void ExitAtOnce()
    {
        if (OperatingSystem.IsWindows())
        {
            Environment.Exit(InterruptedExit);
        }

        ExitNow(InterruptedExit);
    }

    [LibraryImport("libc", EntryPoint = "_exit")]
    private static partial void ExitNow(int code);
}
