using System.CommandLine;
using MoCoSharp.Cli.CommandLine;

namespace MoCoSharp.Cli.Commands;

/// <summary>moco completion: prints a shell script that completes verbs, options, their values and recipes.</summary>
internal static class CompletionCommand
{
    // Each script calls `moco "[suggest:POSITION]" "LINE"`, which prints the possible words, one per line.
    private static readonly Dictionary<string, string> Scripts = new(StringComparer.Ordinal)
    {
        ["bash"] = """
            # moco completion bash: put this into ~/.bashrc:  source <(moco completion bash)
            _moco() {
                local IFS=$'\n' line="${COMP_LINE//=/ }"
                local word="${line:0:COMP_POINT}"
                word="${word##*[[:space:]]}"
                local found="$("${COMP_WORDS[0]}" "[suggest:${COMP_POINT}]" "$line" 2>/dev/null)"
                COMPREPLY=($(compgen -W "$found" -- "$word"))
            }
            complete -o default -F _moco moco
            """,
        ["zsh"] = """
            # moco completion zsh: put this into ~/.zshrc, after compinit:  source <(moco completion zsh)
            _moco() {
                local -a found
                found=("${(@f)$(moco "[suggest:${CURSOR}]" "${BUFFER}" 2>/dev/null)}")
                if [[ -n "${found[1]}" ]]; then compadd -- "${found[@]}"; else _files; fi
            }
            compdef _moco moco
            """,
        ["fish"] = """
            # moco completion fish: put this into ~/.config/fish/config.fish:  moco completion fish | source
            complete -c moco -a '(moco "[suggest:"(commandline -C)"]" (commandline) 2>/dev/null)'
            """,
        ["pwsh"] = """
            # moco completion pwsh: put this into $PROFILE:  moco completion pwsh | Out-String | Invoke-Expression
            Register-ArgumentCompleter -Native -CommandName moco -ScriptBlock {
                param($word, $line, $position)
                moco "[suggest:$position]" "$line" | Where-Object { $_ -like "$word*" } | ForEach-Object {
                    [System.Management.Automation.CompletionResult]::new($_, $_, 'ParameterValue', $_)
                }
            }
            """,
    };

    public static Command Create()
    {
        var shell = new Argument<string>("shell") { Description = $"{ValueOptions.Or([.. Scripts.Keys])}." }.OneOf([
            .. Scripts.Keys,
        ]);
        var command = new Command(
            "completion",
            "Print a shell script that completes verbs, options and recipes.")
        {
            shell,
        };
        command.SetAction(parsed =>
        {
            Console.Out.Write(Scripts[parsed.GetValue(shell)!] + "\n");
            return ExitCode.Done;
        });
        return command;
    }
}
