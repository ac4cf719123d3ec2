import Glibc
import Hummingbird
import HummingbirdCore
import HummingbirdHTTP2
import HummingbirdTLS
import Logging
import NIOCore
import NIOSSL
import Synchronization

/// How the socket speaks: HTTP/1.1 in the clear for loopback and for a proxy before it, or TLS with HTTP/1.1 and
/// HTTP/2 where a certificate is configured.
enum TLSFace {
    static func builder(
        _ configuration: RuntimeConfiguration, watch: ConnectionWatch, logger: Logger
    ) throws(RuntimeError) -> HTTPServerBuilder {
        let seconds = configuration.requestSeconds
        let plain = HTTP1Channel.Configuration(
            additionalChannelHandlers: [watch.handler(headSeconds: seconds)], idleTimeout: .seconds(75))
        guard let certificate = configuration.certificate, let key = configuration.privateKey else {
            return HTTPServerBuilder { OnItsLoop(inner: HTTP1Channel(responder: $0, configuration: plain)) }
        }
        let files = CertificateFiles(certificate: certificate, privateKey: key, logger: logger)
        let present = try files.read()
        var tls = TLSConfiguration.makeServerConfiguration(
            certificateChain: present.chain, privateKey: present.key)
        tls.minimumTLSVersion = .tlsv12
        tls.sslContextCallback = { _, promise in
            var override = NIOSSLContextConfigurationOverride()
            let now = files.current()
            override.certificateChain = now?.chain
            override.privateKey = now?.key
            promise.succeed(override)
        }
        let both = HTTP2UpgradeChannel.Configuration(idleTimeout: .seconds(75), streamConfiguration: plain)
        return HTTPServerBuilder { [tls] in
            OnItsLoop(
                inner: try HTTP2UpgradeChannel(tlsConfiguration: tls, configuration: both, responder: $0))
        }
    }
}

/// A certificate and its key on the disk. When the files change, the next handshake uses what stands there; files that do
/// not fit together, as in the middle of being replaced, leave the ones before in use.
private final class CertificateFiles: Sendable {
    struct Pair: Sendable {
        let chain: [NIOSSLCertificateSource]
        let key: NIOSSLPrivateKeySource
    }

    private struct State {
        var pair: Pair?
        var stamp: [Int64] = []
        var lookedAt: ContinuousClock.Instant?
    }

    private let certificate: String
    private let privateKey: String
    private let logger: Logger
    private let state = Mutex(State())

    init(certificate: String, privateKey: String, logger: Logger) {
        self.certificate = certificate
        self.privateKey = privateKey
        self.logger = logger
    }

    @discardableResult
    func read() throws(RuntimeError) -> Pair {
        let stamp = self.stamp()
        let pair: Pair
        do {
            let chain = try NIOSSLCertificate.fromPEMFile(certificate)
            let key = try NIOSSLPrivateKey(file: privateKey, format: .pem)
            // A context is only made of a certificate and a key that belong together.
            _ = try NIOSSLContext(
                configuration: .makeServerConfiguration(
                    certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key)))
            pair = Pair(chain: chain.map { .certificate($0) }, key: .privateKey(key))
        } catch {
            throw RuntimeError(
                .configuration, certificate, "the certificate or its key cannot be used: \(error)")
        }
        state.withLock { state in
            state.pair = pair
            state.stamp = stamp
        }
        return pair
    }

    /// The pair for a handshake that begins now; looks at the files at most once a second.
    func current() -> Pair? {
        let isDue = state.withLock { state -> Bool in
            if let last = state.lookedAt, last.duration(to: .now) < .seconds(1) { return false }
            state.lookedAt = .now
            return true
        }
        if isDue, stamp() != state.withLock({ $0.stamp }) {
            do throws(RuntimeError) {
                try read()
                logger.notice("the certificate was read anew", metadata: ["file": "\(certificate)"])
            } catch {
                logger.error("the certificate before stays in use: \(error.cause)")
            }
        }
        return state.withLock { $0.pair }
    }

    /// What changes when a file is replaced or rewritten.
    private func stamp() -> [Int64] {
        [certificate, privateKey].flatMap { path -> [Int64] in
            var status = stat()
            guard stat(path, &status) == 0 else { return [0] }
            return [
                Int64(bitPattern: UInt64(status.st_ino)), Int64(status.st_size), Int64(status.st_mtim.tv_sec),
                Int64(status.st_mtim.tv_nsec),
            ]
        }
    }
}
