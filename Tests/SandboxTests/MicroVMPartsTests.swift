import Glibc
import Marketplace
import Testing

@testable import Sandbox

/// The parts of the virtual machine's back end that need no machine.
@Suite struct MicroVMParts {
    @Test func anArchiveHoldsItsEntriesAndTheEndMark() throws {
        var archive = CpioArchive()
        archive.add("dev", mode: CpioArchive.folder)
        archive.add("init", mode: CpioArchive.program, [1, 2, 3, 4, 5])
        archive.add("dev/console", mode: CpioArchive.characterDevice, device: (5, 1))
        let bytes = archive.finished()
        #expect(bytes.count % 4 == 0)
        // Read back by the format's own rules: 6 letters, 13 numbers of 8 digits, name, content, each padded to 4.
        var at = 0
        var found: [String: (mode: Int, size: Int)] = [:]
        while true {
            #expect(Array(bytes[at..<at + 6]) == Array("070701".utf8))
            let numbers = (0..<13).map { index in
                let from = at + 6 + index * 8
                return Int(String(decoding: bytes[from..<from + 8], as: UTF8.self), radix: 16) ?? -1
            }
            let name = String(decoding: bytes[at + 110..<at + 110 + numbers[11] - 1], as: UTF8.self)
            let content = (at + 110 + numbers[11] + 3) & ~3
            at = (content + numbers[6] + 3) & ~3
            if name == "TRAILER!!!" { break }
            found[name] = (numbers[1], numbers[6])
            if name == "dev/console" { #expect(numbers[9] == 5 && numbers[10] == 1) }
        }
        #expect(at == bytes.count)
        #expect(found["init"]?.size == 5)
        #expect(found["init"]?.mode == 0o100555)
        #expect(found["dev"]?.mode == 0o040755)
    }

    /// "abcabcabcabcX": four letters, then a copy that overlaps itself, then a literal end.
    private let block: [UInt8] = [0x35, 0x61, 0x62, 0x63, 3, 0, 0x10, 0x58]

    private func frame(_ blocks: [[UInt8]]) -> [UInt8] {
        [0x02, 0x21, 0x4c, 0x18]
            + blocks.flatMap { block in
                [0, 8, 16, 24].map { UInt8(truncatingIfNeeded: block.count >> $0) } + block
            }
    }

    @Test func aPackedKernelIsUnpacked() {
        let packed = frame([block, block])
        let text = Array("abcabcabcabcX".utf8)
        #expect(LegacyLZ4.unpack(packed[...], size: 26) == text + text)
    }

    @Test func aBrokenPackIsRefused() {
        let packed = frame([block])
        #expect(LegacyLZ4.unpack(packed[...], size: 12) == nil)
        #expect(LegacyLZ4.unpack(packed[...], size: 14) == nil)
        #expect(LegacyLZ4.unpack(packed.dropLast(), size: 13) == nil)
        #expect(LegacyLZ4.unpack(packed.dropFirst(), size: 13) == nil)
        // A copy from before the beginning.
        #expect(LegacyLZ4.unpack(frame([[0x35, 0x61, 0x62, 0x63, 9, 0, 0x10, 0x58]])[...], size: 13) == nil)
        #expect(LegacyLZ4.unpack(frame([[0xf5, 255, 255]])[...], size: 13) == nil)
        #expect(GuestKernel.unpack([]) == nil)
        #expect(GuestKernel.unpack([UInt8](repeating: 0, count: 1_024)) == nil)
    }

    @Test func aMachineHasThreePortsAndNothingThatReachesOut() {
        let machine = QEMUMachine(
            monitor: "/qemu", acceleration: .emulated, memoryMiB: 144, kiloHertz: 2_000_000)
        for arguments in [machine.bootArguments, machine.restoreArguments] {
            let devices = zip(arguments, arguments.dropFirst()).filter { $0.0 == "-device" }.map(\.1)
            #expect(devices.count == 4)
            #expect(
                devices.allSatisfy { $0.hasPrefix("virtio-serial-device") || $0.hasPrefix("virtserialport") })
            #expect(arguments.contains("-nodefaults") && arguments.contains("-no-user-config"))
            #expect(
                !arguments.contains { ["-netdev", "-nic", "-net", "-drive", "-fsdev", "-hda"].contains($0) })
        }
        #expect(machine.restoreArguments.contains { $0.contains("share=off") })
    }

    @Test func theGuestsWordsAreRead() {
        #expect(GuestGuard.release(in: "guest: seeded 6.1.0-56-cloud-amd64\n") == "6.1.0-56-cloud-amd64")
        #expect(GuestGuard.release(in: "guest: seeded 6.1.0-5") == nil)
        #expect(GuestGuard.release(in: "guest: exit 0\n") == nil)
        #expect(GuestGuard.exit(in: "guest: seeded 6.1\nguest: exit 73\n")?.status == 73 << 8)
        let memory = GuestGuard.exit(in: "guest: memory 137\n")
        #expect(memory?.outOfMemory == true && memory?.status == 137 << 8)
        #expect(GuestGuard.exit(in: "guest: exit many\n") == nil)
        let record = GuestGuard.seedRecord(
            [UInt8](repeating: 7, count: 64), nanoseconds: 0x0102_0304_0506_0708)
        #expect(record.count == 73 && record.first == UInt8(ascii: "S"))
        #expect(Array(record.suffix(8)) == [1, 2, 3, 4, 5, 6, 7, 8])
        #expect(GuestGuard.freshSeed() != GuestGuard.freshSeed())
    }

    @Test func sealedMemoryCannotBeChanged() throws {
        let file = try MachineFile([1, 2, 3], name: "test")
        var byte: UInt8 = 9
        #expect(pwrite(file.descriptor, &byte, 1, 0) == -1)
        #expect(ftruncate(file.descriptor, 1) == -1)
        let shared = mmap(nil, 4_096, PROT_READ | PROT_WRITE, MAP_SHARED, file.descriptor, 0)
        #expect(shared == MAP_FAILED)
        let own = mmap(nil, 4_096, PROT_READ | PROT_WRITE, MAP_PRIVATE, file.descriptor, 0)
        #expect(own != MAP_FAILED)
        if let own, own != MAP_FAILED { munmap(own, 4_096) }
    }

    @Test func withoutAKernelTheReportSaysHowToGetOne() async throws {
        do {
            _ = try GuestKernel(folder: "/nowhere")
            Issue.record("there is no kernel")
        } catch {
            #expect(error.code == .missing)
            #expect(error.description.contains("make microvm"))
        }
    }
}
