import Hummingbird
import HummingbirdCore
import HummingbirdHTTP2
import HummingbirdTLS

/// How the socket speaks: HTTP/1.1 in the clear for loopback and for a proxy before it, or TLS with HTTP/1.1 and
/// HTTP/2 where a certificate is configured.
enum TLSFace {
    static func builder(_ configuration: RuntimeConfiguration) throws(RuntimeError) -> HTTPServerBuilder {
        guard let certificate = configuration.certificate, let key = configuration.privateKey else {
            return .http1(configuration: .init(idleTimeout: .seconds(75)))
        }
        do {
            let chain = try NIOSSLCertificate.fromPEMFile(certificate)
            var tls = TLSConfiguration.makeServerConfiguration(
                certificateChain: chain.map { .certificate($0) },
                privateKey: .privateKey(try NIOSSLPrivateKey(file: key, format: .pem)))
            tls.minimumTLSVersion = .tlsv12
            return try .http2Upgrade(tlsConfiguration: tls)
        } catch {
            throw RuntimeError(
                .configuration, certificate, "the certificate or its key cannot be used: \(error)")
        }
    }
}
