import Crypto
import HTTPTypes
import Hummingbird
import NIOCore
import PurchaseAPI
import PurchaseCore

/// The stylesheet and the icon: served under names that change with their bytes, and so kept by browsers for ever.
struct ConsoleAssets: Sendable {
    /// One file.
    struct Asset: Sendable {
        let name: String
        let contentType: String
        let bytes: [UInt8]
    }

    /// Where pages find them.
    struct Links: Sendable {
        let stylesheet: String
        let icon: String
    }

    let links: Links
    private let assets: [String: Asset]

    /// The files that the binary carries.
    static let embedded = ConsoleAssets(stylesheet: stylesheetText, icon: iconText)

    init(stylesheet: String, icon: String) {
        let all = [
            Self.asset("console", "css", "text/css; charset=utf-8", stylesheet),
            Self.asset("mark", "svg", "image/svg+xml; charset=utf-8", icon),
        ]
        assets = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })
        links = Links(stylesheet: Self.prefix + all[0].name, icon: Self.prefix + all[1].name)
    }

    /// A file by its name; `nil` for every other name, also one of an earlier version.
    subscript(name: String) -> Asset? { assets[name] }

    private static let prefix = "/console/assets/"

    private static func asset(_ name: String, _ ending: String, _ type: String, _ text: String) -> Asset {
        let bytes = Array(text.utf8)
        let digest = Hexadecimal.text(SHA256.hash(data: bytes).prefix(8))
        return Asset(name: "\(name)-\(digest).\(ending)", contentType: type, bytes: bytes)
    }
}

extension ConsolePages {
    /// `GET /console/assets/{name}`.
    func asset(_ context: VouchRequestContext) throws(ConsoleError) -> Response {
        guard let asset = renderer.assets[context.parameters.get("name") ?? ""] else { throw .noSuchPage }
        return Response(
            status: .ok,
            headers: [
                .contentType: asset.contentType, .cacheControl: "public, max-age=31536000, immutable",
            ],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: asset.bytes)))
    }
}
