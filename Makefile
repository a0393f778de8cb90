# Two commands do everything: `make run` and `make test`.
# `make help` lists the rest.  Products go to $(BUILD)/ and nowhere else.

BUILD   ?= build
# One name for one file, however it was given: what an object depends on is
# written beside it by name.
override BUILD := $(patsubst $(CURDIR)/%,%,$(abspath $(BUILD)))
PREFIX  ?= /usr/local
LIBDIR     ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
VERSION := 0.1.0

# On a bare machine there is no compiler yet: `make run` and `make test` install
# what is missing before anything below is needed.
CC      ?= cc
OBJCOPY ?= objcopy
PYTHON  := $(if $(wildcard /usr/bin/python3),/usr/bin/python3,python3)
PYTEST  := $(PYTHON) -m pytest -q -p no:cacheprovider

CSTD    := -std=c17 -D_GNU_SOURCE
WARN    := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion \
	   -Wstrict-prototypes -Wmissing-prototypes -Wundef -Wvla -Wcast-qual \
	   -Wformat=2 -Wswitch-enum -Wwrite-strings -Wno-string-concatenation
OPT     ?= -O2 -g
# SAN=address,undefined builds with sanitizers; give it a BUILD of its own.
SAN     ?=
SANFLAGS := $(if $(SAN),-fsanitize=$(SAN) -fno-sanitize-recover=all -fno-omit-frame-pointer)
# WERROR=1 makes warnings errors, as .ci/run does.
WERROR  ?=
CFLAGS  ?=
ALL_CFLAGS = $(CSTD) $(OPT) $(WARN) $(if $(WERROR),-Werror) $(SANFLAGS) \
	     -fstack-protector-strong -D_FORTIFY_SOURCE=$(if $(SAN),0,2) \
	     -I. -I$(BUILD)/gen -DSMOKESCREEN_VERSION='"$(VERSION)"' $(CFLAGS)
# Generated C has its own, relaxed flags: none of our code is in it but actions.
GEN_CFLAGS = $(CSTD) $(OPT) $(SANFLAGS) -w -I. -I$(BUILD)/gen
LDFLAGS ?=
# What the linker fills in is read only before main() begins.
ALL_LDFLAGS = $(SANFLAGS) -Wl,-z,relro,-z,now $(LDFLAGS)

COMPILER_LIBS := -lidn2 -ljansson -lpsl -lbearssl
RUNTIME_LIBS  := -lidn2 -levent_core -lcares -lbearssl -lhogweed -lgmp \
		 -lpthread

Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-6s %s\n' '$(1)' '$(2)')

# --- sources, explicitly; generated parsers are listed by their grammar ------

GRAMMAR_SRC := \
	grammar/arena.c \
	grammar/diagnostic.c \
	grammar/diagnostic_print.c \
	grammar/document.c \
	grammar/document_build.c \
	grammar/document_merge.c \
	grammar/events.c \
	grammar/names.c \
	grammar/source.c \
	grammar/yaml_complain.c \
	grammar/yaml_layout.c \
	grammar/yaml_parse.c \
	grammar/yaml_recover.c \
	grammar/yaml_scalar.c \
	grammar/yaml_scan.c

GRAMMAR_RE := \
	grammar/chunked.re \
	grammar/head.re \
	grammar/proxyline.re \
	grammar/request.re \
	grammar/response.re \
	grammar/text.re \
	grammar/yaml_lex.re

GRAMMAR_Y := \
	grammar/yaml.y

POLICY_SRC := \
	runtime/policy/addr.c \
	runtime/policy/blob.c \
	runtime/policy/blob_view.c \
	runtime/policy/crc32c.c \
	runtime/policy/decide.c \
	runtime/policy/hostname.c \
	runtime/policy/hosts.c \
	runtime/policy/idna.c \
	runtime/policy/punycode.c \
	runtime/policy/ranges.c \
	runtime/policy/ranges_build.c \
	runtime/policy/ranges_items.c \
	runtime/policy/ranges_pack.c \
	runtime/policy/ranges_verify.c \
	runtime/policy/str.c \
	runtime/policy/verify.c \
	runtime/policy/verify_hosts.c \
	runtime/policy/verify_records.c \
	runtime/policy/walk.c

COMPILER_SRC := \
	compiler/acl.c \
	compiler/acl_mitm.c \
	compiler/addresses.c \
	compiler/ask.c \
	compiler/batch.c \
	compiler/buffer.c \
	compiler/check.c \
	compiler/check_files.c \
	compiler/compile.c \
	compiler/cut.c \
	compiler/dump.c \
	compiler/emit.c \
	compiler/emit_file.c \
	compiler/emit_lines.c \
	compiler/emit_sections.c \
	compiler/escape.c \
	compiler/explain.c \
	compiler/explain_all.c \
	compiler/explain_code.c \
	compiler/fix.c \
	compiler/glob.c \
	compiler/info.c \
	compiler/intern.c \
	compiler/lint.c \
	compiler/lint_globs.c \
	compiler/lint_idn.c \
	compiler/lint_mitm.c \
	compiler/lint_ranges.c \
	compiler/lint_rules.c \
	compiler/lint_shapes.c \
	compiler/lint_suffix.c \
	compiler/lint_typo.c \
	compiler/looks.c \
	compiler/lower.c \
	compiler/main.c \
	compiler/options.c \
	compiler/oracle.c \
	compiler/output.c \
	compiler/owners.c \
	compiler/policy_open.c \
	compiler/print_schema.c \
	compiler/progress.c \
	compiler/quote.c \
	compiler/report.c \
	compiler/report_github.c \
	compiler/report_json.c \
	compiler/report_junit.c \
	compiler/report_sarif.c \
	compiler/report_sarif_rules.c \
	compiler/report_text.c \
	compiler/schema.c \
	compiler/slips.c \
	compiler/sort.c \
	compiler/stage.c \
	compiler/suppress.c \
	compiler/testrun.c \
	compiler/textset.c \
	compiler/trie_build.c \
	compiler/trie_layout.c \
	compiler/yaml_events.c

RUNTIME_SRC := \
	runtime/announce.c \
	runtime/check.c \
	runtime/config.c \
	runtime/control.c \
	runtime/drain.c \
	runtime/expiring.c \
	runtime/handover.c \
	runtime/inherited.c \
	runtime/library.c \
	runtime/listening.c \
	runtime/main.c \
	runtime/net/dial.c \
	runtime/net/dns_cache.c \
	runtime/net/dns_message.c \
	runtime/net/dns_query.c \
	runtime/net/dns_servers.c \
	runtime/net/endpoint.c \
	runtime/net/hosts_file.c \
	runtime/net/proxy_address.c \
	runtime/net/proxy_protocol.c \
	runtime/net/resolver.c \
	runtime/observe/events.c \
	runtime/observe/json.c \
	runtime/observe/log.c \
	runtime/observe/metrics.c \
	runtime/observe/metrics_walk.c \
	runtime/observe/prometheus.c \
	runtime/observe/small_server.c \
	runtime/observe/stats_socket.c \
	runtime/observe/statsd.c \
	runtime/observers.c \
	runtime/options.c \
	runtime/proxy/answer.c \
	runtime/proxy/body.c \
	runtime/proxy/client.c \
	runtime/proxy/connect.c \
	runtime/proxy/detail.c \
	runtime/proxy/forward.c \
	runtime/proxy/forward_answer.c \
	runtime/proxy/forward_flow.c \
	runtime/proxy/handshake.c \
	runtime/proxy/head.c \
	runtime/proxy/headers.c \
	runtime/proxy/limits.c \
	runtime/proxy/listener.c \
	runtime/proxy/measure.c \
	runtime/proxy/mitm.c \
	runtime/proxy/origin.c \
	runtime/proxy/pipes.c \
	runtime/proxy/preamble.c \
	runtime/proxy/report.c \
	runtime/proxy/respond.c \
	runtime/proxy/self.c \
	runtime/proxy/stream.c \
	runtime/proxy/target.c \
	runtime/proxy/timeouts.c \
	runtime/proxy/tunnel.c \
	runtime/proxy/upstream.c \
	runtime/proxy/via.c \
	runtime/proxy/worker.c \
	runtime/role_callback.c \
	runtime/server.c \
	runtime/settings.c \
	runtime/settings_check.c \
	runtime/settings_duration.c \
	runtime/settings_limits.c \
	runtime/settings_proxies.c \
	runtime/settings_tls.c \
	runtime/store.c \
	runtime/tls/anchors.c \
	runtime/tls/bundle.c \
	runtime/tls/certificate.c \
	runtime/tls/chain.c \
	runtime/tls/constraints.c \
	runtime/tls/context.c \
	runtime/tls/crl.c \
	runtime/tls/crl_set.c \
	runtime/tls/crypto.c \
	runtime/tls/crypto_gmp.c \
	runtime/tls/crypto_nettle.c \
	runtime/tls/crypto_x86.c \
	runtime/tls/der.c \
	runtime/tls/der_write.c \
	runtime/tls/engine.c \
	runtime/tls/engine_client.c \
	runtime/tls/engine_minted.c \
	runtime/tls/engine_server.c \
	runtime/tls/expiry.c \
	runtime/tls/extensions.c \
	runtime/tls/identity.c \
	runtime/tls/lru.c \
	runtime/tls/mint.c \
	runtime/tls/mint_leaf.c \
	runtime/tls/name.c \
	runtime/tls/path.c \
	runtime/tls/pem.c \
	runtime/tls/pki_file.c \
	runtime/tls/policies.c \
	runtime/tls/presented.c \
	runtime/tls/private_key.c \
	runtime/tls/record.c \
	runtime/tls/role.c \
	runtime/tls/role_spec.c \
	runtime/tls/roots.c \
	runtime/tls/secure.c \
	runtime/tls/secure_stream.c \
	runtime/tls/server_name.c \
	runtime/tls/server_policy.c \
	runtime/tls/sessions.c \
	runtime/tls/signature.c \
	runtime/tls/trust.c \
	runtime/tls/verdicts.c \
	runtime/verify_client.c \
	runtime/watch.c \
	runtime/watched.c

# --- objects and libraries ----------------------------------------------------

obj = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))

GEN_C := $(GRAMMAR_RE:%.re=$(BUILD)/gen/%.c) $(GRAMMAR_Y:%.y=$(BUILD)/gen/%.c)
GEN_O := $(GEN_C:$(BUILD)/gen/%.c=$(BUILD)/obj/gen/%.o)

LIBGRAMMAR  := $(BUILD)/libgrammar.a
LIBPOLICY   := $(BUILD)/libpolicy.a
LIBCOMPILER := $(BUILD)/libcompiler.a
LIBRUNTIME  := $(BUILD)/libruntime.a

# The programs' main files stay out of the libraries that tests link.
COMPILER_MAIN := $(filter compiler/main.c,$(COMPILER_SRC))
RUNTIME_MAIN  := $(filter runtime/main.c,$(RUNTIME_SRC))

# libsmokescreen: the proxy as a library, see runtime/smokescreen.h.  The number
# in SONAME changes when programs that are built already would not work with it.
SONAME  := libsmokescreen.so.0
PIC_SRC := $(GRAMMAR_SRC) $(POLICY_SRC) $(filter-out $(RUNTIME_MAIN),$(RUNTIME_SRC))
PIC_O   := $(PIC_SRC:%.c=$(BUILD)/pic/%.o) $(GEN_C:$(BUILD)/gen/%.c=$(BUILD)/pic/gen/%.o)
LIBRARY := $(BUILD)/libsmokescreen.a $(BUILD)/$(SONAME)
EXPORTS := runtime/smokescreen.map

PROGRAMS := $(if $(COMPILER_MAIN),$(BUILD)/smokescreenc) \
	    $(if $(RUNTIME_MAIN),$(BUILD)/smokescreen)

POLICIES := $(filter-out %.test.yaml,$(wildcard policies/*.yaml))
BLOBS    := $(POLICIES:policies/%.yaml=$(BUILD)/policies/%.blob)

UNIT_SRC  := $(wildcard tests/unit/test_*.c)
UNIT_BIN  := $(UNIT_SRC:tests/unit/%.c=$(BUILD)/tests/%)
FUZZ_SRC  := $(wildcard tests/fuzz/fuzz_*.c)
FUZZ_BIN  := $(FUZZ_SRC:tests/fuzz/%.c=$(BUILD)/fuzz/%)
# The same harnesses with a plain main() that replays files: no fuzzer needed.
REPLAY_BIN := $(FUZZ_SRC:tests/fuzz/%.c=$(BUILD)/replay/%)
BENCH_SRC := $(wildcard tests/bench/bench_*.c)
BENCH_BIN := $(BENCH_SRC:tests/bench/%.c=$(BUILD)/bench/%)

.PHONY: all programs library run test check check-asan deps deps-ci deps-bench \
	fuzz soak bench performance bench-smoke lint \
	check-layers check-format check-docs check-warnings check-instructions \
	format install \
	clean help docs policies test-programs bench-programs fuzz-programs
.DELETE_ON_ERROR:
.SECONDARY:

all: programs policies

programs: $(PROGRAMS)

library: $(LIBRARY)

policies: $(BLOBS)

help:
	@sed -n 's/^## //p' Makefile

## make            build smokescreenc, smokescreen and the sample policies
## make library    build libsmokescreen, for programs that name their clients themselves
## make run        install what is missing, build, start the proxy on 127.0.0.1:4750
## make test       install what is missing, build and run every test
## make check      the same, of what is built; WORDS=tls those that have it in their name
## make check-asan the same tests under ASan and UBSan
## make fuzz       every fuzz target for SECONDS_EACH seconds (20)
## make soak       mixed load with reloads for SECONDS seconds (20)
## make bench      measure: tables, JSON, plots; ROWS= PEER= ROUNDS=5 QUICK=1
## make performance the same, and then docs/PERFORMANCE.md anew
## make lint       clang-tidy and cppcheck
## make check-layers check-format check-docs check-warnings
## make check-instructions  what decisions and requests cost has not doubled
## make docs       write the pages that are made from the program
## make install    DESTDIR= PREFIX=/usr/local

# As many jobs as processors, unless the caller said how many.
JOBS := $(if $(findstring j,$(firstword -$(MAKEFLAGS))),,-j$(shell nproc))

run: deps
	$(Q)$(MAKE) --no-print-directory $(JOBS) all
	$(Q)sh tests/run-sample.sh $(BUILD)

test: deps
	$(Q)$(MAKE) --no-print-directory $(JOBS) check

check: all library test-programs
	$(Q)BUILD=$(BUILD) CC="$(CC)" $(PYTHON) tests/run_tests.py $(WORDS)

check-asan:
	$(Q)$(MAKE) --no-print-directory check BUILD=build/asan \
		SAN=address,undefined OPT='-O1 -g'

deps:
	$(Q)sh tests/install-packages.sh

deps-ci:
	$(Q)sh tests/install-packages.sh ci
	$(Q)sh tests/fetch-promtool.sh build/tools

deps-bench:
	$(Q)sh tests/install-packages.sh bench

test-programs: $(UNIT_BIN) $(REPLAY_BIN)
bench-programs: $(BENCH_BIN)

$(BUILD)/smokescreenc: $(call obj,$(COMPILER_MAIN)) $(LIBCOMPILER) $(LIBGRAMMAR) $(LIBPOLICY)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(COMPILER_LIBS)

$(BUILD)/smokescreen: $(call obj,$(RUNTIME_MAIN)) $(LIBRUNTIME) $(LIBGRAMMAR) $(LIBPOLICY)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(RUNTIME_LIBS)

$(LIBGRAMMAR): $(call obj,$(GRAMMAR_SRC)) $(GEN_O)
$(LIBPOLICY): $(call obj,$(POLICY_SRC))
$(LIBCOMPILER): $(call obj,$(filter-out $(COMPILER_MAIN),$(COMPILER_SRC)))
$(LIBRUNTIME): $(call obj,$(filter-out $(RUNTIME_MAIN),$(RUNTIME_SRC)))

# --- libsmokescreen -----------------------------------------------------------

# One object, in which every name is local but those of smokescreen.h: a program
# that links it may have a log_new() of its own.
$(BUILD)/libsmokescreen.a: $(LIBRUNTIME) $(LIBGRAMMAR) $(LIBPOLICY) $(EXPORTS)
	$(call say,AR,$@)
	$(Q)sed -n 's/^\t\(smokescreen_[a-z_]*\);$$/\1/p' $(EXPORTS) >$@.names
	$(Q)$(LD) -r -o $(@:.a=.o) --whole-archive $(filter %.a,$^)
	$(Q)$(OBJCOPY) --keep-global-symbols=$@.names $(@:.a=.o)
	$(Q)rm -f $@ && ar crs $@ $(@:.a=.o)

# Sanitizers leave names to the program that is linked.  Once loaded it stays:
# GMP keeps pointers to functions in it.
$(BUILD)/$(SONAME): $(PIC_O) $(EXPORTS)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -shared -Wl,-soname,$(SONAME) \
		-Wl,--version-script,$(EXPORTS) $(if $(SAN),,-Wl,-z,defs) \
		-Wl,-z,nodelete -o $@ $(PIC_O) $(RUNTIME_LIBS)

$(BUILD)/pic/%.o: %.c | $(GEN_C)
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -fPIC -fvisibility=hidden -MMD -MP -c -o $@ $<

$(BUILD)/pic/gen/%.o: $(BUILD)/gen/%.c
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(GEN_CFLAGS) -fPIC -fvisibility=hidden -MMD -MP -c -o $@ $<

# A file newly listed may be older than the archive: the list counts too.
$(LIBGRAMMAR) $(LIBPOLICY) $(LIBCOMPILER) $(LIBRUNTIME): Makefile

$(BUILD)/%.a:
	$(call say,AR,$@)
	@mkdir -p $(@D)
	$(Q)rm -f $@ && ar crs $@ $(filter %.o,$^)

$(BUILD)/obj/%.o: %.c | $(GEN_C)
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/obj/gen/%.o: $(BUILD)/gen/%.c
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(GEN_CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/gen/%.c: %.re
	$(call say,RE2C,$<)
	@mkdir -p $(@D)
	$(Q)re2c -W -Werror -Wno-nondeterministic-tags --conditions \
		--no-generation-date --no-version -b -i -o $@ $<

# lemon exits 1 on any conflict; .DELETE_ON_ERROR keeps that an error.
$(BUILD)/gen/%.c: %.y
	$(call say,LEMON,$<)
	@mkdir -p $(@D)
	$(Q)lemon -q -d$(@D) $<

$(BUILD)/policies/%.blob: policies/%.yaml $(BUILD)/smokescreenc
	$(call say,POLICY,$<)
	@mkdir -p $(@D)
	$(Q)$(BUILD)/smokescreenc -o $@ $<

ALL_LIBS = $(LIBCOMPILER) $(LIBRUNTIME) $(LIBGRAMMAR) $(LIBPOLICY)

$(BUILD)/tests/%: tests/unit/%.c $(ALL_LIBS)
	$(call say,TEST,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -MF $(BUILD)/tests/$*.d $(ALL_LDFLAGS) \
		-o $@ $< $(ALL_LIBS) -lcmocka $(COMPILER_LIBS) $(RUNTIME_LIBS)

# Fuzz targets link libraries of their own, built for coverage by a make of their
# own, which knows whether a source has changed.
FUZZ_CC   ?= clang
FUZZ_OBJ  := build/fuzzobj
FUZZ_LIBS  = $(ALL_LIBS:$(BUILD)/%=$(FUZZ_OBJ)/%)

fuzz-programs: $(FUZZ_BIN)

ifneq ($(BUILD),$(FUZZ_OBJ))
# an empty recipe: whether they are newer, their dates tell
$(FUZZ_LIBS): fuzz-objects
	@:
endif

fuzz-objects:
	$(Q)$(MAKE) --no-print-directory BUILD=$(FUZZ_OBJ) CC=$(FUZZ_CC) \
		SAN=address,undefined OPT='-O1 -g -fsanitize=fuzzer-no-link' fuzz-libs

$(BUILD)/fuzz/%: tests/fuzz/%.c $(FUZZ_LIBS)
	$(call say,FUZZ,$<)
	@mkdir -p $(@D)
	$(Q)$(FUZZ_CC) $(CSTD) -O1 -g -I. -I$(FUZZ_OBJ)/gen \
		-fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all \
		-o $@ $< $(FUZZ_LIBS) $(COMPILER_LIBS) $(RUNTIME_LIBS)

.PHONY: fuzz-libs fuzz-objects
fuzz-libs: $(ALL_LIBS)
	@:

$(BUILD)/replay/%: tests/fuzz/%.c tests/fuzz/replay.c $(ALL_LIBS)
	$(call say,REPLAY,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -MF $(BUILD)/replay/$*.d $(ALL_LDFLAGS) \
		-o $@ $< tests/fuzz/replay.c $(ALL_LIBS) $(COMPILER_LIBS) $(RUNTIME_LIBS)

$(BUILD)/instructions/%: tests/instructions/%.c $(ALL_LIBS)
	$(call say,COUNT,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -MF $(BUILD)/instructions/$*.d \
		$(ALL_LDFLAGS) -o $@ $< $(ALL_LIBS) $(COMPILER_LIBS) $(RUNTIME_LIBS)

$(BUILD)/bench/%: tests/bench/%.c $(ALL_LIBS)
	$(call say,BENCH,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -MF $(BUILD)/bench/$*.d $(ALL_LDFLAGS) \
		-o $@ $< $(ALL_LIBS) $(COMPILER_LIBS) $(RUNTIME_LIBS)

# The load generator speaks TLS as clients do: by OpenSSL, which nothing else
# here links.
LOAD_SRC := tests/bench/bench_load.c $(wildcard tests/bench/load_*.c)
$(BUILD)/bench/bench_load: $(LOAD_SRC) tests/bench/load.h
	$(call say,BENCH,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $(LOAD_SRC) \
		-lssl -lcrypto -lpthread

SECONDS_EACH ?= 20
fuzz: fuzz-programs
	$(Q)sh tests/fuzz/run.sh $(BUILD) $(SECONDS_EACH)

SECONDS ?= 20
soak: programs
	$(Q)BUILD=$(BUILD) SECONDS=$(SECONDS) $(PYTHON) tests/soak/soak.py

# ROWS names rows or groups, PEER a proxy to have beside: a program that takes
# the same flags, or 127.0.0.1:PORT.
bench: deps-bench
	$(Q)$(MAKE) --no-print-directory $(JOBS) all bench-programs
	$(Q)BUILD=$(BUILD) ROUNDS=$(ROUNDS) PEER=$(PEER) QUICK=$(QUICK) \
		MINUTES=$(MINUTES) $(PYTHON) tests/bench/run.py $(ROWS)

performance: bench
	$(Q)BUILD=$(BUILD) $(PYTHON) tests/bench/document.py

# That the bench works, not how fast anything is.
bench-smoke: all bench-programs
	$(Q)BUILD=$(BUILD) $(PYTHON) tests/bench/smoke.py

check-instructions: programs $(BUILD)/instructions/decide_loop
	$(Q)BUILD=$(BUILD) $(PYTHON) tests/instructions/check.py

# --- checks that read the source ----------------------------------------------

C_FILES := $(shell find grammar compiler runtime tests docs/examples -name '*.[ch]' 2>/dev/null | sort)

lint:
	$(Q)BUILD=$(BUILD) sh tests/lint.sh

check-layers: $(GEN_C)
	$(Q)BUILD=$(BUILD) sh tests/check-layers.sh

check-format:
	$(Q)clang-format --dry-run --Werror $(C_FILES)

format:
	$(Q)clang-format -i $(C_FILES)

check-docs:
	$(Q)BUILD=$(BUILD) sh tests/check-docs.sh

# Pages that the program writes; check-docs says when one is out of date.
docs/DIAGNOSTICS.md: $(BUILD)/smokescreenc
	$(call say,DOC,$@)
	$(Q)$< --explain-code all >$@

docs/smokescreen-%.schema.json: $(BUILD)/smokescreenc
	$(call say,DOC,$@)
	$(Q)$< --print-schema $* >$@

docs: docs/DIAGNOSTICS.md docs/smokescreen-acl.schema.json \
	docs/smokescreen-tests.schema.json

# Both compilers, every warning an error.
check-warnings:
	$(Q)$(MAKE) --no-print-directory all test-programs bench-programs BUILD=build/gcc CC=gcc WERROR=1
	$(Q)$(MAKE) --no-print-directory all test-programs bench-programs BUILD=build/clang CC=clang WERROR=1

MAN := $(wildcard docs/*.[1-8])
install: all library
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(LIBDIR)/pkgconfig
	install -m 755 $(PROGRAMS) $(DESTDIR)$(PREFIX)/bin/
	$(foreach m,$(MAN),install -D -m 644 $(m) \
		$(DESTDIR)$(PREFIX)/share/man/man$(patsubst .%,%,$(suffix $(m)))/$(notdir $(m));)
	install -D -m 644 runtime/smokescreen.h $(DESTDIR)$(INCLUDEDIR)/smokescreen.h
	install -m 644 $(BUILD)/libsmokescreen.a $(DESTDIR)$(LIBDIR)/
	install -m 644 $(BUILD)/$(SONAME) $(DESTDIR)$(LIBDIR)/$(SONAME).$(VERSION)
	ln -sf $(SONAME).$(VERSION) $(DESTDIR)$(LIBDIR)/$(SONAME)
	ln -sf $(SONAME) $(DESTDIR)$(LIBDIR)/libsmokescreen.so
	sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@VERSION@|$(VERSION)|' \
		-e 's|@LIBDIR@|$(LIBDIR:$(PREFIX)/%=$${exec_prefix}/%)|' \
		-e 's|@INCLUDEDIR@|$(INCLUDEDIR:$(PREFIX)/%=$${prefix}/%)|' \
		-e 's|@LIBS@|$(RUNTIME_LIBS)|' runtime/smokescreen.pc.in \
		>$(DESTDIR)$(LIBDIR)/pkgconfig/smokescreen.pc

clean:
	rm -rf build

-include $(shell find $(BUILD)/obj $(BUILD)/pic $(BUILD)/tests $(BUILD)/replay $(BUILD)/bench $(BUILD)/instructions -name '*.d' 2>/dev/null)
