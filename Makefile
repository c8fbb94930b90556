# `make help` lists the targets. Two of them need nothing but Debian 12 and a Swift toolchain: demo and test.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

SWIFT ?= swift

##@ Start here

.PHONY: demo
demo: ## Play a purchase, a refund, an outage and the forgeries against a simulated App Store, then stop
	@scripts/demo

.PHONY: test
test: ## Run every test, against a private PostgreSQL cluster under .run/
	@scripts/test

.PHONY: up
up: ## Start Vouch, its database and the simulator; prints URLs and keys, and stays up
	@scripts/up

.PHONY: down
down: ## Stop what `make up` started
	@scripts/down

##@ Work on the code

.PHONY: help
help: ## List the targets
	@awk 'BEGIN { FS = ":.*## " } \
		/^##@ / { printf "\n%s\n", substr($$0, 5) } \
		/^[a-z][a-z-]*:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: setup
setup: ## Install the Debian packages that are missing
	@scripts/setup demo test lint

.PHONY: build
build: ## Build everything in the debug configuration
	$(SWIFT) build --build-tests

.PHONY: release
release: ## Build the optimised programs, as deploy/Dockerfile does; slow, run it before a release
	VOUCH_TARGETS=vouch $(SWIFT) build --configuration release --product vouch
	VOUCH_TARGETS=app-store-simulator $(SWIFT) build --configuration release --product app-store-simulator

.PHONY: test-core
test-core: ## Run the tests that need no database: the core and the verifier
	@VOUCH_TARGETS=PurchaseCoreTests,AppStoreJWSTests scripts/test --without-database

.PHONY: tidy
tidy: ## Check the rules of CONTRIBUTING.md: imports, banned calls, documents, checksums
	@VOUCH_TARGETS=TidyTests scripts/test --without-database

.PHONY: fmt
fmt: ## Format the Swift code
	@scripts/swift-format format --in-place

.PHONY: lint
lint: ## Check the format of the Swift code, the shell scripts and the deployment files
	@scripts/lint

.PHONY: spec
spec: ## Validate openapi.yaml as OpenAPI 3.1
	@scripts/spec

##@ Measure

.PHONY: bench
bench: ## Build the optimised programs and measure every path beside its reference; a quarter of an hour
	@scripts/bench --accounts 1000000,10000000 --purchases 1000000 --json .run/bench.jsonl

.PHONY: bench-model
bench-model: ## Reckon docs/scaling.md's table from the figures of the last `make bench`
	@.build-release/release/bench model --figures .run/bench.jsonl --into docs/scaling.md

.PHONY: bench-counts
bench-counts: ## Count the instructions of single operations and compare; needs what `make bench` built
	@scripts/setup bench
	@scripts/bench-instructions

##@ The private database

.PHONY: db-up
db-up: ## Start the private cluster; prints its URL
	@scripts/setup demo
	@scripts/cluster start

.PHONY: db-down
db-down: ## Stop the private cluster
	@scripts/cluster stop

.PHONY: migrate
migrate: ## Migrate the database of VOUCH_DATABASE_URL, by default the private cluster's
	@scripts/setup demo
	$(SWIFT) build --product vouch
	@VOUCH_DATABASE_URL="$${VOUCH_DATABASE_URL:-$$(scripts/cluster start)}" .build/debug/vouch migrate

.PHONY: clean
clean: ## Stop the private clusters and remove .run/ and the build
	@scripts/clean
