using System.Diagnostics;
using MoCoSharp.PyTorch;

#pragma warning disable MA0047 // The runtime looks for it by this name, outside of namespaces.
/// <summary>
/// Runs in the real program before its Main, where DOTNET_STARTUP_HOOKS names this assembly: kills the process, as
/// SIGKILL does, at a stage of its n-th save. MOCO_DIE_AT is "Opened 3 250": the stage, which save, and so many
/// microseconds later. MOCO_FAIL_AT is a stage at which an exception is thrown that nobody foresaw, MOCO_FAIL_BESIDE
/// throws one on a thread of its own.
/// </summary>
internal static class StartupHook
{
    public static void Initialize()
    {
        if (Environment.GetEnvironmentVariable("MOCO_DIE_AT") is { Length: > 0 } wanted)
        {
            var parts = wanted.Split(' ');
            Arm(
                Enum.Parse<AtomicFile.Stage>(parts[0]),
                int.Parse(parts[1]),
                TimeSpan.FromMicroseconds(int.Parse(parts[2])));
        }

        if (Environment.GetEnvironmentVariable("MOCO_FAIL_AT") is { Length: > 0 } stage)
        {
            AtomicFile.Reached = (reached, path) =>
            {
                if (reached == Enum.Parse<AtomicFile.Stage>(stage) && path.Contains(".safetensors"))
                {
                    throw new InvalidOperationException("a test's");
                }
            };
        }

        if (Environment.GetEnvironmentVariable("MOCO_FAIL_BESIDE") is { Length: > 0 })
        {
            new Thread(() =>
            {
                Thread.Sleep(2000); // the program is at work by then
                throw new InvalidOperationException("beside");
            }) { IsBackground = true }.Start();
        }
    }

    private static void Arm(AtomicFile.Stage stage, int left, TimeSpan delay) => AtomicFile.Reached = (reached, path) =>
    {
        if (reached == stage && path.EndsWith(".safetensors") && --left == 0)
        {
            var death = new Thread(() =>
            {
                var since = Stopwatch.GetTimestamp();
                while (Stopwatch.GetElapsedTime(since) < delay)
                {
                }

                Process.GetCurrentProcess().Kill();
            });
            death.Start();
            if (delay == TimeSpan.Zero)
            {
                death.Join(); // not a step beyond this stage
            }
        }
    };
}
