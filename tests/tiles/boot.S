/* boot.S - from a multiboot loader to 64-bit C: memory mapped as it is, SSE, AVX-512 and tiles switched on, thread-local storage. */
.section .multiboot, "a"
.align 4
.long 0x1BADB002, 0, -(0x1BADB002)

.section .text.start, "ax"
.code32
.globl _start
_start:
    cli
    mov $stack_top, %esp
    mov $directory, %eax /* 1 GiB in pages of 2 MiB: present, writable */
    or $3, %eax
    mov %eax, table
    mov $table, %eax
    or $3, %eax
    mov %eax, top
    mov $directory, %edi
    mov $0x83, %eax
    mov $512, %ecx
1:  mov %eax, (%edi)
    add $0x200000, %eax
    add $8, %edi
    loop 1b
    mov $top, %eax
    mov %eax, %cr3
    mov %cr4, %eax
    or $0x40620, %eax /* PAE, OSFXSR, OSXMMEXCPT, OSXSAVE */
    mov %eax, %cr4
    mov $0xC0000080, %ecx /* EFER.LME */
    rdmsr
    or $0x100, %eax
    wrmsr
    mov %cr0, %eax
    and $~0xc, %eax /* no emulation, no task switch trap */
    or $0x80000003, %eax
    mov %eax, %cr0
    lgdt descriptor
    ljmp $8, $wide
.code64
wide:
    mov $16, %ax
    mov %ax, %ds
    mov %ax, %es
    mov %ax, %ss
    mov $stack_top, %rsp
    xor %ecx, %ecx
    xor %edx, %edx
    mov $0x600e7, %eax /* XCR0: x87, SSE, AVX, AVX-512, tile configuration and data */
    xsetbv
    mov $0xC0000100, %ecx /* FS base: behind the thread's variables, where its own address stands */
    mov $thread_end, %eax
    wrmsr
    mov $thread_end, %rax
    mov %rax, thread_end
    call main
2:  hlt
    jmp 2b

.align 8
segments: .quad 0, 0x00af9a000000ffff, 0x00cf92000000ffff
descriptor:
    .word 23
    .long segments

.bss
.align 4096
top: .skip 4096
table: .skip 4096
directory: .skip 4096
.skip 1 << 20
stack_top:
.align 64
.skip 64 << 10
thread_end: .skip 64
.section .note.GNU-stack, "", @progbits
