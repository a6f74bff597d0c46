#!/usr/bin/env bash
# What we publish, used as its users do: the published program, the installed tool, and a program of its own that references the library.
# Each trains two steps or reads what was trained, so that each must load libtorch.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
train() { "$@" pretrain --run "$work/$FUNCNAME-$RANDOM" --data patterns:300 --steps 2 --set knn.everyEpochs=0; }

echo "publish"
dotnet publish src/MoCoSharp.Cli -c Release -o "$work/published" -p:CreateHardLinksForPublishFilesIfPossible=true
train dotnet "$work/published/moco.dll"
rm -rf "$work/published"

echo "pack, and install as a tool"
for project in MoCoSharp.Data MoCoSharp MoCoSharp.Cli; do
    dotnet pack "src/$project" -c Release -o "$work/packages"
done
dotnet tool install MoCoSharp.Cli --tool-path "$work/tool" --add-source "$work/packages" --prerelease
rm "$work"/packages/MoCoSharp.Cli.*
train "$work/tool/moco"
rm -rf "$work/tool"

echo "reference"
mkdir "$work/program"
cat > "$work/program/Directory.Build.props" <<'END'
<Project />
END
cat > "$work/program/program.csproj" <<END
<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup>
    <OutputType>Exe</OutputType>
    <TargetFramework>net10.0</TargetFramework>
    <ImplicitUsings>enable</ImplicitUsings>
    <RestoreAdditionalProjectSources>$work/packages</RestoreAdditionalProjectSources>
    <RestorePackagesPath>$work/cache</RestorePackagesPath>
    <RestoreFallbackFolders>$(dotnet nuget locals global-packages --list | sed 's/^global-packages: //')</RestoreFallbackFolders>
  </PropertyGroup>
  <ItemGroup>
    <PackageReference Include="MoCoSharp" Version="*-*" />
  </ItemGroup>
</Project>
END
cat > "$work/program/Program.cs" <<'END'
using MoCoSharp.Training;
using TorchSharp;

using var trained = TrainedEncoder.Load(args[0]);
using var features = trained.Encoder.Features(torch.rand(2, 3, 32, 32));
Console.WriteLine($"{trained.Architecture}: {string.Join(" x ", features.shape)}");
END
dotnet run --project "$work/program" -c Release -- "$(ls -d "$work"/train-* | head -n 1)" | tee "$work/said"
grep -q "^resnet18, width 16, small stem: 2 x 128$" "$work/said"
echo "publish, pack and reference: each runs"
