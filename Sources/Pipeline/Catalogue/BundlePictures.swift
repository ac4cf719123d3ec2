import Foundation
import Marketplace
import Provenance
import Publishing

/// A bundle's pictures as the site shows them: made anew in the worker, kept by digest, put at `media/<sha256>.<type>`.
/// One that the worker refuses is left out: the page then shows the title's letter, the README its words.
struct BundlePictures {
    let context: RunContext
    let unpacked: UnpackedFiles

    static let bytesMax = 1 << 20
    static let countMax = 24

    struct Found {
        var image: BundleImage
        var file: SiteFile
    }

    func picture(_ path: String, alt: String = "") async throws(PipelineError) -> Found? {
        guard let bytes = unpacked.file(path), bytes.count <= Self.bytesMax else { return nil }
        let cached = "\(context.data.cache)/\(Digest.sha256(of: bytes))-picture.json"
        let made: RemadePicture
        if let kept = try Files.readIfPresent(cached),
            let picture = try? JSONDecoder().decode(RemadePicture.self, from: Data(kept)), picture.isSound
        {
            made = picture
        } else {
            guard case .done(let answer) = await (try Workshop(programs: context.programs)).image(bytes),
                let picture = try? JSONDecoder().decode(RemadePicture.self, from: Data(answer)),
                picture.isSound
            else { return nil }
            try Files.write(answer, to: cached)
            made = picture
        }
        let place = "media/\(Digest.sha256(of: made.bytes)).\(made.type)"
        return Found(
            image: BundleImage(
                path: path, sitePath: place, width: made.width, height: made.height, alt: alt),
            file: SiteFile(place, made.bytes))
    }

    /// The pictures that a text names.
    func named(in text: [UInt8]) async throws(PipelineError) -> [Found] {
        let words = String(decoding: text, as: UTF8.self)
        var found: [Found] = []
        for file in unpacked.files where file.path.hasSuffix(".png") || file.path.hasSuffix(".svg") {
            guard found.count < Self.countMax, words.contains(file.path) else { continue }
            if let picture = try await picture(file.path) { found.append(picture) }
        }
        return found
    }
}
