import Foundation
import Testing

@testable import Publishing

@Suite struct PictureTests {
    private func rgba(_ width: Int, _ height: Int) -> [UInt8] {
        var rows: [UInt8] = []
        for row in 0..<height {
            rows.append(0)
            for column in 0..<width { rows += [UInt8(column & 255), UInt8(row & 255), 7, 255] }
        }
        return PNG.file(width: width, height: height, depth: 8, colour: 6, rows: rows)
    }

    @Test func aPluginsCardIsAPictureOfItsTitle() throws {
        let card = CardPicture.png(title: "Überfällig & more", by: "by Acme", price: "Free")
        let (header, again) = try PNG.remade(card)
        #expect(header == PNG.Header(width: 600, height: 315, depth: 2, colour: 3))
        #expect(again.count > 500 && card.count < 8_192)
        #expect(card == CardPicture.png(title: "Überfällig & more", by: "by Acme", price: "Free"))
        #expect(card != CardPicture.png(title: "Another", by: "by Acme", price: "Free"))
        #expect(CardPicture.lines("one two three", most: 7, count: 3) == ["one two", "three"])
    }

    @Test func aPictureIsMadeAnewWithoutWhatDoesNotDraw() throws {
        var file = rgba(5, 4)
        let text = Array("tEXtComment\0secret place".utf8)
        let size = UInt32(text.count - 4)
        let check = Deflate.crc(text)
        var chunk: [UInt8] = [0, 0, 0, UInt8(size)] + text
        for shift in [24, 16, 8, 0] { chunk.append(UInt8(truncatingIfNeeded: check >> UInt32(shift))) }
        file.insert(contentsOf: chunk, at: 33)
        file += Array("trailing".utf8)
        let picture = try RemadePicture(remaking: file)
        #expect(picture.type == "png" && picture.width == 5 && picture.height == 4 && picture.isSound)
        #expect(picture.bytes == rgba(5, 4))
        let answer = try JSONEncoder().encode(picture)
        #expect(answer.count < 2 * picture.bytes.count + 100)
        #expect(try JSONDecoder().decode(RemadePicture.self, from: answer) == picture)
    }

    @Test func anyCutOrChangedPictureIsAnAnswer() {
        let file = rgba(9, 9)
        for length in 0..<file.count {
            #expect(throws: PublishingError.self) { try PNG.remade(Array(file.prefix(length))) }
        }
        for index in file.indices {
            var changed = file
            changed[index] ^= 0x11
            _ = try? PNG.remade(changed)
        }
        let wide = PNG.file(
            width: 5_000, height: 1, depth: 8, colour: 0, rows: [UInt8](repeating: 0, count: 5_001))
        #expect(throws: PublishingError.self) { try PNG.remade(wide) }
        let short = PNG.file(width: 50, height: 50, depth: 8, colour: 6, rows: [0])
        #expect(throws: PublishingError.self) { try PNG.remade(short) }
    }

    @Test func shapesOfAnSVGPassAndNothingElse() throws {
        let svg = """
            <?xml version="1.0"?><!-- a bubble --><svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64" role="img">
            <title>Words</title><g fill="#3f2a56"><path d="M14 16h26a4 4 0 0 1 4 4z"/><rect width='4' height='4'/></g></svg>
            """
        let made = String(decoding: try SafeSVG.remade(Array(svg.utf8)), as: UTF8.self)
        #expect(
            made == "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 64 64\"><g fill=\"#3f2a56\">"
                + "<path d=\"M14 16h26a4 4 0 0 1 4 4z\"/><rect width=\"4\" height=\"4\"/></g></svg>\n")
    }

    @Test(arguments: [
        "<svg viewBox=\"0 0 1 1\"><script>alert(1)</script></svg>", "<svg viewBox=\"0 0 1 1\" onload=\"x\"/>",
        "<svg viewBox=\"0 0 1 1\"><image href=\"http://a/\"/></svg>",
        "<svg viewBox=\"0 0 1 1\"><path fill=\"url(http://a/)\" d=\"M0 0\"/></svg>",
        "<svg viewBox=\"0 0 1 1\"><path style=\"fill:red\"/></svg>", "<svg viewBox=\"0 0 1 1\">text</svg>",
        "<!DOCTYPE svg [<!ENTITY a \"b\">]><svg viewBox=\"0 0 1 1\"/>",
        "<svg viewBox=\"0 0 1 1\"><g></svg></g>",
        "<svg viewBox=\"0 0 1 1\"/><svg viewBox=\"0 0 1 1\"/>", "<svg/>", "<g/>", "<svg viewBox=0/>",
        "<svg viewBox=\"&a;\"/>",
        "<svg viewBox=\"0 0 1 1\" d=\"1\" d=\"2\"/>", "<svg viewBox=\"0 0 1 1\"><use href=\"#a\"/></svg>", "",
        "<svg", "<!--",
        "<svg viewBox=\"0 0 1 1\"><foreignObject/></svg>",
        "<svg viewBox=\"0 0 1 1\"><a xlink:href=\"javascript:1\"/></svg>",
    ])
    func anSVGThatCouldDoMoreIsRefused(svg: String) {
        #expect(throws: PublishingError.self) { try SafeSVG.remade(Array(svg.utf8)) }
    }

    @Test func aTarballIsTheSameEachTimeAndSaysWhatItHolds() {
        let files: [(path: String, bytes: [UInt8])] = [
            ("package/b.ts", Array("b".utf8)), ("package/a.ts", []),
        ]
        let archive = Tarball.gzip(files)
        #expect(archive == Tarball.gzip(files.reversed()))
        let deflated = [0x78, 0x9C] + archive.dropFirst(10).dropLast(8)
        #expect(archive.starts(with: [0x1F, 0x8B]))
        #expect(deflated.count > 40)
    }
}
