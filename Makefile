# prunebench: `make help` lists the targets.
BUILD  ?= build
PREFIX ?= /usr/local
CC     ?= cc
VERSION := $(shell cat VERSION)
GIT     := $(shell git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)

PKGS       = libxml-2.0 libxslt libexslt jansson gsl libxxhash nettle zlib libzip libprotobuf-c
SYNTH_PKGS = cairo libjpeg
ifeq ($(shell pkg-config --exists $(PKGS) $(SYNTH_PKGS) 2>/dev/null && echo yes),yes)
PKG_CFLAGS := $(shell pkg-config --cflags $(PKGS) $(SYNTH_PKGS))
PKG_LIBS   := $(shell pkg-config --libs $(PKGS))
SYNTH_LIBS := $(shell pkg-config --libs $(SYNTH_PKGS)) -lmatio
endif

WARNINGS = -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wmissing-prototypes -Werror
OPTIMISE ?= -O3
CFLAGS  ?= -g
CPPFLAGS += -D_GNU_SOURCE -MMD -MP -Iharness/include -Iharness -Idatasets -isystem /usr/include/stb -isystem $(BUILD)/generated \
            $(subst -I,-isystem ,$(PKG_CFLAGS))
# Nobody reads errno or exception flags after arithmetic; believing that someone might keeps loops scalar.
ALL_CFLAGS = -std=c17 -ffp-contract=fast -fno-math-errno -fno-trapping-math -fPIC -fvisibility=hidden -fopenmp $(WARNINGS) $(OPTIMISE) $(CFLAGS) $(FOREIGN)
# Objects must not depend on the folder of the checkout: a plugin's SHA-256 is part of its results' keys.
PREFIX_MAP  = -ffile-prefix-map='$(CURDIR)'=.
ALL_CFLAGS += $(PREFIX_MAP)
LDLIBS  += $(PKG_LIBS) -ldl -lm
ifeq ($(SANITIZE),1)
BUILD    := build/sanitized
OPTIMISE := -O1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined
endif

# A host whose SDK structs all have members more than plugins know: what a later minor version of the ABI may bring.
ifeq ($(GROWN),1)
BUILD    := build/grown
OPTIMISE := -O1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined
CPPFLAGS := $(patsubst -Iharness/include,-I$(BUILD)/include,$(CPPFLAGS))
GROWN_HEADERS := $(shell scripts/grown-headers $(BUILD)/include)
ifneq ($(.SHELLSTATUS),0)
$(error scripts/grown-headers failed)
endif
endif

# The room that draws has many libraries behind it, which every start of the program would load: it is an object of its own.
SYNTH_OBJECTS   = $(patsubst %.c,$(BUILD)/%.o,$(wildcard harness/synth/*.c))
# Made from the messages of ONNX files (harness/onnx/onnx.proto): what reads them, and their structs.
ONNX_MESSAGES   = $(BUILD)/generated/onnx/onnx.pb-c
LIBRARY_SOURCES = $(filter-out harness/cli/main.c harness/synth/%,$(wildcard harness/*/*.c)) $(ONNX_MESSAGES).c
LIBRARY_OBJECTS = $(LIBRARY_SOURCES:%.c=$(BUILD)/%.o)
# What decides the numbers: these layers, but for what only describes or estimates.
NUMERICS = $(filter-out harness/experiment/gamma.%,$(sort $(wildcard harness/include/prunebench/*.h \
             harness/base/rng.[ch] harness/plugin/host.c \
             $(foreach source,chain link schedule_run watched_verbs,harness/planning/$(source).[ch]) \
             $(foreach room,graph onnx portable engine operators data prune settings stages training experiment,harness/$(room)/*.[ch]))))
# Flags decide numbers, too: all but warnings and paths.
NUMERIC_FLAGS = $(filter-out -I% -MMD -MP -W% -ffile-prefix-map=% -fdebug-prefix-map=% -fmacro-prefix-map=%,\
                  $(subst -isystem ,-I,$(CPPFLAGS) $(subst $(PREFIX_MAP),,$(ALL_CFLAGS))))
LIBRARY = $(BUILD)/libprunebench.a
PROGRAM = $(BUILD)/prunebench
SYNTH   = $(BUILD)/drawing/synth.so

# Plugins: one source each for criteria, schedules and penalties, one folder each for backends and data sets.
DATASETS = $(filter-out common matrices,$(notdir $(patsubst %/,%,$(dir $(wildcard datasets/*/*.c)))))
BACKENDS = $(notdir $(patsubst %/,%,$(dir $(wildcard plugins/backends/*/*.c))))
PLUGINS  = $(patsubst plugins/criteria/%.c,$(BUILD)/plugins/criterion-%.so,$(wildcard plugins/criteria/*.c)) \
           $(patsubst plugins/schedules/%.c,$(BUILD)/plugins/schedule-%.so,$(wildcard plugins/schedules/*.c)) \
           $(patsubst plugins/penalties/%.c,$(BUILD)/plugins/penalty-%.so,$(wildcard plugins/penalties/*.c)) \
           $(patsubst %,$(BUILD)/plugins/backend-%.so,$(sort $(BACKENDS))) \
           $(patsubst %,$(BUILD)/plugins/dataset-%.so,$(sort $(DATASETS)))
PLUGIN_LDFLAGS = -shared -Wl,-z,defs
LIBS_backend-blis   = -lblis
LIBS_backend-onednn = -ldnnl
LIBS_dataset-cars   = -lmatio -lz
COMMON_dataset      = $(wildcard datasets/common/*.c)
# The man page and the completions come out of the program itself.
COMPLETIONS = $(patsubst %,$(BUILD)/completions/%,prunebench _prunebench prunebench.fish)
RESOURCES = $(BUILD)/man/prunebench.1 $(COMPLETIONS) \
            $(patsubst harness/schema/%,$(BUILD)/schema/%,$(wildcard harness/schema/*.xsd)) \
            $(patsubst reports/%,$(BUILD)/reports/%,$(wildcard reports/*.*)) \
            $(patsubst datasets/matrices/%,$(BUILD)/matrices/%,$(wildcard datasets/matrices/*.xml)) \
            $(patsubst studies/%,$(BUILD)/studies/%,$(wildcard studies/*/*.xml studies/*/*.xsl))

TEST_SOURCES = $(wildcard tests/unit/*/test_*.c tests/numerics/test_*.c)
TESTS        = $(TEST_SOURCES:%.c=$(BUILD)/%)
TEST_HELPERS = $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/support/*.c))
# Plugins that cannot be loaded (tests/plugins), and such that load well and do evil when they are run (tests/evil).
TEST_PLUGINS = $(patsubst %.c,$(BUILD)/%.so,$(wildcard tests/plugins/*.c tests/evil/*.c))
# To be preloaded: a machine on which calls fail.
TEST_FAULTS  = $(patsubst %.c,$(BUILD)/%.so,$(wildcard tests/faults/*.c))

# Plugins of every kind against the headers of ABI 2.0, which stay as they were published; the strict ones check what they are shown.
FROZEN_PLUGINS = $(patsubst %.c,$(BUILD)/%.so,$(wildcard tests/abi-2.0/plugins/*.c tests/abi-2.0/strict/*.c))

# `make V=1` shows the commands.
Q   = $(if $(V),,@)
say = $(if $(V),:,printf '  %-5s %s\n' $(1) $(2))

.DEFAULT_GOAL := all
.SECONDARY:
.PHONY: all demo readme check bench tests grown install uninstall clean help format lint fuzz

all: $(PROGRAM) $(SYNTH) $(PLUGINS) $(RESOURCES) ## build/prunebench with its plugins, schemas and report templates

demo: ## install what is missing, build, run the default matrix on all three data sets, report
	@scripts/setup
	@$(MAKE) --no-print-directory -j2 all
	@scripts/demo $(BUILD)

check: ## install what is missing, build, run every test
	@scripts/setup check
	@$(MAKE) --no-print-directory -j2 tests
	@scripts/run-tests $(BUILD)

readme: demo ## run the demo, and take the README's picture and figures from it
	@scripts/readme-figures --demo $(BUILD)/demo/results

bench: all ## time every backend, and PyTorch where it is installed, as ratios
	@scripts/bench-peers $(BUILD)

tests: all $(TESTS) $(TEST_PLUGINS) $(TEST_FAULTS) $(FROZEN_PLUGINS)

grown: $(PROGRAM) $(SYNTH) $(RESOURCES) $(FROZEN_PLUGINS)

# Of the objects, not the archive: two functions of one name in different parts are an error then.
$(PROGRAM): $(BUILD)/harness/cli/main.o $(LIBRARY_OBJECTS)
	@$(call say,LINK,$@)
	$(Q)$(CC) -fopenmp $(OPTIMISE) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(SYNTH): $(SYNTH_OBJECTS) $(filter $(BUILD)/harness/base/% $(BUILD)/harness/data/stb.o,$(LIBRARY_OBJECTS))
	@mkdir -p $(@D)
	@$(call say,LINK,$@)
	$(Q)$(CC) -fopenmp $(OPTIMISE) $(PLUGIN_LDFLAGS) $(LDFLAGS) -o $@ $^ $(SYNTH_LIBS) $(LDLIBS)

$(BUILD)/man/prunebench.1: $(PROGRAM)
	@mkdir -p $(@D) && $(PROGRAM) --man-page > $@
$(BUILD)/completions/prunebench: SHELL_NAME = bash
$(BUILD)/completions/_prunebench: SHELL_NAME = zsh
$(BUILD)/completions/prunebench.fish: SHELL_NAME = fish
$(COMPLETIONS): $(PROGRAM)
	@mkdir -p $(@D) && $(PROGRAM) --$(SHELL_NAME)-completion > $@

$(LIBRARY): $(LIBRARY_OBJECTS)
	@rm -f $@
	@$(call say,AR,$@)
	@# two functions of one name: the linker would take either from an archive, without a word
	@! nm --defined-only -g $^ | awk '{print $$NF}' | sort | uniq -d | grep '^pb_'
	$(Q)ar rcs $@ $^

$(BUILD)/%.o: %.c Makefile
	@mkdir -p $(@D)
	@$(call say,CC,$@)
	$(Q)$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -c -o $@ $<

# private: else the digest, which is made for version.o, would contain these definitions.
%/harness/base/version.o: private CPPFLAGS += -DPB_VERSION='"$(VERSION)"' -DPB_GIT='"$(GIT)"'
%/harness/base/version.o: private CPPFLAGS += -DPB_NUMERICS='"$(shell cat $(BUILD)/numerics.sha256)"'
$(BUILD)/harness/base/version.o $(BUILD)/fuzz/harness/base/version.o: VERSION $(wildcard .git/HEAD .git/logs/HEAD) $(BUILD)/numerics.sha256
$(BUILD)/numerics.sha256: $(NUMERICS) scripts/numerics-digest Makefile
	@mkdir -p $(@D)
	$(Q)scripts/numerics-digest '$(CC)' '$(subst ','\'',$(NUMERIC_FLAGS))' $(NUMERICS) > $@.tmp && mv $@.tmp $@
$(BUILD)/harness/base/resources.o $(BUILD)/fuzz/harness/base/resources.o: CPPFLAGS += -DPB_PREFIX='"$(PREFIX)"'
$(ONNX_MESSAGES).c $(ONNX_MESSAGES).h &: harness/onnx/onnx.proto Makefile
	@mkdir -p $(BUILD)/generated
	@$(call say,PROTO,$(ONNX_MESSAGES).c)
	$(Q)protoc-c --proto_path=harness --c_out=$(BUILD)/generated onnx/onnx.proto
# What is generated is not ours to mend; whoever includes it says so by <onnx/onnx.pb-c.h>, which no list of dependencies has.
$(BUILD)/$(ONNX_MESSAGES).o: WARNINGS = -w
$(foreach build,$(BUILD) $(BUILD)/fuzz,$(patsubst %.c,$(build)/%.o,$(wildcard harness/onnx/*.c tests/support/onnx_*.c tests/unit/onnx/*.c))): $(ONNX_MESSAGES).h
# stb's code is another's: its warnings and shifts of negative numbers are not ours to mend.
$(BUILD)/harness/data/stb.o: WARNINGS = -w
$(BUILD)/harness/data/stb.o: FOREIGN = -fno-sanitize=undefined

$(BUILD)/tests/abi-2.0/%.so: tests/abi-2.0/%.c $(wildcard tests/abi-2.0/*/*.h) Makefile
	@mkdir -p $(@D)
	@$(call say,LINK,$@)
	$(Q)$(CC) -D_GNU_SOURCE -std=c17 -fPIC -fvisibility=hidden -Wall -Wextra -Werror -g $(OPTIMISE) -Itests/abi-2.0 $(PLUGIN_LDFLAGS) -o $@ $< -lm

$(BUILD)/plugins/criterion-%.so: $(BUILD)/plugins/criteria/%.o
	@mkdir -p $(@D)
	@$(call say,LINK,$@)
	$(Q)$(CC) -fopenmp $(OPTIMISE) $(PLUGIN_LDFLAGS) -o $@ $^ -lm
$(BUILD)/plugins/schedule-%.so: $(BUILD)/plugins/schedules/%.o
	@mkdir -p $(@D)
	@$(call say,LINK,$@)
	$(Q)$(CC) -fopenmp $(OPTIMISE) $(PLUGIN_LDFLAGS) -o $@ $^ -lm

$(BUILD)/plugins/penalty-%.so: $(BUILD)/plugins/penalties/%.o
	@mkdir -p $(@D)
	@$(call say,LINK,$@)
	$(Q)$(CC) -fopenmp $(OPTIMISE) $(PLUGIN_LDFLAGS) -o $@ $^ -lm

define folder_plugin # kind, name, folder
$(BUILD)/plugins/$(1)-$(2).so: $(patsubst %.c,$(BUILD)/%.o,$(wildcard $(3)/*.c) $(COMMON_$(1)))
	@mkdir -p $$(@D)
	@$$(call say,LINK,$$@)
	$$(Q)$$(CC) -fopenmp $$(OPTIMISE) $$(PLUGIN_LDFLAGS) -o $$@ $$^ $(LIBS_$(1)-$(2)) -lm
endef
$(foreach name,$(sort $(BACKENDS)),$(eval $(call folder_plugin,backend,$(name),plugins/backends/$(name))))
$(foreach name,$(sort $(DATASETS)),$(eval $(call folder_plugin,dataset,$(name),datasets/$(name))))

$(BUILD)/schema/%: harness/schema/%
	@mkdir -p $(@D) && cp $< $@
$(BUILD)/reports/%: reports/%
	@mkdir -p $(@D) && cp $< $@
$(BUILD)/matrices/%: datasets/matrices/%
	@mkdir -p $(@D) && cp $< $@
$(BUILD)/studies/%: studies/%
	@mkdir -p $(@D) && cp $< $@

$(TESTS): $(BUILD)/%: $(BUILD)/%.o $(TEST_HELPERS) $(LIBRARY)
	@$(call say,LINK,$@)
	$(Q)$(CC) -fopenmp $(OPTIMISE) $(LDFLAGS) -o $@ $^ -lcmocka $(LDLIBS)
$(BUILD)/tests/unit/datasets/test_cars: LDLIBS += -lmatio
$(filter $(BUILD)/tests/unit/synth/%,$(TESTS)): $(SYNTH_OBJECTS)
$(filter $(BUILD)/tests/unit/synth/%,$(TESTS)): LDLIBS += $(SYNTH_LIBS)
$(BUILD)/tests/%.o: CPPFLAGS += -Itests -DPB_TEST_SOURCES='"$(CURDIR)/tests"' -DPB_TEST_BUILD='"$(abspath $(BUILD))"'
$(BUILD)/tests/%.so: tests/%.c
	@mkdir -p $(@D)
	@$(call say,LINK,$@)
	$(Q)$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -shared -o $@ $<

# Fuzz targets, compiled by clang with a library of their own objects: tests/fuzz/fuzz_*.c over the harness's readers, and
# tests/fuzz/dataset.c over each dataset plugin.
FUZZ         = $(BUILD)/fuzz
FUZZ_CC      = clang -std=c17 -g -O1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined -w
FUZZ_LIBRARY = $(FUZZ)/libprunebench.a
FUZZ_HELPERS = $(patsubst %.c,$(FUZZ)/%.o,tests/fuzz/folder.c tests/support/fake_plugins.c tests/support/pth.c)
FUZZ_COMMON  = $(patsubst %.c,$(FUZZ)/%.o,$(COMMON_dataset) tests/fuzz/dataset.c)
FUZZERS      = $(patsubst tests/fuzz/%.c,$(FUZZ)/%,$(wildcard tests/fuzz/fuzz_*.c)) \
               $(patsubst %,$(FUZZ)/fuzz_dataset_%,$(sort $(DATASETS)))
fuzz: all $(FUZZERS) ## every fuzz target for some seconds (FUZZ_SECONDS=10)
	@scripts/fuzz-smoke $(BUILD) $(or $(FUZZ_SECONDS),10)
$(FUZZ)/%.o: %.c Makefile
	@mkdir -p $(@D)
	@$(call say,CLANG,$@)
	$(Q)$(FUZZ_CC) -fsanitize=fuzzer-no-link $(CPPFLAGS) $(FOREIGN) -c -o $@ $<
$(FUZZ)/harness/data/stb.o: FOREIGN = -fno-sanitize=undefined
$(FUZZ)/tests/%.o: CPPFLAGS += -Itests
$(FUZZ_LIBRARY): $(patsubst %.c,$(FUZZ)/%.o,$(filter-out harness/cli/%,$(LIBRARY_SOURCES)))
	@rm -f $@
	@$(call say,AR,$@)
	$(Q)ar rcs $@ $^
$(FUZZ)/fuzz_%: $(FUZZ)/tests/fuzz/fuzz_%.o $(FUZZ_HELPERS) $(FUZZ_LIBRARY)
	@$(call say,LINK,$@)
	$(Q)$(FUZZ_CC) -fsanitize=fuzzer -o $@ $^ $(LDLIBS)
define fuzz_dataset # name
$(FUZZ)/fuzz_dataset_$(1): $(patsubst %.c,$(FUZZ)/%.o,$(wildcard datasets/$(1)/*.c)) $(FUZZ_COMMON)
	@$$(call say,LINK,$$@)
	$$(Q)$$(FUZZ_CC) -fsanitize=fuzzer -o $$@ $$^ $(LIBS_dataset-$(1)) -lm
endef
$(foreach name,$(sort $(DATASETS)),$(eval $(call fuzz_dataset,$(name))))

format: ## rewrite the sources as .clang-format says
	clang-format -i $$(git ls-files '*.c' '*.h')
lint: $(ONNX_MESSAGES).h ## formatting, static analysis, layers, headers
	@scripts/lint

install: all ## into $(DESTDIR)$(PREFIX)
	@scripts/install $(BUILD) '$(DESTDIR)' '$(PREFIX)' '$(VERSION)'
uninstall: ## remove what install put there
	@scripts/install --remove '$(DESTDIR)' '$(PREFIX)'

clean: ## remove everything that was built
	rm -rf build

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
