// HMACs by the name that a plugin gives.
import Crypto

/// The HMAC under `sha1`, `sha256` or `sha512`; `nil` for any other name. SHA-1 is here because vendors still sign
/// webhooks with it.
public func hmac(_ algorithm: String, key: [UInt8], _ message: [UInt8]) -> [UInt8]? {
    let key = SymmetricKey(data: key)
    return switch algorithm {
    case "sha1": Array(HMAC<Insecure.SHA1>.authenticationCode(for: message, using: key))
    case "sha256": Array(HMAC<SHA256>.authenticationCode(for: message, using: key))
    case "sha512": Array(HMAC<SHA512>.authenticationCode(for: message, using: key))
    default: nil
    }
}
