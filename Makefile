# `make` prints the targets. What each needs beside Go is redis-server and
# redis-sentinel, which `make servers` installs where it can.

SHELL := /bin/bash
.SHELLFLAGS := -o pipefail -c
.DEFAULT_GOAL := help

# VERBOSE=-v has go test name each test.
VERBOSE :=
SEEDS := 200
SEED :=
FIRST := 1
# A number of inputs, not a time: a time that ends can fail a sound run, for
# internal/fuzz may see its own deadline before the workers' context has it.
FUZZTIME := 10000x
RUNS := 20
DEMO :=

UNIT = $(shell go list ./... | grep -v /integration)
BIN := bin/redis-sentinel

.PHONY: help
help: ## print this
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 16

.PHONY: build
build: ## build bin/redis-sentinel
	go build -o $(BIN) ./cmd/redis-sentinel

.PHONY: servers
servers: ## install redis-server and redis-sentinel, if they are missing and it can be done
	@.ci/servers

.PHONY: clients
clients:
	@.ci/servers all

.PHONY: demo
demo: build servers ## show one failover on real processes; DEMO=--keep leaves it running
	@go run ./internal/demo -sentinel $(BIN) $(DEMO)

.PHONY: test
test: check integration short ## all that CI runs

.PHONY: short
short: ## short runs of sim, fuzz and bench
	$(MAKE) sim SEEDS=6000
	$(MAKE) fuzz
	$(MAKE) bench-packages BENCHTIME=20ms
	$(MAKE) bench-quick

.PHONY: check
check: servers ## gofmt, vet, staticcheck, go mod tidy, unit tests with -race
	@test -z "$$(gofmt -l .)" || { echo "not as gofmt has it:"; gofmt -l .; exit 1; }
	go vet ./...
	go tool staticcheck ./...
	go mod tidy -diff
	go test -race -timeout 45m $(VERBOSE) $(UNIT)

.PHONY: integration
integration: clients ## tests on real processes
	go test -count=1 -p 1 -timeout 60m -parallel 6 $(VERBOSE) ./integration/...

.PHONY: sim
sim: ## random worlds in the simulator: SEEDS=500 so many from FIRST=1 on, SEED=42 this one
	go test -count=1 -timeout 120m $(VERBOSE) ./internal/sim -run '^TestSeeds$$' -args $(if $(SEED),-seed $(SEED),-seeds $(SEEDS) -first $(FIRST))

.PHONY: fuzz
fuzz: ## every fuzz test for FUZZTIME=10000x inputs, or a time such as 10m
	@for dir in $$(grep -rlE '^func Fuzz' --include=*_test.go . | xargs -n1 dirname | sort -u); do \
		for name in $$(grep -hoE '^func Fuzz[A-Za-z0-9]+' $$dir/*_test.go | sed 's/func //'); do \
			go test -run '^$$' -fuzz "^$$name\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 20x $$dir || exit 1; \
		done; \
	done

BENCHTIME := 1s
.PHONY: bench-packages
bench-packages: ## benchmarks of the packages, BENCHTIME=1s each
	go test -run '^$$' -bench . -benchmem -benchtime $(BENCHTIME) $(UNIT) | grep -v 'no test files'

BENCH := bin/bench
.PHONY: bench-build
bench-build: build servers
	go build -o $(BENCH) ./internal/bench

.PHONY: bench
bench: bench-build ## ours beside the original, half an hour: writes docs/benchmarks.md
	$(BENCH) -sentinel $(BIN) -out docs

.PHONY: bench-quick
bench-quick: bench-build ## the same in a minute, to see that it works; writes nothing
	$(BENCH) -sentinel $(BIN) -quick

.PHONY: bench-failover
bench-failover: bench-build ## failover times only, RUNS=20 of each fault
	$(BENCH) -sentinel $(BIN) -rows failover -runs $(RUNS)

MINUTES := 30
.PHONY: soak
soak: servers ## random faults on real processes under load and -race for MINUTES=30
	go test -count=1 -timeout $$(( $(MINUTES) + 30 ))m -v ./integration/soak -args -minutes $(MINUTES)

.PHONY: stress
stress: servers ## what is at its limit around a Sentinel, with the full numbers: the figures
	go test -count=1 -timeout 30m -v ./integration/stress -args -full

.PHONY: partitions
partitions: servers ## every cut of real networks, ours beside the original: the table
	go test -count=1 -timeout 60m -v ./integration/partition -run '^TestTable$$' -args -all

.PHONY: planted
planted: ## every planted defect of the core: in how many of SEEDS=500 worlds it is caught
	go test -count=1 -timeout 60m -v ./internal/hunt -run '^TestDefectsAreFound$$' -args -all -seeds $(SEEDS)

.PHONY: structure
structure: ## the figures of the structure: lines, comments inside functions, assertions, modules
	@go test -count=1 -v ./internal/tidy -run '^TestFigures$$' | grep -o 'files .*'

.PHONY: sim-soak
sim-soak: ## new random worlds for an hour
	@end=$$(( $$(date +%s) + 3600 )); first=$$(date +%s); \
	while [ $$(date +%s) -lt $$end ]; do \
		go test -count=1 -timeout 60m ./internal/sim -run '^TestSeeds$$' -args -seeds 500 -first $$first || exit 1; \
		first=$$(( first + 500 )); \
	done

.PHONY: replay
replay: build ## replay the recording FILE=, as redis-sentinel replay does
	$(BIN) replay $(FILE)

.PHONY: rewrite
rewrite: ## regenerate the scenario transcripts; review the diff as code
	go test -count=1 ./sentinel -rewrite
