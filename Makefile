# mpx. `make` lists what there is.
.DEFAULT_GOAL := help
SHELL := /bin/sh

# A static binary starts in half the time: workers are this binary again.
export CGO_ENABLED = 0
PREFIX ?= /usr/local
BIN := bin/mpx
FUZZTIME ?= 10s
TOOLS := $(CURDIR)/bin/tools

GOFUMPT     := mvdan.cc/gofumpt@v0.12.0
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
DEADCODE    := golang.org/x/tools/cmd/deadcode@v0.52.0

.PHONY: help build demo test race fuzz bench bench-peers lint check static install clean

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# On amd64 mpx looks at its stdout before the runtime does: see entry_amd64.s.
ENTRY_amd64 := -E main.entry

build: ## build bin/mpx
	go build -trimpath -ldflags '-s -w $(ENTRY_$(shell go env GOARCH))' -o $(BIN) ./cmd/mpx

demo: build ## digest and count the words of the Go toolchain's own source tree
	@scripts/demo $(BIN)

test: build ## run every test
	go test ./...

race: ## run every test under the race detector
	CGO_ENABLED=1 go test -race ./...

fuzz: ## fuzz everything that parses, FUZZTIME each
	@scripts/fuzz $(FUZZTIME)

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

check: lint static test race ## what CI runs

install: build ## install mpx below PREFIX
	install -d $(DESTDIR)$(PREFIX)/bin
	install -m 755 $(BIN) $(DESTDIR)$(PREFIX)/bin/mpx

clean: ## remove what was built
	rm -rf bin
