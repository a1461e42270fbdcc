"""The families of attacks that are tried on sandboxes, for docs/reference/attacks.md.

Each names its tests, ``file::function``, and what becomes of it: *held* is an attack that has no
effect, *bounded* one that gets as much as a limit gives. What no test can hold is said in the words
of THREAT_MODEL.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

LOCAL, USER, DOCKER, GVISOR = "local", "local, ordinary user", "docker", "gvisor"
COLUMNS = (LOCAL, USER, DOCKER, GVISOR)

HELD, BOUNDED = "held", "bounded"

_DAEMON = "the daemon's"
_OTHER_KERNEL = "other kernel"


@dataclass(frozen=True)
class Attack:
    """One family of attacks.

    Attributes:
        name: What is tried.
        tests: Functions of the tests in this folder that try it.
        verdict: What becomes of it where its tests pass.
        elsewhere: In a word, where no test of it runs, by isolation: who answers for it there.
        not_covered: What remains, in one sentence.
    """

    name: str
    tests: Sequence[str]
    verdict: str = HELD
    elsewhere: Mapping[str, str] = field(default_factory=dict)
    not_covered: str = ""


def _in(file: str, *names: str) -> tuple[str, ...]:
    return tuple(f"test_{file}.py::test_{name}" for words in names for name in words.split())


_LOCAL_ONLY: Mapping[str, str] = {DOCKER: _DAEMON, GVISOR: _DAEMON}

ATTACKS: Mapping[str, Sequence[Attack]] = {
    "The kernel and what hangs on its objects": (
        Attack(
            "system calls that are dangerous or not needed, also by number, of other "
            "architectures, of newer kernels; `io_uring`, `bpf`, `ptrace`, `mount`, modules, keys",
            _in(
                "syscalls",
                "dangerous_system_calls_are_refused system_calls_past_the_filter_do_not_exist",
                "device_nodes_cannot_be_made system_calls_of_another_architecture_are_deadly",
            ),
            not_covered="A flaw in an allowed call: the kernel is shared, but behind gVisor.",
        ),
        Attack(
            "flags, commands, requests and options of allowed calls: dnotify, leases, owners and "
            "signals of files, huge pages, switches of the whole host, requests that load modules",
            _in("call_arguments", "dangerous_arguments_are_refused"),
        ),
        Attack(
            "filters of its own, which fill the kernel's one pool of compiled programs",
            (
                *_in("host_pools", "no_memory_for_compiled_filters_is_taken"),
                *_in("syscalls", "there_is_no_further_filter_and_the_first_stays"),
            ),
            elsewhere={GVISOR: _OTHER_KERNEL},
        ),
        Attack(
            "huge pages that the host has reserved",
            _in("host_pools", "huge_pages_of_the_host_stay_free"),
            elsewhere={GVISOR: _OTHER_KERNEL},
        ),
        Attack(
            "slowing whoever reads, opens or closes a shared file; dropping it from memory; "
            "flushing the host's disks",
            _in(
                "shared_files",
                "reading_a_shared_file_is_as_fast_as_before",
                "reading_a_shared_file_is_seen_by_nobody shared_files_stay_in_the_hosts_memory",
                "the_hosts_disks_are_not_flushed",
            ),
            elsewhere={GVISOR: _OTHER_KERNEL},
        ),
        Attack(
            "locks on files of the system, toolchains, caches and packages; watching them",
            _in(
                "inodes",
                "a_lock_is_none_outside_nor_in_another_sandbox",
                "many_locks_slow_no_close_of_the_hosts what_the_host_changes_is_not_to_be_watched",
                "a_locked_compile_cache_keeps_no_other_tenant_waiting",
            ),
            elsewhere=_LOCAL_ONLY,
            not_covered="Device nodes of an ordinary user's sandboxes; a container's copy of a "
            "folder of packages.",
        ),
        Attack(
            "a crash that starts the host's handler",
            (
                *_in("crashes", "a_crash_starts_nothing_on_the_host"),
                *_in("host_pools", "what_a_crash_starts_cannot_be_changed"),
            ),
            not_covered="`core_pattern` with a socket (`@`, since Linux 6.16) ignores the limit.",
        ),
        Attack(
            "changing interfaces, addresses and routes over netlink",
            _in("call_arguments", "what_interfaces_are_can_be_read_and_not_changed"),
            not_covered="Listing them is code of the kernel that can be reached.",
        ),
    ),
    "The host's data and rights": (
        Attack(
            "reading files, variables, users, keys and places of the host",
            _in(
                "host_secrets",
                "environment_of_the_host_is_unseen no_file_of_the_host_is_seen",
                "no_place_of_the_host_is_seen users_of_the_host_are_unseen",
                "keys_of_the_host_are_unseen secrets_of_the_kernel_are_unreadable",
            ),
            not_covered="`/usr/bin` and `/usr/lib` are readable in local sandboxes.",
        ),
        Attack(
            "what `/proc` tells: command line, configuration, symbols, boot id, locks, pressure, "
            "free pages, disks",
            _in("host_secrets", "what_proc_tells_of_the_host_is_covered"),
            elsewhere={DOCKER: "not covered", GVISOR: _OTHER_KERNEL},
            not_covered="Load, memory, uptime, interrupts and the kernel's version are visible.",
        ),
        Attack(
            "writing settings of the kernel, `sysrq`, `core_pattern`, `release_agent`",
            _in(
                "host_secrets",
                "settings_of_the_kernel_cannot_be_written",
                "ways_out_through_kernel_files_are_shut",
            ),
        ),
        Attack(
            "becoming somebody else: setuid programs, groups, capabilities, namespaces, "
            "descriptors that lead out",
            _in(
                "privileges",
                "the_program_is_nobody_on_the_host the_program_is_unprivileged_inside",
                "every_namespace_is_the_sandboxs_own",
                "the_program_has_the_three_standard_streams_and_nothing_else",
                "root_and_working_directory_are_the_sandboxs descriptors_do_not_lead_out",
                "setuid_programs_give_nothing setuid_bits_are_ignored_by_the_kernel",
            ),
            not_covered="The time namespace is the host's; clocks can only be read.",
        ),
        Attack(
            "the network: the host's loopback, abstract and named Unix sockets, the world, raw "
            "sockets and other families and protocols",
            _in(
                "network",
                "loopback_of_the_host_is_out_of_reach",
                "abstract_sockets_of_the_host_are_out_of_reach",
                "named_sockets_of_the_host_are_out_of_reach",
                "the_world_is_out_of_reach",
                "other_kinds_of_sockets_are_refused",
                "ports_of_the_host_stay_free",
            ),
        ),
        Attack(
            "typing into the user's terminal, or into one of its own",
            _in(
                "terminal",
                "nothing_is_typed_into_the_users_terminal",
                "a_program_has_no_controlling_terminal",
                "nothing_is_typed_into_a_terminal_of_its_own_either",
            ),
        ),
    ),
    "Resources": (
        Attack(
            "memory, in one process, in many, in files, shared and in pipes",
            _in("memory", "memory_bomb_is_contained", "many_processes_share_one_memory_limit"),
            BOUNDED,
        ),
        Attack(
            "buffers of sockets, and what sockets hold back",
            _in(
                "socket_memory",
                "socket_buffers_are_held_to_memory",
                "what_sockets_hold_back_is_bounded_by_their_number",
            ),
            BOUNDED,
            not_covered="Containers of a daemon elsewhere, on cgroup version 1.",
        ),
        Attack(
            "memory of the kernel's own: page tables, names, descriptors under way, mappings, "
            "messages, epoll",
            _in(
                "kernel_memory",
                "memory_of_the_kernels_own_counts",
                "names_that_are_not_there_are_kept_within_memory",
                "terminals_are_few locks_that_nobody_counts_get_slower",
            ),
            BOUNDED,
            not_covered="Queues of errors of sockets, which no cgroup counts.",
        ),
        Attack(
            "what the kernel counts for each user: watches, queues, signals, timers",
            _in("host_quotas", "a_sandbox_leaves_the_quotas_of_its_user_alone"),
            BOUNDED,
            {GVISOR: _OTHER_KERNEL},
            not_covered="An ordinary user's sandboxes share that user's counts of pipes and of "
            "descriptors under way.",
        ),
        Attack(
            "processes and threads: bombs, in namespaces too, orphans, daemons, stopping, killing "
            "everybody",
            _in(
                "processes",
                "fork_bomb_is_contained thread_bomb_is_contained",
                "cpu_hog_gets_no_more_than_its_share kill_of_everybody_reaches_nobody_outside",
                "every_signal_to_init_is_in_vain a_daemon_does_not_outlive_the_program",
                "a_daemon_does_not_outlive_the_deadline",
                "a_storm_of_orphans_does_not_outlive_the_deadline",
            ),
            BOUNDED,
            not_covered="Time that threads of the kernel spend on what is written to "
            "pseudo-terminals, which no cgroup counts.",
        ),
        Attack(
            "300 hostile programs of all these kinds at once, beside honest ones of another key",
            _in(
                "crowd",
                "a_crowd_of_hostile_programs_harms_itself_only",
                "three_hundred_that_wait_harm_nobody three_hundred_that_all_run_harm_nobody",
            ),
            BOUNDED,
            {USER: "as root", DOCKER: "not tried", GVISOR: "not tried"},
            not_covered="A sandbox that is made meanwhile may be refused (503) on a busy machine.",
        ),
        Attack(
            "disk, inodes and open files",
            _in(
                "disk",
                "disk_fill_is_contained nothing_else_can_be_written",
                "no_file_of_the_host_can_be_changed inode_fill_is_contained",
                "a_full_disk_does_not_keep_the_result_from_coming open_files_are_bounded",
            ),
            BOUNDED,
        ),
        Attack(
            "output: floods, streams that are closed or swapped, readers that are kept waiting",
            _in(
                "output",
                "output_flood_is_cut_and_does_not_fill_drybox output_flood_of_many_children_is_cut",
                "closed_streams_do_not_end_the_run_early",
                "output_after_the_program_has_ended_is_bounded_by_its_end",
            ),
            BOUNDED,
        ),
    ),
    "Results and other sandboxes": (
        Attack(
            "PID 1 of the sandbox: tracing, its memory, its limits, its priority",
            _in(
                "supervisor",
                "init_is_closed_to_the_program init_cannot_be_traced",
                "limits_of_init_cannot_be_lowered init_cannot_be_slowed",
                "a_crowd_with_a_slowed_init_ends_at_the_deadline",
                "memory_ends_the_program_before_its_init",
            ),
            not_covered="Behind gVisor PID 1's addresses and streams are visible; what is written "
            "there is known not to be a result.",
        ),
        Attack(
            "forged results, frames in the output",
            _in(
                "output",
                "frames_of_drybox_in_the_output_are_just_output",
                "no_descriptor_of_the_program_leads_to_init",
                "what_is_written_to_inits_streams_is_no_result",
            ),
        ),
        Attack(
            "artifacts: links, devices, pipes, holes, files that are swapped while they are read",
            _in(
                "planted_files",
                "what_a_run_planted_does_not_touch_the_next",
                "fetching_artifacts_follows_nothing_and_comes_to_an_end",
                "a_sparse_file_is_refused_and_not_read",
                "a_file_that_is_swapped_for_a_link_all_the_time_gives_nothing_of_the_host",
                "many_sparse_files_are_bounded_together",
            ),
        ),
        Attack(
            "another sandbox, beside it and after it",
            _in(
                "neighbours",
                "one_sandbox_neither_sees_nor_reaches_another",
                "what_one_sandbox_left_is_not_in_the_next",
            ),
            not_covered="Side channels: caches, timing, load.",
        ),
        Attack(
            "[slowing](#beside-an-attack) what the host and others do beside it",
            _in("beside", "what_the_host_does_beside_an_attack_goes_on"),
            BOUNDED,
            {GVISOR: _OTHER_KERNEL},
        ),
        Attack(
            "poisoning the cache of compiled programs",
            _in(
                "compile_cache",
                "what_is_too_much_or_not_whole_is_not_kept "
                "what_a_program_does_to_what_was_made_stays_with_it "
                "what_a_compiler_leaves_running_changes_nothing_later",
            ),
            not_covered="By its time a request can find out that the same source ran recently.",
        ),
        Attack(
            "compilers that read, run or write what they should not, and bombs for them",
            _in(
                "compilers",
                "go_embed_reaches_no_file_outside cgo_is_off a_bomb_for_javac_is_contained",
                "go_runs_nothing_that_the_sources_name java_annotation_processors_do_not_run",
            )
            + _in(
                "compilers_of_c",
                "a_source_takes_in_no_file_of_the_host names_of_sources_are_no_options",
                "no_word_of_a_source_loads_anything a_bomb_for_gcc_is_contained",
                "variables_of_a_request_are_not_the_compilers",
                "a_header_that_was_compiled_elsewhere_is_refused",
            )
            + _in(
                "compilers_of_rust",
                "a_source_takes_in_nothing_of_the_host names_of_rust_files_are_no_options",
                "settings_of_a_project_start_nothing a_bomb_for_rustc_is_contained",
                "nothing_of_a_request_runs_while_it_is_compiled",
            ),
        ),
        Attack(
            "packages: archives that write elsewhere, scripts, bombs, addresses",
            _in(
                "packages",
                "a_wheel_writes_nothing_outside_its_place the_scripts_of_npm_packages_do_not_run "
                "source_distributions_are_refused_and_not_built",
                "a_go_module_writes_nothing_outside_its_place",
                "an_installer_reaches_no_address_that_a_package_names",
                "a_bomb_of_a_package_fills_its_own_disk_only",
            ),
        ),
    ),
    "Hosts that lack something": (
        Attack(
            "no bubblewrap, no init, no filter, no cgroups: nothing runs unless that is given up "
            "by name",
            _in(
                "fail_closed",
                "without_bubblewrap_nothing_runs without_init_nothing_runs",
                "without_libseccomp_nothing_runs without_cgroups_nothing_runs",
            ),
            elsewhere={DOCKER: "see below", GVISOR: "see below"},
        ),
        Attack(
            "no inodes of a sandbox's own",
            _in("fail_closed", "without_inodes_of_its_own_nothing_runs"),
            elsewhere={LOCAL: "as a user", **_LOCAL_ONLY},
        ),
        Attack(
            "a daemon that drops a limit, or knows no filter",
            _in(
                "containers_fail_closed",
                "without_libseccomp_nothing_runs",
                "a_daemon_that_drops_a_limit",
            ),
            elsewhere={LOCAL: "no daemon", USER: "no daemon"},
        ),
        Attack(
            "drybox beside another one in other namespaces, which takes its sandboxes for "
            "abandoned",
            _in(
                "owners",
                "one_that_starts_elsewhere_leaves_a_live_sandbox_alone",
                "one_that_runs_elsewhere_is_left_alone",
            ),
            elsewhere={USER: "as root", **_LOCAL_ONLY},
        ),
    ),
}

ABOUT_OTHER_THINGS = frozenset(
    {
        "test_exhausted_host.py",  # what drybox says of a host without room
        "test_killed.py",  # the end of drybox itself
        "test_starting.py",  # and of a sandbox that begins
        *("test_environments.py", "test_payloads.py"),  # packages, and fields of requests
        *("test_processor.py", "test_shared_caches.py"),  # shares of the CPU, and what is shared
        *("test_waiting.py", "test_toolchains_of_others.py"),  # what waits in one, and is in it
        *("test_templates.py", "test_preload.py"),  # what it was forked from
        *("test_sessions.py", "test_session_kernels.py", "test_snapshots.py"),  # kept sandboxes
    }
)
"""Files of this folder that the matrix leaves out: none of them runs behind each isolation."""
