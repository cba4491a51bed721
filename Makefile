# strait - GNU make. `make help` lists the targets.
CC      ?= gcc
PKGS    := jansson libpng libturbojpeg libzip zlib nettle libxxhash yaml-0.1
ONEDNN  ?= 1
B       ?= build
CFLAGS  ?= -O2 -g
WARN    := -Wall -Wextra -Wpointer-arith -Wstrict-prototypes -Wmissing-prototypes -Wno-missing-field-initializers -Werror
STD     := -std=c11 -D_GNU_SOURCE -fno-math-errno -ffp-contract=off -fPIC -pthread
SAN     ?=

# Libraries besides libc: pkg-config where they have a file.
LIBS    := $(shell pkg-config --libs $(PKGS)) -lm -pthread
CPPFLAGS_ALL := -Iinclude -Isrc $(shell pkg-config --cflags $(PKGS))
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

# Instruction sets: one room, one line. Everything else is plain x86-64.
$(B)/src/kernels/avx2/%.o:   ISA := -O3 -mavx2 -mfma -mf16c
$(B)/src/kernels/avx512/%.o: ISA := -O3 -mavx2 -mfma -mf16c -mavx512f -mavx512bw -mavx512vl -mavx512dq
$(B)/src/kernels/avx512/%_bf16.o: ISA := -O3 -mavx2 -mfma -mf16c -mavx512f -mavx512bw -mavx512vl -mavx512dq -mavx512bf16

.PHONY: all help test demo bench results format fuzz clean install check-includes
all: $(B)/strait $(B)/libstrait.so

help:
	@echo "make            build $(B)/strait, libstrait.a, libstrait.so (ONEDNN=0: without oneDNN)"
	@echo "make test       every test; ends with 'N passed, M failed'"
	@echo "make demo       out/demo.png from the shipped Fashion-MNIST model"
	@echo "make bench      the measurements behind docs/"
	@echo "make fuzz       fuzz the readers of outside bytes (clang)"
	@echo "make format     clang-format every source"
	@echo "make install    PREFIX=/usr/local"

$(B)/libstrait.a: $(LIBOBJ)
	@rm -f $@
	ar rcs $@ $^

$(B)/libstrait.so: $(LIBOBJ)
	$(CC) $(SAN) -shared -o $@ $^ $(LDFLAGS) $(LIBS)

$(B)/strait: $(CLIOBJ) $(B)/libstrait.a
	$(CC) $(SAN) -o $@ $^ $(LDFLAGS) $(LIBS)

$(B)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(STD) $(WARN) $(CPPFLAGS_ALL) $(CPPFLAGS) $(CFLAGS) $(ISA) $(SAN) -MMD -MP -c $< -o $@

$(B)/%_test: %_test.c $(B)/libstrait.a
	@mkdir -p $(@D)
	$(CC) $(STD) $(WARN) $(CPPFLAGS_ALL) $(CPPFLAGS) $(CFLAGS) $(SAN) -MMD -MP $< $(B)/libstrait.a -o $@ $(LDFLAGS) $(LIBS) -lcmocka

# Tests of the program's own files link those files too, but not main.
$(B)/src/cli/%_test: src/cli/%_test.c $(filter-out %/main.o,$(CLIOBJ)) $(B)/libstrait.a
	@mkdir -p $(@D)
	$(CC) $(STD) $(WARN) $(CPPFLAGS_ALL) $(CPPFLAGS) $(CFLAGS) $(SAN) -MMD -MP $(filter %.c %.o %.a,$^) -o $@ $(LDFLAGS) $(LIBS) -lcmocka

# Measuring programs; the figures of docs/ say which command made them.
$(B)/bench/%: bench/%.c $(B)/libstrait.a
	@mkdir -p $(@D)
	$(CC) $(STD) $(WARN) $(CPPFLAGS_ALL) $(CPPFLAGS) $(CFLAGS) $(SAN) -MMD -MP $< $(B)/libstrait.a -o $@ $(LDFLAGS) $(LIBS)

bench: $(patsubst %.c,$(B)/%,$(wildcard bench/*.c))

tests: $(TESTS)

test: all tests
	@tests/run.sh $(B) $(TESTS)

check-includes:
	@tests/check_includes.sh

format:
	clang-format -i $(wildcard src/*/*.[ch] src/*/*/*.[ch] include/*.h tests/*.[ch])

clean:
	rm -rf $(B)

-include $(LIBOBJ:.o=.d) $(CLIOBJ:.o=.d) $(addsuffix .d,$(TESTS))
