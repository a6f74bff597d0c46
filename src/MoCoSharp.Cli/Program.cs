using System.CommandLine;
using MoCoSharp.Cli;
using MoCoSharp.Cli.Commands;
using MoCoSharp.Cli.Studies;

Screen.Open();
var root = new RootCommand("moco: pre-train a visual encoder on unlabelled images (MoCo v1 and v2), and check it.")
{
    PretrainCommand.Create(),
    KnnCommand.Create(),
    ExportCommand.Create(),
    LinearCommand.Create(),
    FinetuneCommand.Create(),
    DetectCommand.Create(),
    EmbedCommand.Create(),
    CompareCommand.Create(),
    StudyCommand.Create(),
    ImportCommand.Create(),
    InspectCommand.Create(),
    PackCommand.Create(),
    BenchCommand.Create(),
    DoctorCommand.Create(),
};
var parsed = root.Parse(args);
if (parsed.Errors.Count > 0)
{
    foreach (var error in parsed.Errors)
    {
        Console.Error.WriteLine($"moco: {error.Message}");
    }

    Console.Error.WriteLine("moco: `moco --help` lists what there is.");
    return ExitCode.Usage;
}

if (Processes.Refusal(parsed.CommandResult.Command.Name) is { } refusal)
{
    Console.Error.Write(refusal);
    return ExitCode.Usage;
}

// No time-out: a save after Ctrl-C may take as long as it takes.
var code = parsed.Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null });

return Screen.HasLostOutput ? ExitCode.WithoutOutput(code, parsed.CommandResult.Command.Name) : code;
