public import Marketplace
import Provenance

/// What a new data directory needs besides its folders.
public enum DataSetUp {
    /// Keys and the first root of trust.
    public static func keys(_ data: DataDirectory, now: Instant) throws(PipelineError) {
        let store = KeyStore(folder: data.keys)
        try PipelineError.provenance { () throws(ProvenanceError) in
            try store.createMissing()
            try store.createRootMetadata(now: now)
        }
    }
}
