# SPDX-License-Identifier: LGPL-2.1-or-later
# A thin front: meson and ninja do the work.

BUILD ?= build
MESON_FLAGS ?=

.PHONY: all setup demo check check-quick check-kernels check-arm64 check-uml bench soak record replay install format clean

all: setup
	@test -f $(BUILD)/build.ninja || meson setup $(BUILD) $(MESON_FLAGS)
	@ninja -C $(BUILD)

setup:
	@tools/setup

demo: all
	@echo
	@echo '$$ trapline trace -e %file,write -- ls /usr/share/doc/base-files'
	@$(BUILD)/src/trapline trace -e %file,write -- ls /usr/share/doc/base-files
	@echo
	@echo '$$ trapline trace -c -- sh -c "ls -l /usr/bin | sort | tail -3"'
	@$(BUILD)/src/trapline trace -c -- sh -c 'ls -l /usr/bin | sort | tail -3'

# Every test in every lane; ends in "N passed, N failed, N skipped".
check: all lanes
	@tools/check $(BUILD)

# What tests on other kernels and machines need, beside a Debian mirror.
.PHONY: lanes
lanes:
	@tools/setup lanes

# One lane's part of check: Debian's other x86-64 kernels, and arm64, under qemu; User Mode Linux.
check-kernels: all lanes
	@tests/lanes/check.py $(BUILD) x86-6.1 x86-newest x86-yama

check-uml: all lanes
	@tests/lanes/check.py $(BUILD) uml-guest

check-arm64: lanes
	@tools/cross arm64
	@tests/lanes/check.py build-arm64 arm64 arm64-old arm64-6.12

# What needs no kernel: seconds.
check-quick: all
	@meson test -C $(BUILD) --suite unit --suite fake --print-errorlogs

bench: all
	@tests/bench/run.py $(BUILD)/src/trapline
	@tests/bench/probes.py $(BUILD)/src/trapline
	@tests/bench/broker.py $(BUILD)/src/trapline

CALLS = 100000
RAW = test-raw hidden_register hidden_register_a32 hidden_register_t32
AGREE = vfork_exec exec_thread clone_kinds odd_numbers killed_threads leader_exits signal_storm
# What dlopen(3) is to find in the guest lies beside the programs; so does python, its modules in one file.
ROOT_ARM64 = build-lanes/root-arm64
PYTHON_ZIP = build-arm64/tests/python.zip
TORTURE = $(addprefix build-arm64/tests/,test-torture workload workload_static throws) \
	$(ROOT_ARM64)/lib/aarch64-linux-gnu/libz.so.1 $(ROOT_ARM64)/usr/lib/aarch64-linux-gnu/libcrypto.so.3 \
	$(ROOT_ARM64)/usr/bin/python3.11 $(PYTHON_ZIP) tests/tracees/workload.py
soak: all lanes
	@tests/live/storm.py $(BUILD)/src/trapline $(BUILD)/tests --seconds 60
	@tests/live/attach_detach.py $(BUILD)/src/trapline $(BUILD)/tests --rounds 100
	@tests/live/survival.py $(BUILD)/src/trapline $(BUILD)/tests --rounds 200
	@tests/live/survival.py $(BUILD)/src/trapline $(BUILD)/tests --rounds 60 --threads 16
	@$(BUILD)/tests/test-crowd $(BUILD)/tests 30 called_static
	@$(BUILD)/tests/test-crowd $(BUILD)/tests 30 called_32
	@tests/live/broker_storm.py $(BUILD)/src/trapline $(BUILD)/tests --rounds 200
	@tests/live/broker.py $(BUILD)/src/trapline $(BUILD)/tests 180
	@tests/live/broker_alone.py $(BUILD)/src/trapline $(BUILD)/tests 20
	@tests/live/broker_debuggers.py $(BUILD)/src/trapline $(BUILD)/tests 600
	@yes rain-interrupting | head -1200 | xargs -n 200 -P 6 tests/conform/run.py $(BUILD)/src/trapline $(BUILD)/tests/conform
	@tests/lanes/uml_on_broker.py $(BUILD)/src/trapline $(BUILD)/tests 3600
	@tests/conform/run.py $(BUILD)/src/trapline $(BUILD)/tests/conform 1-3000
	@tests/conform/run.py $(BUILD)/src/trapline $(BUILD)/tests/conform family:1-1000
	@tests/conform/run.py $(BUILD)/src/trapline $(BUILD)/tests/conform crowd:1-500
	@tests/suites/strace.py $(BUILD)/src/trapline
	@tests/suites/gdb.py $(BUILD)/src/trapline
	@tools/cross i386
	@ROOT_32=$$PWD/build-lanes/root-i386 tests/live/torture.sh $(BUILD)/tests
	@$(BUILD)/tests/fuzz-spec 2000000 1 tests/fuzz/specs.txt
	@$(BUILD)/tests/fuzz-debuginfo 200000 1 $(BUILD)/tests/described $(BUILD)/tests/described_fast $(BUILD)/tests/described_32
	@$(BUILD)/tests/fuzz-decode 2000000 1
	@$(BUILD)/tests/fuzz-recording 200000 1 tests/fake/recordings/*.rec
	@$(BUILD)/tests/fuzz-words 50000 1
	@tools/cross arm64
	@cd $(ROOT_ARM64)/usr/lib/python3.11 && python3 -m zipfile -c $(abspath $(PYTHON_ZIP)) *
	@tools/lane arm64 --timeout 9000 --with tests/live/torture.sh $(TORTURE:%=--with %) -- sh -c 'LD_LIBRARY_PATH=. sh ./torture.sh .'
	@cd $(BUILD)/tests && PATH=../src:$$PATH ../../tests/lanes/agree.sh 1000000
	@tools/lane x86-6.1 --timeout 9000 --with tests/lanes/agree.sh $(patsubst %,--with $(BUILD)/tests/%,$(AGREE)) -- ./agree.sh 1000000
	@tools/lane arm64 --timeout 9000 --with tests/lanes/agree.sh $(patsubst %,--with build-arm64/tests/%,$(AGREE)) -- ./agree.sh 1000000
	@tools/lane arm64 --timeout 9000 $(RAW:%=--with build-arm64/tests/%) -- ./test-raw . $(CALLS) '*_is_*'

# Makes the fake kernel's scenarios anew, and shows what differs.
record: all
	@tests/fake/record $(BUILD)
	@git --no-pager diff --stat -- tests/fake/recordings

# make replay FILE=bug.rec: a user's recording through the core, killed at every step.
replay: all
	@$(BUILD)/tests/test-fake $(FILE)

install: all
	@meson install -C $(BUILD)

format:
	@clang-format -i $$(git ls-files '*.c' '*.h')

clean:
	@rm -rf $(BUILD) $(BUILD)-*
