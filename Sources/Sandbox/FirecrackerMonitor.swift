import Glibc
import Synchronization

/// Firecracker's programs on this machine.
struct FirecrackerPrograms: Sendable {
    let firecracker: String
    /// What confines it, where its caller may: the jailer needs root.
    let jailer: String?

    /// The given program, or the one on the path; the jailer lies beside it or on the path as well.
    static func find(_ given: String? = nil, asRoot: Bool = geteuid() == 0) -> FirecrackerPrograms? {
        let path = getenv("PATH").map { String(cString: $0) } ?? ""
        let folders = path.split(separator: ":").map(String.init).filter { $0.hasPrefix("/") }
        func program(_ name: String, in folders: [String]) -> String? {
            folders.map { "\($0)/\(name)" }.first { access($0, X_OK) == 0 }
        }
        guard let firecracker = given ?? program("firecracker", in: folders) else { return nil }
        let beside = String(firecracker[..<(firecracker.lastIndex(of: "/") ?? firecracker.startIndex)])
        return FirecrackerPrograms(
            firecracker: firecracker, jailer: asRoot ? program("jailer", in: [beside] + folders) : nil)
    }
}

/// A machine that Firecracker has kept: two files.
struct FirecrackerSnapshot: KeptMachine {
    let memoryMiB: Int
    let release: String
    /// The files' path, without what tells them apart.
    let path: String
}

/// Firecracker as a monitor: configured over its API socket, its guest reached over vsock. It needs KVM.
struct FirecrackerMonitor: MachineMonitor {
    let list: [UInt8]
    let programs: FirecrackerPrograms
    /// Where kept machines lie, and a folder for each that runs.
    let folder: String
    /// How much a machine that was started from a kept one may write into its folder, in bytes: nothing.
    var fileBytes = 0
    private let image: GuestImage
    private let bootDeadlineMs: UInt64 = 10_000
    private let restoreDeadlineMs: UInt64 = 5_000

    init(image: GuestImage, list: [UInt8], programs: FirecrackerPrograms, folder: String) {
        var image = image
        image.ports = .sockets
        self.image = image
        self.list = list
        self.programs = programs
        self.folder = folder
        WorkFolder.removeLeftovers(in: folder)
    }

    var words: String { programs.jailer == nil ? "Firecracker, KVM" : "Firecracker under its jailer, KVM" }
    var confinement: String {
        programs.jailer == nil
            ? "namespaces, a read-only root of its own with one folder, no capability, Firecracker's own list of system calls"
            : "the jailer's root, nobody, Firecracker's own list of system calls"
    }
    let slowdown = 1

    /// What the kernel is told. No dashes part the words for its first process: what Firecracker adds comes after.
    static let kernelLine =
        "console=ttyS0 quiet panic=-1 reboot=k pci=off 8250.nr_uarts=1 i8042.noaux i8042.nomux i8042.nopnp "
        + "i8042.dumbkbd \(GuestPorts.sockets.words)"

    // MARK: Keeping

    func boot(memoryMiB: Int) throws(SandboxError) -> FirecrackerSnapshot {
        let place = try FirecrackerPlace(self, files: memoryMiB << 20 + 16 << 20)
        do throws(SandboxError) {
            let files = try image.build()
            try place.write(files.kernel, "kernel")
            try place.write(files.root, "root")
            let deadline = Clock.monotonic() + bootDeadlineMs * 1_000_000
            let process = try place.launch(keeper: image.executable)
            defer { process.end() }
            for request in FirecrackerRequest.boot(
                memoryMiB: memoryMiB, kernel: "kernel", root: "root", line: Self.kernelLine,
                ports: FirecrackerSockets.ports)
            {
                try process.sockets.ask(request, deadline: deadline)
            }
            let release = try greetOnce(process.sockets, deadline)
            for request in FirecrackerRequest.keep(state: "state", memory: "memory") {
                try process.sockets.ask(request, deadline: deadline)
            }
            let snapshot = FirecrackerSnapshot(
                memoryMiB: memoryMiB, release: release, path: path(memoryMiB))
            try keep(snapshot, from: place)
            return snapshot
        } catch {
            place.remove()
            throw error
        }
    }

    /// Leads a new guest to where its runner waits for the first frame; gives its kernel's release.
    private func greetOnce(_ sockets: FirecrackerSockets, _ deadline: UInt64) throws(SandboxError) -> String {
        let ports = try GuestPortEnds(sockets, deadline)
        defer { ports.close() }
        GuestGuard.say(GuestGuard.freshSeed(), to: ports.guard)
        GuestGuard.say(Greeting.preface(list), to: ports.frames)
        try GuestGuard.waitUntilReady(ports.report, deadline)
        let release = try GuestGuard.waitForRelease(ports.guard, deadline)
        // The word came from the runner a moment before it begins to read.
        usleep(50_000)
        return release
    }

    private func keep(_ snapshot: FirecrackerSnapshot, from place: FirecrackerPlace) throws(SandboxError) {
        defer { place.remove() }
        for part in [".memory", ".state"] {
            let made = "\(place.inside)/\(part.dropFirst())"
            // Every machine reads them, whoever its monitor is; nobody writes them again.
            guard chmod(made, 0o444) == 0, chown(made, geteuid(), getegid()) == 0,
                rename(made, snapshot.path + part) == 0
            else { throw SandboxError(.startFailed, snapshot.path + part, cause: Spawn.message(errno)) }
        }
        let note = Array("\(snapshot.release)\n\(snapshot.memoryMiB)\n".utf8)
        if let file = try? MachineFile(note, name: "note") { _ = file.save(to: snapshot.path + ".note") }
        MachineSnapshot.removeOld(in: folder)
    }

    func kept(memoryMiB: Int) -> FirecrackerSnapshot? {
        let path = path(memoryMiB)
        guard let note = try? Spawn.read(path + ".note", bytesMax: 512),
            access(path + ".memory", R_OK) == 0, access(path + ".state", R_OK) == 0
        else { return nil }
        let release = String(decoding: note.prefix { $0 != 10 }, as: UTF8.self)
        return FirecrackerSnapshot(memoryMiB: memoryMiB, release: release, path: path)
    }

    func forget(memoryMiB: Int) { MachineSnapshot.remove(path(memoryMiB)) }

    private func path(_ memoryMiB: Int) -> String {
        let mark = Mark.of([
            list, Array(Self.kernelLine.utf8),
            Array("\(image.mark()) \(ProgramMark.of(programs.firecracker))".utf8),
        ])
        return "\(folder)/snapshot-firecracker-\(memoryMiB)-\(String(mark, radix: 16))"
    }

    // MARK: Starting from there

    func restore(_ snapshot: FirecrackerSnapshot) throws(SandboxError) -> RunningMachine {
        let place = try FirecrackerPlace(self, files: fileBytes)
        do throws(SandboxError) {
            for part in ["memory", "state"] { try place.link("\(snapshot.path).\(part)", part) }
            let deadline = Clock.monotonic() + restoreDeadlineMs * 1_000_000
            let process = try place.launch(keeper: image.executable)
            do throws(SandboxError) {
                try process.sockets.ask(.restore(state: "state", memory: "memory"), deadline: deadline)
                let ports = try GuestPortEnds(process.sockets, deadline)
                let sockets = process.sockets
                return RunningMachine(
                    process: process.process, frames: ports.frames, report: sockets.report,
                    guard: ports.guard, guestReport: ports.report,
                    namesItsMonitor: programs.jailer == nil,
                    release: {
                        close(sockets.folder)
                        place.remove()
                    })
            } catch {
                process.end()
                throw error
            }
        } catch {
            place.remove()
            throw error
        }
    }
}

/// Our ends of a guest's three ports.
struct GuestPortEnds {
    let frames: Int32
    let report: Int32
    let `guard`: Int32

    /// The numbers stand in `guest_sockets.c` as well.
    enum Number {
        static let frames = 1_025
        static let report = 1_026
        static let `guard` = 1_027
    }

    init(_ sockets: FirecrackerSockets, _ deadline: UInt64) throws(SandboxError) {
        var open: [Int32] = []
        do throws(SandboxError) {
            // The guard's is listened to first, and by the guest's first process alone.
            for number in [Number.guard, Number.frames, Number.report] {
                open.append(try sockets.port(number, deadline: deadline))
            }
        } catch {
            for fd in open { Glibc.close(fd) }
            throw error
        }
        (`guard`, frames, report) = (open[0], open[1], open[2])
    }

    func close() { for fd in [frames, report, `guard`] { Glibc.close(fd) } }
}

/// The folder of one machine: what its monitor sees of the host's files, and where it makes its sockets.
struct FirecrackerPlace: Sendable {
    private static let last = Atomic<UInt64>(0)

    private let programs: FirecrackerPrograms
    private let name: String
    private let outside: String
    /// How much its monitor may write, in bytes.
    private let files: Int
    /// The folder as the host sees it; its monitor works in it.
    let inside: String

    init(_ monitor: FirecrackerMonitor, files: Int) throws(SandboxError) {
        programs = monitor.programs
        self.files = files
        name = "machine-\(Self.last.add(1, ordering: .relaxed).newValue)"
        outside = "\(monitor.folder)/\(WorkFolder.prefix)\(getpid())-\(name)"
        // The jailer makes its root by this rule; what it finds there it leaves there.
        let program = programs.firecracker.split(separator: "/").last.map(String.init) ?? ""
        let levels = programs.jailer == nil ? [] : [program, name, "root"]
        var path = outside
        for level in [""] + levels {
            if !level.isEmpty { path += "/\(level)" }
            guard mkdir(path, 0o700) == 0 else {
                throw SandboxError(.startFailed, path, cause: Spawn.message(errno))
            }
        }
        inside = path
    }

    func write(_ file: MachineFile, _ name: String) throws(SandboxError) {
        guard file.save(to: "\(inside)/\(name)"), chmod("\(inside)/\(name)", 0o444) == 0 else {
            throw SandboxError(.startFailed, "\(inside)/\(name)", cause: Spawn.message(errno))
        }
    }

    func link(_ path: String, _ name: String) throws(SandboxError) {
        guard Glibc.link(path, "\(inside)/\(name)") == 0 else {
            throw SandboxError(.startFailed, "\(inside)/\(name)", cause: Spawn.message(errno))
        }
    }

    /// What keeps the monitor, and the monitor.
    var command: [String] {
        let own = ["--api-sock", FirecrackerSockets.api]
        guard let jailer = programs.jailer else {
            return ["--machine-in", inside, "\(files)", "kvm", "2", programs.firecracker, "--id", name] + own
        }
        return [
            "--guard", "0", jailer, "--id", name, "--exec-file", programs.firecracker, "--uid", "65534",
            "--gid", "65534", "--chroot-base-dir", outside, "--resource-limit", "no-file=64",
            "--resource-limit", "fsize=\(files)", "--",
        ] + own
    }

    func launch(keeper: String) throws(SandboxError) -> FirecrackerProcess {
        let folder = open(inside, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard folder >= 0 else { throw SandboxError(.startFailed, inside, cause: Spawn.message(errno)) }
        do throws(SandboxError) {
            let report = try Spawn.socketPair()
            defer { close(report.theirs) }
            do throws(SandboxError) {
                let process = try Spawn.start(
                    keeper, command, descriptors: [report.theirs, report.theirs, report.theirs])
                return FirecrackerProcess(
                    process: process, sockets: FirecrackerSockets(folder: folder, report: report.ours))
            } catch {
                close(report.ours)
                throw error
            }
        } catch {
            close(folder)
            throw error
        }
    }

    func remove() { WorkFolder.remove(outside) }
}

/// Firecracker as it was started, before it is a machine.
struct FirecrackerProcess {
    /// The supervisor that keeps it.
    let process: pid_t
    let sockets: FirecrackerSockets

    /// Ends it and waits for it.
    func end() {
        kill(process, SIGTERM)
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0, errno == EINTR {}
        close(sockets.report)
        close(sockets.folder)
    }
}
