# Essaim. Each target is one line of Go tooling; `make` alone lists them.

GO       ?= go
VERSION  ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
FUZZTIME ?= 30s
# Records that bench-peers replicates; COMPAREFLAGS has the rest, as -mix notices.
N        ?= 50000
# Of make simulate: how large a swarm, who knows whom, and which scenarios, as in a|b.
NODES     ?= 300
SEED      ?= 1
SCENARIOS ?= .*
# -json for a machine, -count=1 to run again what has not changed.
TESTFLAGS ?=

# Tools, at exact versions, run without being installed or entering go.mod.
GOLANGCI    := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2

# Slow under the race detector and without goroutines of their own: arithmetic.
RACE ?= $(shell $(GO) list ./... | grep -vE '/(protocol/territory|protocol/skill|internal/gen|spec)(/|$$)')

.DEFAULT_GOAL := help
.PHONY: help build test race lint lint-small fmt fuzz vectors bench bench-peers cover simulate demo judge vc-api ci clean

help: ## list what can be asked
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## the program, static and reproducible: ./essaim
	CGO_ENABLED=0 $(GO) build -trimpath -buildvcs=false -ldflags "-s -w -X main.version=$(VERSION)" -o essaim ./cmd/essaim

test: ## every test that ends by itself, vectors and arrows included
	$(GO) test $(TESTFLAGS) ./...

race: ## the same under the race detector, where there are goroutines
	$(GO) test -race -short $(TESTFLAGS) $(RACE)

lint: ## vet, format and the house rules (.golangci.yml)
	$(GO) vet ./... && $(GO) run $(GOLANGCI) run ./...

lint-small: ## vet, gofmt and staticcheck alone, where golangci-lint cannot be had
	test -z "$$(gofmt -l node protocol store cmd spec simulations | tee /dev/stderr)" && $(GO) vet ./... && $(GO) run $(STATICCHECK) ./...

fmt: ## rewrite: gofumpt, imports, newer Go
	$(GO) fix ./... && $(GO) run $(GOLANGCI) fmt ./...

fuzz: ## every fuzz target for FUZZTIME each (30s)
	@grep -rnoE --include='*_test.go' '^func Fuzz[A-Za-z0-9_]+' . | sed -E 's|/[^/]*:[0-9]+:func | |' | sort -u | while read -r dir name; do $(GO) test "$$dir" -run '^$$' -fuzz "^$$name\$$" -fuzztime $(FUZZTIME) </dev/null || exit 1; done

vectors: ## write the test vectors again: nothing may change
	$(GO) generate ./spec/vectors && git diff --exit-code spec/vectors && test -z "$$(git ls-files --others --exclude-standard spec/vectors)"

bench: ## every benchmark, once
	$(GO) test -run '^$$' -bench . -benchmem ./...

bench-peers: ## ours beside go-ds-crdt, bitswap, negentropy, PageRank (N=500: quick)
	cd simulations/compare && $(GO) run -mod=mod . -n $(N) $(COMPAREFLAGS)

cover: ## which lines no test reaches: cover.out
	$(GO) test -coverpkg=./... -coverprofile=cover.out ./... && $(GO) tool cover -func=cover.out | tail -1

simulate: ## swarms of NODES (300) nodes in virtual time, all SCENARIOS: simulations/report
	$(GO) test -v -count=1 -timeout 6h -run '^TestSwarm$$/^($(SCENARIOS))$$' ./simulations -all -nodes $(NODES) -seed $(SEED) -report report

demo: ## three nodes on this machine that award, endorse and find
	$(GO) run ./cmd/essaim demo

judge: ## what we sign, before an independent verifier (JUDGE=folder)
	bash .ci/run judge car

vc-api: ## our code behind the W3C's VC-API, for RUN="a program that asks", else until Ctrl-C
	$(GO) run -tags vcapi ./cmd/vcapi $(RUN)

ci: ## all that is asked of a change
	bash .ci/run

clean: ## what the targets above left here
	rm -rf essaim dist cover.out
