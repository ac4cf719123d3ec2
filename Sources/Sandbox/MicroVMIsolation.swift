import Frames
import Glibc
import Marketplace

/// The runner as the first program of a small virtual machine: a kernel of its own stands between it and the host's,
/// and the monitor that carries the machine out is confined as well. There is no network device, and no disk.
///
/// The monitor is Firecracker where its program is on the path and boots a machine, else QEMU. A machine is booted
/// once for each size of memory, at preparation; each start restores it from the snapshot of that moment.
public struct MicroVMIsolation: Isolation {
    public let backEnd = BackEnd.microvm
    /// How the guest's instructions are really carried out, and by what.
    public let mode: String
    /// The guest kernel's release, as the guest itself gave it.
    public let guestKernel: String
    /// How many times longer a plugin's own work takes than on the host.
    public let slowdown: Int

    private let confinement: String
    /// What was tried first and does not work here.
    private let passedOver: [String]
    private let startRunner: @Sendable (RunnerLimits) async -> Result<PluginRunner, SandboxError>

    /// Looks for the monitor and the guest's kernel, chooses what really boots, and has machines of every size kept.
    /// `folder`, which the caller owns, keeps them between runs.
    ///
    /// - Throws: `missing` without monitor or kernel, `unavailable` where no machine boots.
    public static func prepare(
        executable: String, seccompList: String, kernelFolder: String, folder: String,
        monitor: String? = nil, acceleration wanted: String? = nil, firecracker: String? = nil
    ) async throws(SandboxError) -> MicroVMIsolation {
        #if !arch(x86_64)
            throw SandboxError(.unavailable, "microvm", cause: "its machines are for x86-64")
        #endif
        let programs = FirecrackerPrograms.find(firecracker)
        let qemu = monitor ?? QEMUMachine.findMonitor()
        guard programs != nil || qemu != nil else {
            throw SandboxError(
                .missing, "firecracker or qemu-system-x86_64",
                cause: "install the Debian package `qemu-system-x86`, or Firecracker's release on the path")
        }
        let image = GuestImage(kernel: try GuestKernel(folder: kernelFolder), executable: executable)
        let list = try Spawn.read(seccompList)
        var failures: [String] = []
        if let programs {
            do throws(SandboxError) {
                return try await MicroVMIsolation(
                    FirecrackerMonitor(image: image, list: list, programs: programs, folder: folder), [])
            } catch { failures.append("Firecracker: \(error.cause ?? error.description)") }
        } else {
            failures.append("Firecracker: `firecracker` is not on the path")
        }
        for acceleration in await accelerations(wanted, keeper: executable, qemu: qemu) {
            let monitor = QEMUMonitor(
                image: image, list: list, path: qemu ?? "", acceleration: acceleration, folder: folder)
            do throws(SandboxError) {
                return try await MicroVMIsolation(monitor, failures)
            } catch { failures.append("QEMU, \(acceleration.rawValue): \(error.cause ?? error.description)") }
        }
        throw SandboxError(.unavailable, "microvm", cause: failures.joined(separator: "; "))
    }

    /// What QEMU is to be tried with, the fastest first.
    private static func accelerations(_ wanted: String?, keeper: String, qemu: String?) async
        -> [Acceleration]
    {
        guard let qemu else { return [] }
        if let wanted = wanted.flatMap(Acceleration.init(rawValue:)) { return [wanted] }
        let hasKVM = await OwnThread.run { KVMProbe.runsGuestCode(keeper: keeper, monitor: qemu) }
        return hasKVM ? [.kvm, .emulated] : [.emulated]
    }

    init(_ monitor: some MachineMonitor, _ passedOver: [String]) async throws(SandboxError) {
        let shelf = MachineShelf(monitor)
        guestKernel = try await shelf.fill()
        mode = "\(monitor.words), guest kernel \(guestKernel), restored from a snapshot"
        slowdown = monitor.slowdown
        confinement = monitor.confinement
        self.passedOver = passedOver
        startRunner = { limits in
            do throws(SandboxError) { return .success(try await shelf.start(limits)) } catch {
                return .failure(error)
            }
        }
    }

    public func start(_ limits: RunnerLimits) async throws(SandboxError) -> PluginRunner {
        try await startRunner(limits).get()
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
                "the monitor: \(confinement)",
            ] + passedOver.map { "passed over: \($0)" })
        return await tried(report)
    }
}
