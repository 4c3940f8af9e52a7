# Sourced by the set-up scripts: how they speak, give up, time a step and install a Debian package.

say() {
    printf '==> %s\n' "$*" >&2
}

die() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

# have COMMAND...: every one of them is on the path.
have() {
    local command
    for command in "$@"; do
        command -v "$command" >/dev/null 2>&1 || return 1
    done
}

is_debian_root() {
    [ "$(id -u)" -eq 0 ] && [ -e /etc/debian_version ] && have apt-get
}

# step TITLE COMMAND...: run what takes long behind one line, with its seconds; its output is shown only if it fails.
step() {
    local title=$1 log started=$SECONDS
    shift
    log=$(mktemp)
    printf '==> %s ... ' "$title" >&2
    if "$@" >"$log" 2>&1 </dev/null; then
        printf '%ds\n' $((SECONDS - started)) >&2
        rm -f "$log"
    else
        printf 'failed after %ds\n' $((SECONDS - started)) >&2
        cat "$log" >&2
        die "$title: failed; its output is above and in $log"
    fi
}

apt_get() {
    DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 "$@"
}

# apt_install PACKAGE...: as root on Debian. A package list that can't be renewed is no reason to stop: the old one may do.
apt_install() {
    apt_get update || true
    apt_get install --yes --no-install-recommends "$@"
}
