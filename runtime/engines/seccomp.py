"""The system calls that code in a sandbox may make. Everything that isn't listed fails with EPERM.

The list is narrower than Docker's own profile: beside what that one refuses (mounts, namespaces, modules, clocks,
bpf, keys, userfaultfd, other processes' memory, ...) there is no ptrace, no io_uring, no other asynchronous I/O of the
kernel's, no file handles, and no socket of a family other than unix, IPv4, IPv6 and netlink, so neither AF_ALG nor
AF_VSOCK.
"""

from __future__ import annotations

import json
from functools import cache

_FILES = """
access chdir chmod chown close close_range copy_file_range creat dup dup2 dup3 faccessat faccessat2 fadvise64
fallocate fchdir fchmod fchmodat fchmodat2 fchown fchownat fcntl fdatasync fgetxattr flistxattr flock fremovexattr
fsetxattr fstat fstatfs fsync ftruncate futimesat getcwd getdents getdents64 getxattr ioctl lchown lgetxattr link
linkat listxattr llistxattr lremovexattr lseek lsetxattr lstat mkdir mkdirat mknod mknodat newfstatat open openat
openat2 pread64 preadv preadv2 pwrite64 pwritev pwritev2 read readahead readlink readlinkat readv removexattr rename
renameat renameat2 rmdir sendfile setxattr splice stat statfs statx symlink symlinkat sync sync_file_range
sync_file_range2 syncfs tee truncate umask unlink unlinkat utime utimensat utimes vmsplice write writev
"""

_EVENTS = """
epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2 epoll_wait epoll_wait_old eventfd
eventfd2 inotify_add_watch inotify_init inotify_init1 inotify_rm_watch pipe pipe2 poll ppoll pselect6 select signalfd
signalfd4 timerfd_create timerfd_gettime timerfd_settime
"""

_MEMORY = """
brk cachestat madvise map_shadow_stack memfd_create memfd_secret mincore mlock mlock2 mlockall mmap mprotect mremap
mseal msync munlock munlockall munmap pkey_alloc pkey_free pkey_mprotect remap_file_pages
"""

_PROCESSES = """
arch_prctl capget capset execve execveat exit exit_group fork futex futex_requeue futex_wait futex_waitv futex_wake
get_robust_list get_thread_area getcpu getegid geteuid getgid getgroups getpgid getpgrp getpid getppid getpriority
getresgid getresuid getrlimit getrusage getsid gettid getuid ioprio_get kill landlock_add_rule
landlock_create_ruleset landlock_restrict_self membarrier modify_ldt pause pidfd_open pidfd_send_signal prctl
rseq sched_get_priority_max sched_get_priority_min sched_getaffinity sched_getattr sched_getparam sched_getscheduler
sched_rr_get_interval sched_yield seccomp
set_robust_list set_thread_area set_tid_address setfsgid setfsuid setgid setgroups setpgid setregid
setresgid setresuid setreuid setrlimit setsid setuid vfork wait4 waitid
"""

_SIGNALS_AND_TIME = """
adjtimex alarm clock_getres clock_gettime clock_nanosleep getitimer gettimeofday nanosleep restart_syscall rt_sigaction
rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait rt_tgsigqueueinfo setitimer
sigaltstack tgkill time timer_create timer_delete timer_getoverrun timer_gettime timer_settime times tkill
"""

_COMMUNICATION = """
accept accept4 bind connect getpeername getsockname getsockopt listen mq_getsetattr mq_notify mq_open mq_timedreceive
mq_timedsend mq_unlink msgctl msgget msgrcv msgsnd recvfrom recvmmsg recvmsg semctl semget semop semtimedop sendmmsg
sendmsg sendto setsockopt shmat shmctl shmdt shmget shutdown socketpair
"""

_SYSTEM = "getrandom sysinfo uname"

_SOCKET_FAMILIES = (1, 2, 10, 16)  # AF_UNIX, AF_INET, AF_INET6, AF_NETLINK
_NAMESPACE_FLAGS = 0x7E020000  # CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID and NEWNET
_PERSONALITIES = (0x0, 0x8, 0x20000, 0x20008, 0xFFFFFFFF)  # what setarch and a plain query use
_ENOSYS = 38

# As on a kernel without them, for which programs are made. The flags of clone3 are in memory, where no filter sees
# them; the C library falls back on clone. Requests for asynchronous I/O are counted for a whole host (fs.aio-max-nr),
# so one sandbox could take them all; databases fall back on threads.
_MISSING = ["clone3", "io_setup"]

# How the kernel schedules a process, which is the first argument. Threads of libraries for parallel work use the first
# two on each other; the others are for oneself only, since each condition takes a container's start its time.
_SCHEDULING = ["sched_setaffinity", "sched_setscheduler"]
_OWN_SCHEDULING = ["sched_setattr", "sched_setparam"]
# Here the first argument says what the second means: a process, or its group. It may not be a user, since the first
# process is one of the user's.
_PRIORITIES = {"setpriority": (0, 1), "ioprio_set": (1, 2)}
_PROCESS_BITS = 22  # of the kernel's largest process id


def _allow(names: list[str], *conditions: dict[str, object]) -> dict[str, object]:
    return {"names": names, "action": "SCMP_ACT_ALLOW", "args": list(conditions)}


def _argument_is(value: int) -> dict[str, object]:
    return {"index": 0, "value": value, "op": "SCMP_CMP_EQ"}


def _has_bits(index: int, bits: int, value: int) -> dict[str, object]:
    return {"index": index, "value": bits, "valueTwo": value, "op": "SCMP_CMP_MASKED_EQ"}


def _is_not_the_first(index: int) -> list[dict[str, object]]:
    """Conditions one of which holds for a process id other than 1, and none for that.

    A filter compares 64 bits, of which the kernel ignores the upper half, so that "not equal" lets 1 through as well.
    """
    return [_has_bits(index, 2**32 - 1, 0), *(_has_bits(index, 1 << bit, 1 << bit) for bit in range(1, _PROCESS_BITS))]


@cache
def seccomp_profile() -> str:
    """The profile as JSON, in the form that `docker run --security-opt seccomp=` takes."""
    groups = (_FILES, _EVENTS, _MEMORY, _PROCESSES, _SIGNALS_AND_TIME, _COMMUNICATION, _SYSTEM)
    no_namespaces = _has_bits(0, _NAMESPACE_FLAGS, 0)
    return json.dumps(
        {
            "defaultAction": "SCMP_ACT_ERRNO",
            "archMap": [
                {"architecture": "SCMP_ARCH_X86_64", "subArchitectures": []},
                {"architecture": "SCMP_ARCH_AARCH64", "subArchitectures": []},
            ],
            "syscalls": [
                _allow([name for group in groups for name in group.split()]),
                _allow(["clone"], no_namespaces),
                {"names": _MISSING, "action": "SCMP_ACT_ERRNO", "errnoRet": _ENOSYS},
                _allow(["prlimit64"], _argument_is(0)),  # one's own limits: the first process has the same user
                *(_allow(_SCHEDULING, other) for other in _is_not_the_first(0)),
                *(_allow(["setpriority"], _argument_is(0), other) for other in _is_not_the_first(1)),
                *(
                    _allow([name], _argument_is(kind), _has_bits(1, 2**32 - 1, 0))
                    for name, kinds in _PRIORITIES.items()
                    for kind in kinds
                ),
                _allow(_OWN_SCHEDULING, _argument_is(0)),
                *(_allow(["socket"], _argument_is(family)) for family in _SOCKET_FAMILIES),
                *(_allow(["personality"], _argument_is(value)) for value in _PERSONALITIES),
            ],
        }
    )
