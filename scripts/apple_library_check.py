"""Tries Apple's server library, unchanged but for its base URL, against a running simulator.

Arguments: the simulator's URL, and the DER file of its root. Prints a line per check.
"""

import json
import sys
import urllib.error
import urllib.request

from appstoreserverlibrary.api_client import (
    APIError,
    APIException,
    AppStoreServerAPIClient,
    GetTransactionHistoryVersion,
)
from appstoreserverlibrary.models.Environment import Environment
from appstoreserverlibrary.models.InAppOwnershipType import InAppOwnershipType
from appstoreserverlibrary.models.OrderLookupStatus import OrderLookupStatus
from appstoreserverlibrary.models.Status import Status
from appstoreserverlibrary.models.TransactionHistoryRequest import TransactionHistoryRequest
from appstoreserverlibrary.models.Type import Type
from appstoreserverlibrary.signed_data_verifier import SignedDataVerifier, VerificationException

FORGERIES = [
    "signature", "payload", "foreignRoot", "missingLeafOID", "missingIntermediateOID", "chain1", "chain2", "chain4",
    "expiredLeaf", "swappedLeaf", "algNone", "algHS256", "algRS256", "derSignature", "p384Leaf",
]


class Client(AppStoreServerAPIClient):
    """Apple's client with another host."""

    def __init__(self, base_url, *arguments):
        super().__init__(*arguments)
        self._base_url = base_url


class Checks:
    def __init__(self, url, root):
        self.url = url
        self.passed = 0
        self.failed = 0
        keys = self.control("GET", "keys")
        with open(keys["privateKeyFile"], "rb") as file:
            self.signing_key = file.read()
        self.keys = keys
        self.root = root

    def control(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/control/{path}", data=data, method=method)
        with urllib.request.urlopen(request, timeout=10) as response:
            text = response.read()
        return json.loads(text) if text else None

    def client(self, environment, **changes):
        keys = {**self.keys, **changes}
        return Client(
            f"{self.url}/{environment.value.lower()}", self.signing_key, keys["keyId"], keys["issuerId"],
            keys["bundleId"], environment)

    def verifier(self, environment):
        return SignedDataVerifier(
            [self.root], False, environment, self.keys["bundleId"], self.keys["appAppleId"])

    def check(self, name, holds, detail=""):
        self.passed += bool(holds)
        self.failed += not holds
        print(f"{'ok' if holds else 'FAILED'}: {name}{'' if holds else f' ({detail})'}", flush=True)

    def check_error(self, name, call, status, code=None):
        try:
            call()
            self.check(name, False, "no error")
        except APIException as error:
            seen = (error.http_status_code, error.raw_api_error)
            self.check(name, seen == (status, code), f"{seen}")

    def check_refused(self, name, verifier, signed):
        try:
            verifier.verify_and_decode_signed_transaction(signed)
            self.check(name, False, "verified")
        except VerificationException as error:
            self.check(name, True, error.status)

    def run(self):
        for environment in (Environment.PRODUCTION, Environment.SANDBOX):
            self.run_transactions(environment)
        self.run_errors()
        self.run_history()
        self.run_subscription()
        self.run_forgeries()

    def run_transactions(self, environment):
        client, verifier = self.client(environment), self.verifier(environment)
        token = "7e3fb20b-4cdb-47cc-936d-99d65f608138"
        bought = self.control("POST", "purchases", {
            "productId": "coins.100", "type": "Consumable", "environment": environment.value, "quantity": 3,
            "price": 14970, "appAccountToken": token})
        where = environment.value
        device = verifier.verify_and_decode_signed_transaction(bought["signedTransaction"])
        self.check(f"{where}: what the device holds verifies", device.transactionId == bought["transactionId"])

        answer = client.get_transaction_info(bought["transactionId"])
        seen = verifier.verify_and_decode_signed_transaction(answer.signedTransactionInfo)
        self.check(f"{where}: Get Transaction Info is understood", (
            seen.transactionId, seen.originalTransactionId, seen.productId, seen.type, seen.quantity, seen.price,
            seen.currency, seen.appAccountToken, seen.inAppOwnershipType, seen.environment, seen.revocationDate,
        ) == (
            bought["transactionId"], bought["transactionId"], "coins.100", Type.CONSUMABLE, 3, 14970, "USD", token,
            InAppOwnershipType.PURCHASED, environment, None,
        ), seen)
        self.check(f"{where}: signedDate grows with every answer", seen.signedDate > device.signedDate)

        self.control("POST", f"transactions/{bought['transactionId']}/refund", {"revocationType": "REFUND_PRORATED"})
        answer = client.get_transaction_info(bought["transactionId"])
        seen = verifier.verify_and_decode_signed_transaction(answer.signedTransactionInfo)
        self.check(f"{where}: a refund is understood", (
            seen.revocationDate is not None, seen.rawRevocationReason, seen.revocationPercentage,
        ) == (True, 0, 50000), seen)
        self.control("POST", f"transactions/{bought['transactionId']}/reverse-refund")
        answer = client.get_transaction_info(bought["transactionId"])
        seen = verifier.verify_and_decode_signed_transaction(answer.signedTransactionInfo)
        self.check(f"{where}: a reversed refund leaves no trace", seen.revocationDate is None, seen)

    def run_errors(self):
        client = self.client(Environment.PRODUCTION)
        self.check_error("an unknown id is 404 / 4040010", lambda: client.get_transaction_info("123456"),
                         404, APIError.TRANSACTION_ID_NOT_FOUND.value)
        self.check_error("a malformed id is 400 / 4000006", lambda: client.get_transaction_info("abc"),
                         400, APIError.INVALID_TRANSACTION_ID.value)
        bought = self.control("POST", "purchases", {
            "productId": "a", "type": "Non-Consumable", "environment": "Sandbox"})
        self.check_error("a sandbox id is unknown in production",
                         lambda: client.get_transaction_info(bought["transactionId"]),
                         404, APIError.TRANSACTION_ID_NOT_FOUND.value)
        self.check_error("an app download's id is 400 / 4000048",
                         lambda: self.client(Environment.SANDBOX).get_transaction_info(bought["appTransactionId"]),
                         400, APIError.APP_TRANSACTION_ID_NOT_SUPPORTED_ERROR.value)
        self.check_error("without a notification URL a test notification is 404 / 4040007",
                         client.request_test_notification,
                         404, APIError.SERVER_NOTIFICATION_URL_NOT_FOUND.value)
        for name in ("keyId", "issuerId", "bundleId"):
            wrong = self.client(Environment.PRODUCTION, **{name: "wrong"})
            self.check_error(f"a wrong {name} is 401 without an error code",
                             lambda client=wrong: client.get_transaction_info("123456"), 401)
        self.control("POST", "faults", {"fault": {"kind": "throttled", "retryAfterMilliseconds": 1000}})
        self.check_error("a throttled call is 429 / 4290000", lambda: client.get_transaction_info("123456"),
                         429, APIError.RATE_LIMIT_EXCEEDED.value)
        self.control("POST", "outage", {"on": True})
        self.check_error("an outage is 500 / 5000001", lambda: client.get_transaction_info("123456"),
                         500, APIError.GENERAL_INTERNAL_RETRYABLE.value)
        self.control("POST", "outage", {"on": False})

    def run_history(self):
        client, verifier = self.client(Environment.PRODUCTION), self.verifier(Environment.PRODUCTION)
        first = self.control("POST", "purchases", {"productId": "coins", "type": "Consumable"})
        ids = [first["transactionId"]]
        for _ in range(24):
            ids.append(self.control("POST", "purchases", {
                "productId": "coins", "type": "Consumable", "appTransactionId": first["appTransactionId"],
            })["transactionId"])
        seen, revision, pages = [], None, 0
        while True:
            page = client.get_transaction_history(
                ids[0], revision, TransactionHistoryRequest(), GetTransactionHistoryVersion.V2)
            pages += 1
            seen += [verifier.verify_and_decode_signed_transaction(item).transactionId
                     for item in page.signedTransactions]
            revision = page.revision
            if not page.hasMore:
                break
        self.check("a history of 25 comes in two pages, each entry once", (pages, seen) == (2, ids), (pages, seen))
        self.control("POST", f"transactions/{ids[7]}/refund")
        refunds = client.get_refund_history(ids[0], None)
        seen = [verifier.verify_and_decode_signed_transaction(item).transactionId
                for item in refunds.signedTransactions]
        self.check("the refund history has the refund alone", seen == [ids[7]], seen)
        later = client.get_refund_history(ids[0], refunds.revision)
        self.check("after its revision there is nothing new", later.signedTransactions == [], later)
        order = client.look_up_order_id(first["orderId"])
        seen = [verifier.verify_and_decode_signed_transaction(item).transactionId
                for item in order.signedTransactions]
        self.check("the order id leads to the transaction", (order.status, seen) == (
            OrderLookupStatus.VALID, [ids[0]]), order)
        self.check("an unknown order id is invalid",
                   client.look_up_order_id("NOSUCHORDER").status == OrderLookupStatus.INVALID)

    def run_subscription(self):
        client, verifier = self.client(Environment.PRODUCTION), self.verifier(Environment.PRODUCTION)
        first = self.control("POST", "purchases", {"productId": "pro", "type": "Auto-Renewable Subscription"})
        second = self.control("POST", f"transactions/{first['transactionId']}/renew")
        statuses = client.get_all_subscription_statuses(first["transactionId"])
        item = statuses.data[0].lastTransactions[0]
        transaction = verifier.verify_and_decode_signed_transaction(item.signedTransactionInfo)
        renewal = verifier.verify_and_decode_renewal_info(item.signedRenewalInfo)
        self.check("a subscription's status names its newest period", (
            item.status, item.originalTransactionId, transaction.transactionId, renewal.autoRenewProductId,
        ) == (Status.ACTIVE, first["transactionId"], second["transactionId"], "pro"), statuses)

    def run_forgeries(self):
        verifier = self.verifier(Environment.PRODUCTION)
        bought = self.control("POST", "purchases", {"productId": "a", "type": "Non-Consumable"})
        path = f"transactions/{bought['transactionId']}/signed"
        good = self.control("GET", path)["signedTransaction"]
        self.check("the unforged one verifies",
                   verifier.verify_and_decode_signed_transaction(good).transactionId == bought["transactionId"])
        for kind in FORGERIES:
            forged = self.control("GET", f"{path}?forge={kind}")["signedTransaction"]
            self.check_refused(f"forged ({kind}) is refused", verifier, forged)


def main():
    url, root = sys.argv[1:]
    with open(root, "rb") as file:
        checks = Checks(url, file.read())
    checks.run()
    print(f"apple-library-check: {checks.passed} passed, {checks.failed} failed")
    sys.exit(1 if checks.failed else 0)


if __name__ == "__main__":
    main()
