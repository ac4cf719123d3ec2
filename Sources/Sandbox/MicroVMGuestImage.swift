import Glibc

/// A `newc` archive as a kernel unpacks it into its first root.
struct CpioArchive {
    private(set) var bytes: [UInt8] = []
    private var lastInode: UInt32 = 0

    static let folder: UInt32 = 0o040755
    static let program: UInt32 = 0o100555
    static let file: UInt32 = 0o100444
    static let characterDevice: UInt32 = 0o020600

    /// Adds an entry. Everything belongs to root and has no time, so the same content gives the same bytes.
    mutating func add(
        _ path: String, mode: UInt32, _ content: [UInt8] = [], device: (major: UInt32, minor: UInt32) = (0, 0)
    ) {
        lastInode += 1
        append(path, inode: lastInode, mode, content, device)
    }

    /// The archive with its end mark.
    func finished() -> [UInt8] {
        var copy = self
        copy.append("TRAILER!!!", inode: 0, 0, [], (0, 0))
        return copy.bytes
    }

    private mutating func append(
        _ path: String, inode: UInt32, _ mode: UInt32, _ content: [UInt8], _ device: (UInt32, UInt32)
    ) {
        let name = Array(path.utf8) + [0]
        let fields: [UInt32] = [
            inode, mode, 0, 0, 1, 0, UInt32(content.count), 0, 0, device.0, device.1, UInt32(name.count), 0,
        ]
        bytes += Array("070701".utf8)
        for field in fields {
            let digits = String(field, radix: 16)
            bytes += Array((String(repeating: "0", count: 8 - digits.count) + digits).utf8)
        }
        bytes += name
        pad()
        bytes += content
        pad()
    }

    private mutating func pad() {
        while bytes.count % 4 != 0 { bytes.append(0) }
    }
}

/// What leads from a guest to its host.
struct GuestPorts: Sendable {
    /// The drivers, in the order in which each finds what it needs.
    let modules: [String]
    /// What the guest's first process is told.
    let words: String

    /// QEMU's serial ports.
    static let serial = GuestPorts(
        modules: ["virtio_ring", "virtio", "virtio_mmio", "virtio_console"], words: "--guest")
    /// Sockets of the machine's own family, as Firecracker has them.
    static let sockets = GuestPorts(
        modules: [
            "virtio_ring", "virtio", "virtio_mmio", "vsock", "vmw_vsock_virtio_transport_common",
            "vmw_vsock_virtio_transport",
        ], words: "--guest --sockets")
}

/// What a guest boots: a kernel, and a first root that holds the runner as `/init` and the drivers of its ports.
struct GuestImage: Sendable {
    let kernel: GuestKernel
    /// What its ports are.
    var ports = GuestPorts.serial
    /// The runner's program.
    let executable: String

    /// The kernel's unpacked program and the first root. Only a boot needs them; what is restored holds both.
    func build() throws(SandboxError) -> (kernel: MachineFile, root: MachineFile) {
        let program = try Spawn.read(executable, bytesMax: 64 << 20)
        var root = CpioArchive()
        root.add("dev", mode: CpioArchive.folder)
        // Where the first process says what is wrong before it has its ports.
        root.add("dev/console", mode: CpioArchive.characterDevice, device: (5, 1))
        for folder in ["proc", "root", "modules"] { root.add(folder, mode: CpioArchive.folder) }
        for (index, module) in try kernel.modules(ports.modules).enumerated() {
            root.add("modules/\(index < 10 ? "0" : "")\(index).ko", mode: CpioArchive.file, module)
        }
        root.add("init", mode: CpioArchive.program, program)
        return (
            try MachineFile(kernel.program(), name: "kernel"),
            try MachineFile(root.finished(), name: "root")
        )
    }

    /// Changes when a file that it is made of changes.
    func mark() -> UInt64 {
        let paths =
            [executable, "\(kernel.folder)/vmlinuz"]
            + ports.modules.map { "\(kernel.folder)/\($0).ko" }
        return Mark.of(
            paths.map { path in
                var status = stat()
                guard stat(path, &status) == 0 else { return [] }
                return Array(
                    "\(path) \(status.st_ino) \(status.st_size) \(status.st_mtim.tv_sec).\(status.st_mtim.tv_nsec)"
                        .utf8)
            } + [Array(kernel.release.utf8)])
    }
}

/// A number that stands for bytes in a file's name. It guards against mistakes, not against people.
enum Mark {
    static func of(_ parts: [[UInt8]]) -> UInt64 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for part in parts {
            hash = (hash ^ UInt64(part.count)) &* 0x100_0000_01b3
            for byte in part { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        }
        return hash
    }
}
