import Glibc

/// QEMU's `microvm` machine as a monitor: memory that is a file, and a state of its devices beside it.
struct QEMUMonitor: MachineMonitor {
    let image: GuestImage
    let list: [UInt8]
    /// QEMU's program.
    let path: String
    let acceleration: Acceleration
    /// Where kept machines lie.
    let folder: String
    private let kiloHertz = QEMUMachine.processorKiloHertz()

    init(image: GuestImage, list: [UInt8], path: String, acceleration: Acceleration, folder: String) {
        self.image = image
        self.list = list
        self.path = path
        self.acceleration = acceleration
        self.folder = folder
    }

    var words: String {
        "QEMU microvm, \(acceleration == .kvm ? "KVM" : "software emulation")"
    }
    let confinement = "namespaces, a read-only root of its own, nobody, QEMU's own list of system calls"
    var slowdown: Int { acceleration.slowdown }

    /// A guest on the processor boots in a second. One that takes longer has privileged code carried out in software.
    private var bootDeadlineMs: UInt64 { acceleration == .kvm ? 5_000 : 60_000 }

    func boot(memoryMiB: Int) throws(SandboxError) -> MachineSnapshot {
        let machine = machine(memoryMiB)
        let new = try MachineSnapshot.boot(machine, image, list: list, deadlineMs: bootDeadlineMs).sealed()
        new.save(to: place(machine))
        return new
    }

    func kept(memoryMiB: Int) -> MachineSnapshot? { MachineSnapshot(saved: place(machine(memoryMiB))) }

    func forget(memoryMiB: Int) { MachineSnapshot.remove(place(machine(memoryMiB))) }

    func restore(_ snapshot: MachineSnapshot) throws(SandboxError) -> RunningMachine {
        let machine = machine(snapshot.memory.bytes >> 20)
        let state = try snapshot.state.reader()
        defer { close(state) }
        let launch = try QEMULaunch(
            keeper: image.executable,
            machine.kept(machine.restoreArguments, highest: QEMUMachine.Descriptor.state),
            memory: snapshot.memory.descriptor, files: [state])
        GuestGuard.say(MonitorOrders.restore, to: launch.control)
        return launch.machine
    }

    private func machine(_ memoryMiB: Int) -> QEMUMachine {
        QEMUMachine(
            monitor: path, acceleration: acceleration, memoryMiB: memoryMiB, kiloHertz: kiloHertz,
            words: image.ports.words)
    }

    private func place(_ machine: QEMUMachine) -> String {
        let mark = Mark.of([
            Array(machine.description.utf8), list,
            Array("\(image.mark()) \(ProgramMark.of(path))".utf8),
        ])
        return "\(folder)/snapshot-\(machine.memoryMiB)-\(String(mark, radix: 16))"
    }
}

enum ProgramMark {
    /// Changes when a program is replaced.
    static func of(_ path: String) -> String {
        var status = stat()
        guard stat(path, &status) == 0 else { return "" }
        return "\(status.st_size) \(status.st_mtim.tv_sec)"
    }
}
