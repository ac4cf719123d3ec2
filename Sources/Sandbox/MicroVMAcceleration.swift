import Glibc

/// Whether the host's virtualisation really carries guest code out. `/dev/kvm` may open, and a machine may be made
/// on it, where the host is itself a guest whose privileged instructions are carried out one by one in software: no
/// kernel ever boots there. So a small program is run in the guest's most privileged mode, under a deadline.
enum KVMProbe {
    /// Counts fifty million times: a few hundredths of a second on a processor, minutes where each step is emulated.
    static let rounds: UInt32 = 50_000_000
    static let deadlineMs: UInt64 = 2_000
    /// What the program answers with at the exit device: 0x15 there is 43 as QEMU's exit code, below 64 as every
    /// program's own that a supervisor passes on.
    static let answer: Int32 = 43

    /// A 64 KiB read-only memory, whose last 16 bytes are where a processor begins. It goes to 32-bit protected mode
    /// first: without pages and privileges of its own a guest may get the processor where a kernel would not.
    static var program: [UInt8] {
        var rom = [UInt8](repeating: 0xf4, count: 1 << 16)
        func put(_ bytes: [UInt8], at place: Int) {
            rom.replaceSubrange(place..<place + bytes.count, with: bytes)
        }
        // At 0, 16 bits: cli; lgdt cs:[0x80]; mov eax, cr0; or al, 1; mov cr0, eax; jmp 8:0xffff0040
        put([0xfa, 0x66, 0x2e, 0x0f, 0x01, 0x16, 0x80, 0x00], at: 0)
        put([0x0f, 0x20, 0xc0, 0x0c, 0x01, 0x0f, 0x22, 0xc0], at: 8)
        put([0x66, 0xea, 0x40, 0x00, 0xff, 0xff, 0x08, 0x00], at: 16)
        // At 0x40, 32 bits: mov ecx, rounds; again: dec ecx; jnz again; mov al, 0x15; out 0xf4, al; hlt
        let count = (0..<4).map { UInt8(truncatingIfNeeded: rounds >> (8 * UInt32($0))) }
        put([0xb9] + count + [0x49, 0x75, 0xfd, 0xb0, 0x15, 0xe6, 0xf4, 0xf4], at: 0x40)
        // The table of segments at 0x90: none, and code over all memory; its size and address at 0x80.
        put([0x0f, 0x00, 0x90, 0x00, 0xff, 0xff], at: 0x80)
        put([0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0x9a, 0xcf, 0], at: 0x90)
        // The first instruction: a near jump back to the beginning of these 64 KiB.
        put([0xe9, 0x0d, 0x00], at: 0xfff0)
        return rom
    }

    /// Waits: for a thread of its own.
    static func runsGuestCode(keeper: String, monitor: String) -> Bool {
        guard access("/dev/kvm", R_OK | W_OK) == 0, let rom = try? MachineFile(program, name: "probe") else {
            return false
        }
        return run(keeper: keeper, monitor: monitor, rom: rom, accelerator: .kvm, deadlineMs: deadlineMs)
    }

    static func run(
        keeper: String, monitor: String, rom: MachineFile, accelerator: Acceleration, deadlineMs: UInt64
    ) -> Bool {
        guard let pair = try? Spawn.socketPair() else { return false }
        defer { close(pair.ours) }
        let arguments = [
            "--machine", accelerator.rawValue, "3", monitor, "-M", "isapc", "-accel",
            accelerator == .kvm ? "kvm" : "tcg", "-m", "1", "-nodefaults", "-no-user-config", "-no-reboot",
            "-display", "none", "-bios", "/proc/self/fd/3", "-device", "isa-debug-exit,iobase=0xf4,iosize=4",
        ]
        let started = try? Spawn.start(
            keeper, arguments, descriptors: [pair.theirs, pair.theirs, pair.theirs, rom.descriptor])
        close(pair.theirs)
        guard let process = started else { return false }
        let deadline = Clock.monotonic() + deadlineMs * 1_000_000
        while let said = Waiting.read(pair.ours, until: deadline), !said.isEmpty {}
        kill(process, SIGTERM)
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0, errno == EINTR {}
        return status == answer << 8
    }
}
