import AsyncHTTPClient
import Marketplace
import Metering
import NIOCore
import Provenance

/// Where the published catalogue stands: a directory of this machine, or the address of a server that serves one. What
/// comes from it is bytes; whether they are the catalogue's is for `CatalogueFollower` to say.
struct CatalogueSource: Sendable {
    private enum Place: Sendable {
        case directory(String)
        case server(String, HTTPClient)
    }

    private let place: Place
    /// Bytes of one metadata file, or of the list of revocations.
    static let metadataBytesMax = 16 << 20

    init(directory: String) {
        place = .directory(directory)
    }

    /// From the setting `catalogue`: what begins with `http://` or `https://` is an address.
    init(_ text: String, client: HTTPClient) {
        let isAddress = text.hasPrefix("https://") || text.hasPrefix("http://")
        place =
            isAddress
            ? .server(text.hasSuffix("/") ? String(text.dropLast()) : text, client) : .directory(text)
    }

    /// A file by its path from the catalogue's root; nil where there is none.
    func file(_ path: String, bytesMax: Int) async throws(RuntimeError) -> [UInt8]? {
        switch place {
        case .directory(let directory):
            let bytes: [UInt8]?
            do {
                bytes = try await BlockingWork.run { try Disk().readIfPresent("\(directory)/\(path)") }
            } catch {
                throw RuntimeError(.unavailable, "\(directory)/\(path)", "cannot be read: \(error)")
            }
            guard bytes.map({ $0.count <= bytesMax }) ?? true else {
                throw RuntimeError(.unavailable, path, "has more than \(bytesMax) bytes")
            }
            return bytes
        case .server(let address, let client):
            let answer: UpstreamAnswer
            do throws(OperationError) {
                answer = try await Upstream.send(
                    HTTPClientRequest(url: "\(address)/\(path)"), by: client, deadline: .now + .seconds(20),
                    answerBytesMax: bytesMax)
            } catch {
                throw RuntimeError(.unavailable, "\(address)/\(path)", "cannot be fetched: \(error.message)")
            }
            switch answer.status {
            case 200: return answer.body
            case 404, 410: return nil
            default:
                throw RuntimeError(.unavailable, "\(address)/\(path)", "was answered with \(answer.status)")
            }
        }
    }
}

extension CatalogueSource: BundleSource {
    /// A bundle's bytes; anything whose digest differs is refused.
    func bundle(_ digest: Digest) async throws(RuntimeError) -> [UInt8] {
        let path = "bundles/\(digest.hex).vfp"
        guard let bytes = try await file(path, bytesMax: PlatformLimits.BundleBytes.packedMax) else {
            throw RuntimeError(.notFound, path, "is not in the catalogue")
        }
        guard Digest.sha256(of: bytes) == digest else {
            throw RuntimeError(.unavailable, path, "is not the file that was approved: its digest differs")
        }
        return bytes
    }
}
