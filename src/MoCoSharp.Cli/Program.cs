using System.CommandLine;
using MoCoSharp;
using MoCoSharp.Cli;
using MoCoSharp.Cli.CommandLine;
using MoCoSharp.Cli.Progress;

try
{
    TorchRuntime.Configure(); // before any tensor
}
catch (ArgumentException error)
{
    return ExitCode.Tell([error.Message], ExitCode.Usage);
}

Screen.Open();
OwnFault.Watch(args);
var root = Verbs.Create();
if (args.Length == 0)
{
    Console.Out.Write(HelpText.Create(root, HelpText.Width()));
    return ExitCode.Usage; // no verb: a script should notice
}

var parsed = Verbs.Parse(root, args);
if (parsed.Action is not (HelpText or Completion))
{
    if (UsageFaults.Find(parsed, args) is { Count: > 0 } faults)
    {
        var verb =
            parsed.CommandResult.Command is RootCommand ? "" : $" {string.Join(' ', parsed.CommandResult.Names())}";
        ExitCode.Tell(faults, ExitCode.Usage);
        Console.Error.WriteLine(
            $"moco: `moco help{verb}` {(verb.Length == 0 ? "lists all verbs" : "shows its options")}.");
        return ExitCode.Usage;
    }

    if (Processes.Refusal(parsed.CommandResult.Command.Name) is { } refusal)
    {
        Console.Error.Write(refusal);
        return ExitCode.Usage;
    }
}

if (parsed.Errors.Count == 0 && parsed.GetValue(Options.Libtorch) is { } libtorch)
{
    Environment.SetEnvironmentVariable(TorchRuntime.LibtorchVariable, libtorch); // before any tensor
}

// No time-out: a save after Ctrl-C must not be interrupted.
var code = parsed.Invoke(
    new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null });

return Screen.HasLostOutput ? ExitCode.WithoutOutput(code, parsed.CommandResult.Command.Name) : code;
