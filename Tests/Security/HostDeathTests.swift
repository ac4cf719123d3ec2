import Foundation
import TestSupport
import Testing

@testable import Sandbox

/// A plugin does not outlive its host, however the host ends and whatever the plugin does.
@Suite(.serialized) struct HostDeath {
    @Test(arguments: [BackEnd.native, .gvisor]) func takesASpinningRunnerAlong(backEnd: BackEnd) async throws
    {
        let program = try HostileProgram.path.get()
        var command = [program]
        if backEnd == .gvisor {
            let isolation = try #require(
                try await BackEnds.isolation(.gvisor, program: program) as? GVisorIsolation)
            command = [Products.path("veroforge-runner"), "--guard", "0"] + isolation.command("host-death")
        }
        let host = Process()
        host.executableURL = URL(fileURLWithPath: "/usr/bin/python3")
        host.arguments = [Products.file("Tests/Security/host.py"), BackEnds.list] + command
        let output = Pipe()
        host.standardOutput = output
        try host.run()
        let said = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
        let started = try #require(Int32(said.trimmingCharacters(in: .whitespacesAndNewlines)))
        try await Task.sleep(nanoseconds: 200_000_000)
        let tree = ProcessTree.members(of: [started])
        #expect(tree.count >= 2)
        kill(host.processIdentifier, SIGKILL)
        host.waitUntilExit()
        for _ in 0..<200 where !Leftovers.alive(tree).isEmpty {
            try await Task.sleep(nanoseconds: 20_000_000)
        }
        #expect(Leftovers.alive(tree) == [])
    }

    @Test func theGroupsOfAHostThatIsGoneAreRemovedByTheNext() throws {
        guard case .version1(let folders) = ControlGroups.own.kind, let memory = folders["memory"] else {
            return
        }
        // No process has the highest number: the kernel counts below its own limit.
        let left = "\(memory)/veroforge-4194303-1"
        try FileManager.default.createDirectory(atPath: left, withIntermediateDirectories: false)
        ControlGroups.own.removeLeftovers()
        #expect(!FileManager.default.fileExists(atPath: left))
    }

    @Test func theFoldersOfAProcessThatIsGoneAreRemovedByTheNext() throws {
        let root = try Scratch.folder("leftovers")
        let left = "\(root)/veroforge-isolation-4194303-gvisor-x"
        try FileManager.default.createDirectory(atPath: "\(left)/bundle", withIntermediateDirectories: true)
        try FileManager.default.createSymbolicLink(atPath: "\(left)/link", withDestinationPath: "/usr")
        try FileManager.default.createDirectory(
            atPath: "\(root)/veroforge-isolation-\(getpid())-gvisor-x", withIntermediateDirectories: true)
        WorkFolder.removeLeftovers(in: root)
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: root)
                == ["veroforge-isolation-\(getpid())-gvisor-x"])
        #expect(FileManager.default.fileExists(atPath: "/usr/bin"))
    }
}
