import AppStoreSimulator
import Postgres
import TestSupport
import Testing

@testable import vouch

@Suite("vouch doctor: the catalogue in force")
struct CatalogueDoctorTests {
    @Test("it is the database's newest, unless the settings file carries one")
    func inForce() async throws {
        try await DoctorFixture.with { deployment in
            let id = try deployment.stack.simulator.purchase(
                SimulatedPurchase(productID: "sword", type: .nonConsumable)
            ).transactionID
            _ = try await deployment.stack.api.post("ada", id)
            try await deployment.examine().expect(.unknownProducts, .ok, "no catalogue")

            try await deployment.stack.importCatalogue("products: {season.pass: {kind: non_renewing}}")
            let imported = try await deployment.examine()
            try imported.expect(.products, .warning, "season.pass", "P30D")
            try imported.expect(.unknownProducts, .warning, "sword")
            try await deployment.examine(["VOUCH_CATALOGUE": "strict"]).expect(.unknownProducts, .fault, "sword")

            let filed = try await deployment.examine(file: "products: {sword: {kind: non_consumable}}\n")
            try filed.expect(.products, .ok, "1 in the catalogue")
            try filed.expect(.unknownProducts, .ok)

            try await deployment.stack.importCatalogue("products: {sword: {kind: non_consumable}}")
            try await deployment.examine().expect(.products, .ok, "1 in the catalogue")
        }
    }

    @Test("one that this version can't read is unknown, and so is what it would list")
    func unreadable() async throws {
        try await DoctorFixture.with { deployment in
            try await deployment.stack.database.withServiceClient { client in
                _ = try await client.query(
                    "INSERT INTO catalogues (catalogue_number, products, imported_by) VALUES (1, '{\"a\": 1}', 'later')"
                )
            }
            let report = try await deployment.examine()
            try report.expect(.products, .unknown, "catalogue 1")
            try report.expect(.unknownProducts, .unknown)
        }
    }
}
