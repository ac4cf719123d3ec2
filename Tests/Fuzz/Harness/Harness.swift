import Bundles
import Marketplace

@testable import Scanning

@_silgen_name("LLVMFuzzerRunDriver")
private func runDriver(
    _ count: UnsafeMutablePointer<CInt>, _ arguments: UnsafeMutableRawPointer,
    _ test: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
) -> CInt

/// Where the program begins, by the name that the package manager gives to this one's `main`.
@_cdecl("veroforge_fuzz_main")
public func begin(_ count: CInt, _ arguments: UnsafeMutableRawPointer) -> CInt {
    var (count, arguments) = (count, arguments)
    return withUnsafeMutablePointer(to: &arguments) { runDriver(&count, $0, fuzz) }
}

/// One input for one of the readers of strangers' bytes; the first byte chooses. libFuzzer calls it, again and again, with
/// what it makes of the inputs that reached new code. Nothing is asserted but that it comes back.
private func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    guard let start, count > 1 else { return 0 }
    // SAFETY: libFuzzer gives the length of what it holds, and holds it until this returns.
    let bytes = Array(UnsafeBufferPointer(start: start + 1, count: count - 1))
    Reader.allCases[Int(start[0]) % Reader.allCases.count].read(bytes)
    return 0
}

enum Reader: CaseIterable {
    case archive, script, module, typed, manifest, npm, yarn, pnpm, markup, json, wasm, embedded, records,
        hidden, encoded

    func read(_ bytes: [UInt8]) {
        switch self {
        case .archive:
            var limits = BundleLimits()
            limits.outputBytesMax = 4 << 20
            _ = ArchiveReader.read(bytes, limits: limits)
        case .script: _ = CodeAnalysis(bytes, .script)
        case .module: _ = CodeAnalysis(bytes, Parser.Dialect(allowsHTMLComments: false))
        case .typed: _ = CodeAnalysis(bytes, Parser.Dialect(allowsTypes: true))
        case .manifest: _ = try? Manifest.parse(bytes)
        case .npm: _ = Lockfile.read(bytes, path: "package-lock.json")
        case .yarn: _ = Lockfile.read(bytes, path: "yarn.lock")
        case .pnpm: _ = Lockfile.read(bytes, path: "pnpm-lock.yaml")
        case .markup: _ = Markup(bytes)
        case .json: _ = JSONStrings.layer(JSONStrings.escaped(in: bytes, limit: 1 << 20).texts, name: "text")
        case .wasm: _ = WebAssemblyModule(bytes)
        case .embedded: _ = EmbeddedData.find(in: bytes, limit: 1 << 20)
        case .records: try? RecordArchive.each(bytes) { _, _ in }
        case .hidden: _ = HiddenCharacters.find(in: bytes)
        case .encoded: _ = EncodedText.decode(String(decoding: bytes, as: UTF8.self))
        }
    }
}
