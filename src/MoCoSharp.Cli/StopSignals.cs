using System.Runtime.InteropServices;

namespace MoCoSharp.Cli;

/// <summary>SIGINT (Ctrl-C), SIGTERM and SIGUSR1 ask for a save and an end; a second Ctrl-C ends at once.</summary>
/// <remarks>
/// Once heard, always heard: the program answers until it ends, so that a signal during its last words does not turn
/// success into failure.
/// </remarks>
internal sealed partial class StopSignals : IDisposable
{
    private const PosixSignal Usr1OnLinux = (PosixSignal)10;
    private const PosixSignal Usr1OnMac = (PosixSignal)30;
    private const int InterruptedExit = 130; // 128 + SIGINT, as shells say

    private static readonly List<PosixSignalRegistration> Registrations = [];

    private readonly CancellationTokenSource _stop = new();
    private bool _over;
    private readonly Lock _gate = new();
    private Action? _save;
    private bool _saveAsked;
    private int _interrupts;

    /// <summary>Listens.</summary>
    /// <param name="usr1Continues">Whether SIGUSR1 saves and goes on.</param>
    public StopSignals(bool usr1Continues = false)
    {
        Listen(PosixSignal.SIGINT, () =>
        {
            if (Interlocked.Increment(ref _interrupts) > 1)
            {
                ExitAtOnce();
            }

            Stop("stopping after this step, and saving; Ctrl-C once more ends at once, without saving.");
        });
        Listen(PosixSignal.SIGTERM, () => Stop("SIGTERM: stopping after this step, and saving."));
        if (!OperatingSystem.IsWindows())
        {
            Listen(
                OperatingSystem.IsMacOS() ? Usr1OnMac : Usr1OnLinux,
                usr1Continues ? AskForSave : () => Stop("SIGUSR1: stopping after this step, and saving."));
        }
    }

    /// <summary>Cancelled when it is time to stop.</summary>
    public CancellationToken Token => _stop.Token;

    /// <summary>What a request to save and go on does, also one that has come before.</summary>
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
        context.Cancel = true; // not the system's answer, which would be to die here and now
        heard();
    }));

    private void Stop(string message)
    {
        lock (_gate)
        {
            if (!_over && !_stop.IsCancellationRequested)
            {
                Processes.TellStop(message);
                _stop.Cancel();
            }
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

            Console.Error.WriteLine("moco: SIGUSR1: saving after this step, and going on.");
            _saveAsked = true;
            _save?.Invoke();
        }
    }

    // Not Environment.Exit, which waits for what the process is doing.
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
