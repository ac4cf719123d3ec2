import Glibc

/// How a guest's instructions are carried out.
enum Acceleration: String, Sendable {
    /// By the processor, through the host kernel's virtualisation.
    case kvm
    /// By translation in software.
    case emulated

    /// How many times longer a plugin's own work takes than on the host.
    var slowdown: Int { self == .kvm ? 1 : 16 }
}

/// One machine as QEMU's `microvm` knows it: one processor, memory, three ports, and no other device.
struct QEMUMachine: Sendable {
    let monitor: String
    let acceleration: Acceleration
    let memoryMiB: Int
    /// The processor's speed, which a guest without timers cannot find out.
    let kiloHertz: Int
    /// What the guest's first process is told.
    var words = GuestPorts.serial.words

    /// The descriptors that the monitor is given beside its standard ones.
    enum Descriptor {
        static let frames = 3
        static let report = 4
        static let `guard` = 5
        static let memory = 6
        /// Orders for the monitor itself.
        static let control = 7
        /// Booting: the kernel and the first root. Restoring: the state.
        static let kernel = 8
        static let root = 9
        static let state = 8
    }

    static let kernelLine =
        "console=ttyS0 quiet panic=-1 reboot=t no_timer_check lpj=4000000 tsc=reliable tsc_early_khz="

    private func common(sharing: Bool) -> [String] {
        let accelerator = acceleration == .kvm ? "kvm" : "tcg,tb-size=32"
        return [
            "-M", "microvm,x-option-roms=off,pit=off,pic=off,rtc=off,memory-backend=ram", "-accel",
            accelerator, "-cpu", acceleration == .kvm ? "host" : "max", "-smp", "1", "-m", "\(memoryMiB)",
            "-object",
            "memory-backend-file,id=ram,size=\(memoryMiB)M,mem-path=/proc/self/fd/\(Descriptor.memory),share=\(sharing ? "on" : "off")",
            "-nodefaults", "-no-user-config", "-no-reboot", "-display", "none",
            "-chardev", "socket,id=frames,fd=\(Descriptor.frames)",
            "-chardev", "socket,id=report,fd=\(Descriptor.report)",
            "-chardev", "socket,id=guard,fd=\(Descriptor.guard)",
            "-device", "virtio-serial-device",
            "-device", "virtserialport,chardev=frames,nr=1",
            "-device", "virtserialport,chardev=report,nr=2",
            "-device", "virtserialport,chardev=guard,nr=3",
            "-chardev", "socket,id=control,fd=\(Descriptor.control)",
            "-mon", "chardev=control,mode=control",
            "-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny",
        ]
    }

    /// Boots the kernel; what it says on its console goes to the monitor's output.
    var bootArguments: [String] {
        common(sharing: true) + [
            "-kernel", "/proc/self/fd/\(Descriptor.kernel)", "-initrd", "/proc/self/fd/\(Descriptor.root)",
            "-append", Self.kernelLine + "\(kiloHertz) -- \(words)", "-chardev",
            "stdio,id=console,signal=off",
            "-serial", "chardev:console",
        ]
    }

    /// Waits for a state instead; its console leads nowhere.
    var restoreArguments: [String] {
        common(sharing: false) + [
            "-incoming", "defer", "-chardev", "null,id=console", "-serial", "chardev:console",
        ]
    }

    /// What the supervisor is asked to keep.
    func kept(_ arguments: [String], highest: Int) -> [String] {
        ["--machine", acceleration.rawValue, "\(highest)", monitor] + arguments
    }

    /// Everything that a kept state depends on beside the guest's own image.
    var description: String {
        ([monitor] + bootArguments.filter { !$0.contains("tsc_early_khz") } + restoreArguments)
            .joined(separator: " ")
    }

    static func findMonitor() -> String? {
        ["/usr/bin/qemu-system-x86_64", "/usr/local/bin/qemu-system-x86_64"]
            .first { access($0, X_OK) == 0 }
    }

    /// The processor's speed as the host's kernel gives it.
    static func processorKiloHertz() -> Int {
        guard let text = try? Spawn.read("/proc/cpuinfo") else { return 2_000_000 }
        for line in String(decoding: text, as: UTF8.self).split(separator: "\n")
        where line.hasPrefix("cpu MHz") {
            let digits = line.split(separator: ":").last?.split(separator: " ").first ?? ""
            let parts = digits.split(separator: ".")
            if let mega = parts.first.flatMap({ Int($0) }), mega > 0 { return mega * 1_000 }
        }
        return 2_000_000
    }
}
