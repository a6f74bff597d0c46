using System.Runtime.InteropServices;

namespace MoCoSharp.Cli;

/// <summary>Ctrl-C and SIGTERM ask for a save and an end; a second one ends at once.</summary>
internal sealed class StopSignals : IDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly List<PosixSignalRegistration> _registrations = [];

    public StopSignals()
    {
        foreach (var signal in new[] { PosixSignal.SIGINT, PosixSignal.SIGTERM })
        {
            _registrations.Add(PosixSignalRegistration.Create(signal, context =>
            {
                context.Cancel = !_stop.IsCancellationRequested; // the second one is the system's
                if (context.Cancel)
                {
                    Console.Error.WriteLine("moco: stopping after this step, and saving; once more ends at once, without saving.");
                }

                _stop.Cancel();
            }));
        }
    }

    public CancellationToken Token => _stop.Token;

    public void Dispose()
    {
        foreach (var registration in _registrations)
        {
            registration.Dispose();
        }

        _stop.Dispose();
    }
}
