import Marketplace
import Metering
import Provenance

/// A file of an unpacked bundle.
struct BundleFile: Sendable, Hashable {
    let path: String
    let bytes: [UInt8]
}

/// Gives a bundle's bytes by digest, checked.
protocol BundleSource: Sendable {
    func bundle(_ digest: Digest) async throws(RuntimeError) -> [UInt8]
}

/// Unpacks a bundle's bytes somewhere where they can do no harm.
protocol BundleUnpacker: Sendable {
    func unpack(_ bundle: [UInt8], digest: Digest) async throws(RuntimeError) -> [BundleFile]
}

/// The bundles of the catalogue: fetched by digest, checked against it, unpacked outside this process, and kept in
/// memory for the next start.
actor BundleStore {
    private let catalogue: any BundleSource
    private let unpacker: any BundleUnpacker
    private let keptBytesMax: Int
    private var kept: [Digest: (files: [BundleFile], bytes: Int, lastUse: ContinuousClock.Instant)] = [:]
    private var keptBytes = 0
    private var loading: [Digest: Task<Result<[BundleFile], RuntimeError>, Never>] = [:]

    init(catalogue: any BundleSource, unpacker: any BundleUnpacker, keptBytesMax: Int = 64 << 20) {
        self.catalogue = catalogue
        self.unpacker = unpacker
        self.keptBytesMax = keptBytesMax
    }

    /// The files of a bundle.
    func files(of digest: Digest) async throws(RuntimeError) -> [BundleFile] {
        if let known = kept[digest] {
            kept[digest]?.lastUse = .now
            return known.files
        }
        if let running = loading[digest] { return try await running.value.get() }
        let catalogue = self.catalogue
        let unpacker = self.unpacker
        let task = Task { () -> Result<[BundleFile], RuntimeError> in
            do throws(RuntimeError) {
                let bytes = try await catalogue.bundle(digest)
                return .success(try await unpacker.unpack(bytes, digest: digest))
            } catch {
                return .failure(error)
            }
        }
        loading[digest] = task
        let result = await task.value
        loading[digest] = nil
        let files = try result.get()
        keep(files, of: digest)
        return files
    }

    private func keep(_ files: [BundleFile], of digest: Digest) {
        let bytes = files.reduce(0) { $0 + $1.bytes.count + $1.path.utf8.count }
        guard bytes <= keptBytesMax, kept[digest] == nil else { return }
        kept[digest] = (files, bytes, .now)
        keptBytes += bytes
        while keptBytes > keptBytesMax,
            let oldest = kept.min(by: { $0.value.lastUse < $1.value.lastUse })?.key
        {
            keptBytes -= kept.removeValue(forKey: oldest)?.bytes ?? 0
        }
    }
}
