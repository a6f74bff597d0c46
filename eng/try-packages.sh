#!/usr/bin/env bash
# What we publish, used as its users do: the published program, the installed tool, and programs of their own that reference the package or the project.
# Each trains two steps or reads what was trained, so that each must load libtorch. For other platforms it is looked whether libtorch is there.
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
for project in MoCoSharp.Data MoCoSharp.Kernels MoCoSharp.PyTorch MoCoSharp.Distributed MoCoSharp MoCoSharp.Detection MoCoSharp.Cli; do
    dotnet pack "src/$project" -c Release -o "$work/packages"
done
dotnet tool install MoCoSharp.Cli --tool-path "$work/tool" --add-source "$work/packages" --prerelease
rm "$work"/packages/MoCoSharp.Cli.*
train "$work/tool/moco"
rm -rf "$work/tool"

echo "the tool without libtorch, with one from another folder"
dotnet pack src/MoCoSharp.Cli -c Release -o "$work/small" -p:WithoutLibtorch=true
dotnet tool install MoCoSharp.Cli.WithoutLibtorch --tool-path "$work/tool" --add-source "$work/small" --prerelease
du -h "$work"/small/*
MOCOSHARP_LIBTORCH=$(dotnet nuget locals global-packages --list | sed 's/^global-packages: //')libtorch-cpu-linux-x64/2.10.0/runtimes/linux-x64/native train "$work/tool/moco"
rm -rf "$work/tool" "$work/small"
dotnet build src/MoCoSharp.Cli -c Release # with libtorch again, as it was

# program FOLDER REFERENCE [PROPERTY...]: a project outside the repository.
program() {
    mkdir "$1"
    echo "<Project />" | tee "$1/Directory.Build.props" "$1/Directory.Build.targets" "$1/Directory.Packages.props" > /dev/null
    cat > "$1/program.csproj" <<END
<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup>
    <OutputType>Exe</OutputType>
    <TargetFramework>net10.0</TargetFramework>
    <ImplicitUsings>enable</ImplicitUsings>
    ${3:-}
  </PropertyGroup>
  <ItemGroup>
    $2
  </ItemGroup>
</Project>
END
    cat > "$1/Program.cs" <<'END'
using MoCoSharp;
using MoCoSharp.Encoders;
using TorchSharp;

TorchRuntime.Configure();
using var trained = TrainedEncoder.Load(args[0]);
using var features = trained.Encoder.Features(torch.rand(2, 3, 32, 32));
Console.WriteLine($"{trained.Architecture}: {string.Join(" x ", features.shape)}");
END
}

# runs FOLDER: the program reads what was trained.
runs() {
    dotnet run --project "$1" -c Release -- "$(ls -d "$work"/train-* | head -n 1)" | tee "$work/said"
    grep -q "^resnet10, width 16, small stem: 2 x 128$" "$work/said"
}

echo "package reference"
program "$work/program" '<PackageReference Include="MoCoSharp" Version="*-*" />' \
"<RestoreAdditionalProjectSources>$work/packages</RestoreAdditionalProjectSources>
    <RestorePackagesPath>$work/cache</RestorePackagesPath>
    <RestoreFallbackFolders>$(dotnet nuget locals global-packages --list | sed 's/^global-packages: //')</RestoreFallbackFolders>"
runs "$work/program"

echo "package reference, for other platforms"
for platform in win-x64/torch_cpu.dll osx-arm64/libtorch_cpu.dylib; do
    dotnet publish "$work/program" -c Release -r "${platform%/*}" --self-contained false -o "$work/${platform%/*}"
    [ -f "$work/$platform" ] || { echo "$platform is missing"; exit 1; }
    rm -rf "${work:?}/${platform%/*}"
done
if dotnet build "$work/program" -c Release -r linux-arm64 > "$work/said"; then
    echo "a program without libtorch was built"
    exit 1
fi
grep -q "error MOCO001: program is built for linux-arm64" "$work/said"
rm -rf "$work/program" "$work/cache"

echo "project reference"
program "$work/neighbor" "<ProjectReference Include=\"$PWD/src/MoCoSharp/MoCoSharp.csproj\" />"
runs "$work/neighbor"
echo "publish, pack, package reference and project reference: each runs"
