#!/usr/bin/env bash
# Builds the API reference from the XML docs, as a site in artifacts/api-site (not committed). docfx is installed beside it.
set -euo pipefail
cd "$(dirname "$0")/.."
docfx=artifacts/docfx/docfx
[ -x "$docfx" ] || dotnet tool install docfx --version 2.81.0 --tool-path artifacts/docfx
[ "${1:-}" = --no-build ] || dotnet build src/MoCoSharp.Cli -c Release # its output has every library and its XML docs
rm -rf artifacts/api artifacts/api-site
cp eng/api/* artifacts/
"$docfx" artifacts/docfx.json
echo "artifacts/api-site/index.html: $(find artifacts/api-site/api -name '*.html' | wc -l) pages. To look at it: $docfx serve artifacts/api-site"
