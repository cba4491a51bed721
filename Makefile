# strait - GNU make. `make help` lists the targets.
ifeq ($(origin CC),default)
CC      := gcc
endif
PKGS    := jansson libpng libturbojpeg zlib libzip nettle yaml-0.1 lapacke openblas
ONEDNN  ?= 1
B       ?= build
CFLAGS  ?= -O2 -g
WARN    := -Wall -Wextra -Wpointer-arith -Wstrict-prototypes -Wmissing-prototypes -Wno-missing-field-initializers -Werror
STD     := -std=c11 -D_GNU_SOURCE -fno-math-errno -ffp-contract=off -fPIC -pthread
SAN     ?=
PREFIX  ?= /usr/local

# Libraries besides libc: pkg-config where they have a file.
LIBS    := $(shell pkg-config --libs $(PKGS) 2>/dev/null) -lm -pthread
CPPFLAGS_ALL := -Iinclude -Isrc $(shell pkg-config --cflags $(PKGS) 2>/dev/null)
ifeq ($(ONEDNN),1)
LIBS    += -ldnnl
CPPFLAGS_ALL += -DRF_WITH_ONEDNN
endif

SRC     := $(filter-out %_test.c,$(wildcard src/*/*.c src/*/*/*.c))
LIBSRC  := $(filter-out src/cli/%,$(SRC))
TESTSRC := $(wildcard src/*/*_test.c src/*/*/*_test.c tests/*_test.c)
LIBOBJ  := $(LIBSRC:%.c=$(B)/%.o)
CLIOBJ  := $(patsubst %.c,$(B)/%.o,$(filter src/cli/%,$(SRC)))
TESTS   := $(TESTSRC:%.c=$(B)/%)

$(B)/src/base/rng.o: ISA := -O3 # its loops are written to be vectorised

# Instruction sets: one room, one line. Everything else is plain x86-64. (Sanitized vector code at -O3 takes minutes a file.)
KOPT    := $(if $(SAN),-O1,-O3)
$(B)/src/kernels/avx2/%.o:   ISA := $(KOPT) -mavx2 -mfma -mf16c
$(B)/src/kernels/avx512/%.o: ISA := $(KOPT) -mavx2 -mfma -mf16c -mavx512f -mavx512bw -mavx512vl -mavx512dq
$(B)/src/kernels/avx512/%_bf16.o: ISA := $(KOPT) -mavx2 -mfma -mf16c -mavx512f -mavx512bw -mavx512vl -mavx512dq -mavx512bf16
$(B)/src/kernels/avx512/%_vnni.o: ISA := $(KOPT) -mavx2 -mfma -mf16c -mavx512f -mavx512bw -mavx512vl -mavx512dq -mavx512vnni

# Its instructions are inline assembly (tiles.h)
$(B)/src/kernels/amx/%.o: ISA := $(KOPT) -mavx2 -mfma -mf16c -mavx512f -mavx512bw -mavx512vl -mavx512dq -mavx512bf16

.PHONY: all help tests test demo bench results results-quick format fuzz clean install check-includes FORCE
all: $(B)/strait $(B)/libstrait.so

help:
	@echo "make            build $(B)/strait, libstrait.a, libstrait.so (ONEDNN=0: without oneDNN)"
	@echo "make test       every test; ends with 'N passed, M failed'"
	@echo "make demo       out/demo.png from the shipped Fashion-MNIST model"
	@echo "make bench      the measurements behind docs/"
	@echo "make results    docs/results.md again (half an hour); results-quick: a short one in out/, compared with it (8 minutes)"
	@echo "make fuzz       fuzz the readers of outside bytes (clang)"
	@echo "make format     clang-format every source"
	@echo "make install    into PREFIX=$(PREFIX), with a pkg-config file"

# What does not compile needs no library; everything else says early which one is not there.
ifneq ($(filter-out help clean format check-includes,$(or $(MAKECMDGOALS),all)),)
ABSENT := $(shell command -v pkg-config >/dev/null || echo pkg-config; pkg-config --exists --print-errors --short-errors $(PKGS) 2>&1; true)
ifneq ($(ABSENT),)
$(error libraries are missing (./setup.sh deps installs them): $(ABSENT))
endif
endif

# Everything follows the flags: another CFLAGS, SAN or ONEDNN in the same folder builds it again.
FLAGS   := $(CC) $(STD) $(WARN) $(CPPFLAGS_ALL) $(CPPFLAGS) $(CFLAGS) $(SAN)
$(B)/flags: FORCE
	@mkdir -p $(B)
	@echo '$(FLAGS)' | cmp -s - $@ || echo '$(FLAGS)' > $@

# One line a file; V=1 shows the whole commands.
Q       := $(if $(filter 1,$(V)),,@)
say      = @printf '  %-5s %s\n' $(1) $@
# A program from the sources, objects and library it depends on.
define program
@mkdir -p $(@D)
$(call say,LD)
$(Q)$(FLAGS) -MMD -MP $(filter %.c %.o %.a,$^) -o $@ $(LDFLAGS) $(LIBS) $(EXTRA)
endef

$(B)/%.o: %.c $(B)/flags
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(FLAGS) $(ISA) -MMD -MP -c $< -o $@

$(B)/libstrait.a: $(LIBOBJ)
	$(call say,AR)
	@rm -f $@
	$(Q)ar rcs $@ $^

$(B)/libstrait.so: $(LIBOBJ)
	$(call say,LD)
	$(Q)$(CC) $(SAN) -shared -o $@ $^ $(LDFLAGS) $(LIBS)

$(B)/strait: $(CLIOBJ) $(B)/libstrait.a
	$(program)

# Tests, among them those of the program's own files (without its main).
$(B)/%_test: EXTRA = -lcmocka
$(B)/%_test: %_test.c $(B)/libstrait.a
	$(program)
$(B)/src/cli/%_test: src/cli/%_test.c $(filter-out %/main.o,$(CLIOBJ)) $(B)/libstrait.a
	$(program)

# Programs that the scripts of tests/cli call.
HELPERS := $(B)/tests/make_model $(B)/tests/make_frames
$(B)/tests/%: tests/%.c $(B)/libstrait.a
	$(program)

# Measuring programs; the figures of docs/ say which command made them.
$(B)/bench/%: bench/%.c $(B)/libstrait.a
	$(program)

# docs/results.md again, or a short version of it in out/results-quick/.
results: all
	STRAIT=$(B)/strait bench/results.sh full
results-quick: all
	STRAIT=$(B)/strait bench/results.sh quick

bench: $(patsubst %.c,$(B)/%,$(wildcard bench/*.c))

tests: $(TESTS) $(HELPERS)

test: all tests
	@tests/run.sh $(B) $(TESTS)

# Ten classes, eight images of each, always the same ones.
demo: $(B)/strait
	@mkdir -p out
	$(B)/strait generate -m models/fashion-rf.safetensors --class-label 0,1,2,3,4,5,6,7,8,9 -b 80 -s 1 \
	    --sampling-method heun --steps 16 --cfg-scale 1.5 --dtype bf16 --grid --zoom 3 -o out/demo.png
	@echo "Look at out/demo.png. Then try:"
	@echo "  $(B)/strait info out/demo.png                  how it was made; 'strait replay out/demo.png' makes it again"
	@echo "  $(B)/strait generate -m models/fashion-rf.safetensors --class-label 7 -s 42 -o out/sneaker.png"
	@echo "  $(B)/strait train recipes/toy-8gauss-rf.yaml   train a flow in seconds"
	@echo "  $(B)/strait train recipes/fashion-rf.yaml      train the network of this picture (under an hour)"

check-includes:
	@tests/check_includes.sh

format:
	clang-format -i $(wildcard src/*/*.[ch] src/*/*/*.[ch] include/*.h tests/*.[ch])

# Readers of outside bytes (base/ and io/ are all they need), each for FUZZ_SECONDS, in a build of their own.
FUZZ_SECONDS ?= 20
FUZZERS := $(patsubst %.c,build-fuzz/%,$(wildcard tests/fuzz/*_fuzz.c))
fuzz:
	$(MAKE) B=build-fuzz CC=clang CFLAGS="-O1 -g" SAN=-fsanitize=fuzzer-no-link,address,undefined $(FUZZERS)
	tests/fuzz/run.sh $(FUZZ_SECONDS) $(FUZZERS)

$(B)/tests/fuzz/%: EXTRA = -fsanitize=fuzzer
$(B)/tests/fuzz/%: tests/fuzz/%.c $(filter $(B)/src/base/% $(B)/src/io/% $(B)/src/flow/%,$(LIBOBJ))
	$(program)

install: all
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/lib/pkgconfig $(DESTDIR)$(PREFIX)/include
	install $(B)/strait $(DESTDIR)$(PREFIX)/bin
	install -m 644 $(B)/libstrait.a $(B)/libstrait.so $(DESTDIR)$(PREFIX)/lib
	install -m 644 include/strait.h $(DESTDIR)$(PREFIX)/include
	sed -n 's/^#define RF_VERSION "\(.*\)"/Version: \1/p' include/strait.h > $(B)/strait.pc
	@printf '%s\n' 'Name: strait' 'Description: rectified-flow models on CPUs' 'Cflags: -I$(PREFIX)/include' \
	    'Libs: -L$(PREFIX)/lib -lstrait' 'Libs.private: $(LIBS)' >> $(B)/strait.pc
	install -m 644 $(B)/strait.pc $(DESTDIR)$(PREFIX)/lib/pkgconfig

clean:
	rm -rf $(B) build-nodnn build-san build-fuzz

-include $(LIBOBJ:.o=.d) $(CLIOBJ:.o=.d) $(addsuffix .d,$(TESTS) $(HELPERS))
