import ArgumentParser
import AsyncHTTPClient
import Foundation
import Marketplace
import NIOCore
import NIOHTTP1
import Pipeline

extension CatalogueCommand {
    /// `veroforge catalogue mirror`
    struct Mirror: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "mirror",
            abstract: "Bring a copy of a catalogue up to date, fetching what changed and nothing else.",
            discussion: """
                The metadata is checked under TUF's rules, every file against its digest. The mirror's own root is \
                what trust begins with; at the first visit give --root, or the source's is taken.
                """)
        @Argument(help: "The catalogue: a directory, or an http or https address.") var source: String
        @Argument(help: "The mirror's directory; made if it is missing.") var target: String
        @Option(help: "A pinned root.json.") var root: String?
        @Option(name: .customLong("as-of"), help: "The moment at which nothing may have expired.") var asOf:
            String?

        func run() async throws {
            let moment = asOf.flatMap { Instant($0) ?? Day($0)?.start }
            if asOf != nil, moment == nil { throw PipelineError(.usage, "--as-of \(asOf ?? "") is no time") }
            let isFirst = root == nil && !Files.exists("\(target)/metadata/root.json")
            var mirror = CatalogueMirror(
                to: target, now: moment ?? Clock.wall(), fetch: MirrorSource.fetch(source))
            let outcome = try await mirror.run(root: root)
            let way = outcome.usedDifferences ? "by the index's differences" : "by the whole index"
            print(
                "\(outcome.fetched) files fetched, \(outcome.removed) removed, \(way): \(outcome.requests) requests, \(outcome.bytes) bytes of a site of \(outcome.siteBytes)"
            )
            if isFirst { print("root: first use, not pinned") }
        }
    }
}

enum MirrorSource {
    private static let fileBytesMax = 1 << 30

    static func fetch(_ source: String) -> CatalogueMirror.Fetch {
        guard source.hasPrefix("https://") || source.hasPrefix("http://") else {
            return { path throws(PipelineError) in try Files.readIfPresent("\(source)/\(path)") }
        }
        let base = source.hasSuffix("/") ? String(source.dropLast()) : source
        return { path throws(PipelineError) in
            let url = "\(base)/\(path)"
            do {
                let response = try await HTTPClient.shared.execute(
                    HTTPClientRequest(url: url), timeout: .seconds(60))
                if response.status == .notFound { return nil }
                guard response.status == .ok else {
                    throw PipelineError(.tryLater, "\(url) answered \(response.status.code)")
                }
                return Array(try await response.body.collect(upTo: fileBytesMax).readableBytesView)
            } catch let error as PipelineError {
                throw error
            } catch {
                throw PipelineError(.tryLater, "\(url) cannot be fetched: \(error)")
            }
        }
    }
}
