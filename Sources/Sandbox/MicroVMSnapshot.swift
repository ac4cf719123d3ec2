import Glibc
import Marketplace

/// A machine at the moment when its runner waits for the first frame: its memory, and the state of its devices.
struct MachineSnapshot: KeptMachine {
    let memory: MachineFile
    let state: MachineFile
    /// The guest kernel's release, as its first process gave it.
    let release: String

    /// Boots a machine and keeps what it is when the runner is ready. Waits: for a thread of its own.
    static func boot(
        _ machine: QEMUMachine, _ image: GuestImage, list: [UInt8], deadlineMs: UInt64
    ) throws(SandboxError) -> MachineSnapshot {
        let files = try image.build()
        let memory = try MachineFile(room: machine.memoryMiB << 20, name: "memory")
        let highest = QEMUMachine.Descriptor.root
        let launch = try QEMULaunch(
            keeper: image.executable, machine.kept(machine.bootArguments, highest: highest),
            memory: memory.descriptor, files: [files.kernel.descriptor, files.root.descriptor])
        let running = launch.machine
        defer { running.end() }
        let deadline = Clock.monotonic() + deadlineMs * 1_000_000
        GuestGuard.say(GuestGuard.freshSeed(), to: running.guard)
        GuestGuard.say(Greeting.preface(list), to: running.frames)
        try GuestGuard.waitUntilReady(running.report, deadline)
        let release = try GuestGuard.waitForRelease(running.guard, deadline)
        // The word came from the runner a moment before it begins to read.
        usleep(50_000)
        let state = try takeState(launch.control, deadline)
        return MachineSnapshot(memory: memory, state: state, release: release)
    }

    /// Seals the memory once its machine is gone.
    func sealed() throws(SandboxError) -> MachineSnapshot {
        try memory.seal()
        return self
    }

    private static func takeState(_ control: Int32, _ deadline: UInt64) throws(SandboxError) -> MachineFile {
        var orders = MonitorOrders(control)
        _ = try orders.ask(MonitorOrders.line("qmp_capabilities"), deadline: deadline)
        _ = try orders.ask(MonitorOrders.keepMemory, deadline: deadline)
        let pair = try Spawn.socketPair()
        defer { close(pair.ours) }
        do {
            defer { close(pair.theirs) }
            _ = try orders.ask(
                MonitorOrders.line("getfd", ["fdname": "state"]), passing: pair.theirs, deadline: deadline)
        }
        _ = try orders.ask(MonitorOrders.line("migrate", ["uri": "fd:state"]), deadline: deadline)
        var state: [UInt8] = []
        while let more = Waiting.read(pair.ours, until: deadline), !more.isEmpty, state.count < 64 << 20 {
            state += more
        }
        let outcome = try orders.ask(MonitorOrders.line("query-migrate"), deadline: deadline)
        guard outcome["status"]?.stringValue == "completed", !state.isEmpty else {
            throw SandboxError(.startFailed, "the snapshot", cause: outcome["status"]?.stringValue)
        }
        return try MachineFile(state, name: "state")
    }

    // MARK: Kept in files

    /// Writes it below `path`; what cannot be written is taken anew next time.
    func save(to path: String) {
        let temporary = "\(path).\(getpid())"
        defer { for part in Self.parts { unlink(temporary + part) } }
        guard memory.save(to: temporary + Self.parts[0]), state.save(to: temporary + Self.parts[1]) else {
            return
        }
        let note = Array("\(release)\n\(memory.bytes)\n\(state.bytes)\n".utf8)
        guard let kept = try? MachineFile(note, name: "note"), kept.save(to: temporary + Self.parts[2]) else {
            return
        }
        // The note comes last: a snapshot without one is not there.
        for part in Self.parts { rename(temporary + part, path + part) }
        Self.removeOld(in: String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)]))
    }

    /// Of other programs, kernels and days, only the newest are kept.
    static func removeOld(in folder: String, keeping most: Int = 8) {
        let notes = Folder.names(in: folder).filter { $0.hasSuffix(parts[2]) }.map { name in
            var status = stat()
            stat("\(folder)/\(name)", &status)
            return (written: status.st_mtim.tv_sec, path: "\(folder)/\(name.dropLast(parts[2].utf8.count))")
        }
        for note in notes.sorted(by: { $0.written > $1.written }).dropFirst(most) { remove(note.path) }
    }

    init?(saved path: String) {
        guard let note = try? Spawn.read(path + Self.parts[2], bytesMax: 512) else { return nil }
        let lines = String(decoding: note, as: UTF8.self).split(
            separator: "\n", omittingEmptySubsequences: false)
        guard lines.count >= 3, let bytes = Int(lines[1]), let stateBytes = Int(lines[2]),
            let memory = try? MachineFile(saved: path + Self.parts[0], bytes: bytes, name: "memory"),
            let state = try? MachineFile(saved: path + Self.parts[1], bytes: stateBytes, name: "state")
        else { return nil }
        self.init(memory: memory, state: state, release: String(lines[0]))
    }

    /// The folder beside the kernel that keeps snapshots between runs, if this user may write there. A snapshot is a
    /// program's memory, so nobody else reads it, and one that somebody else owns is not used.
    static func folder(in kernelFolder: String) -> String? {
        let folder = "\(kernelFolder)/snapshots"
        var status = stat()
        guard mkdir(folder, 0o700) == 0 || errno == EEXIST, lstat(folder, &status) == 0,
            status.st_mode & S_IFMT == S_IFDIR, status.st_mode & 0o077 == 0, status.st_uid == geteuid()
        else { return nil }
        return folder
    }

    static func remove(_ path: String) {
        for part in parts.reversed() { unlink(path + part) }
    }

    private init(memory: MachineFile, state: MachineFile, release: String) {
        self.memory = memory
        self.state = state
        self.release = release
    }

    static let parts = [".memory", ".state", ".note"]
}
