"""Tries Apple's server library, unchanged but for its base URL, against a running simulator.

Arguments: the simulator's URL, and the DER file of its root. Prints a line per check.
"""

import http.server
import json
import queue
import sys
import threading
import time
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
from appstoreserverlibrary.models.NotificationHistoryRequest import NotificationHistoryRequest
from appstoreserverlibrary.models.NotificationTypeV2 import NotificationTypeV2
from appstoreserverlibrary.models.OrderLookupStatus import OrderLookupStatus
from appstoreserverlibrary.models.SendAttemptResult import SendAttemptResult
from appstoreserverlibrary.models.Status import Status
from appstoreserverlibrary.models.Subtype import Subtype
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


class Receiver(http.server.HTTPServer):
    """What notifications are sent to: takes each and answers 200."""

    def __init__(self):
        self.received = queue.Queue()
        super().__init__(("127.0.0.1", 0), self.Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/notifications"

    def next(self):
        return self.received.get(timeout=10)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()
            self.server.received.put(body["signedPayload"])

        def log_message(self, *_):
            pass


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

    def check_refused(self, name, verify, signed):
        try:
            verify(signed)
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
        for environment in (Environment.PRODUCTION, Environment.SANDBOX):
            self.run_notifications(environment)
        self.run_other_contents()

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
            self.check_refused(
                f"forged ({kind}) is refused", verifier.verify_and_decode_signed_transaction, forged)

    def run_notifications(self, environment):
        client, verifier = self.client(environment), self.verifier(environment)
        receiver, where = Receiver(), environment.value
        # What was made before would wait for the URL and come first.
        self.control("POST", "reset")
        self.control("PUT", "notification-url", {"url": receiver.url, "environment": where})

        started = int(time.time() * 1000) - 60_000
        token = client.request_test_notification().testNotificationToken
        seen = verifier.verify_and_decode_notification(receiver.next())
        self.check(f"{where}: the TEST that was asked for arrives and verifies", (
            seen.notificationType, seen.data.signedTransactionInfo) == (NotificationTypeV2.TEST, None), seen)
        status = self.until_available(lambda: client.get_test_notification_status(token))
        results = [attempt.sendAttemptResult for attempt in status.sendAttempts]
        self.check(f"{where}: its status says so", results == [SendAttemptResult.SUCCESS], status)

        bought = self.control("POST", "purchases", {
            "productId": "pro", "type": "Auto-Renewable Subscription", "environment": where})
        path = f"{bought['transactionId']}?environment={where}"
        seen = verifier.verify_and_decode_notification(receiver.next())
        transaction = verifier.verify_and_decode_signed_transaction(seen.data.signedTransactionInfo)
        renewal = verifier.verify_and_decode_renewal_info(seen.data.signedRenewalInfo)
        self.check(f"{where}: a subscription is announced with transaction, renewal info and status", (
            seen.notificationType, seen.subtype, seen.data.status, transaction.transactionId,
            renewal.originalTransactionId, seen.data.appAppleId,
        ) == (
            NotificationTypeV2.SUBSCRIBED, Subtype.INITIAL_BUY, Status.ACTIVE, bought["transactionId"],
            bought["transactionId"], self.keys["appAppleId"] if environment == Environment.PRODUCTION else None,
        ), seen)
        self.control("POST", f"transactions/{path}".replace("?", "/refund?"))
        seen = verifier.verify_and_decode_notification(receiver.next())
        transaction = verifier.verify_and_decode_signed_transaction(seen.data.signedTransactionInfo)
        self.check(f"{where}: a refund is announced with its date", (
            seen.notificationType, transaction.revocationDate is not None,
        ) == (NotificationTypeV2.REFUND, True), seen)

        types, pages, token = [], 0, None
        body = NotificationHistoryRequest(startDate=started, endDate=int(time.time() * 1000) + 60_000)
        for _ in range(25):
            self.control("POST", "notifications", {"notificationType": "METADATA_UPDATE", "environment": where})
            receiver.next()
        while True:
            page = client.get_notification_history(token, body)
            pages += 1
            types += [verifier.verify_and_decode_notification(item.signedPayload).rawNotificationType
                      for item in page.notificationHistory]
            if not page.hasMore:
                break
            token = page.paginationToken
        expected = ["TEST", "SUBSCRIBED", "REFUND"] + ["METADATA_UPDATE"] * 25
        self.check(f"{where}: the history has all of them in two pages", (pages, types[-28:]) == (2, expected), types)
        failures = client.get_notification_history(None, NotificationHistoryRequest(
            startDate=started, endDate=int(time.time() * 1000) + 60_000, onlyFailures=True,
            transactionId=bought["transactionId"]))
        self.check(f"{where}: none of them failed", failures.notificationHistory == [], failures)

        for kind in ("signature", "foreignRoot", "chain4"):
            listed = self.control("GET", f"notifications?environment={where}")["notifications"]
            forged = self.control(
                "POST", f"notifications/{listed[-1]['notificationUUID']}/altered", {"forgeEnvelope": kind})
            self.check_refused(f"{where}: a forged notification ({kind}) is refused",
                               verifier.verify_and_decode_notification, forged["signedPayload"])
        self.control("PUT", "notification-url", {"url": None, "environment": where})
        receiver.shutdown()

    @staticmethod
    def until_available(call):
        """What the call answers once the attempt, which has reached us, is written down over there."""
        for _ in range(100):
            try:
                return call()
            except APIException as error:
                if error.raw_api_error != APIError.TEST_NOTIFICATION_NOT_FOUND.value:
                    raise
                time.sleep(0.1)
        return call()

    def run_other_contents(self):
        verifier = self.verifier(Environment.PRODUCTION)
        for content, type_ in [("summary", "RENEWAL_EXTENSION"), ("externalPurchaseToken", "EXTERNAL_PURCHASE_TOKEN"),
                               ("appData", "RESCIND_CONSENT")]:
            made = self.control("POST", "notifications", {"notificationType": type_, content: {}})
            signed = self.control("GET", f"notifications/{made['notificationUUID']}")["signedPayload"]
            seen = verifier.verify_and_decode_notification(signed)
            self.check(f"a notification with {content} is understood", (
                seen.rawNotificationType, seen.data, getattr(seen, content) is not None) == (type_, None, True), seen)


def main():
    url, root = sys.argv[1:]
    with open(root, "rb") as file:
        checks = Checks(url, file.read())
    checks.run()
    print(f"apple-library-check: {checks.passed} passed, {checks.failed} failed")
    sys.exit(1 if checks.failed else 0)


if __name__ == "__main__":
    main()
