// SPDX-License-Identifier: MIT
#define _GNU_SOURCE
#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ktap.h"
#include "compat32.h"

/* The program's place in its own memory: headers and code on the first kilobyte, then the request.
 */
#define LOAD_ADDRESS	0x10000
#define REQUEST_ADDRESS 0x10400
#define MEMORY_BYTES	0x800
#define TARGET_FD	3
#define FD_LIMIT	1024

/* What goes to the program on descriptor 0 and comes back on descriptor 1. */
struct request {
	uint32_t command;
	int32_t result; /* as the system call gave it: -errno, or the value */
	uint8_t argument[COMPAT32_ARGUMENT_BYTES];
};

/*
 * for (;;) {
 *	if (read(0, request, 32) != 32)
 *		exit(0);
 *	request->result = ioctl(3, request->command, &request->argument);
 *	write(1, request, 32);
 * }
 */
#if defined(__x86_64__) || defined(__i386__)
#define MACHINE	  EM_386
#define ELF_FLAGS 0
static const uint8_t code[] = {
	0xb8, 3,	 0,    0,    0,		 /* loop: mov eax, 3 (read) */
	0x31, 0xdb,				 /* xor ebx, ebx */
	0xb9, 0x00,	 0x04, 0x01, 0x00,	 /* mov ecx, request */
	0xba, 32,	 0,    0,    0,		 /* mov edx, 32 */
	0xcd, 0x80,				 /* int 0x80 */
	0x83, 0xf8,	 32,			 /* cmp eax, 32 */
	0x75, 52,				 /* jne exit */
	0xb8, 54,	 0,    0,    0,		 /* mov eax, 54 (ioctl) */
	0xbb, TARGET_FD, 0,    0,    0,		 /* mov ebx, 3 */
	0x8b, 0x0d,	 0x00, 0x04, 0x01, 0x00, /* mov ecx, [request] */
	0xba, 0x08,	 0x04, 0x01, 0x00,	 /* mov edx, request + 8 */
	0xcd, 0x80,				 /* int 0x80 */
	0xa3, 0x04,	 0x04, 0x01, 0x00,	 /* mov [request + 4], eax */
	0xb8, 4,	 0,    0,    0,		 /* mov eax, 4 (write) */
	0xbb, 1,	 0,    0,    0,		 /* mov ebx, 1 */
	0xb9, 0x00,	 0x04, 0x01, 0x00,	 /* mov ecx, request */
	0xba, 32,	 0,    0,    0,		 /* mov edx, 32 */
	0xcd, 0x80,				 /* int 0x80 */
	0xeb, 0xb4,				 /* jmp loop */
	0xb8, 1,	 0,    0,    0,		 /* exit: mov eax, 1 (exit) */
	0x31, 0xdb,				 /* xor ebx, ebx */
	0xcd, 0x80,				 /* int 0x80 */
};
#elif defined(__aarch64__) || defined(__arm__)
#define MACHINE	  EM_ARM
#define ELF_FLAGS 0x05000000 /* EABI version 5 */
static const uint32_t code[] = {
	0xe3a04801, /* mov r4, #0x10000 */
	0xe3844b01, /* orr r4, r4, #0x400: the request */
	0xe3a00000, /* loop: mov r0, #0 */
	0xe1a01004, /* mov r1, r4 */
	0xe3a02020, /* mov r2, #32 */
	0xe3a07003, /* mov r7, #3 (read) */
	0xef000000, /* svc 0 */
	0xe3500020, /* cmp r0, #32 */
	0x1a00000b, /* bne exit */
	0xe3a00003, /* mov r0, #3 */
	0xe5941000, /* ldr r1, [r4] */
	0xe2842008, /* add r2, r4, #8 */
	0xe3a07036, /* mov r7, #54 (ioctl) */
	0xef000000, /* svc 0 */
	0xe5840004, /* str r0, [r4, #4] */
	0xe3a00001, /* mov r0, #1 */
	0xe1a01004, /* mov r1, r4 */
	0xe3a02020, /* mov r2, #32 */
	0xe3a07004, /* mov r7, #4 (write) */
	0xef000000, /* svc 0 */
	0xeaffffec, /* b loop */
	0xe3a00000, /* exit: mov r0, #0 */
	0xe3a07001, /* mov r7, #1 (exit) */
	0xef000000, /* svc 0 */
};
#endif

/* The program as an ELF file: two headers and the code, loaded as one piece. */
struct image {
	Elf32_Ehdr header;
	Elf32_Phdr segment;
	uint8_t code[sizeof(code)];
};

static int make_image(void)
{
	struct image image = {
		.header =
			{
				.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS32,
					    ELFDATA2LSB, EV_CURRENT},
				.e_type = ET_EXEC,
				.e_machine = MACHINE,
				.e_version = EV_CURRENT,
				.e_entry = LOAD_ADDRESS + offsetof(struct image, code),
				.e_phoff = offsetof(struct image, segment),
				.e_flags = ELF_FLAGS,
				.e_ehsize = sizeof(Elf32_Ehdr),
				.e_phentsize = sizeof(Elf32_Phdr),
				.e_phnum = 1,
			},
		.segment =
			{
				.p_type = PT_LOAD,
				.p_vaddr = LOAD_ADDRESS,
				.p_paddr = LOAD_ADDRESS,
				.p_filesz = sizeof(struct image),
				.p_memsz = MEMORY_BYTES,
				.p_flags = PF_R | PF_W | PF_X,
				.p_align = 0x10000,
			},
	};
	int fd = memfd_create("compat32", MFD_CLOEXEC);

	memcpy(image.code, code, sizeof(code));
	if (fd >= 0 && write(fd, &image, sizeof(image)) != (ssize_t)sizeof(image)) {
		close(fd);
		return -1;
	}
	return fd;
}

/* In a child: becomes the program. Returns only with errno. */
static void become_program(int image, int channel, int target)
{
	char *const arguments[] = {(char *)"compat32", NULL};
	/* Out of the way first: any of them may be one of the numbers to be taken. */
	int safe_channel = fcntl(channel, F_DUPFD_CLOEXEC, 10);
	int safe_target = fcntl(target, F_DUPFD_CLOEXEC, 10);
	int safe_image = fcntl(image, F_DUPFD_CLOEXEC, 10);

	if (dup2(safe_channel, 0) < 0 || dup2(safe_channel, 1) < 0 ||
	    dup2(safe_target, TARGET_FD) < 0)
		return;
	/* It starts with 0 to 3 and nothing else, whatever this process was given. */
	for (int fd = TARGET_FD + 1; fd < FD_LIMIT; fd++)
		if (fd != safe_image)
			close(fd);
	syscall(SYS_execveat, safe_image, "", arguments, arguments + 1, AT_EMPTY_PATH);
}

bool compat32_runs(char *why, size_t size)
{
	int image = make_image();
	int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
	int status = -1;
	pid_t child = fork();

	if (child == 0) {
		become_program(image, nothing, nothing);
		_exit(errno);
	}
	if (child > 0)
		waitpid(child, &status, 0);
	close(image);
	close(nothing);
	if (status == 0)
		return true;
	if (WIFEXITED(status))
		snprintf(why, size, "executing a 32-bit program: %s",
			 fp_errno_name(WEXITSTATUS(status)));
	else
		snprintf(why, size, "a 32-bit program does not run to its end");
	return false;
}

struct compat32 compat32_start(int fd)
{
	struct compat32 program;
	int image = MUST(make_image());
	int ends[2];

	MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends));
	program.channel = ends[0];
	program.pid = MUST(fork());
	if (program.pid == 0) {
		become_program(image, ends[1], fd);
		_exit(errno);
	}
	close(ends[1]);
	close(image);
	return program;
}

int compat32_ioctl(const struct compat32 *program, uint32_t command,
		   uint8_t argument[COMPAT32_ARGUMENT_BYTES])
{
	struct request request = {.command = command};

	memcpy(request.argument, argument, sizeof(request.argument));
	EXPECT_EQ(write(program->channel, &request, sizeof(request)), sizeof(request));
	EXPECT_EQ(read(program->channel, &request, sizeof(request)), sizeof(request));
	memcpy(argument, request.argument, sizeof(request.argument));
	if (request.result >= 0)
		return request.result;
	errno = -request.result;
	return -1;
}

void compat32_stop(struct compat32 *program)
{
	int status;

	close(program->channel);
	MUST(waitpid(program->pid, &status, 0));
	EXPECT_EQ(status, 0);
}
