# Sourced by the set-up scripts: how they speak, give up, time a step, install a Debian package and build an image.

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

readonly INPUTS_LABEL=sandlot.image.inputs

# is_built_of IMAGE HASH: the image is there, and what it was made of had that hash.
is_built_of() {
    [ "$(docker image inspect --format "{{index .Config.Labels \"$INPUTS_LABEL\"}}" "$1" 2>/dev/null)" = "$2" ]
}

# build_image IMAGE HASH ARGUMENT...: with `docker build`. The image that the name meant before is removed, unless a sandbox
# still runs on it.
build_image() {
    local image=$1 hash=$2 before
    shift 2
    before=$(docker image inspect --format '{{.Id}}' "$image" 2>/dev/null) || before=
    docker build --network host --label "$INPUTS_LABEL=$hash" --tag "$image" \
        --build-arg http_proxy --build-arg https_proxy --build-arg no_proxy "$@" || return
    [ -z "$before" ] || docker image rm "$before" || true
}
