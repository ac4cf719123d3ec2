import Foundation
import Marketplace
import TestSupport
import Testing

@testable import Sandbox

/// Attacks that JavaScript cannot express, done by a native program in the runner's place: the sandbox holds even
/// when the engine does not.
@Suite(.serialized) struct NativeAttacks {
    /// Calls that the list answers itself, for the C library's sake; the errno each must give.
    static let answered: [String: Int64] = ["openat": 13, "ioctl": 25]

    @Test func theProgramTriesAtLeastAHundredCalls() throws {
        _ = try HostileProgram.path.get()
        #expect(HostileProgram.attempts.count >= 100)
    }

    /// All on native; on the other back ends those that stand for a limit, or all with all counts.
    static let attempts: [(backEnd: BackEnd, name: String)] = BackEnds.all.flatMap { backEnd in
        HostileProgram.attempts.filter {
            backEnd == .native || Rounds.isFull || representatives.contains($0)
        }.map { (backEnd, $0) }
    }
    static let representatives: Set<String> = [
        "fork", "execve", "openat", "openat2", "memfd_create", "dup", "ptrace", "socket", "bpf", "keyctl",
        "unshare", "mount", "io_uring_setup", "userfaultfd", "kill",
    ]

    @Test(arguments: attempts)
    func aRefusedCallEndsTheRunnerByName(attempt: (backEnd: BackEnd, name: String)) async throws {
        let name = attempt.name
        let result = try await HostileProgram.attack(name, on: attempt.backEnd)
        if let error = Self.answered[name] {
            #expect(result.outcome.value?["errno"]?.integerValue == error, "\(name): \(result.outcome)")
        } else {
            let expected: LimitName =
                switch name {
                case "clone", "clone3", "fork", "vfork", "execve", "execveat": .processes
                case "open", "openat2", "creat", "open_by_handle_at", "memfd_create", "dup", "dup3", "pipe2":
                    .files
                default: .syscall
                }
            #expect(result.outcome.limit == expected, "\(name): \(result.outcome) \(result.detail ?? "")")
            #expect(result.detail == name)
        }
    }

    @Test(arguments: ["mmap-exec", "mprotect-exec", "x32", "int80"])
    func codeAndOtherArchitecturesAreRefused(name: String) async throws {
        let result = try await HostileProgram.attack(name, on: .native)
        #expect(
            result.outcome.limit == .syscall || result.outcome.failure?.code == "crashed", "\(result.outcome)"
        )
    }

    /// With a list that allows every one of these calls, the other fences alone must hold: namespaces, the empty
    /// root, Landlock, no capability, rlimits.
    static let fenced = [
        "fork", "vfork", "clone", "clone3", "unshare", "setns", "execve", "execveat", "openat", "openat2",
        "open",
        "creat", "readlinkat", "newfstatat", "stat", "access", "faccessat", "chroot", "mkdirat", "unlinkat",
        "symlinkat",
        "mknodat", "fchmodat", "mount", "umount2", "pivot_root", "fsopen", "swapon", "fanotify_init",
        "setuid",
        "setresuid", "setgroups", "init_module", "finit_module", "delete_module", "kexec_load", "reboot",
        "sethostname",
        "settimeofday", "clock_settime", "acct", "iopl", "ioperm", "syslog", "perf_event_open", "connect",
        "abstract-socket", "setpriority", "open_by_handle_at", "kill-all",
    ]

    @Test(arguments: fenced) func theOtherFencesHoldWithAnOpenList(name: String) async throws {
        let result = try await HostileProgram.attack(name, on: .native, list: try Self.openList.get())
        #expect(result.outcome.value?["result"] == -1, "\(name): \(result.outcome) \(result.detail ?? "")")
    }

    /// Files that a way out would begin with: refused by the list, and without the list there is no such name.
    static let places = [
        "proc-self-mem", "proc-self-maps", "proc-1-environ", "proc-1-root", "proc-sys", "proc-sysrq",
        "cgroup-procs", "cgroup-tasks", "cgroup-release", "dev-mem", "dev-kvm", "link-in-bundle", "dot-dot",
    ]

    @Test(arguments: places) func noFileOfTheKernelIsReached(name: String) async throws {
        for backEnd in BackEnds.all where backEnd == .native || Rounds.isFull {
            let refused = try await HostileProgram.attack(name, on: backEnd)
            #expect(refused.outcome.value?["errno"]?.integerValue == 13, "\(backEnd): \(refused.outcome)")
        }
        let absent = try await HostileProgram.attack(name, on: .native, list: try Self.openList.get())
        #expect(absent.outcome.value?["result"] == -1, "\(absent.outcome)")
    }

    static let bombs: [(name: String, limit: LimitName)] = [("fork-bomb", .processes), ("fd-leak", .files)]

    @Test(arguments: bombs, BackEnds.all)
    func aBombEndsAtItsFirstTry(bomb: (name: String, limit: LimitName), backEnd: BackEnd) async throws {
        let result = try await HostileProgram.attack(bomb.name, on: backEnd)
        #expect(result.outcome.limit == bomb.limit, "\(result.outcome)")
    }

    /// The runner's list without its answers, and every attempted call allowed.
    static let openList: Result<String, any Error> = Result {
        let own = try String(contentsOfFile: BackEnds.list, encoding: .utf8).split(separator: "\n")
            .filter {
                $0.hasPrefix("allow ")
                    && !HostileProgram.attempts.contains(String($0.split(separator: " ")[1]))
            }
        let present = Set(own.map { $0.split(separator: " ")[1] })
        // Calls that are younger than Debian 12's libseccomp have no name in a list and stay refused.
        let unknown: Set<String> = ["lookup_dcookie"]
        let more = (HostileProgram.attempts + ["connect", "bind"])
            .filter { !present.contains(Substring($0)) && !unknown.contains($0) }
            .map { "allow \($0) # the other fences alone" }
        let path = try Scratch.folder("list") + "/open.list"
        try (own.map(String.init) + more).joined(separator: "\n").write(
            toFile: path, atomically: true, encoding: .utf8)
        return path
    }

    static let disclosures: [(name: String, result: Int64)] = [
        ("environment", 0), ("descriptors", 0), ("process", 1), ("names", 0),
    ]

    @Test(arguments: disclosures) func nothingOfTheHostIsSeen(disclosure: (name: String, result: Int64))
        async throws
    {
        let result = try await HostileProgram.attack(disclosure.name, on: .native)
        #expect(result.outcome.value?["result"]?.integerValue == disclosure.result, "\(result.outcome)")
    }

    @Test(arguments: BackEnds.all) func memoryIsBoundedFromOutsideTheEngine(backEnd: BackEnd) async throws {
        var limits = BackEnds.quick
        limits.cpuMs = 10_000  // touching memory is slow in a kernel that is emulated
        let result = try await HostileProgram.attack("memory", on: backEnd, limits: limits)
        // Where a group can be made the kernel ends it; else the address space is the fence.
        if let mebibytes = result.outcome.value?["result"]?.integerValue {
            #expect(mebibytes > 16 && mebibytes < 32 + 96)
        } else {
            #expect(result.outcome.limit == .memory, "\(result.outcome)")
        }
    }

    /// Without a control group the host's own watch is the bound, on what stands for a user who may make none.
    @Test(arguments: [("memory", LimitName.memory), ("spin", .cpu)])
    func theHostsWatchHoldsWhereNoGroupCanBeMade(name: String, limit: LimitName) async throws {
        let program = try HostileProgram.path.get()
        var isolation = try #require(
            try await BackEnds.isolation(.gvisor, program: program) as? GVisorIsolation)
        isolation.groups = ControlGroups(kind: .none("a test"))
        var limits = BackEnds.quick
        if limit == .memory { limits.cpuMs = 10_000 }
        let runner = try await isolation.start(RunnerLimits(limits))
        _ = try await runner.load(PluginImage(files: [:], main: "none"))
        let result = try await runner.execute(action: "go", data: .string(name), handler: Answering())
        await runner.kill()
        #expect(result.outcome.limit == limit, "\(result.outcome)")
    }

    static let endings: [(name: String, limit: LimitName?, code: String?)] = [
        ("spin", .cpu, nil), ("sleep", .wall, nil), ("segfault", nil, "crashed"), ("abort", nil, "crashed"),
        ("exit", nil, "crashed"), ("forged-report", nil, "crashed"), ("forged-syscall", nil, "crashed"),
        ("long-result", .output, nil),
        ("garbage", nil, "protocol"), ("wrong-id", nil, "protocol"), ("host-frame", nil, "protocol"),
        ("request-flood", .apiCalls, nil), ("waiting-flood", .apiCalls, nil), ("log-flood", .output, nil),
        ("bad-json", nil, "notSerializable"), ("deep-json", nil, "notSerializable"),
        ("half-frame", .wall, nil),
    ]

    @Test(arguments: endings, BackEnds.all)
    func aRunnerThatIsNotOursAnyMoreIsEnded(
        ending: (name: String, limit: LimitName?, code: String?), backEnd: BackEnd
    ) async throws {
        let result = try await HostileProgram.attack(
            ending.name, on: backEnd, limits: ending.limit == .wall ? BackEnds.short : BackEnds.quick)
        #expect(result.outcome.limit == ending.limit, "\(ending.name): \(result.outcome)")
        #expect(result.outcome.failure?.code == ending.code, "\(ending.name): \(result.outcome)")
    }
}
