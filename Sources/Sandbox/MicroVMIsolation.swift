import Frames
import Glibc
import Marketplace

/// The runner as the first program of a small virtual machine: a kernel of its own stands between it and the host's,
/// and the monitor that carries the machine out is confined as well. There is no network device, and no disk.
///
/// A machine is booted once for each size of memory; each start restores it from the snapshot of that moment.
public struct MicroVMIsolation: Isolation {
    public let backEnd = BackEnd.microvm
    /// How the guest's instructions are really carried out, and by what.
    public let mode: String
    /// The guest kernel's release, as the guest itself gave it.
    public let guestKernel: String
    /// How many times longer a plugin's own work takes than on the host.
    public let slowdown: Int

    private let snapshots: SnapshotShelf

    /// Looks for the monitor and the guest's kernel, chooses the acceleration that really boots, and has a first
    /// snapshot ready. `folder`, which the caller owns, keeps snapshots between runs.
    ///
    /// - Throws: `missing` without monitor or kernel, `unavailable` where no machine boots.
    public static func prepare(
        executable: String, seccompList: String, kernelFolder: String, folder: String,
        monitor: String? = nil, acceleration wanted: String? = nil
    ) async throws(SandboxError) -> MicroVMIsolation {
        #if !arch(x86_64)
            throw SandboxError(.unavailable, "microvm", cause: "QEMU's microvm machine is for x86-64")
        #endif
        guard let monitor = monitor ?? QEMUMachine.findMonitor() else {
            throw SandboxError(
                .missing, "qemu-system-x86_64", cause: "install the Debian package `qemu-system-x86`")
        }
        let image = GuestImage(kernel: try GuestKernel(folder: kernelFolder), executable: executable)
        let list = try Spawn.read(seccompList)
        var failures: [String] = []
        var candidates = [Acceleration.emulated]
        if let wanted = wanted.flatMap(Acceleration.init(rawValue:)) {
            candidates = [wanted]
        } else if await OwnThread.run({ KVMProbe.runsGuestCode(keeper: executable, monitor: monitor) }) {
            candidates.insert(.kvm, at: 0)
        }
        for acceleration in candidates {
            let shelf = SnapshotShelf(
                image: image, list: list, monitor: monitor, acceleration: acceleration, folder: folder)
            do {
                let release = try await shelf.first()
                return MicroVMIsolation(acceleration, release, shelf)
            } catch {
                failures.append("\(acceleration.rawValue): \(error.cause ?? error.description)")
            }
        }
        throw SandboxError(.unavailable, "microvm", cause: failures.joined(separator: "; "))
    }

    private init(_ acceleration: Acceleration, _ release: String, _ shelf: SnapshotShelf) {
        let how = acceleration == .kvm ? "KVM" : "software emulation"
        mode = "QEMU microvm, \(how), guest kernel \(release), restored from a snapshot"
        guestKernel = release
        slowdown = acceleration.slowdown
        snapshots = shelf
    }

    public func start(_ limits: RunnerLimits) async throws(SandboxError) -> PluginRunner {
        try await snapshots.start(limits)
    }

    public func report() async -> BackEndReport {
        let report = BackEndReport(
            backEnd: .microvm, works: false, mode: mode,
            enforcement: [
                "cpu: by the engine, then by the host's watch of the monitor's processor time",
                "wall: by the engine, then by the host's watch and the end of the machine",
                "memory: by the engine, then by the machine's size",
                "processes, files: the runner confined inside the guest as on a host; the guest has no disk",
                "syscall: seccomp in the guest, named by the guest's supervisor outside the confined process",
                "egress: no network device; the host carries out what is asked for",
                "the monitor: namespaces, a read-only root of its own, nobody, QEMU's own list of system calls",
            ])
        return await tried(report)
    }
}

/// The snapshots of one image under one acceleration, one for each size of memory, and the starts from them.
actor SnapshotShelf {
    private let image: GuestImage
    private let list: [UInt8]
    private let monitor: String
    private let acceleration: Acceleration
    private let folder: String
    private let kiloHertz = QEMUMachine.processorKiloHertz()
    private var taken: [Int: Task<MachineSnapshot, any Error>] = [:]

    /// What the guest's kernel, the runner's program and its engine take beside the plugin's heap.
    static let ownMiB = 80
    /// The heaps that machines are kept for; a smaller plugin gets the next larger machine.
    static let heapsMiB = [64, 128, 256]
    /// A guest on the processor boots in a second. One that takes longer has privileged code carried out in software.
    private var bootDeadlineMs: UInt64 { acceleration == .kvm ? 5_000 : 60_000 }
    private static let startDeadlineMs: UInt64 = 20_000

    init(image: GuestImage, list: [UInt8], monitor: String, acceleration: Acceleration, folder: String) {
        self.image = image
        self.list = list
        self.monitor = monitor
        self.acceleration = acceleration
        self.folder = folder
    }

    /// Makes sure that the smallest machine starts, from a kept snapshot or from a new one; gives its kernel.
    func first() async throws(SandboxError) -> String {
        let size = Self.heapsMiB[0] + Self.ownMiB
        do throws(SandboxError) {
            await (try start(RunnerLimits())).kill()
        } catch {
            guard taken[size] != nil else { throw error }
            // A kept snapshot of another day may not fit any more: once more from the beginning.
            MachineSnapshot.remove(path(machine(size)))
            taken[size] = nil
            await (try start(RunnerLimits())).kill()
        }
        return try await snapshot(size).release
    }

    func start(_ limits: RunnerLimits) async throws(SandboxError) -> PluginRunner {
        let heap = Int(limits.limits.memoryMiB)
        let size = (Self.heapsMiB.first { $0 >= heap } ?? heap) + Self.ownMiB
        let snapshot = try await snapshot(size)
        let machine = machine(size)
        let state = try snapshot.state.reader()
        defer { close(state) }
        let running = try RunningMachine.launch(
            keeper: image.executable,
            machine.kept(machine.restoreArguments, highest: QEMUMachine.Descriptor.state),
            memory: snapshot.memory.descriptor, files: [state])
        return try await Self.greet(running, limits)
    }

    /// Lets the machine go on, makes it differ from its sisters, and greets the runner in it.
    private static func greet(_ running: RunningMachine, _ limits: RunnerLimits) async throws(SandboxError)
        -> PluginRunner
    {
        for (bytes, fd) in [
            (MonitorOrders.restore, running.control), (GuestGuard.freshSeed(), running.guard),
        ] {
            _ = bytes.withUnsafeBytes { send(fd, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
        }
        let (process, guardian) = (running.process, running.guard)
        let channel = Channel(
            RunnerProcess(
                process: process, frames: running.frames, report: running.report,
                end: { _ = Glibc.kill(process, SIGTERM) }, hasOwnClock: true,
                cleanUp: {
                    close(guardian)
                    close(running.control)
                }, ranOutOfMemory: { false }, readExit: { readExit($0, GuestGuard.said(guardian)) }),
            limits: Greeting.frameLimits(limits))
        let engine = try await Greeting.exchange(channel, list: nil, deadlineMs: startDeadlineMs)
        let deadline = Clock.monotonic() + startDeadlineMs * 1_000_000
        // No plugin before the guest has said that its randomness and its time are its own.
        while GuestGuard.release(in: GuestGuard.said(guardian)) == nil {
            guard channel.isOpen, Clock.monotonic() < deadline else {
                channel.end()
                throw SandboxError(.startFailed, "the guest", cause: "it did not take its seed")
            }
            try? await Task.sleep(nanoseconds: 500_000)
        }
        return PluginRunner(backEnd: .microvm, limits: limits, engine: engine, channel: channel) { _, _ in }
    }

    /// The monitor's own end says little: the guest's first process has told how the runner ended.
    private static func readExit(_ exit: RunnerExit, _ said: String) -> RunnerExit {
        guard let end = GuestGuard.exit(in: said) else { return exit }
        var exit = exit
        exit.status = end.status
        exit.ranOutOfMemory = end.outOfMemory
        return exit
    }

    private func snapshot(_ size: Int) async throws(SandboxError) -> MachineSnapshot {
        let task: Task<MachineSnapshot, any Error>
        if let present = taken[size] {
            task = present
        } else {
            let (machine, image, list, path) = (machine(size), image, list, path(machine(size)))
            let deadlineMs = bootDeadlineMs
            task = Task {
                let result: Result<MachineSnapshot, SandboxError> = await OwnThread.run {
                    if let kept = MachineSnapshot(saved: path) { return .success(kept) }
                    return Result { () throws(SandboxError) in
                        let new = try MachineSnapshot.boot(
                            machine, image, list: list, deadlineMs: deadlineMs
                        ).sealed()
                        new.save(to: path)
                        return new
                    }
                }
                return try result.get()
            }
            taken[size] = task
        }
        do { return try await task.value } catch {
            taken[size] = nil
            throw error as? SandboxError ?? SandboxError(.startFailed, "the snapshot", cause: "\(error)")
        }
    }

    private func machine(_ size: Int) -> QEMUMachine {
        QEMUMachine(monitor: monitor, acceleration: acceleration, memoryMiB: size, kiloHertz: kiloHertz)
    }

    private func path(_ machine: QEMUMachine) -> String {
        let mark = Mark.of([
            Array(machine.description.utf8), list,
            Array("\(image.mark()) \(QEMUMachine.monitorMark(monitor))".utf8),
        ])
        return "\(folder)/snapshot-\(machine.memoryMiB)-\(String(mark, radix: 16))"
    }
}
