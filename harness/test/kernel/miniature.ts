// SPDX-License-Identifier: MIT
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * A tree that looks like a kernel's to those who build it, and takes a second: its Makefile understands O=,
 * allnoconfig with KCONFIG_ALLCONFIG, vmlinux, Image, modules and modules_install, and compiles two C files
 * through CC the way kbuild does (`.X.o.cmd` after X.o).
 */
const MAKEFILE = `VERSION = 6
PATCHLEVEL = 12
SUBLEVEL = 7
EXTRAVERSION =

OBJECTS = $(O)/init/main.o $(O)/mm/heap.o

allnoconfig:
	@mkdir -p $(O)/include/config
	@ln -sfn $(CURDIR) $(O)/source
	@grep -E '^CONFIG_' $(KCONFIG_ALLCONFIG) | grep -E "^CONFIG_($$(sed -n 's/^config //p' $(CURDIR)/lib/Kconfig | paste -sd'|'))=" > $(O)/.config || true
	@echo "$(VERSION).$(PATCHLEVEL).$(SUBLEVEL)$(LOCALVERSION)" > $(O)/include/config/kernel.release

$(O)/%.o: $(CURDIR)/%.c $(O)/.config-used
	@mkdir -p $(@D)
	@echo "  CC      $*.o"
	@echo "$*" >> PARENT/built.log
	@test ! -f PARENT/slow || sleep 30
	@$(CC) -c -o $@ $<
	@echo "savedcmd_$*.o := $(CC)" > $(@D)/.$(@F).cmd

include $(wildcard $(O)/init/.*.cmd $(O)/mm/.*.cmd)

$(O)/.config-used: FORCE
	@cmp -s $(O)/.config $@ || cp $(O)/.config $@

vmlinux Image: $(OBJECTS)
	@echo "  LD      $@"
	@mkdir -p $(O)/arch/arm64/boot
	@$(CROSS_COMPILE)ld -o $(O)/vmlinux -e main $(OBJECTS)
	@cp $(O)/vmlinux $(O)/arch/arm64/boot/Image

modules: FORCE
	@echo "drivers/selftest.o" > $(O)/modules.order

modules_install:
	@mkdir -p $(INSTALL_MOD_PATH)/lib/modules/6.12.7/kernel
	@echo ko > $(INSTALL_MOD_PATH)/lib/modules/6.12.7/kernel/selftest.ko
	@ln -s $(O) $(INSTALL_MOD_PATH)/lib/modules/6.12.7/build

FORCE:
.PHONY: FORCE allnoconfig vmlinux Image modules modules_install
`;

const KCONFIG = `config HEAPS
	bool "Heaps"
	depends on MODULES
config MODULES
	bool "Modules"
`;

/** Writes the tree into a folder `linux`; what is compiled is logged in `built.log` beside it. */
export function writeMiniature(parent: string): string {
	const tree = join(parent, 'linux');
	const files: Record<string, string> = {
		Makefile: MAKEFILE.replaceAll('PARENT', parent),
		Kconfig: 'source "lib/Kconfig"\n',
		'lib/Kconfig': KCONFIG,
		'init/main.c': 'int heap(void);\nint main(void) { return heap(); }\n',
		'mm/heap.c': 'int heap(void) { return 1; }\n',
		'kernel/configs/tiny.config': '# CONFIG_MODULES is not set\n',
		'.gitignore': '*.o\n',
	};
	for (const [name, text] of Object.entries(files)) {
		mkdirSync(join(tree, name, '..'), { recursive: true });
		writeFileSync(join(tree, name), text);
	}
	return tree;
}

/** A project whose profile asks for what the miniature has. */
export function writeProject(parent: string, fragment = 'CONFIG_MODULES=y\nCONFIG_HEAPS=y\n'): string {
	const root = join(parent, 'project');
	mkdirSync(join(root, 'kernels', 'fragments'), { recursive: true });
	writeFileSync(join(root, 'kernels', 'fragments', 'base.config'), fragment);
	writeFileSync(join(root, 'kernels', 'fragments', 'debug.config'), 'CONFIG_HEAPS=n\n');
	writeFileSync(
		join(root, 'kernels', 'catalogue.yaml'),
		`keyring: { path: /k.gpg, package: k }
suites: [trixie]
series: {}
newest: [trixie]
toolchain: [trixie]
profiles:
  conformance: { summary: small, fragments: [base] }
  debug: { summary: large, fragments: [base, debug] }
`,
	);
	return root;
}

export function git(directory: string, ...args: string[]): string {
	return execFileSync('git', ['-C', directory, '-c', 'user.name=x', '-c', 'user.email=x@example.org', ...args], {
		encoding: 'utf8',
		stdio: ['ignore', 'pipe', 'pipe'],
	}).trim();
}

/** Puts a folder under git, with one commit. */
export function commitAll(directory: string, message = 'all'): string {
	git(directory, 'init', '-q', '-b', 'main');
	git(directory, 'add', '-A');
	git(directory, 'commit', '-q', '-m', message);
	return git(directory, 'rev-parse', 'HEAD');
}
