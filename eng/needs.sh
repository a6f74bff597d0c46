# For scripts of this folder that mount and start programs of Debian: `. eng/needs.sh PROGRAM...` installs what is missing in CI, and elsewhere
# ends the script with the reason. In CI that is a failure.
skip() {
    echo "$0: skipped: $1" >&2
    if [ "${CI:-}" = true ]; then exit 1; fi
    exit 0
}
[ "$(id -u)" = 0 ] || skip "it needs root"
unshare -m true || skip "it may not mount here"
for program in "$@"; do
    command -v "$program" > /dev/null && continue
    [ "${CI:-}" = true ] || skip "there is no $program: apt-get install $program"
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -yqq --no-install-recommends "$program"
done
