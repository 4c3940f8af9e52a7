"""What a sandbox on the host's own kernel looks like from inside."""

from __future__ import annotations

import os

import pytest

from runtime.values import GIB, ExitOutcome
from tests.runtime.engines.conftest import CPUS
from tests.runtime.link.box import Box

MOUNTED_BY_THE_ENGINE = {"/etc/resolv.conf", "/etc/hostname", "/etc/hosts"}
KERNEL_FILESYSTEMS = {"proc", "tmpfs", "devpts", "sysfs", "cgroup", "cgroup2", "mqueue"}
MIB = 1024**2

FIND_RIGHTS = """
import os, stat
count = 0
for folder, folders, files in os.walk("/"):
    folders[:] = [name for name in folders if not os.path.ismount(os.path.join(folder, name))]
    for path in (os.path.join(folder, name) for name in files):
        try:
            count += 1
            if os.lstat(path).st_mode & (stat.S_ISUID | stat.S_ISGID):
                print(path)
            if "security.capability" in os.listxattr(path, follow_symlinks=False):
                print(path)
        except FileNotFoundError:
            pass
print(count)
"""


async def test_network(inside: Box) -> None:
    """There is a loopback interface and no other, no route, no name server to ask and no host to reach."""
    assert (await inside.run("ls /sys/class/net")).split() == ["lo"]
    assert (await inside.run("tail -n +2 /proc/net/route")) == ""
    assert set((await inside.run("awk '{print $NF}' /proc/net/ipv6_route || true")).split()) <= {"lo"}
    for address in ("1.1.1.1", "172.17.0.1", "169.254.169.254", "10.0.0.1", "::1:2:3:4"):
        output = await inside.one(f"python3 -c \"import socket; socket.create_connection(('{address}', 80), 5)\"")
        assert output.outcome == ExitOutcome(1)
        assert "unreachable" in output.stderr or "Cannot assign" in output.stderr, output.stderr
    assert (await inside.one("getent hosts example.com")).outcome != ExitOutcome(0)


async def test_loopback(inside: Box) -> None:
    """A server and its client inside a sandbox find each other."""
    code = (
        "import socket; s = socket.create_server(('127.0.0.1', 0)); c = socket.create_connection(s.getsockname());"
        "s.accept()[0].send(b'hi'); print(c.recv(2))"
    )
    assert await inside.run(f'python3 -c "{code}"') == "b'hi'\n"


async def test_privileges(inside: Box) -> None:
    """Code has no capabilities and can get none, filtered system calls, and a user that isn't root."""
    status = dict(line.split(":\t", 1) for line in (await inside.run("cat /proc/self/status")).splitlines())
    for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert int(status[name], 16) == 0, name
    assert status["NoNewPrivs"] == "1"
    assert status["Seccomp"] == "2"
    assert set(status["Uid"].split()) == {"1000"}
    assert set(status["Gid"].split()) == {"1000"}
    assert status["Groups"].split() in ([], ["1000"])


async def test_no_program_gives_other_rights(inside: Box) -> None:
    """No file has a setuid or setgid bit, or capabilities."""
    output = await inside.one("python3 -", stdin=FIND_RIGHTS)
    *found, count = output.stdout.split()
    assert found == [], output
    assert int(count) > 1000


async def test_mounts(inside: Box) -> None:
    """Nothing of the host is mounted but the three files that the engine makes for each container."""
    foreign = set()
    for line in (await inside.run("cat /proc/self/mountinfo")).splitlines():
        before, _, after = line.partition(" - ")
        place, kind = before.split()[4], after.split()[0]
        if kind not in KERNEL_FILESYSTEMS and place != "/":
            foreign.add(place)
    assert foreign <= MOUNTED_BY_THE_ENGINE
    assert await inside.run("find / -xdev -type s 2>/dev/null || true") == ""


@pytest.mark.parametrize(("place", "size"), [("/tmp", 512 * MIB), ("/dev/shm", 64 * MIB)])
async def test_temporary_folders(inside: Box, place: str, size: int) -> None:
    """They are in memory, of a fixed size, without devices and setuid."""
    kind, options = (await inside.run(f"findmnt -no FSTYPE,OPTIONS {place}")).split()
    assert kind == "tmpfs"
    assert {"rw", "nosuid", "nodev", f"size={size // 1024}k"} <= set(options.split(","))
    full = await inside.one(f"head -c {size + 1} /dev/zero > {place}/full")
    assert "No space left" in full.stderr
    await inside.run(f"rm {place}/full")


async def test_what_can_be_written(inside: Box) -> None:
    """The system's folders are not the code's; its own are."""
    system = "/bin /boot /etc /home/oai /lib /opt /root /sbin /srv /sys /usr /var/cache /var/lib /var/log"
    assert await inside.run(f"find {system} -writable ! -type l ! -type c 2>/dev/null || true") == ""
    assert await inside.run("for d in /mnt/data /tmp ~; do touch $d/x && rm $d/x && echo ok; done") == "ok\n" * 3
    for command in ("echo x > /proc/sys/kernel/core_pattern", "echo c > /proc/sysrq-trigger", "touch /x"):
        assert (await inside.one(command)).outcome != ExitOutcome(0)


async def test_limits_of_the_sandbox(inside: Box) -> None:
    """Memory, processes and processors are limited as they were asked for, and there is no swap."""
    memory = "cat /sys/fs/cgroup/memory.max || cat /sys/fs/cgroup/memory/memory.limit_in_bytes"
    assert int(await inside.run(f"({memory}) 2>/dev/null")) == GIB
    swap = "cat /sys/fs/cgroup/memory.swap.max || cat /sys/fs/cgroup/memory/memory.memsw.limit_in_bytes"
    assert (await inside.run(f"({swap}) 2>/dev/null || echo none")).strip() in ("0", str(GIB), "none")
    pids = "cat /sys/fs/cgroup/pids.max || cat /sys/fs/cgroup/pids/pids.max"
    assert int(await inside.run(f"({pids}) 2>/dev/null")) == 512
    cpu = "cat /sys/fs/cgroup/cpu.max || cat /sys/fs/cgroup/cpu/cpu.cfs_quota_us /sys/fs/cgroup/cpu/cpu.cfs_period_us"
    quota, period = (await inside.run(f"({cpu}) 2>/dev/null")).split()
    assert int(quota) / int(period) == CPUS


async def test_limits_of_a_process(inside: Box) -> None:
    """A process may open so many files and leaves no core behind."""
    assert (await inside.run("ulimit -Sn; ulimit -Hn; ulimit -Sc; ulimit -Hc")).split() == ["8192", "8192", "0", "0"]


@pytest.mark.parametrize("namespace", ["cgroup", "ipc", "mnt", "net", "pid", "uts"])
async def test_namespaces(inside: Box, namespace: str) -> None:
    """A sandbox shares no such namespace with the host."""
    assert (await inside.run(f"readlink /proc/self/ns/{namespace}")).strip() != os.readlink(
        f"/proc/self/ns/{namespace}"
    )


async def test_the_host_stays_unknown(inside: Box) -> None:
    """Only a sandbox's own processes are seen, and its name says nothing."""
    assert await inside.run("hostname") == "sandbox\n"
    names = set((await inside.run("ps -eo comm=")).split())
    assert names <= {"python3", "bash", "sh", "ps"}
    assert (await inside.one("dmesg")).outcome != ExitOutcome(0)
    assert await inside.run("cat /proc/kcore /proc/keys /proc/timer_list 2>/dev/null | wc -c") == "0\n"
