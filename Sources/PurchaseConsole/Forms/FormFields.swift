import HTTPTypes
import Hummingbird
import NIOCore
import PurchaseAPI

/// One field as a browser sends it.
struct FormField: Hashable, Sendable {
    let name: String
    let value: String
}

/// Reads what browsers make of forms: `application/x-www-form-urlencoded`, in bodies and queries.
enum FormFields {
    /// The most fields that a form of ours could have, many times over.
    private static let fieldsMax = 64

    /// The fields of a query.
    static func query(of request: Request) throws(ConsoleError) -> [FormField] {
        guard let fields = parse(request.uri.query ?? "") else {
            throw .invalid(["The part after the question mark is not what a form sends."])
        }
        return fields
    }

    /// The fields of a posted form, within bounds.
    static func body(of request: Request, maximumBytes: Int) async throws -> [FormField] {
        let type = (request.headers[.contentType] ?? "").lowercased().split(separator: ";").first ?? ""
        guard type.filter({ $0 != " " }) == "application/x-www-form-urlencoded",
            request.headers[.contentEncoding].map({ $0.lowercased() == "identity" }) ?? true
        else { throw ConsoleError.notAForm }
        if let declared = request.headers[.contentLength].flatMap({ Int($0) }), declared > maximumBytes {
            throw ConsoleError.formTooLarge
        }
        let buffer: ByteBuffer
        do {
            buffer = try await request.body.collect(upTo: maximumBytes)
        } catch is NIOTooManyBytesError {
            throw ConsoleError.formTooLarge
        } catch let error as CancellationError {
            throw error
        } catch {
            throw ConsoleError.notAForm
        }
        guard let text = String(validating: buffer.readableBytesView, as: UTF8.self), let fields = parse(text) else {
            throw ConsoleError.notAForm
        }
        return fields
    }

    /// `nil` for a broken `%` sequence, for bytes that are not UTF-8, and for too many fields.
    static func parse(_ text: String) -> [FormField]? {
        var fields: [FormField] = []
        for item in text.split(separator: "&") {
            let parts = item.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard fields.count < fieldsMax, let name = decode(parts[0]),
                let value = decode(parts.count > 1 ? parts[1] : "")
            else { return nil }
            fields.append(FormField(name: name, value: value))
        }
        return fields
    }

    /// In forms `+` is a space.
    private static func decode(_ text: Substring) -> String? {
        PercentEncoding.decode(text.replacing("+", with: " ")[...])
    }
}
