# Forwards to `cargo xtask`, where everything is defined. `make help` lists the targets.

# A machine set up by rustup may not have cargo in the path of a non-interactive shell.
export PATH := $(PATH):$(HOME)/.cargo/bin
XTASK := cargo xtask
FORMAT := ova
SUDO := $(if $(filter 0,$(shell id -u)),,sudo)

.DEFAULT_GOAL := help
.PHONY: help bootstrap setup iso disk run test ci tidy bench kernel sbom sources clean distclean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))
	@echo "Options and more commands: cargo xtask help"

# Rust needs a linker before it can build the program that installs the rest.
bootstrap:
	@command -v cargo > /dev/null || { echo "cargo is missing: install Rust 1.95 or later with rustup" >&2; exit 1; }
	@command -v cc > /dev/null && test -e /usr/include/stdio.h || { \
	  echo "installing gcc and libc6-dev: Rust needs a linker"; \
	  $(SUDO) apt-get update && $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends \
	    -o DPkg::Lock::Timeout=600 gcc libc6-dev; }

setup: bootstrap ## install what is missing on this machine (lists it first)
	$(XTASK) setup

iso: bootstrap ## build the firmware: out/*.iso, with checksum and bill of materials
	$(XTASK) setup --for iso
	$(XTASK) build-iso

disk: bootstrap ## build an installed disk for import: out/*.ova (FORMAT=raw, qcow2, vmdk for another form)
	$(XTASK) setup --for iso
	$(XTASK) build-disk --format $(FORMAT)

run: bootstrap ## build the firmware and boot it under QEMU, serial line on this terminal
	$(XTASK) setup --for run
	$(XTASK) build-iso
	$(XTASK) qemu

test: bootstrap ## set up, check, build and run every test
	$(XTASK) test

ci: bootstrap ## what continuous integration runs
	$(XTASK) ci

tidy: bootstrap ## formatting, lints, rules of the house, licences
	$(XTASK) tidy

bench: bootstrap ## measure speed and size against their bars
	$(XTASK) bench all

kernel: bootstrap ## build the kernel alone
	$(XTASK) build-kernel

sbom: bootstrap ## print the software bill of materials
	@$(XTASK) sbom

sources: bootstrap ## bundle the sources that licences of shipped parts owe
	$(XTASK) sources

clean: ## remove what was built here; kernels stay in the cache
	rm -rf target out

distclean: clean ## remove the cache as well (the next build compiles the kernel again)
	rm -rf "$${SPS_CACHE:-$${XDG_CACHE_HOME:-$$HOME/.cache}/sps}"
