/// A 200 whose body can't be used; the text is safe to show.
struct MalformedBody: Error, Equatable {
    let reason: String
}
