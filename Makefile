# mpx. `make` lists what there is.
.DEFAULT_GOAL := help
SHELL := /bin/sh

# A static binary starts in half the time: workers are this binary again.
export CGO_ENABLED = 0
PREFIX ?= /usr/local
BIN := bin/mpx
FUZZTIME ?= 10s
KILLTIME ?= 2m
N ?= 10
TESTFLAGS := -parallel 4
OBJECTS := Queue|Pipe|Lock|Sem|Resize|Value|Party|Consumer|Setter|Semaphore|Barrier|Cond|Add
TOOLS := $(CURDIR)/bin/tools

GOFUMPT     := mvdan.cc/gofumpt@v0.12.0
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
DEADCODE    := golang.org/x/tools/cmd/deadcode@v0.52.0

# Of the manual: a page tells the same on whatever day it is made.
VERSION = $(shell scripts/version)
SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct 2>/dev/null)

.PHONY: help build man demo test soak race torture torture-objects fuzz bench bench-peers lint check static install uninstall dist check-dist clean pictures

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# On amd64 mpx looks at its stdout before the runtime does: see entry_amd64.s.
ENTRY_amd64 := -E main.entry

build: ## build bin/mpx
	go build -trimpath -buildvcs=auto -ldflags '-s -w $(ENTRY_$(shell go env GOARCH))' -o $(BIN) ./cmd/mpx

man: build ## build bin/man, the manual's pages, from the commands' help
	@rm -rf bin/man
	go run ./internal/tools/man -o bin/man -version '$(VERSION)' -date '$(SOURCE_DATE_EPOCH)' $(BIN)

demo: build ## digest and count the words of the Go toolchain's own source tree
	@scripts/demo $(BIN)

test: build ## run every test
	go test $(TESTFLAGS) ./...

soak: build ## run every test N times beside two busy loops, up to the first failure
	@scripts/soak $(N) go test -count=1 $(TESTFLAGS) ./...

race: ## run every test under the race detector
	CGO_ENABLED=1 go test -race $(TESTFLAGS) ./...

torture: ## kill workers, shells, supervisors and who shares objects at random, for KILLTIME a test
	@scripts/torture $(KILLTIME) '^TestKill'

torture-objects: ## the same of shared objects alone; with KILLTIME=100s it takes ten minutes
	@scripts/torture $(KILLTIME) '^TestKill($(OBJECTS))$$'

fuzz: ## fuzz everything that parses, FUZZTIME each
	@scripts/fuzz $(FUZZTIME)

pictures: build ## make README's pictures anew (needs tmux, chromium, imagemagick)
	@scripts/pictures $(BIN)

bench: ## run the Go benchmarks
	go test -run '^$$' -bench . -benchmem ./...

bench-peers: build ## time mpx against the peers that are installed
	@scripts/bench-peers $(BIN)

lint: $(TOOLS)/gofumpt $(TOOLS)/staticcheck $(TOOLS)/deadcode ## formatting, vet, staticcheck, dead code, go.mod
	@out=$$($(TOOLS)/gofumpt -l .); test -z "$$out" || { echo "gofumpt -w these:"; echo "$$out"; exit 1; }
	go vet ./...
	$(TOOLS)/staticcheck ./...
	@out=$$($(TOOLS)/deadcode -test ./...); test -z "$$out" || { echo "dead code:"; echo "$$out"; exit 1; }
	go mod tidy -diff

$(TOOLS)/gofumpt:
	GOBIN=$(TOOLS) go install $(GOFUMPT)
$(TOOLS)/staticcheck:
	GOBIN=$(TOOLS) go install $(STATICCHECK)
$(TOOLS)/deadcode:
	GOBIN=$(TOOLS) go install $(DEADCODE)

static: build ## the binary is static and starts quickly
	@scripts/check-binary $(BIN)

check: lint static test race check-dist ## what CI runs

install: build man ## install mpx, its manual and its completions below PREFIX
	@scripts/install $(BIN) '$(DESTDIR)$(PREFIX)'

uninstall: man ## remove what install has put below PREFIX
	@scripts/install --remove $(BIN) '$(DESTDIR)$(PREFIX)'

dist: ## build archives and Debian packages in dist
	@scripts/dist

check-dist: ## two builds of dist are the same, install, and run
	@scripts/check-dist

clean: ## remove what was built
	rm -rf bin dist
