from __future__ import annotations

import json

import httpx
import pytest

from tests.shell import run, stdout

# System calls by name, each with its number on x86_64 and aarch64, and arguments.
FORBIDDEN_CALLS = """
import ctypes, errno, json, os, platform, socket
libc = ctypes.CDLL(None, use_errno=True)
column = ("x86_64", "aarch64").index(platform.machine())

def outcome(act):
    try:
        act()
    except OSError as error:
        return errno.errorcode[error.errno]
    return "done"

def syscall(numbers, *arguments):
    def act():
        if libc.syscall(numbers[column], *arguments) == -1:
            raise OSError(ctypes.get_errno(), "")
    return outcome(act)

NEW_USER, ATTACH = 0x10000000, 16
print(json.dumps({
    "unshare": syscall((272, 97), NEW_USER),
    "mount": syscall((165, 40), b"none", b"/mnt/data", b"tmpfs", 0, 0),
    "bpf": syscall((321, 280), 0, 0, 0),
    "keyctl": syscall((250, 219), 0, 0, 0),
    "userfaultfd": syscall((323, 282), 0),
    "io_uring_setup": syscall((425, 425), 1, 0),
    "ptrace": syscall((101, 117), ATTACH, 1, 0, 0),
    "process_vm_readv": syscall((310, 270), 1, 0, 0, 0, 0, 0),
    "AF_ALG": outcome(lambda: socket.socket(socket.AF_ALG, socket.SOCK_SEQPACKET)),
    "AF_VSOCK": outcome(lambda: socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM)),
    "raw socket": outcome(lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)),
    "setuid": outcome(lambda: os.setuid(0)),
    "chroot": outcome(lambda: os.chroot("/tmp")),
    "mknod": outcome(lambda: os.mknod("/tmp/sda", 0o60600, os.makedev(8, 0))),
}))
"""
WITH_CAPABILITIES = """
import os
for folder, _, names in os.walk("/"):
    if folder.startswith(("/proc", "/sys")):
        continue
    for name in names:
        try:
            os.getxattr(f"{folder}/{name}", "security.capability", follow_symlinks=False)
        except OSError:
            continue
        print(f"{folder}/{name}")
"""
REFUSED = {"EPERM", "EACCES", "ENOSYS", "EAFNOSUPPORT"}


def test_there_is_no_network_but_loopback(http: httpx.Client, shared: str) -> None:
    """From inside there is one interface, `lo`, and no route to anywhere."""
    assert stdout(http, shared, "ls /sys/class/net").split() == ["lo"]
    assert stdout(http, shared, "tail -n +2 /proc/net/route; grep -v ' lo$' /proc/net/ipv6_route || true") == ""
    outcome = run(http, shared, "curl -sS --max-time 20 http://192.0.2.1 http://example.com")["outcome"]
    assert outcome["exit_code"] != 0


def test_code_has_no_privileges(http: httpx.Client, shared: str) -> None:
    """Code runs without any capability, under a seccomp filter, can't gain privileges, and is not root."""
    lines = dict(line.split(":\t", 1) for line in stdout(http, shared, "cat /proc/self/status").splitlines())
    assert {name: int(lines[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {
        "CapInh": 0,
        "CapPrm": 0,
        "CapEff": 0,
        "CapBnd": 0,
        "CapAmb": 0,
    }
    assert (lines["NoNewPrivs"], lines["Seccomp"]) == ("1", "2")
    assert "0" not in lines["Uid"].split() + lines["Gid"].split() + lines["Groups"].split()


def test_nothing_of_the_host_is_mounted(http: httpx.Client, shared: str) -> None:
    """Nothing is mounted but the image, the kernel's own file systems, and what the engine itself puts into /etc."""
    mounts = [line.split() for line in stdout(http, shared, "cat /proc/self/mountinfo").splitlines()]
    kinds = {mount[4]: mount[mount.index("-") + 1] for mount in mounts}
    own = {"overlay", "proc", "sysfs", "tmpfs", "devpts", "mqueue", "cgroup", "cgroup2"}
    of_engine = {"/etc/hosts", "/etc/hostname", "/etc/resolv.conf"}
    assert {place for place, kind in kinds.items() if kind not in own} <= of_engine
    assert "docker.sock" not in stdout(http, shared, "find / -xdev -type s 2>/dev/null; true")


def test_no_file_gives_rights(http: httpx.Client, shared: str) -> None:
    """The image has no setuid or setgid file, no file capabilities, and no system folder that code can write to."""
    assert stdout(http, shared, "find / -xdev -perm /6000 -type f 2>/dev/null; true") == ""
    assert stdout(http, shared, "python3 -", stdin=WITH_CAPABILITIES) == ""
    places = "/bin /sbin /lib /usr /etc /opt /srv /var/lib /root /boot"
    assert stdout(http, shared, f"find $(realpath {places}) -xdev -writable ! -type l 2>/dev/null; true") == ""


def test_the_kernel_is_out_of_reach(http: httpx.Client, shared: str) -> None:
    """Calls that have broken sandboxes before are refused: namespaces, mounts, bpf, keys, io_uring, other processes."""
    found = json.loads(stdout(http, shared, "python3 -", stdin=FORBIDDEN_CALLS))
    assert {name: error for name, error in found.items() if error not in REFUSED} == {}


@pytest.mark.parametrize("what", ["environ", "mem", "maps", "fd/0", "fd", "cwd", "root"])
def test_the_agent_is_closed_to_code(http: httpx.Client, shared: str, what: str) -> None:
    """Code can't look into the process that serves the link, or speak on its descriptors."""
    command = f"cat /proc/1/{what}; ls /proc/1/{what}/; readlink /proc/1/{what}; echo x > /proc/1/{what}"
    output = run(http, shared, command, timeout_ms=10_000)
    assert output["stdout"] == ""
    assert output["outcome"]["exit_code"] != 0


def test_containers_do_not_see_each_other(http: httpx.Client, shared: str) -> None:
    """Processes, shared memory, ports and files of one container are not there in another."""
    other = http.post("/containers", json={"name": "other"}).raise_for_status().json()["id"]
    try:
        leave = "sleep 1000 & echo x > /dev/shm/mark; echo x > /tmp/mark; echo x > /mnt/data/mark"
        stdout(http, other, f"({leave}; python3 -m http.server 8123) > /dev/null 2>&1 &")
        stdout(http, other, "until curl -s localhost:8123; do sleep 0.05; done", timeout_ms=30_000)
        look = (
            "pgrep -cx sleep; ls /dev/shm/mark /tmp/mark /mnt/data/mark | wc -l; curl -s localhost:8123 | wc -l; true"
        )
        assert "0" not in stdout(http, other, look).split()
        assert stdout(http, shared, look).split() == ["0", "0", "0"]
    finally:
        http.delete(f"/containers/{other}").raise_for_status()
