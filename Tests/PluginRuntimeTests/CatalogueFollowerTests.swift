import AsyncHTTPClient
import Foundation
import Marketplace
import Metering
import Provenance
import Registry
import Testing

@testable import PluginRuntime
@testable import SimulatedServers

/// The signed catalogue decides what is run: nothing that its keys do not vouch for, and nothing that they take back.
@Suite struct CatalogueFollowerTests {
    private func follower(_ node: TestNode, _ name: String = "other") -> CatalogueFollower {
        CatalogueFollower(
            source: CatalogueSource(directory: "\(node.folder)/site/public"),
            statePath: "\(node.folder)/runtime/\(name).json", rootPath: node.configuration.catalogueRoot,
            clock: RuntimeClock { [clock = node.clock] in clock.now })
    }

    private func copy(_ node: TestNode, _ name: String) throws {
        try? FileManager.default.removeItem(atPath: "\(node.folder)/\(name)")
        try FileManager.default.copyItem(
            atPath: "\(node.folder)/site/public", toPath: "\(node.folder)/\(name)")
    }

    private func putBack(_ node: TestNode, _ name: String) throws {
        try FileManager.default.removeItem(atPath: "\(node.folder)/site/public")
        try FileManager.default.moveItem(
            atPath: "\(node.folder)/\(name)", toPath: "\(node.folder)/site/public")
    }

    @Test func aBundleIsTakenOnlyAsTheCatalogueDescribesIt() async throws {
        let node = try await TestNode.make()
        let digest = try node.list()
        let catalogue = follower(node)
        #expect(try await catalogue.bundle(digest) == Array("bundle of 1.0.0".utf8))
        // A file that lies there and was never signed.
        let stray = Array("stray".utf8)
        let strayDigest = Digest.sha256(of: stray)
        try Disk().replace("\(node.folder)/site/public/bundles/\(strayDigest.hex).vfp", with: stray)
        await #expect { _ = try await catalogue.bundle(strayDigest) } throws: {
            ($0 as? RuntimeError)?.code == .notFound
        }
        // A signed name with other bytes.
        try Disk().replace("\(node.folder)/site/public/bundles/\(digest.hex).vfp", with: stray)
        await #expect { _ = try await catalogue.bundle(digest) } throws: {
            ($0 as? RuntimeError)?.code == .unavailable
        }
        await node.end()
    }

    @Test func aBundleThatWasPublishedAMomentAgoIsFound() async throws {
        let node = try await TestNode.make()
        let catalogue = follower(node)
        #expect(await catalogue.check() == "ok")
        let digest = try node.list()
        try await Task.sleep(for: .milliseconds(1_100))
        #expect(try await catalogue.bundle(digest).isEmpty == false)
        await node.end()
    }

    @Test func olderMetadataIsRefusedAlsoAfterARestart() async throws {
        let node = try await TestNode.make()
        try node.list()
        try copy(node, "before")
        try node.list(TestNode.manifest(version: "1.1.0"))
        #expect(await follower(node).refresh())
        try putBack(node, "before")
        let restarted = follower(node)
        #expect(await restarted.refresh() == false)
        #expect(await restarted.check().contains("rollback"))
        await node.end()
    }

    @Test func aCatalogueThatStandsStillPastItsTimeGivesNoBundle() async throws {
        let node = try await TestNode.make()
        let digest = try node.list()
        let catalogue = follower(node)
        #expect(await catalogue.refresh())
        node.clock.advance(days: 8)
        #expect(await catalogue.check() != "ok")
        await #expect { _ = try await catalogue.bundle(digest) } throws: {
            ($0 as? RuntimeError)?.code == .unavailable
        }
        try node.publish()
        try await Task.sleep(for: .milliseconds(1_100))
        #expect(await catalogue.check() == "ok")
        #expect(try await catalogue.bundle(digest).isEmpty == false)
        await node.end()
    }

    @Test func filesOfTwoCataloguesTogetherAreRefused() async throws {
        let node = try await TestNode.make()
        try node.list()
        try copy(node, "before")
        try node.list(TestNode.manifest(version: "1.1.0"))
        let name = "metadata/snapshot.json"
        try Disk().replace(
            "\(node.folder)/site/public/\(name)", with: try Disk().read("\(node.folder)/before/\(name)"))
        let catalogue = follower(node)
        #expect(await catalogue.refresh() == false)
        #expect(await catalogue.check().contains("snapshot.json"))
        await node.end()
    }

    @Test func anotherMarketplacesSignaturesAreRefused() async throws {
        let (node, stranger) = (try await TestNode.make(), try await TestNode.make())
        try stranger.list()
        let catalogue = CatalogueFollower(
            source: CatalogueSource(directory: "\(stranger.folder)/site/public"),
            statePath: "\(node.folder)/runtime/x.json", rootPath: node.configuration.catalogueRoot,
            clock: .system)
        #expect(await catalogue.refresh() == false)
        let why = await catalogue.check()
        #expect(why.contains("badSignature") || why.contains("untrustedKey"), "\(why)")
        let unpinned = CatalogueFollower(
            source: CatalogueSource(directory: "\(node.folder)/site/public"),
            statePath: "\(node.folder)/runtime/y.json", rootPath: "\(node.folder)/nowhere.json",
            clock: .system)
        #expect(await unpinned.check().contains("must be pinned"))
        await node.end()
        await stranger.end()
    }

    /// A node that has a registry of its own hears of a revocation by the catalogue alone.
    @Test func aRevocationInTheCatalogueStopsThePluginAtTheNextLook() async throws {
        let node = try await TestNode.make()
        let digest = try node.list()
        _ = try await node.install()
        #expect(try await node.call().status == 200)
        #expect(Upkeep.pollSeconds == 30)
        try node.publish(revocations: [
            [
                "plugin": "samples.reminders", "version": "1.0.0", "sha256": .string(digest.hex),
                "stage": "suspended", "at": "2026-01-05T09:00:00Z", "reason": "leaks data",
                "evidence": "report 7",
            ]
        ])
        await node.service.reconcile()
        let refused = try await node.call()
        #expect(refused.status == 403 && refused.json["code"] == "suspended")
        #expect(try node.registry.version(reminders, Version("1.0.0")!).revocation?.reason == "leaks data")
        await node.end()
    }

    @Test func aCatalogueIsFollowedOverHTTP() async throws {
        let node = try await TestNode.make()
        let digest = try node.list()
        let site = "\(node.folder)/site/public"
        let server = try await LoopbackServer.start(name: "catalogue", port: 0) { request in
            let path = String(request.path.prefix { $0 != "?" })
            guard let bytes = try? Disk().readIfPresent(site + path) else {
                return PlainResponse(status: 404, headers: [:], body: "")
            }
            return PlainResponse(status: 200, headers: [:], body: String(decoding: bytes, as: UTF8.self))
        }
        let client = Upstream.client()
        let catalogue = CatalogueFollower(
            source: CatalogueSource(server.url, client: client),
            statePath: "\(node.folder)/runtime/http.json",
            rootPath: node.configuration.catalogueRoot,
            clock: RuntimeClock { [clock = node.clock] in clock.now })
        #expect(await catalogue.check() == "ok")
        #expect(try await catalogue.bundle(digest) == Array("bundle of 1.0.0".utf8))
        await server.stop()
        #expect(await catalogue.refresh() == false)
        try await client.shutdown()
        await node.end()
    }
}
