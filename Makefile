# `make demo` and `make test` do all the set-up: they install what is missing, build, and run.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

ROOT := $(CURDIR)
export PKG_CONFIG_PATH := $(ROOT)/.deps/lib/pkgconfig

# One configuration for everything that is built, so that there is one .build.
SWIFT_FLAGS := -c release -Xswiftc -enable-testing
BIN := .build/release

DEBIAN_BUILD := gcc libarchive-dev libyara-dev libcmark-dev libseccomp-dev libsqlite3-dev libzstd-dev \
	libssl-dev zlib1g-dev pkg-config ca-certificates python3-pip python3-venv esbuild
DEBIAN_TEST := hledger ledger yara node-typescript node-acorn node-semver nodejs zip runsc libc6-dev \
	chromium-headless-shell default-jre-headless qemu-system-x86 curl openssl nginx-light prometheus systemd
# What the roll-up on more than one machine is tested with, in test-full.
DEBIAN_FULL := clickhouse-server clickhouse-client slurm-wlm munge zstd
# Peers that the benches measure beside the project.
DEBIAN_BENCH := bubblewrap nodejs libvectorscan-dev libpcre2-dev hugo

QUICKJS_VERSION := 0.17.0.2
QUICKJS_SHA256 := 43d2e48272208721a7aaea8e3f02d4b9318f12ef20cc4f5421b59d9a470706ef
# Functions begin on a cache line, so that the engine is as fast in the runner as in any other program.
QUICKJS_FLAGS := -O2 -falign-functions=64 -fwrapv -funsigned-char -D_GNU_SOURCE -DQUICKJS_NG_BUILD -std=gnu11 -w

# Its source package carries the texts of the CommonMark and GFM specifications, by whose examples Markdown is tested.
MARKO_VERSION := 2.0.0
# Its source package carries the schema of SARIF 2.1.0.
SARIF_PYDANTIC_VERSION := 0.6.2

# The guest kernel of the microvm back end comes from this package; it is unpacked, never installed.
GUEST_KERNEL := linux-image-cloud-amd64

.PHONY: screenshots microvm help demo test test-full bench bench-scan fuzz build format lint clean deps packages packages-test packages-full packages-bench swift venv

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

swift:
	@command -v swift >/dev/null || { echo "make: swift is not on the path. Install Swift 6.3 or newer (swift.org) and run this again." >&2; exit 2; }

# Installs the Debian packages that are missing; without the right to, prints the line to run and stops.
define install
	@missing=$$(for p in $(1); do dpkg-query -W -f='$${Status}' $$p 2>/dev/null | grep -q 'ok installed' || echo $$p; done | tr '\n' ' '); \
	if [ -n "$$missing" ]; then \
		if [ "$$(id -u)" = 0 ]; then apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing >/dev/null; \
		elif sudo -n true 2>/dev/null; then sudo apt-get update -qq && sudo DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing >/dev/null; \
		else echo "make: these Debian packages are missing; run this, then try again:" >&2; echo "  sudo apt-get install $$missing" >&2; exit 2; fi; \
	fi
endef

packages:
	$(call install,$(DEBIAN_BUILD))

packages-test: packages
	$(call install,$(DEBIAN_TEST))

packages-full: packages-test
	$(call install,$(DEBIAN_FULL))

packages-bench: packages-test
	$(call install,$(DEBIAN_BENCH))

deps: .deps/lib/pkgconfig/quickjs-ng.pc ## QuickJS-ng from its source package, into .deps/

# The source package is pinned by digest; nothing of it is kept in the repository.
.deps/lib/pkgconfig/quickjs-ng.pc: | packages
	@mkdir -p .deps/src .deps/include .deps/lib/pkgconfig
	@python3 -m pip download --quiet --disable-pip-version-check --no-deps --no-binary :all: --dest .deps/src quickjs-ng==$(QUICKJS_VERSION)
	@echo "$(QUICKJS_SHA256)  .deps/src/quickjs_ng-$(QUICKJS_VERSION).tar.gz" | sha256sum --check --quiet
	@tar -xzf .deps/src/quickjs_ng-$(QUICKJS_VERSION).tar.gz -C .deps/src --strip-components=1
	@for unit in quickjs libregexp libunicode dtoa; do \
		echo "cc $$unit.c"; cc $(QUICKJS_FLAGS) -c .deps/src/upstream-quickjs/$$unit.c -o .deps/src/$$unit.o & done; wait
	@rm -f .deps/lib/libquickjs-ng.a
	@ar rcs .deps/lib/libquickjs-ng.a .deps/src/{quickjs,libregexp,libunicode,dtoa}.o
	@cp .deps/src/upstream-quickjs/quickjs.h .deps/include/
	@printf 'prefix=$${pcfiledir}/../..\nName: quickjs-ng\nDescription: JavaScript engine of the plugin runner\nVersion: 0.17.0\nCflags: -I$${prefix}/include\nLibs: -L$${prefix}/lib -lquickjs-ng -lm\n' > $@

microvm: .deps/microvm/vsock.ko ## the guest kernel of the microvm back end, into .deps/microvm/

# The last module that is laid out: a folder of before there were these is made anew.
.deps/microvm/vsock.ko: | packages
	@rm -rf .deps/microvm .deps/guest && mkdir -p .deps/microvm .deps/guest
	@apt-cache show $(GUEST_KERNEL) >/dev/null 2>&1 || { [ "$$(id -u)" = 0 ] && apt-get update -qq; } || \
		{ echo "make: the package list is empty; run this, then try again: sudo apt-get update" >&2; exit 2; }
	@package=$$(apt-cache depends --important $(GUEST_KERNEL) | sed -n 's/^ *Depends: \(linux-image-[0-9].*\)$$/\1/p' | head -1); \
		cd .deps/guest && apt-get download -qq "$$package" 2>/dev/null && dpkg-deb -x linux-image-*.deb .
	@cp .deps/guest/boot/vmlinuz-* .deps/microvm/vmlinuz
	@ls .deps/guest/lib/modules > .deps/microvm/release
	@for module in drivers/virtio/virtio_ring drivers/virtio/virtio drivers/virtio/virtio_mmio drivers/char/virtio_console \
		net/vmw_vsock/vmw_vsock_virtio_transport_common net/vmw_vsock/vmw_vsock_virtio_transport \
		net/vmw_vsock/vsock_loopback net/vmw_vsock/vsock; do \
		cp .deps/guest/lib/modules/*/kernel/$$module.ko .deps/microvm/; done
	@rm -rf .deps/guest

build: swift deps ## everything, in release configuration
	@swift build $(SWIFT_FLAGS) 2>&1 | grep -vE 'LibPrespecialized|statically linked applications' ; exit $${PIPESTATUS[0]}

demo: build ## the whole job on sample data, into ./demo
	@$(BIN)/veroforge demo --output demo

# Everything that must pass, once. Seeded loops run at a tenth of test-full's counts.
test: swift deps packages-test microvm venv lint ## everything that must pass
	@Tests/run.sh $(SWIFT_FLAGS)

test-full: export VEROFORGE_TEST_FULL = 1
test-full: swift deps packages-full microvm venv lint ## the same with all counts
	@Tests/run.sh $(SWIFT_FLAGS)

bench: build packages-bench microvm .venv-bench/ready ## measured figures, each beside a peer in the same run (NAME=sandbox: that one)
	@Tests/Bench/all $(NAME)

bench-scan: build packages-test ## false alarms of the scanner on Debian's node-* packages
	@Tests/Bench/scan.sh

screenshots: packages-test ## a picture of every page kind in light, dark, phone and print, into out/screenshots/
	@Tests/Browser/run.sh --screenshots out/screenshots

fuzz: swift deps packages-test ## TIME=60 seconds of libFuzzer on every reader of strangers' bytes
	@Tests/Bench/fuzz.sh $(or $(TIME),60)

# Python tools are for tests only.
venv: .venv/ready
.venv/ready: Tests/requirements.txt | packages
	@python3 -m venv .venv
	@.venv/bin/pip install --quiet --disable-pip-version-check -r Tests/requirements.txt
	@.venv/bin/pip download --quiet --disable-pip-version-check --no-deps --no-binary :all: \
		--dest .venv/sources marko==$(MARKO_VERSION) sarif-pydantic==$(SARIF_PYDANTIC_VERSION)
	@mkdir -p .venv/markdown-spec
	@tar -xzf .venv/sources/marko-$(MARKO_VERSION).tar.gz -C .venv/markdown-spec --strip-components=3 \
		marko-$(MARKO_VERSION)/tests/spec
	@tar -xzf .venv/sources/sarif_pydantic-$(SARIF_PYDANTIC_VERSION).tar.gz -C .venv --strip-components=1 \
		sarif_pydantic-$(SARIF_PYDANTIC_VERSION)/sarif-schema-2.1.0.json
	@touch $@

.venv-bench/ready: Tests/Bench/requirements.txt | packages
	@python3 -m venv .venv-bench
	@.venv-bench/bin/pip install --quiet --disable-pip-version-check -r Tests/Bench/requirements.txt
	@touch $@

format: ## rewrite the Swift sources in the house's format
	swift format --in-place --recursive --parallel Package.swift Sources Tests

lint: swift ## check the format, changing nothing
	@swift format lint --strict --recursive --parallel Package.swift Sources Tests

clean: ## remove what was built
	rm -rf .build .deps .venv .venv-bench .venv-browser out demo
